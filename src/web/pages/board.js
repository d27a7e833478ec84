// The board: every product in a row, live.

import { board, crawl, products } from "../app/api.js";
import { h, icon, replace } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { keys } from "../app/keys.js";
import { listen } from "../app/live.js";
import { notice, say, showError } from "../app/notice.js";
import { go, query, setQuery } from "../app/router.js";
import { state } from "../app/state.js";
import { addDialog } from "./add.js";
import { rowOf } from "./board-row.js";
import { Selection } from "./board-selection.js";

// Rows of one answer.
const PAGE = 50;
// Changes are gathered for so long before their rows are read again.
const GATHER_MILLIS = 400;
const TYPING_MILLIS = 250;

// Columns with the order that the API knows; a column without one cannot be sorted by.
const COLUMNS = [
  ["board.title", "title"],
  ["board.price", "price"],
  ["board.change", "change"],
  ["board.trend"],
  ["board.stock"],
  ["board.rank", "rank"],
  ["board.seller"],
  ["board.changed", "changed"],
  ["board.next", "next_crawl"],
];

const COUNTS = [
  ["tracked", {}],
  ["at_low", { at_low: "true" }],
  ["out_of_stock", { availability: "out_of_stock" }],
  ["failing", { failing: "true" }],
];

class Board {
  constructor(view) {
    this.view = view;
    this.rows = new Map();
    this.changed = new Set();
    this.filters = query();
    this.selection = new Selection(() => this.drawBulk());
    this.body = h("tbody");
    this.counts = h("ul.counts");
    this.bulk = h("div.bulk", { hidden: true, role: "region", "aria-label": t("bulk.name") });
    this.more = h("button", { type: "button", hidden: true, onclick: () => this.load(true) }, t("board.more"));
    this.empty = h("div.empty", { hidden: true });
    this.live = h("span.live");
  }

  render() {
    const search = h("input", {
      type: "search", name: "text", value: this.filters.text ?? "", placeholder: t("board.search"), "aria-label": t("board.search"),
      oninput: (event) => this.typed(event.target.value),
    });
    this.search = search;
    const add = h("button.primary", { type: "button", onclick: () => this.add() }, icon("add"), t("board.add"));
    this.head = h("tr");
    this.table = h("table.board", {}, h("caption.unseen", {}, t("board.caption")), h("thead", {}, this.head), this.body);
    replace(
      this.view,
      h("div.bar", {}, h("h1.unseen", {}, t("board.name")), search, this.filterOf("availability", ["in_stock", "low_stock", "out_of_stock", "unavailable"]), this.live, add),
      this.counts, this.bulk, h("div.scroll", {}, this.table), this.empty, this.more,
    );
    this.drawHead();
    return this.load();
  }

  filterOf(name, values) {
    const option = (value) => h("option", { value, selected: this.filters[name] === value }, value ? t(`availability.${value}`) : t(`filter.${name}`));
    return h("select", { "aria-label": t(`filter.${name}`), onchange: (event) => this.filter({ [name]: event.target.value }) }, ["", ...values].map(option));
  }

  drawHead() {
    const all = h("input", { type: "checkbox", "aria-label": t("board.select_all"), onchange: (event) => this.selection.setAll([...this.rows.keys()], event.target.checked, this.body) });
    const sorted = (this.filters.sort ?? "").replace(/^-/, "");
    const direction = this.filters.sort?.startsWith("-") ? "descending" : "ascending";
    const column = ([key, order]) => {
      if (!order) return h("th", { scope: "col" }, t(key));
      const next = sorted === order && direction === "ascending" ? `-${order}` : order;
      const button = h("button.plain", { type: "button", onclick: () => this.filter({ sort: next }) }, t(key), sorted === order ? icon(direction) : null);
      return h("th", { scope: "col", "aria-sort": sorted === order ? direction : undefined }, button);
    };
    replace(this.head, h("th", { scope: "col" }, all), COLUMNS.map(column));
  }

