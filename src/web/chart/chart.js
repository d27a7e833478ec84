// The chart of a product in true time: prices on the left axis, the rank on the right one, and a strip below them for each other number.

import { h, replace, svg } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { crosshair } from "./crosshair.js";
import { linear, ticks, timeTicks, withoutOutliers } from "./scale.js";
import { stepPath } from "./steps.js";
import { dataTable } from "./table.js";

const TOP = 12;
const BASE = 312;
const STRIP = 48;
const GAP = 14;
const DIGIT = 7.5;

// What happened, each kind with a shape of its own.
const SHAPES = { alert: "M0-5L5 4H-5z", content: "M-4-4H4V4H-4z", out_of_stock: "M-4-4L4 4M4-4L-4 4", back_in_stock: "M-4 0L-1 3L4-4", seller: "M0-5L5 0L0 5L-5 0z" };

const mark = (kind, ...content) => svg(`path.event.${kind}`, { d: SHAPES[kind] }, content);
const extent = (values) => [Math.min(...values), Math.max(...values)];
const known = ({ values }) => values.filter((value) => value !== null);
const isMoney = ({ unit }) => unit === "money";
const isRank = ({ unit }) => unit === "rank";
const isStrip = (series) => !isMoney(series) && !isRank(series);

// update(data) takes an answer of /chart, with times in seconds since its `from`. `zoom` gets the times between which the user wants to see
// more, or null for all.
export class Chart {
  constructor({ zoom = () => {} }) {
    this.zoom = zoom;
    this.clips = true;
    this.hidden = new Set(["review_count"]);
    this.plot = svg("svg.plot", { role: "img", tabindex: "0" });
    this.legend = h("ul.legend");
    this.table = h("details", { ontoggle: () => this.drawTable() }, h("summary", {}, t("chart.table")));
    this.element = h("figure.chart", {}, this.legend, this.plot, this.table);
    this.crosshair = crosshair(this);
    this.sizes = new ResizeObserver(() => this.data && this.draw());
    this.sizes.observe(this.element);
  }

  update(data) {
    this.data = data;
    this.start = new Date(data.from).getTime();
    this.view = [0, (new Date(data.to) - this.start) / 1000];
    // Of the ranks that of the main category, which is the highest. The table has all of them.
    const highest = (series) => Math.max(0, ...known(series));
    const rank = data.series.filter(isRank).sort((a, b) => highest(b) - highest(a))[0];
    this.series = data.series.filter((series) => !isRank(series) || series === rank);
    this.draw();
    this.drawTable();
  }

  timeOf(second) {
    return new Date(this.start + second * 1000);
  }

  shown(isWanted = () => true) {
    return this.series.filter((series) => !this.hidden.has(series.name) && isWanted(series));
  }

  text(unit, value) {
    if (value === null) return t("chart.none");
    if (unit === "money") return format.money({ amount_minor: value, currency: this.data.currency });
    if (unit === "stars") return format.decimal(value);
    return unit === "rank" ? `#${format.integer(value)}` : format.integer(value);
  }

  eventText({ kind, text }) {
    // Of a rule without a name the text is the kind, for programs.
    const what = { alert: /^[a-z]+(_[a-z]+)+$/.test(text) ? "" : text, seller: text, content: text.split(", ").map((field) => t(`content.${field}`)).join(", ") }[kind];
    return t(`event.${kind}`) + (what ? `: ${what}` : "");
  }

  // The scale of a series.
  scale(series) {
    return this.y[isStrip(series) ? series.name : series.unit];
  }

  // A scale from and to a pixel for the values of some series; undefined without any.
  scaleOf(series, pixels, more = []) {
    const values = [...more, ...series.flatMap(known)];
    if (values.length === 0) return undefined;
    const [low, high] = this.clips ? withoutOutliers(values) : extent(values);
    const pad = (high - low || high || 1) * 0.06;
    return linear([Math.max(0, low - pad), high + pad], pixels);
  }

