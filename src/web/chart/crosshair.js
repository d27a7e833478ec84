// What a chart says at one time: followed by the mouse, a finger, and the arrow keys, and spoken.

import { replace, svg } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { say } from "../app/notice.js";
import { valueAt } from "./steps.js";

const MIN_BRUSH_PIXELS = 8;

export function crosshair(chart) {
  const layer = svg("g.crosshair");
  let second;
  let brush;

  const pixelOf = (event) => {
    const box = chart.plot.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * chart.plot.viewBox.baseVal.width;
  };
  const clamp = (value) => Math.min(chart.view[1], Math.max(chart.view[0], value));

  function lines() {
    return chart
      .drawn()
      .filter((series) => !chart.hidden.has(series.name))
      .map((series) => {
        const value = valueAt(series, chart.data.gaps, second);
        return `${t(`series.${series.name}`)}: ${value === undefined ? t("chart.unknown") : chart.text(series.unit, value)}`;
      });
  }

  function redraw() {
    if (second === undefined) return replace(layer);
    const at = chart.x(second);
    const texts = [format.dateTime(chart.timeOf(second)), ...lines()];
    const isLeft = at > chart.plot.viewBox.baseVal.width / 2;
    const text = texts.map((line, n) => svg("text", { x: isLeft ? at - 10 : at + 10, y: 30 + n * 18, "text-anchor": isLeft ? "end" : "start" }, line));
    const band = brush !== undefined && svg("rect.brush", { x: Math.min(chart.x(brush), at), y: 12, width: Math.abs(chart.x(brush) - at), height: chart.plot.viewBox.baseVal.height - 40 });
    replace(layer, band, svg("line", { x1: at, x2: at, y1: 12, y2: chart.plot.viewBox.baseVal.height - 28 }), text);
  }

  // The next time in a direction at which something shown changes.
  function neighbour(direction) {
    const from = second ?? chart.view[direction > 0 ? 0 : 1];
    const all = chart.drawn().filter((series) => !chart.hidden.has(series.name)).flatMap((series) => series.at);
    const beyond = all.filter((at) => (at - from) * direction > 0);
    return beyond.length === 0 ? from : clamp(direction > 0 ? Math.min(...beyond) : Math.max(...beyond));
  }

  function keyed(event) {
    const moves = { ArrowLeft: () => neighbour(-1), ArrowRight: () => neighbour(1), Home: () => chart.view[0], End: () => chart.view[1] };
    if (event.key === "Escape") second = undefined;
    else if (event.key in moves) second = moves[event.key]();
    else return;
    event.preventDefault();
    redraw();
    if (second !== undefined) say([format.dateTime(chart.timeOf(second)), ...lines()].join(", "));
  }

  chart.plot.addEventListener("pointermove", (event) => {
    second = clamp(chart.x.invert(pixelOf(event)));
    redraw();
  });
  chart.plot.addEventListener("pointerleave", (event) => {
    // A finger that is lifted leaves the crosshair where it was.
    if (event.pointerType === "touch" || brush !== undefined) return;
    second = undefined;
    redraw();
  });
  chart.plot.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") return;
    brush = clamp(chart.x.invert(pixelOf(event)));
    chart.plot.setPointerCapture(event.pointerId);
  });
  chart.plot.addEventListener("pointerup", (event) => {
    const from = brush;
    brush = undefined;
    if (from === undefined) return;
    const to = clamp(chart.x.invert(pixelOf(event)));
    if (Math.abs(chart.x(to) - chart.x(from)) >= MIN_BRUSH_PIXELS) chart.zoom([Math.min(from, to), Math.max(from, to)]);
    else redraw();
  });
  chart.plot.addEventListener("dblclick", () => chart.zoom(null));
  chart.plot.addEventListener("keydown", keyed);
  return { layer, redraw };
}
