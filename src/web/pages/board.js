// The board: every product in a row or on a card, live.

import { products } from "../app/api.js";
import { button, h, icon, replace } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { keys } from "../app/keys.js";
import { listen } from "../app/live.js";
import { notice } from "../app/notice.js";
import { go, query, setQuery } from "../app/router.js";
import { addDialog } from "./add.js";
import { makeBulk } from "./board-bulk.js";
import { COLUMNS, makeFilters } from "./board-filters.js";
import { makeList } from "./board-list.js";
import { editRow } from "./board-row.js";
import { firstRun } from "./first-run.js";

// Changes are gathered for so long before their rows are read again.
const GATHER_MILLIS = 400;
const TIMES_MILLIS = 15_000;
// Below this there is no room for a table.
const NARROW = matchMedia("(max-width: 64rem)");

async function render(view) {
  let answer;
  let first;
  let lastSelected;
  const page = { filters: query(), selected: new Set(), isAll: false, filter, filterNothing, select, set, selectNone, edit };
  page.matching = () => format.integer(answer.matching);
  page.isSelected = (id) => page.isAll || page.selected.has(id);
  const list = makeList(page, answered);
  const bulk = makeBulk(page);
  Object.assign(page, { list, isHidden: bulk.isHidden });
  const controls = makeFilters(page);
  const { table, rows, ids } = list;

  const all = h("input", { type: "checkbox", "aria-label": t("board.select_all"), onchange: () => set(ids(), all.checked) });
  const head = h("tr");
  const empty = h("div.empty");
  const live = h("span.live");
  const toggle = button(".toggle", () => {
    localStorage.setItem("board", table.matches(".cards") ? "table" : "cards");
    layOut();
  });
  const bar = h("div.bar", {}, h("h1.unseen", {}, t("board.name")), controls.search, controls.bar, live, toggle, button(".primary", add, [icon("add"), t("board.add")]));
  table.append(h("caption.unseen", {}, t("board.caption")), h("thead", {}, head));
  replace(view, bar, controls.counts, bulk.element, empty, table, list.more);

  function layOut() {
    const isCards = NARROW.matches || localStorage.getItem("board") === "cards";
    for (const element of [table, bar]) element.classList.toggle("cards", isCards);
    replace(toggle, icon(isCards ? "board" : "cards"), t(isCards ? "board.as_table" : "board.as_cards"));
  }

  function drawHead() {
    const { sort = "" } = page.filters;
    const column = ([name, order]) => {
      const isSorted = sort.replace("-", "") === order;
      const direction = sort.startsWith("-") ? "descending" : "ascending";
      const content = button(".plain", () => filter({ sort: sort === order ? `-${order}` : order }), [t(`board.${name}`), isSorted && icon(direction)]);
      return h(`th.c-${name}`, { scope: "col", "aria-sort": isSorted ? direction : undefined }, content);
    };
    replace(head, h("th.select", {}, all), COLUMNS.map(column));
  }

  function filter(values) {
    page.filters = { ...page.filters, ...values };
    setQuery(page.filters);
    selectNone();
    drawHead();
    controls.draw();
    return list.load();
  }

  // The order stays.
  function filterNothing() {
    page.filters = { sort: page.filters.sort };
    return filter();
  }

  function answered(newest) {
    answer = { ...answer, ...newest };
    controls.drawCounts(answer.counts);
    if (answer.counts.tracked === 0) first ??= firstRun(list.load, () => { first = undefined; drawEmpty(); });
    const guided = rows.get(first?.id);
    if (guided) first.show(guided.row);
    drawEmpty();
  }

  function drawEmpty() {
    table.hidden = rows.size === 0;
    empty.hidden = !table.hidden && !first;
    if (!first) replace(empty, h("p", {}, t("empty.filtered")), button("", filterNothing, t("filter.clear")));
    else if (!empty.contains(first.element)) replace(empty, first.element);
  }

  // A row's box was clicked: with shift, all rows since the last click get its state.
  function select(id, { target, shiftKey }) {
    const order = ids();
    const [from, to] = [shiftKey ? order.indexOf(lastSelected) : -1, order.indexOf(id)];
    lastSelected = id;
    set(from < 0 ? [id] : order.slice(Math.min(from, to), Math.max(from, to) + 1), target.checked);
  }

  function set(changed, isOn, isAll = false) {
    page.isAll = isAll;
    for (const id of changed) page.selected[isOn ? "add" : "delete"](id);
    for (const [id, { element }] of rows) element.querySelector("input").checked = page.isSelected(id);
    all.checked = rows.size > 0 && page.selected.size >= rows.size;
    if (answer) bulk.draw();
  }

  function selectNone() {
    set([...page.selected], false);
  }

  const changed = new Set();
  let alerts = [];
  let gathering;
  let endNotice;

  function heard({ kind, state: connection, data }) {
    if (connection) {
      replace(live, icon(connection), t(`live.${connection}`));
      live.dataset.state = connection;
    }
    if (kind === "alert") alerts.push(data);
    for (const id of kind === "reset" ? ids() : [data?.product_id]) if (id) changed.add(id);
    if (changed.size) gathering ??= setTimeout(flush, GATHER_MILLIS);
  }

  function flush() {
    gathering = undefined;
    list.refresh([...changed]);
    changed.clear();
    if (alerts.length) tell(...alerts);
    alerts = [];
  }

  // Alerts that come together are told together.
  function tell({ alert_name: rule, title, asin, price, product_id: id }, ...others) {
    const texts = [rule, `${title ?? asin}: ${format.money(price)}`, others.length && t("alert.others", { count: others.length })];
    endNotice?.();
    endNotice = notice(texts.filter(Boolean).join(" · "), { action: t("alert.open"), onaction: () => go(others.length ? "/alerts" : `/products/${id}`) });
  }

  function add() {
    bulk.leave();
    addDialog((hasAdded) => hasAdded && list.load());
  }

  function edit(id) {
    const entry = rows.get(id);
    const onsave = async (body) => { entry.row = { ...entry.row, product: await products.change(id, body) }; };
    const onend = () => {
      list.show(id, entry.row, true);
      entry.element.querySelector("a").focus();
    };
    editRow(entry.element, entry.row.product, onsave, onend);
  }

  const focused = () => document.activeElement.closest?.("tr[data-id]");

  function move(step) {
    const shown = [...table.querySelectorAll("tr[data-id]:not([hidden])")];
    shown[Math.max(0, Math.min(shown.length - 1, shown.indexOf(focused()) + step))]?.querySelector("a").focus();
  }

  // A key that does something to the row with the focus.
  const onRow = (key, name, act) => ({ key, does: `keys.${name}`, act: () => focused() && act(rows.get(focused().dataset.id)) });
  const change = ({ row: { product } }, what, key) => bulk.act({ ids: [product.id] }, what, key);
  const pause = (entry, isPaused) => change(entry, { change: { status: isPaused ? "active" : "paused" } }, isPaused ? "bulk.resume" : "bulk.pause");

  layOut();
  drawHead();
  controls.draw();
  await list.load();
  const stops = [listen(heard), keys([
    { key: "/", does: "keys.search", act: () => controls.search.focus() },
    { key: "j", does: "keys.next", act: () => move(1) },
    { key: "k", does: "keys.previous", act: () => move(-1) },
    onRow("x", "select", ({ element }) => element.querySelector("input").click()),
    onRow("e", "edit", ({ row }) => edit(row.product.id)),
    onRow("p", "pause", (entry) => pause(entry, entry.row.product.status === "paused")),
    onRow("c", "crawl", (entry) => change(entry, { action: "crawl" }, "bulk.crawl")),
    onRow("Enter", "open", ({ row }) => go(`/products/${row.product.id}`)),
    { key: "a", does: "keys.add", act: add },
  ])];
  const times = setInterval(() => view.querySelectorAll("time").forEach((time) => { time.textContent = format.relative(time.dateTime); }), TIMES_MILLIS);
  NARROW.addEventListener("change", layOut);
  addEventListener("pagehide", bulk.leave);
  return () => {
    stops.forEach((stop) => stop());
    controls.end();
    clearTimeout(gathering);
    clearInterval(times);
    NARROW.removeEventListener("change", layOut);
    removeEventListener("pagehide", bulk.leave);
    bulk.leave();
  };
}

export const boardPage = { title: "board.name", render };
