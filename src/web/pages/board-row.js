// One product as a row of the board.

import { button, h, icon } from "../app/dom.js";
import { form, input } from "../app/form.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { frequencyChoice, when } from "../app/parts.js";
import { state } from "../app/state.js";
import { spark } from "../chart/spark.js";
import { picture } from "./picture.js";

export const nameOf = ({ label, title, asin }) => label ?? title ?? asin;

// Tags as people write them: separated by commas.
export const tagsOf = (text) => text.split(/[,、]/).map((tag) => tag.trim()).filter(Boolean);

function change(of) {
  if (!of || of.share === null) return "–";
  const name = of.share < 0 ? "down" : of.share > 0 ? "up" : "same";
  return h(`span.change.${name}`, {}, icon(name), format.percent(of.share, true));
}


// What is wrong, in words.
function problem({ failure, status, is_held, is_stale, price_as_of }) {
  const say = (name, ...texts) => h(`span.note.${name}`, {}, icon(name), texts.join(" "));
  if (status === "paused") return say("pause", t("problem.paused"));
  if (failure) {
    const key = `problem.${failure.reason}`;
    return say("failing", t(key) === key ? failure.message : t(key), failure.is_parked ? t("problem.parked") : "");
  }
  if (is_held) return say("held", t("problem.held"));
  return is_stale && price_as_of ? say("held", t("problem.stale", { when: format.relative(price_as_of) })) : null;
}

// `page` knows isSelected(id) and isHidden(id), and does select(id, event), filter(values) and edit(id).
export function rowOf(row, page) {
  const { product } = row;
  const { id, status, availability } = product;
  const name = nameOf(product);
  const [rank] = product.ranks;
  // Until its first crawl has ended, there is nothing to show.
  const isNew = !product.checked_at && !product.failure && status === "active";
  const cell = (column, ...content) => h(`td.c-${column}`, { "data-label": t(`board.${column}`) }, isNew && column !== "next" ? h("span.waiting") : content);
  return h(
    "tr", { dataset: { id }, hidden: page.isHidden(id) },
    h("td.select", {}, h("input", { type: "checkbox", checked: page.isSelected(id), "aria-label": t("board.select", { name }), onclick: (event) => page.select(id, event) })),
    h("th.c-title", { scope: "row" }, picture(product), h("div", {},
      h("a.name", { href: `${state.base}/products/${id}`, title: name }, name),
      h("div.about", {}, `${product.asin} · ${product.marketplace}`, product.is_competitor ? h("span.badge", {}, t("board.competitor")) : null,
        product.tags.map((tag) => button(".tag", () => page.filter({ tag }), tag, { title: t("filter.tag", { tag }) })),
        button(".plain.edit", () => page.edit(id), icon("edit"), { "aria-label": t("board.edit", { name }) })),
      isNew ? h("span.note", {}, t("board.first_crawl")) : problem(product))),
    cell("price", format.money(product.price), row.is_at_low ? h("span.badge.low", {}, icon("down"), t("badge.low")) : null),
    cell("change", change(row.change)),
    cell("trend", spark(row.spark, t("board.trend_of", { low: format.money(row.low), high: format.money(row.high) })),
      h("div.against", { title: t("board.against_average") }, "Ø ", change(row.against_average))),
    cell("stock", h(`span.stock.${availability}`, {}, icon(`stock-${availability}`), t(`availability.${availability}`))),
    cell("rank", rank ? h("span", { title: rank.category }, `#${format.integer(rank.rank)}`) : "–"),
    cell("seller", product.seller ?? "–"),
    cell("changed", when(row.changed_at)),
    cell("next", status === "paused" ? "–" : when(row.next_crawl_at)),
  );
}

// Brings a row up to date: cells that say the same stay, and so do the focus and what is read out.
export function updateRow(element, next) {
  const focusable = (cell) => [...cell.querySelectorAll("a, button, input")];
  element.hidden = next.hidden;
  for (const [at, cell] of [...next.cells].entries()) {
    const old = element.cells[at];
    old.classList.remove("fresh");
    if (old.isEqualNode(cell)) continue;
    const focused = focusable(old).indexOf(document.activeElement);
    if (cell.matches(".c-price")) cell.classList.add("fresh");
    old.replaceWith(cell);
    focusable(cell)[focused]?.focus({ preventScroll: true });
  }
}

// Changes label, tags and frequency within the row; `onend` is called when it is over.
export function editRow(element, { label, title, tags, frequency }, onsave, onend) {
  const fields = [
    input("label", "edit.label", { value: label ?? "", placeholder: title ?? "" }), input("tags", "edit.tags", { value: tags.join(", ") }), frequencyChoice(frequency),
  ];
  const editor = form(".edit", "action.save", fields, async (values) => {
    await onsave({ label: values.label || null, tags: tagsOf(values.tags), frequency: values.frequency });
    onend();
  });
  editor.querySelector(".actions").prepend(button("", onend, t("action.cancel")));
  editor.addEventListener("keydown", ({ key }) => key === "Escape" && onend());
  element.querySelector(".c-title").replaceChildren(editor);
  editor.elements.label.focus();
}
