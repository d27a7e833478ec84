// What a chart says at one time: followed by the mouse, a finger, and the arrow keys, and spoken. A part of the time is chosen by dragging the
// mouse, or between two fingers.

import { replace, svg } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { say } from "../app/notice.js";
import { valueAt } from "./steps.js";

const MIN_BRUSH_PIXELS = 8;
const NEAR_PIXELS = 5;
const LINE = 18;
const MAX_EVENTS = 5;

export function crosshair(chart) {
  const layer = svg("g.crosshair");
  const { plot } = chart;
  // The seconds of the pointers that are down.
  const down = new Map();
  let second;
  let brush;

  const width = () => plot.viewBox.baseVal.width;
  const clamp = (value) => Math.min(chart.view[1], Math.max(chart.view[0], value));

  // What is known at the crosshair: [name, text, series, value], and what happened near to it.
  function found() {
    const value = (series) => {
      const known = valueAt(series, chart.data.gaps, second);
      return [t(`series.${series.name}`), known === undefined ? t("chart.unknown") : chart.text(series.unit, known), series, known];
    };
    const isNear = ({ at }) => Math.abs(chart.x(at) - chart.x(second)) <= NEAR_PIXELS;
    return { time: format.dateTime(chart.timeOf(second)), values: chart.shown().map(value), events: chart.data.events.filter(isNear).slice(0, MAX_EVENTS).map((event) => chart.eventText(event)) };
  }

  function redraw() {
    if (second === undefined) return replace(layer);
    const at = chart.x(second);
    const { time, values, events } = found();
    const span = (name, text) => svg(`tspan.${name}`, {}, text);
    const rows = [span("now", time), ...values.map(([name, text]) => [span("muted", `${name} `), span("now", text)]), ...events.map((text) => span("muted", text))];
    const tip = svg("g", {}, rows.map((row, n) => svg("text", { x: 8, y: (n + 1) * LINE }, row)));
    const dots = values.filter(([, , series, value]) => Number.isFinite(value) && chart.scale(series)).map(([, , series, value]) => svg(`circle.line.${series.name}`, { cx: at, cy: chart.scale(series)(value), r: 3.5 }));
    const edge = brush === undefined ? at : chart.x(brush);
    replace(layer, svg("rect.brush", { x: Math.min(edge, at), y: 12, width: Math.abs(edge - at), height: chart.bottom - 12 }), svg("line", { x1: at, x2: at, y1: 12, y2: chart.bottom }), dots, tip);
    const size = tip.getBBox().width + 16;
    const left = at > width() / 2 ? at - 10 - size : at + 10;
    tip.prepend(svg("rect.tip", { width: size, height: rows.length * LINE + 8, rx: 6 }));
    tip.setAttribute("transform", `translate(${Math.max(0, Math.min(width() - size, left))} 16)`);
  }

  function show(at) {
    second = at;
    redraw();
  }

  // The next time in a direction at which something shown changes or happens.
  function neighbour(direction) {
    const from = second ?? chart.view[direction > 0 ? 0 : 1];
    const times = [...chart.shown().flatMap((series) => series.at), ...chart.data.events.map(({ at }) => at)];
    return times.reduce((next, at) => ((at - from) * direction > 0 && (next - at) * direction > 0 ? at : next), chart.view[direction > 0 ? 1 : 0]);
  }

  const on = (kind, act) => plot.addEventListener(kind, (event) => chart.data && act(event));
  const pointed = (kind, act) => on(kind, (event) => {
    const box = plot.getBoundingClientRect();
    act(event, clamp(chart.x.invert(((event.clientX - box.left) / box.width) * width())));
  });

  on("keydown", (event) => {
    const moves = { ArrowLeft: () => neighbour(-1), ArrowRight: () => neighbour(1), Home: () => chart.view[0], End: () => chart.view[1], Escape: () => undefined };
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(moves[event.key]());
    if (second === undefined) return;
    const { time, values, events } = found();
    say([time, ...values.map(([name, text]) => `${name}: ${text}`), ...events].join(", "));
  });
  pointed("pointerdown", (event, at) => {
    // One finger moves the crosshair; a second one begins a part.
    brush = event.pointerType === "touch" ? [...down.values()][0] : at;
    down.set(event.pointerId, at);
    plot.setPointerCapture(event.pointerId);
    show(at);
  });
  pointed("pointermove", (event, at) => {
    if (down.has(event.pointerId)) down.set(event.pointerId, at);
    if (down.size > 1) brush = [...down].find(([id]) => id !== event.pointerId)[1];
    show(at);
  });
  pointed("pointerup", (event) => {
    const [from, to] = [brush ?? second, second].sort((a, b) => a - b);
    end(event);
    if (!(chart.x(to) - chart.x(from) >= MIN_BRUSH_PIXELS)) return;
    show(undefined);
    chart.zoom([chart.timeOf(from), chart.timeOf(to)]);
  });
  on("pointercancel", end);
  // A finger that is lifted leaves the crosshair where it was.
  on("pointerleave", (event) => event.pointerType !== "touch" && brush === undefined && show(undefined));
  on("dblclick", () => chart.zoom(null));

  function end(event) {
    down.delete(event.pointerId);
    brush = undefined;
    redraw();
  }

  return { layer, redraw };
}