  draw() {
    const width = Math.max(280, this.element.clientWidth - 16);
    const { series, gaps, events, targets, currency } = this.data;
    const prices = this.shown(isMoney);
    const strips = this.shown(isStrip).map((one, n) => ({ one, top: BASE + GAP + n * (STRIP + GAP) }));
    this.y = { money: this.scaleOf(prices, [BASE, TOP], prices.length ? targets.map((target) => target.amount_minor) : []), rank: this.scaleOf(this.shown(isRank), [TOP, BASE]) };
    for (const { one, top } of strips) this.y[one.name] = this.scaleOf([one], [top + STRIP, top]);
    const labels = (scale, text) => (scale ? ticks(scale.domain).filter((value) => value >= 1).map((value) => ({ y: scale(value), text: text(value) })) : []);
    const left = labels(this.y.money, (amount_minor) => format.money({ amount_minor, currency }, { trailingZeroDisplay: "stripIfInteger" }));
    const right = labels(this.y.rank, (rank) => `#${format.compact(rank)}`);
    const margin = (of) => Math.max(18, ...of.map(({ text }) => text.length * DIGIT + 14));
    const [x, end] = [margin(left), width - margin(right)];
    const bottom = BASE + strips.length * (STRIP + GAP);
    this.bottom = bottom;
    this.x = linear(this.view, [x, end]);
    const attributes = { viewBox: `0 0 ${width} ${bottom + 26}`, width, height: bottom + 26, "aria-label": this.sentence() };
    for (const [name, value] of Object.entries(attributes)) this.plot.setAttribute(name, value);

    const across = (y, name) => svg(`line.${name}`, { x1: x, x2: end, y1: y, y2: y });
    const write = (x, y, anchor, text, name = "tick") => svg(`text.${name}`, { x, y, "text-anchor": anchor }, text);
    const { unit, at } = timeTicks(this.view.map((second) => this.start + second * 1000), Math.max(2, Math.floor((end - x) / 90)), format);
    const times = at.map((time) => {
      const at = this.x((time - this.start) / 1000);
      return [svg("line.grid", { x1: at, x2: at, y1: TOP, y2: bottom }), write(at, bottom + 18, "middle", format.tick(time, unit))];
    });
    const title = ({ one, top }) => write(x + 4, top + 12, "start", `${t(`series.${one.name}`)} ${[...new Set(extent(known(one)))].map((value) => this.text(one.unit, value)).join(" – ")}`, "title");
    const gap = ([from, to]) => svg("rect", { x: this.x(from), y: TOP, width: Math.max(1, this.x(to) - this.x(from)), height: bottom - TOP, fill: "url(#hatch)" }, svg("title", {}, t("chart.gap")));
    const line = (one) => this.scale(one) && svg(`path.line.${one.name}`, { d: stepPath(one, this.view[1], this.x, this.scale(one)) });
    const target = ({ amount_minor }) => [across(this.y.money(amount_minor), "target"), write(end - 4, this.y.money(amount_minor) - 5, "end", t("chart.target", { price: this.text("money", amount_minor) }), "target")];
    const event = (one) => svg("g", { transform: `translate(${this.x(one.at)} ${BASE - 8})` }, mark(one.kind, svg("title", {}, `${format.dateTime(this.timeOf(one.at))}: ${this.eventText(one)}`)));
    replace(
      this.plot,
      svg("defs", {}, HATCH.cloneNode(true), svg("clipPath", { id: "inner" }, svg("rect", { x, y: TOP, width: end - x, height: bottom - TOP }))),
      svg("g", { "aria-hidden": "true" }, left.map(({ y }) => across(y, "grid")), left.map(({ y, text }) => write(x - 8, y + 4, "end", text)), right.map(({ y, text }) => write(end + 8, y + 4, "start", text)), strips.map(({ top }) => svg("rect.strip", { x, y: top, width: end - x, height: STRIP })), times),
      gaps.map(gap),
      // The price lies above everything else.
      svg("g", { "clip-path": "url(#inner)" }, this.shown().reverse().map(line), this.y.money && targets.map(target)),
      strips.map(title), events.map(event),
      series.length === 0 && write((x + end) / 2, BASE / 2, "middle", t("chart.empty"), "none"),
      this.crosshair.layer,
    );
    this.drawLegend();
    this.crosshair.redraw();
  }

  sentence() {
    const price = this.series.find(({ name }) => name === "price");
    if (!price || known(price).length === 0) return t("chart.empty");
    const [low, high] = extent(known(price)).map((value) => this.text("money", value));
    return t("chart.sentence", { from: format.date(this.data.from), to: format.date(this.data.to), low, high });
  }

  drawLegend() {
    const sample = (box, content) => svg("svg.sample", { viewBox: box, "aria-hidden": "true" }, content);
    const toggle = (isOn, act, ...content) => h("li", {}, h("button.plain.key", { type: "button", "aria-pressed": String(isOn), onclick: () => { act(); this.draw(); } }, content));
    const entry = ({ name }) => {
      const isOn = !this.hidden.has(name);
      return toggle(isOn, () => this.hidden[isOn ? "add" : "delete"](name), sample("0 0 24 8", svg(`path.line.${name}`, { d: "M0 4H24" })), t(`series.${name}`));
    };
    const kinds = new Set(this.data.events.map(({ kind }) => kind));
    replace(
      this.legend, this.series.map(entry), toggle(this.clips, () => { this.clips = !this.clips; }, t("chart.clip")),
      [...kinds].map((kind) => h("li.muted", {}, sample("-12 -6 24 12", mark(kind)), t(`event.${kind}`))),
    );
  }

  drawTable() {
    if (this.table.open && this.data) replace(this.table, this.table.firstChild, dataTable(this));
  }

  end() {
    this.sizes.disconnect();
  }
}

const HATCH = svg("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("line.hatch", { x1: 0, y1: 0, x2: 0, y2: 6 }));
