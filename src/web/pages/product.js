// One product: what its price means, its chart, and what follows from its history.

import { action } from "../app/action.js";
import { crawl, products } from "../app/api.js";
import { confirmed } from "../app/dialog.js";
import { h, icon, renew, replace } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { keys } from "../app/keys.js";
import { listen } from "../app/live.js";
import { notice, showError } from "../app/notice.js";
import { outwards, stock } from "../app/parts.js";
import { go, query, setQuery } from "../app/router.js";
import { Chart } from "../chart/chart.js";
import { picture } from "./picture.js";
import { sections } from "./product-sections.js";
import { shareButton } from "./share.js";
import { verdictOf } from "./verdict.js";

const DAYS = { "7d": 7, "30d": 30, "90d": 90, "180d": 180, "1y": 365, all: 3650 };
const RANGES = Object.keys(DAYS);
const DEFAULT_RANGE = "90d";
const DAY_MILLIS = 864e5;
// Changes are gathered for so long, and what follows from them is read not more often than so. Requests are limited.
const GATHER_MILLIS = 2000;
const FOLLOW_MILLIS = 15e3;

class ProductPage {
  constructor(view, id) {
    this.view = view;
    this.id = id;
    // { range }, or { from, to }.
    this.span = query();
    if (!this.span.from && !DAYS[this.span.range]) this.span = { range: DEFAULT_RANGE };
    this.chart = new Chart({ zoom: (span) => this.zoom(span) });
    this.head = h("header.product-head");
    this.problem = h("div");
    this.verdict = h("p.verdict", { role: "status" });
    this.ranges = h("div.ranges", { role: "group", "aria-label": t("chart.range") });
    this.facts = h("dl.facts.short");
    this.files = h("div.files");
    this.chart.element.append(this.files);
    this.sections = sections(this);
    this.reloaded = Date.now();
  }

  async render() {
    replace(this.view, this.head, this.problem, this.verdict, this.facts, this.ranges, this.chart.element);
    this.drawRanges();
    await this.loadProduct();
    await Promise.all([this.loadChart(), this.loadInsight()]);
    // What is below the chart is not near to being seen any more.
    this.view.append(this.sections.element);
  }

  async loadProduct() {
    const product = await products.get(this.id);
    this.product = product;
    const { price, list_price: list, ranks: [rank], availability } = product;
    const name = product.label ?? product.title ?? product.asin;
    document.title = `${name} · amazon-tracker`;
    const isPaused = product.status === "paused";
    const at = (key, time) => time && t(key, { at: format.relative(time) });
    const facts = [
      stock(availability),
      product.seller && t("product.sold_by", { seller: product.seller }),
      rank && t("product.rank_in", { rank: format.integer(rank.rank), category: rank.category }),
      product.rating && t("product.rated", { stars: format.decimal(product.rating), count: format.integer(product.review_count) }),
      product.coupon,
      at("product.checked", product.checked_at) ?? t("product.not_yet"),
      !isPaused && at("product.next", product.next_crawl_at),
    ];
    const badge = (isOn, key) => isOn && h("span.badge", {}, t(key));
    renew(
      this.head,
      picture(product),
      h("div", {},
        h("h1", {}, name),
        h("p.about", {}, `${product.asin} · amazon.${product.marketplace}`, badge(isPaused, "status.paused"), badge(product.is_competitor, "product.competitor"), product.tags.map((tag) => h("span.tag", {}, tag))),
        h("p.about.dots", {}, facts.filter(Boolean).map((fact) => h("span", {}, fact)))),
      h("p.price", {}, format.money(price), list?.amount_minor > price?.amount_minor && h("s", {}, format.money(list)), product.is_stale && h("small", {}, at("product.price_of", product.price_as_of))),
      h("div.actions", {},
        action("bulk.crawl", () => this.crawl(), { icon: "crawl" }), action("product.edit", () => this.edit(), { icon: "edit" }), shareButton(this.id),
        isPaused ? action("bulk.resume", () => this.change({ status: "active" }), { icon: "resume" }) : action("bulk.pause", () => this.change({ status: "paused" }), { icon: "pause" }),
        action("action.delete", () => this.remove(), { icon: "delete" }),
        outwards(product.url, t("product.on_amazon"))),
    );
    const { failure } = product;
    const warning = (...content) => h("p.warning", {}, icon("failing"), h("span", {}, content));
    replace(
      this.problem,
      failure && warning(
        t(`outcome.${failure.reason}`), ". ", at("product.failing_since", failure.since), " ",
        failure.is_parked ? [t("product.parked"), " ", action("product.release", () => this.act(() => products.release(this.id)), { icon: "resume" })] : at("product.next_attempt", failure.next_attempt_at)),
      product.is_held && warning(t("product.held")),
    );
  }

