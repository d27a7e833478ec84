// The chart of a product: prices on the left axis, the rank on the right one, in true time.

import { h, replace, svg } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { crosshair } from "./crosshair.js";
import { linear, ticks, timeTicks, withoutOutliers } from "./scale.js";
import { pieces, stepPath } from "./steps.js";
import { dataTable } from "./table.js";

const HEIGHT = 380;
const MARGIN = { top: 12, right: 64, bottom: 28, left: 72 };

// data: { from, to, currency, series: [{ name, unit: "money" | "rank" | "count" | "stars", at, values }], gaps, targets, events }, with
// times in seconds since `from`. Returns an object with `update(data)`, `reset()` and `element`.
export class Chart {
  constructor({ onrange }) {
    this.onrange = onrange;
    this.clips = true;
    this.hidden = new Set();
    this.plot = svg("svg.plot", { role: "img", height: HEIGHT, tabindex: "0" });
    this.legend = h("ul.legend");
    this.table = h("details.data", { ontoggle: () => this.drawTable() }, h("summary", {}, t("chart.table")));
    this.element = h("figure.chart", {}, this.legend, this.plot, this.table);
    this.sizes = new ResizeObserver(() => this.data && this.draw());
    this.sizes.observe(this.element);
    this.crosshair = crosshair(this);
  }

  update(data) {
    this.data = data;
    this.view = [0, (new Date(data.to) - new Date(data.from)) / 1000];
    this.draw();
    this.drawTable();
  }

  // Shows a part of what was read; null: all of it.
  zoom(view) {
    this.view = view ?? [0, (new Date(this.data.to) - new Date(this.data.from)) / 1000];
    this.onrange?.(view);
    this.draw();
  }

  timeOf(second) {
    return new Date(new Date(this.data.from).getTime() + second * 1000);
  }

  // Prices, and the rank in the main category, which is the one with the highest ranks. The table has all series.
  drawn() {
    const highest = ({ values }) => Math.max(0, ...values.filter((value) => value !== null));
    const ranks = this.data.series.filter((series) => series.unit === "rank").sort((a, b) => highest(b) - highest(a));
    return [...this.data.series.filter((series) => series.unit === "money"), ...ranks.slice(0, 1)];
  }

  shown(unit) {
    return this.drawn().filter((series) => series.unit === unit && !this.hidden.has(series.name));
  }

  text(unit, value) {
    if (value === null) return t("chart.none");
    if (unit === "money") return format.money({ amount_minor: value, currency: this.data.currency });
    return unit === "rank" ? `#${format.integer(value)}` : format.integer(value);
  }

  // The lowest and highest value of the series of an axis within the view.
  rangeOf(unit) {
    const values = [];
    for (const series of this.shown(unit)) {
      for (const piece of pieces(series, this.data.gaps, this.view[1])) {
        if (piece.to > this.view[0] && piece.from < this.view[1]) values.push(piece.value);
      }
    }
    if (unit === "money") values.push(...this.data.targets.map((target) => target.amount_minor));
    if (values.length === 0) return undefined;
    const [low, high] = this.clips ? withoutOutliers(values) : [Math.min(...values), Math.max(...values)];
    const pad = (high - low || high || 1) * 0.06;
    return [Math.max(0, low - pad), high + pad];
  }

  draw() {
    const width = Math.max(280, this.element.clientWidth);
    this.x = linear(this.view, [MARGIN.left, width - MARGIN.right]);
    const [bottom, top] = [HEIGHT - MARGIN.bottom, MARGIN.top];
    const [money, rank] = [this.rangeOf("money"), this.rangeOf("rank")];
    this.y = { money: money && linear(money, [bottom, top]), rank: rank && linear(rank, [top, bottom]) };
    this.plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.plot.setAttribute("width", width);
    this.plot.setAttribute("aria-label", this.sentence());
    const inner = { x: MARGIN.left, y: top, width: width - MARGIN.left - MARGIN.right, height: bottom - top };
    replace(
      this.plot,
      svg("defs", {}, hatch(), svg("clipPath", { id: "inner" }, svg("rect", inner))),
      this.grid(inner), this.gaps(inner), this.lines(), this.targets(inner), this.events(inner),
      this.crosshair.layer,
    );
    this.drawLegend();
    this.crosshair.redraw();
  }

