// Tables of what the API lists, page by page.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { showError } from "./notice.js";

// A table with these columns; `cells` makes the contents of a row, of which the first is its heading.
export function listOf(name, columns, read, cells) {
  const body = h("tbody");
  // What the buttons of a row were given stays one object for as long as the row is there.
  const items = new Map();
  let next;
  const labels = columns.split(" ").map((column) => t(`column.${column}`));
  const load = (cursor) => read({ cursor }).then((answer) => {
    if (!cursor) body.replaceChildren();
    for (const item of answer.items) put(item, "append");
    next = answer.next_cursor;
    more.hidden = !next;
    element.hidden = false;
  }).catch(showError);
  // Shows an item in its row, or in a new one. Cells that say the same stay, and so do the focus and a button that is being pressed.
  const put = (found, add = "prepend") => {
    const item = Object.assign(items.get(found.id) ?? {}, found);
    if (item.id) items.set(item.id, item);
    const cell = (content, at) => h(at ? "td" : "th", at ? { "data-label": labels[at] } : { scope: "row" }, content);
    const row = h("tr", { dataset: { id: item.id } }, cells(item).map(cell));
    const before = item.id && body.querySelector(`[data-id="${item.id}"]`);
    if (!before) return body[add](row);
    const controls = () => [...before.querySelectorAll("a, button, summary")];
    const focused = controls().indexOf(document.activeElement);
    [...row.cells].forEach((next, at) => before.cells[at].isEqualNode(next) || before.cells[at].replaceWith(next));
    controls()[focused]?.focus();
  };
  const more = h("button", { type: "button", onclick: () => load(next) }, t("board.more"));
  const head = h("thead", {}, h("tr", {}, labels.map((label) => h("th", { scope: "col" }, label))));
  const element = h("div.rows", { hidden: true, tabindex: "0", role: "region", "aria-label": t(name) }, h("table.board", { "aria-label": t(name) }, head, body), h("p.empty", {}, t(`${name}.none`)), more);
  return { element, load, put };
}
