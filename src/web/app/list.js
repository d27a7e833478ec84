// Tables of what the API lists, page by page.

import { confirmed } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { showError } from "./notice.js";

// A button that performs something; with a question, it asks first.
export function act(key, perform, question, selector = "button") {
  const press = async ({ currentTarget: button }) => {
    if (question && !(await confirmed(question, t(key)))) return;
    button.disabled = true;
    await perform().catch(showError);
    button.disabled = false;
  };
  return h(selector, { type: "button", onclick: press }, t(key));
}

// A table with these columns; `cells` makes the contents of a row, of which the first is its heading.
export function listOf(name, columns, read, cells) {
  const body = h("tbody");
  let next;
  const labels = columns.split(" ").map((column) => t(`column.${column}`));
  const load = (cursor) => read({ cursor }).then((answer) => {
    if (!cursor) body.replaceChildren();
    for (const item of answer.items) put(item, "append");
    next = answer.next_cursor;
    more.hidden = !next;
    element.hidden = false;
  }).catch(showError);
  // Shows an item in its row, or in a new one, and leaves the focus where it is.
  const put = (item, add = "prepend") => {
    const cell = (content, at) => h(at ? "td" : "th", at ? { "data-label": labels[at] } : { scope: "row" }, content);
    const row = h("tr", { dataset: { id: item.id } }, cells(item).map(cell));
    const before = item.id && body.querySelector(`[data-id="${item.id}"]`);
    const controls = (of) => [...of.querySelectorAll("a, button, summary")];
    const focused = before ? controls(before).indexOf(document.activeElement) : -1;
    before ? before.replaceWith(row) : body[add](row);
    controls(row)[focused]?.focus();
  };
  const more = h("button", { type: "button", onclick: () => load(next) }, t("board.more"));
  const head = h("thead", {}, h("tr", {}, labels.map((label) => h("th", { scope: "col" }, label))));
  const element = h("div.rows", { hidden: true, tabindex: "0", role: "region", "aria-label": t(name) }, h("table.board", { "aria-label": t(name) }, head, body), h("p.empty", {}, t(`${name}.none`)), more);
  return { element, load, put };
}