  sentence() {
    const price = this.data.series.find((series) => series.name === "price");
    const known = price?.values.filter((value) => value !== null) ?? [];
    if (known.length === 0) return t("chart.empty");
    const [low, high] = [Math.min(...known), Math.max(...known)].map((value) => this.text("money", value));
    return t("chart.sentence", { from: format.date(this.data.from), to: format.date(this.data.to), low, high });
  }

  grid({ x, y, width, height }) {
    const parts = [];
    if (this.y.money) {
      for (const value of ticks(this.y.money.domain)) {
        const at = this.y.money(value);
        parts.push(svg("line.grid", { x1: x, x2: x + width, y1: at, y2: at }));
        parts.push(svg("text.tick", { x: x - 8, y: at + 4, "text-anchor": "end" }, this.text("money", Math.round(value))));
      }
    }
    if (this.y.rank) {
      for (const value of ticks(this.y.rank.domain).filter((value) => value >= 1)) {
        parts.push(svg("text.tick", { x: x + width + 8, y: this.y.rank(value) + 4 }, this.text("rank", Math.round(value))));
      }
    }
    const { step, at } = timeTicks(this.view, Math.max(2, Math.floor(width / 110)));
    for (const second of at) {
      parts.push(svg("text.tick", { x: this.x(second), y: y + height + 20, "text-anchor": "middle" }, step < 86400 ? format.dateTime(this.timeOf(second)) : format.date(this.timeOf(second))));
    }
    return svg("g", { "aria-hidden": "true" }, parts);
  }

  gaps({ y, height }) {
    const inView = this.data.gaps.filter(([from, to]) => to > this.view[0] && from < this.view[1]);
    const box = ([from, to]) => {
      const [left, right] = [this.x(Math.max(from, this.view[0])), this.x(Math.min(to, this.view[1]))];
      return svg("rect.gap", { x: left, y, width: Math.max(1, right - left), height, fill: "url(#hatch)" });
    };
    return svg("g", {}, inView.map(box));
  }

  lines() {
    const line = (series) => {
      const y = series.unit === "rank" ? this.y.rank : this.y.money;
      return y && svg(`path.line.${series.name}`, { d: stepPath(series, this.data.gaps, this.view, this.x, y) });
    };
    return svg("g", { "clip-path": "url(#inner)" }, [...this.shown("rank"), ...this.shown("money")].map(line));
  }

  targets({ x, width }) {
    if (!this.y.money) return null;
    const line = ({ amount_minor }) => {
      const at = this.y.money(amount_minor);
      return [
        svg("line.target", { x1: x, x2: x + width, y1: at, y2: at }),
        svg("text.target", { x: x + width - 4, y: at - 5, "text-anchor": "end" }, t("chart.target", { price: this.text("money", amount_minor) })),
      ];
    };
    return svg("g", { "clip-path": "url(#inner)" }, this.data.targets.map(line));
  }

  events({ y, height }) {
    const inView = this.data.events.filter(({ at }) => at >= this.view[0] && at <= this.view[1]);
    const mark = ({ at, kind, text }) =>
      svg(`path.event.${kind}`, { d: `M${this.x(at)} ${y + height}l-5 9h10z` }, svg("title", {}, `${format.dateTime(this.timeOf(at))}: ${text}`));
    return svg("g", {}, inView.map(mark));
  }

  drawLegend() {
    const entry = (series) => {
      const toggle = () => {
        this.hidden.has(series.name) ? this.hidden.delete(series.name) : this.hidden.add(series.name);
        this.draw();
      };
      const isShown = !this.hidden.has(series.name);
      return h("li", {}, h(`button.plain.key.${series.name}`, { type: "button", "aria-pressed": String(isShown), onclick: toggle }, t(`series.${series.name}`)));
    };
    const clip = h("button.plain", { type: "button", "aria-pressed": String(this.clips), onclick: () => { this.clips = !this.clips; this.draw(); } }, t("chart.clip"));
    const reset = h("button.plain", { type: "button", onclick: () => this.zoom(null) }, t("chart.reset"));
    replace(this.legend, this.drawn().map(entry), h("li", {}, clip), h("li", {}, reset));
  }

  drawTable() {
    if (!this.table.open || !this.data) return;
    replace(this.table, this.table.querySelector("summary"), dataTable(this));
  }

  end() {
    this.sizes.disconnect();
  }
}

function hatch() {
  return svg(
    "pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("line.hatch", { x1: 0, y1: 0, x2: 0, y2: 6 }),
  );
}