  typed(text) {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.filter({ text }), TYPING_MILLIS);
  }

  filter(values) {
    this.filters = { ...this.filters, ...values };
    setQuery(this.filters);
    this.drawHead();
    this.load();
  }

  // Reads the rows from the start, or the ones after those that are shown.
  async load(isMore = false) {
    this.reading?.abort();
    this.reading = new AbortController();
    try {
      const cursor = isMore ? this.cursor : undefined;
      const answer = await board.rows({ ...this.filters, limit: PAGE, cursor }, this.reading.signal);
      if (!isMore) {
        this.rows.clear();
        this.body.replaceChildren();
      }
      for (const row of answer.items) this.show(row);
      this.cursor = answer.next_cursor;
      this.more.hidden = !answer.next_cursor;
      this.drawCounts(answer.counts);
      this.drawEmpty(answer.counts);
    } catch (error) {
      showError(error);
    }
  }

  show(row) {
    const element = rowOf(row, {
      isSelected: this.selection.has(row.product.id),
      onselect: (event) => this.selection.toggle(row.product.id, event, [...this.rows.keys()], this.body),
    });
    this.rows.get(row.product.id)?.element.replaceWith(element) ?? this.body.append(element);
    this.rows.set(row.product.id, { row, element });
  }

  drawCounts(counts) {
    const isOn = (filters) => Object.keys(filters).length > 0 && Object.entries(filters).every(([name, value]) => this.filters[name] === value);
    const cleared = { at_low: undefined, availability: undefined, failing: undefined };
    const count = ([name, filters]) => {
      const act = () => this.filter(isOn(filters) ? cleared : { ...cleared, ...filters });
      return h("li", {}, h("button.count", { type: "button", "aria-pressed": String(isOn(filters)), onclick: act }, h("b", {}, format.integer(counts[name])), " ", t(`count.${name}`)));
    };
    const alerts = h("li", {}, h("span.count", {}, h("b", {}, format.integer(counts.alerts_today)), " ", t("count.alerts_today")));
    replace(this.counts, COUNTS.map(count), alerts);
  }

  drawEmpty(counts) {
    this.empty.hidden = this.rows.size > 0;
    this.table.hidden = this.rows.size === 0;
    if (this.rows.size > 0) return;
    const isNew = counts.tracked === 0;
    replace(
      this.empty,
      h("p", {}, t(isNew ? "empty.new" : "empty.filtered")),
      isNew
        ? h("button.primary", { type: "button", onclick: () => this.add() }, icon("add"), t("board.add"))
        : h("button", { type: "button", onclick: () => { this.filters = {}; this.search.value = ""; this.filter({}); } }, t("filter.clear")),
    );
  }

  drawBulk() {
    const ids = this.selection.ids();
    this.bulk.hidden = ids.length === 0;
    const act = (key, name, perform) => h("button", { type: "button", onclick: () => this.bulkDo(ids, perform, key) }, icon(name), t(key));
    replace(
      this.bulk,
      h("span", {}, t("bulk.selected", { count: ids.length })),
      act("bulk.crawl", "crawl", () => crawl.now(ids)),
      act("bulk.pause", "pause", () => Promise.all(ids.map((id) => products.change(id, { status: "paused" })))),
      act("bulk.resume", "resume", () => Promise.all(ids.map((id) => products.change(id, { status: "active" })))),
    );
  }

  async bulkDo(ids, perform, key) {
    try {
      await perform();
      notice(t("bulk.done", { action: t(key), count: ids.length }));
      await this.refresh(ids);
    } catch (error) {
      showError(error);
    }
  }

  // Reads some rows again, as one request.
  async refresh(ids) {
    const shown = ids.filter((id) => this.rows.has(id));
    for (let from = 0; from < shown.length; from += PAGE) {
      const answer = await board.rows({ ids: shown.slice(from, from + PAGE).join(","), limit: PAGE });
      for (const row of answer.items) this.show(row);
      this.drawCounts(answer.counts);
    }
  }

  heard({ kind, state: connection, data }) {
    if (kind === "state") {
      replace(this.live, icon(connection), t(`live.${connection}`));
      this.live.dataset.state = connection;
    } else if (kind === "reset") this.load();
    else if (kind === "change") this.changesOf(data.product_ids ?? [data.product_id]);
    else if (kind === "alert") say(t("alert.heard", { title: data.title ?? data.asin }));
  }

  changesOf(ids) {
    for (const id of ids) this.changed.add(id);
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      const changed = [...this.changed];
      this.changed.clear();
      this.refresh(changed).catch(showError);
    }, GATHER_MILLIS);
  }

  add() {
    addDialog((added) => (added.length ? this.load() : undefined));
  }

  move(step) {
    const rows = [...this.body.rows];
    const at = rows.indexOf(document.activeElement.closest?.("tr"));
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
    next?.querySelector("a").focus();
  }

  focused() {
    return document.activeElement.closest?.("tbody tr");
  }

  keys() {
    return [
      { key: "/", does: "keys.search", act: () => this.search.focus() },
      { key: "j", does: "keys.next", act: () => this.move(1) },
      { key: "k", does: "keys.previous", act: () => this.move(-1) },
      { key: "x", does: "keys.select", act: () => this.focused()?.querySelector("input[type=checkbox]").click() },
      { key: "a", does: "keys.add", act: () => this.add() },
      { key: "c", does: "keys.crawl", act: () => this.focused() && this.bulkDo([this.focused().dataset.id], () => crawl.now([this.focused().dataset.id]), "bulk.crawl") },
      { key: "Enter", does: "keys.open", act: () => this.focused() && go(`/products/${this.focused().dataset.id}`) },
    ];
  }
}

export const boardPage = {
  title: "board.name",
  async render(view) {
    if (!state.user) return void go("/sign-in", { replace: true });
    const page = new Board(view);
    await page.render();
    const stops = [listen((event) => page.heard(event)), keys(page.keys())];
    return () => stops.forEach((stop) => stop());
  },
};
