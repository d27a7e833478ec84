// Parts that several pages are made of.

import { h, icon } from "./dom.js";
import { select } from "./form.js";
import * as format from "./format.js";
import { t } from "./i18n.js";

export const muted = (...content) => h("p.muted", {}, content);
export const number = (...content) => h("td.number", {}, content);
export const time = (at) => h("time", { datetime: at }, format.dateTime(at));
export const when = (at) => (at ? h("time", { datetime: at, title: format.dateTime(at) }, format.relative(at)) : "–");
export const stock = (availability) => h(`span.stock.${availability}`, {}, icon(`stock-${availability}`), t(`availability.${availability}`));
export const outwards = (href, ...content) => h("a", { href, target: "_blank", rel: "noopener noreferrer" }, content);

const FREQUENCIES = ["hourly", "6h", "12h", "daily", "weekly", "monthly", "adaptive"];

// How often a product is crawled: one of the usual frequencies, or the one that it has.
export function frequencyChoice(frequency) {
  const usual = FREQUENCIES.map((name) => [name, t(`frequency.${name}`)]);
  return select("frequency", "product.frequency", FREQUENCIES.includes(frequency) ? usual : [...usual, [frequency, frequency]], { value: frequency });
}

// Heads are keys of texts, rows are lists of cells, the first of which is the header of its row.
export function table(caption, heads, rows) {
  const isCell = (content) => content?.tagName === "TD";
  const cell = (content, n) => (isCell(content) ? content : n ? h("td", {}, content) : h("th", { scope: "row" }, content));
  const head = (key, n) => h(isCell(rows[0]?.[n]) ? "th.number" : "th", { scope: "col" }, t(key));
  return h("div.scroll", { tabindex: 0 }, h("table.plain", {}, h("caption.unseen", {}, t(caption)), h("thead", {}, h("tr", {}, heads.map(head))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell))))));
}

// A text to be copied, with its label. Pages on plain HTTP have no navigator.clipboard.
export function copyable(label, text) {
  const field = h("input", { value: text, readonly: true, "aria-label": label, onfocus: () => field.select() });
  const copy = ({ currentTarget }) => {
    field.select();
    if (document.execCommand("copy")) currentTarget.textContent = t("action.copied");
  };
  return h("div.copyable", {}, h("span", {}, label), field, h("button", { type: "button", onclick: copy }, t("action.copy")));
}
