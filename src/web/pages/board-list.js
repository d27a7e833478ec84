// The rows of the board, read page by page while one scrolls. Each page is a table body, which the browser leaves out while it is far from
// the view (content-visibility), so that thousands of rows cost what a few do.

import { board } from "../app/api.js";
import { button, h } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { showError } from "../app/notice.js";
import { rowOf, updateRow } from "./board-row.js";

// Rows of a page: cards fill whole lines of two to six.
const PAGE = 60;

// `page` has the filters and what a row needs; `onanswer` gets each answer of the API.
export function makeList(page, onanswer) {
  // By id: { row, element }.
  const rows = new Map();
  let reading;
  let cursor;
  const table = h("table.items", { role: "table" });
  const more = button(".more", () => load(true), t("board.more"), { hidden: true });
  const near = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && !reading && load(true), { rootMargin: "1000px" });

  async function load(isMore) {
    reading?.abort();
    const mine = (reading = new AbortController());
    try {
      const answer = await board.rows({ ...page.filters, limit: PAGE, cursor: isMore ? cursor : "" }, mine.signal);
      if (!isMore) {
        rows.clear();
        [...table.tBodies].forEach((body) => body.remove());
      }
      const added = answer.items.filter(({ product }) => !rows.has(product.id));
      table.append(h("tbody", {}, added.map((row) => {
        const element = rowOf(row, page);
        rows.set(row.product.id, { row, element });
        return element;
      })));
      cursor = answer.next_cursor;
      more.hidden = !cursor;
      onanswer(answer);
    } catch (error) {
      showError(error);
    }
    if (reading !== mine) return;
    reading = undefined;
    // It is asked again whether the end is near.
    near.disconnect();
    near.observe(more);
  }

  // Reads some rows again.
  async function refresh(ids) {
    const shown = ids.filter((id) => rows.has(id));
    try {
      for (let from = 0; from < shown.length; from += PAGE) {
        const part = shown.slice(from, from + PAGE);
        const answer = await board.rows({ ids: part.join(","), limit: PAGE });
        const found = new Map(answer.items.map((row) => [row.product.id, row]));
        for (const id of part) show(id, found.get(id));
        // The number that match is that of these ids.
        onanswer({ counts: answer.counts });
      }
    } catch (error) {
      showError(error);
    }
  }

  // A row as it is now; without one, it is gone. One that is edited waits until that is over.
  function show(id, row, isEdited) {
    const entry = rows.get(id);
    if (!entry) return;
    if (row) {
      entry.row = row;
      if (isEdited || !entry.element.querySelector("form")) updateRow(entry.element, rowOf(row, page));
    } else {
      entry.element.remove();
      rows.delete(id);
      page.selected.delete(id);
    }
  }

  return { table, more, rows, load, refresh, show, hasMore: () => Boolean(cursor), ids: () => [...rows.keys()] };
}
