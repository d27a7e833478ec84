// One product: what its price means, its chart, and what follows from its history.

import { alerts, crawl, products } from "../app/api.js";
import { h, icon, replace } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { keys } from "../app/keys.js";
import { listen } from "../app/live.js";
import { notice, showError } from "../app/notice.js";
import { go, query, setQuery } from "../app/router.js";
import { state } from "../app/state.js";
import { Chart } from "../chart/chart.js";
import { insightList } from "./insight-list.js";
import { verdictOf } from "./verdict.js";

const RANGES = ["7d", "30d", "90d", "180d", "1y", "all"];
const DEFAULT_RANGE = "90d";
const INSIGHT_DAYS = 90;
const GATHER_MILLIS = 1000;

class ProductPage {
  constructor(view, id) {
    this.view = view;
    this.id = id;
    this.range = RANGES.includes(query().range) ? query().range : DEFAULT_RANGE;
    this.chart = new Chart({ onrange: (view) => { this.isZoomed = view !== null; } });
    this.head = h("header.product-head");
    this.verdict = h("p.verdict", { role: "status" });
    this.ranges = h("div.ranges", { role: "group", "aria-label": t("chart.range") });
    this.facts = h("dl.facts.short");
    this.insight = h("div");
    this.alerts = h("ul.list");
  }

  async render() {
    replace(
      this.view,
      this.head, this.verdict, this.facts, this.ranges, this.chart.element,
      h("div.columns", {},
        h("section", {}, h("h2", {}, t("product.insight")), this.insight),
        h("section", {}, h("h2", {}, t("product.alerts")), this.alerts),
      ),
    );
    this.drawRanges();
    await Promise.all([this.loadProduct(), this.loadChart(), this.loadInsight(), this.loadAlerts()]).catch(showError);
  }

  async loadProduct() {
    const product = await products.get(this.id);
    this.product = product;
    const name = product.label ?? product.title ?? product.asin;
    document.title = `${name} · amazon-tracker`;
    const link = h("a.button", { href: product.url, target: "_blank", rel: "noopener noreferrer" }, t("product.on_amazon"));
    const now = h("button", { type: "button", onclick: () => this.crawl() }, icon("crawl"), t("bulk.crawl"));
    const price = h("p.price", {}, format.money(product.price), product.is_price_stale ? h("small", {}, " ", t("product.price_of", { at: format.relative(product.price_as_of) })) : null);
    const stock = h(`span.stock.${product.availability}`, {}, icon(`stock-${product.availability}`), t(`availability.${product.availability}`));
    const facts = [
      stock,
      product.seller && t("product.sold_by", { seller: product.seller }),
      product.ranks[0] && t("product.rank_in", { rank: format.integer(product.ranks[0].rank), category: product.ranks[0].category }),
      product.rating && t("product.rated", { stars: format.decimal(product.rating), count: format.integer(product.review_count) }),
      product.checked_at && t("product.checked", { at: format.relative(product.checked_at) }),
    ];
    replace(this.head, h("div", {}, h("h1", {}, name), h("p.about", {}, facts.filter(Boolean).map((fact) => h("span", {}, fact)))), price, h("div.actions", {}, now, link));
  }

  async loadChart() {
    this.reading?.abort();
    this.reading = new AbortController();
    const columns = Math.max(200, Math.round(this.chart.element.clientWidth || 800));
    const data = await products.chart(this.id, { range: this.range, columns }, this.reading.signal);
    this.chart.update(data);
    this.drawFacts(data);
  }

  drawFacts({ stats, currency, from }) {
    const at = (second) => format.date(new Date(new Date(from).getTime() + second * 1000));
    const money = (amount_minor) => format.money({ amount_minor, currency });
    const fact = (key, value, when) => [h("dt", {}, t(key)), h("dd", {}, value, when ? h("small", {}, " ", when) : null)];
    replace(
      this.facts,
      stats?.low ? fact("product.low", money(stats.low.amount_minor), at(stats.low.at)) : null,
      stats?.average_minor ? fact("product.average", money(Math.round(stats.average_minor))) : null,
      stats?.high ? fact("product.high", money(stats.high.amount_minor), at(stats.high.at)) : null,
    );
  }

  async loadInsight() {
    const insight = await products.insight(this.id, INSIGHT_DAYS);
    const { text, confidence, isGood } = verdictOf(insight);
    this.verdict.classList.toggle("good", Boolean(isGood));
    replace(this.verdict, h("b", {}, text), " ", h("small", {}, confidence));
    replace(this.insight, insightList(insight));
  }

  async loadAlerts() {
    const { items } = await alerts.ofProduct(this.id);
    const item = (alert) => h("li", {}, h("span", {}, alert.name ?? alert.summary ?? t("alert.unnamed")), " ", h("span.badge", {}, t(alert.enabled === false ? "status.paused" : "status.active")));
    replace(this.alerts, items.length ? items.map(item) : h("li.muted", {}, t("product.no_alerts")));
  }

  drawRanges() {
    const choose = (range) => () => {
      this.range = range;
      setQuery({ ...query(), range: range === DEFAULT_RANGE ? undefined : range });
      this.drawRanges();
      this.loadChart().catch(showError);
    };
    replace(this.ranges, RANGES.map((range) => h("button", { type: "button", "aria-pressed": String(range === this.range), onclick: choose(range) }, t(`range.${range}`))));
  }

  async crawl() {
    try {
      await crawl.now([this.id]);
      notice(t("product.crawled"));
      await Promise.all([this.loadProduct(), this.loadChart()]);
    } catch (error) {
      showError(error);
    }
  }

  heard({ kind, data }) {
    const isOurs = kind === "reset" || (kind === "change" && (data.product_ids ?? [data.product_id]).includes(this.id));
    if (!isOurs) return;
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      const reads = [this.loadProduct()];
      // A part that is looked at closely does not jump away.
      if (!this.isZoomed) reads.push(this.loadChart());
      Promise.all(reads).catch(showError);
    }, GATHER_MILLIS);
  }

  end() {
    clearTimeout(this.gathering);
    this.reading?.abort();
    this.chart.end();
  }
}

export const productPage = {
  title: "product.title",
  async render(view, { id }) {
    if (!state.user) {
      state.returnTo = `/products/${id}${location.search}`;
      return void go("/sign-in", { replace: true });
    }
    const page = new ProductPage(view, id);
    await page.render();
    const bindings = [
      { key: "b", does: "keys.board", act: () => go("/") },
      { key: "c", does: "keys.crawl", act: () => page.crawl() },
      { key: "r", does: "keys.reset", act: () => page.chart.zoom(null) },
      { key: "t", does: "keys.table", act: () => { page.chart.table.open = !page.chart.table.open; } },
    ];
    const stops = [listen((event) => page.heard(event)), keys(bindings), () => page.end()];
    return () => stops.forEach((stop) => stop());
  },
};
