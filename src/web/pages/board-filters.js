// What the board shows: search, filters, the counts that filter, and saved views. All of it is in the address.

import { account } from "../app/api.js";
import { formDialog } from "../app/dialog.js";
import { button, h, icon, replace } from "../app/dom.js";
import { input } from "../app/form.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { showError } from "../app/notice.js";
import { state } from "../app/state.js";

const TYPING_MILLIS = 250;

// The columns, with the order that the API knows.
export const COLUMNS = Object.entries({ title: "title", price: "price", change: "change", trend: "average", stock: "stock", rank: "rank", seller: "seller", changed: "changed", next: "next_crawl" });
const SELECTS = { availability: ["in_stock", "low_stock", "out_of_stock", "unavailable", "preorder"], status: ["active", "paused"], competitor: ["false", "true"] };
const COUNTS = { tracked: {}, at_low: { at_low: "true" }, out_of_stock: { availability: "out_of_stock" }, failing: { failing: "true" } };

const used = (filters) => Object.entries(filters).filter(([, value]) => value);

export function makeFilters(page) {
  let typing;
  let counted;
  const search = h("input", { type: "search", placeholder: t("board.search"), "aria-label": t("board.search"), oninput: () => {
    clearTimeout(typing);
    typing = setTimeout(() => page.filter({ text: search.value.trim() }), TYPING_MILLIS);
  } });
  const bar = h("span.filters");
  const counts = h("ul.counts");

  function draw() {
    const { filters } = page;
    if (document.activeElement !== search) search.value = filters.text ?? "";
    const choice = (name, label, values) => h("select", { "aria-label": label, onchange: ({ target }) => page.filter({ [name]: target.value }) },
      values.map(([value, text]) => h("option", { value, selected: (filters[name] ?? "") === value }, text)));
    const filter = ([name, values]) => choice(name, t(`filter.${name}`), ["", ...values].map((value) => [value, t(value ? `${name === "availability" ? "" : "filter."}${name}.${value}` : `filter.${name}`)]));
    const orders = COLUMNS.flatMap(([name, order]) => [[order, `${t(`board.${name}`)} ↑`], [`-${order}`, `${t(`board.${name}`)} ↓`]]);
    replace(
      bar, Object.entries(SELECTS).map(filter), h("span.sort", {}, choice("sort", t("board.sort"), [["", t("board.newest")], ...orders])),
      filters.tag && button(".tag.on", () => page.filter({ tag: "" }), `${filters.tag} ×`, { "aria-label": t("filter.no_tag", filters) }),
    );
  }

  function drawCounts(known = counted) {
    counted = known;
    const { filters } = page;
    const number = (name) => [h("b", {}, format.integer(known[name])), " ", t(`count.${name}`)];
    const count = ([name, wanted]) => {
      const isOn = name !== "tracked" && used(wanted).every(([key, value]) => filters[key] === value);
      const act = () => (name === "tracked" ? page.filterNothing() : page.filter({ at_low: "", availability: "", failing: "", ...(isOn ? {} : wanted) }));
      return button(".count", act, number(name), { "aria-pressed": String(isOn) });
    };
    const views = state.user.preferences?.views ?? [];
    const here = String(new URLSearchParams(used(filters).sort()));
    const view = ({ name, query }) => h("a.count", { href: `${state.base}/?${query}`, "aria-current": query === here ? "true" : undefined }, icon("view"), name);
    const others = views.filter(({ query }) => query !== here);
    const change = others.length < views.length
      ? button(".count.plain", () => save(others).catch(showError), t("view.remove"))
      : button(".count.plain", () => formDialog(t("view.save"), "action.save", [input("name", "view.name", { required: true, maxLength: 60 })], ({ name }) => save([...others.filter((view) => view.name !== name), { name, query: here }])), t("view.save"));
    const items = [...Object.entries(COUNTS).map(count), h("a.count", { href: `${state.base}/alerts` }, number("alerts_today")), ...views.map(view), here && change];
    replace(counts, items.filter(Boolean).map((item) => h("li", {}, item)));
  }

  async function save(views) {
    state.user = await account.change({ preferences: { views } });
    drawCounts();
  }

  return { search, bar, counts, draw, drawCounts, end: () => clearTimeout(typing) };
}