  async loadChart() {
    this.reading?.abort();
    this.reading = new AbortController();
    const columns = Math.min(2000, Math.max(200, this.chart.element.clientWidth));
    const data = await products.chart(this.id, { ...this.span, columns }, this.reading.signal);
    this.chart.update(data);
    const { stats: { low, high, average_minor: average }, currency } = data;
    const fact = (key, amount_minor, at) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, format.money({ amount_minor, currency }), at !== undefined && h("small", {}, format.date(this.chart.timeOf(at)))));
    replace(this.facts, low && fact("product.low", low.amount_minor, low.at), low && fact("product.average", average), high && fact("product.high", high.amount_minor, high.at));
    [this.from.valueAsNumber, this.to.valueAsNumber] = this.chart.view.map((second) => format.clockAt(this.chart.timeOf(second)));
  }

  async loadInsight() {
    this.insight = await products.insight(this.id);
    const { text, confidence, isGood } = verdictOf(this.insight);
    this.verdict.classList.toggle("good", Boolean(isGood));
    replace(this.verdict, h("b", {}, text), h("small", {}, confidence));
    this.sections.refresh(["insight"]);
  }

  choose(span) {
    this.span = span;
    setQuery({ ...span, range: span.range === DEFAULT_RANGE ? undefined : span.range });
    this.drawRanges();
    this.loadChart().catch(showError);
  }

  // Shows the time between two times; null: the range that was shown before.
  zoom(span) {
    this.choose(span ? { from: span[0].toISOString(), to: span[1].toISOString() } : { range: this.range ?? DEFAULT_RANGE });
  }

  drawRanges() {
    const { range, from } = this.span;
    this.range = range ?? this.range;
    const choice = (name) => h("button", { type: "button", "aria-pressed": String(name === range), onclick: () => this.choose({ range: name }) }, t(`range.${name}`));
    // Both days are part of what is shown.
    const dated = () => {
      const [first, last] = [this.from.valueAsNumber, this.to.valueAsNumber];
      if (first <= last && first < Date.now()) this.zoom([first, last + DAY_MILLIS].map((clock) => new Date(format.timeOfClock(clock))));
    };
    [this.from, this.to] = ["range.from", "range.to"].map((key) => h("input", { type: "date", "aria-label": t(key), onchange: dated }));
    replace(this.ranges, RANGES.map(choice), h("span.dates", {}, this.from, "–", this.to), from && action("chart.reset", () => this.zoom(null), { icon: "ended" }));
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    const picture = { series: "price,sales_rank", width: 1200, height: 480, days: DAYS[range] ?? Math.min(DAYS.all, Math.ceil((Date.now() - new Date(from)) / DAY_MILLIS)), theme: scheme === "light dark" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : scheme };
    const file = (kind) => h("a.button", { href: products[kind](this.id, picture), download: `${this.id}.${kind}` }, kind.toUpperCase());
    replace(this.files, t("chart.download"), ["csv", "png", "svg"].map(file));
  }

  // Does something, and shows what has changed.
  act(perform) {
    return perform().then(() => this.loadProduct()).catch(showError);
  }

  change(changes) {
    return this.act(() => products.change(this.id, changes));
  }

  edit() {
    return this.act(async () => (await import("./product-edit.js")).editDialog(this.product, () => this.loadProduct()));
  }

  async remove() {
    if (!(await confirmed(t("product.delete_question"), t("action.delete")))) return;
    await products.remove(this.id).then(() => go("/"), showError);
  }

  crawl() {
    notice(t("product.crawling"));
    return this.act(async () => {
      const { items: [{ status, outcome }] } = await crawl.now([this.id]);
      notice(t(outcome ? `outcome.${outcome}` : "product.crawl_waits"), { isError: status === "failed" });
      await this.reload();
    });
  }

  reload() {
    this.reloaded = Date.now();
    this.sections.refresh();
    return Promise.all([this.loadChart(), this.loadInsight()]);
  }

  heard({ kind, data }) {
    const isOurs = kind === "reset" || (kind === "change" && (data.product_ids ?? [data.product_id]).includes(this.id));
    if (!isOurs) return;
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.act(() => (Date.now() - this.reloaded > FOLLOW_MILLIS ? this.reload() : this.loadChart()));
    }, GATHER_MILLIS);
  }

  keys() {
    return [
      { key: "b", does: "keys.board", act: () => go("/") },
      { key: "c", does: "keys.crawl", act: () => this.crawl() },
      { key: "e", does: "product.edit", act: () => this.edit() },
      { key: "r", does: "keys.reset", act: () => this.zoom(null) },
      { key: "t", does: "keys.table", act: () => { this.chart.table.open = !this.chart.table.open; } },
      ...RANGES.map((range, n) => ({ key: String(n + 1), does: `range.${range}`, act: () => this.choose({ range }) })),
    ];
  }

  end() {
    clearTimeout(this.gathering);
    this.reading?.abort();
    this.chart.end();
    this.sections.end();
  }
}

export const productPage = {
  title: "product.title",
  async render(view, { id }) {
    const page = new ProductPage(view, id);
    const stops = [listen((event) => page.heard(event)), keys(page.keys()), () => page.end()];
    await page.render().catch((error) => (error.status === 404 ? replace(view, h("p.empty", {}, t("product.gone"))) : showError(error)));
    return () => stops.forEach((stop) => stop());
  },
};
