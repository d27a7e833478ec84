// One product as a row of the board.

import { h, icon } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { state } from "../app/state.js";
import { spark } from "../chart/spark.js";
import { picture } from "./picture.js";

function change(of) {
  if (!of || of.share === null) return "–";
  const name = of.share < 0 ? "down" : of.share > 0 ? "up" : "same";
  return h(`span.change.${name}`, {}, icon(name), format.percent(of.share, true));
}

function stock(availability) {
  return h(`span.stock.${availability}`, {}, icon(`stock-${availability}`), t(`availability.${availability}`));
}

export function when(at) {
  return at ? h("time", { datetime: at, title: format.dateTime(at) }, format.relative(at)) : "–";
}

function problem({ failure, status }) {
  if (status === "paused") return h("span.badge", {}, t("status.paused"));
  return failure ? h("span.badge.failing", { title: failure.message }, icon("failing"), t("status.failing")) : null;
}

export function rowOf(row, { isSelected, onselect }) {
  const { product } = row;
  const name = product.label ?? product.title ?? product.asin;
  const select = h("input", { type: "checkbox", checked: isSelected, "aria-label": t("board.select", { name }), onclick: onselect });
  const title = h(
    "div.product", {}, picture(product),
    h("div", {},
      h("a.name", { href: `${state.base}/products/${product.id}` }, name),
      h("div.about", {}, h("span", {}, `${product.asin} · amazon.${product.marketplace}`), product.tags.map((tag) => h("span.tag", {}, tag)), problem(product)),
    ),
  );
  const rank = product.ranks[0];
  return h(
    "tr", { dataset: { id: product.id } },
    h("td.select", {}, select),
    h("th", { scope: "row" }, title),
    h("td.number", { "data-label": t("board.price") }, format.money(product.price), row.is_at_low ? h("span.badge.low", {}, t("badge.low")) : null),
    h("td.number", { "data-label": t("board.change") }, change(row.change), h("div.against", { title: t("board.against_average") }, change(row.against_average))),
    h("td", { "data-label": t("board.trend") }, spark(row.spark, t("board.trend_of", { low: format.money(row.low), high: format.money(row.high) }))),
    h("td", { "data-label": t("board.stock") }, stock(product.availability)),
    h("td.number", { "data-label": t("board.rank") }, rank ? h("span", { title: rank.category }, `#${format.integer(rank.rank)}`) : "–"),
    h("td", { "data-label": t("board.seller") }, product.seller ?? "–"),
    h("td", { "data-label": t("board.changed") }, when(row.changed_at)),
    h("td", { "data-label": t("board.next") }, when(row.next_crawl_at)),
  );
}
