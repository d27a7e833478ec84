// The sets in which a product is compared with others.

import { action } from "../app/action.js";
import { competitors, products } from "../app/api.js";
import { confirmed, openDialog } from "../app/dialog.js";
import { h } from "../app/dom.js";
import * as format from "../app/format.js";
import { form, input } from "../app/form.js";
import { t } from "../app/i18n.js";
import { showError } from "../app/notice.js";
import { muted, number, stock, table } from "../app/parts.js";
import { state } from "../app/state.js";

const HEADS = ["board.title", "board.price", "compare.to_own", "board.rank", "series.rating", "series.review_count", "board.stock", "board.seller"];

async function comparison(set, again) {
  const { own, competitors: others, position: { value }, undercuts, window } = await competitors.compare(set.id);
  const row = (one) => [
    h("a", { href: `${state.base}/products/${one.product_id}` }, one.title ?? one.asin),
    number(one.price ? format.money(one.price) : one.excluded && t(`excluded.${one.excluded.code}`)),
    number(one.percent_to_own === null ? "–" : format.percent(one.percent_to_own / 100, true)),
    number(one.rank ? `#${format.integer(one.rank)}` : "–"), number(one.rating ? format.decimal(one.rating) : "–"), number(format.integer(one.review_count)),
    stock(one.availability), one.seller ?? "–",
  ];
  const remove = async () => {
    if (await confirmed(t("compare.delete_question", { name: set.name }), t("action.delete"))) await competitors.remove(set.id).then(again);
  };
  return [
    h("h3", {}, set.name),
    muted(value && `${t("insight.position_text", { rank: value.rank, of: value.of, cheapest: format.money(value.cheapest) })}. `, t("compare.undercuts", { count: undercuts.length, days: window.days })),
    table("product.competitors", HEADS, [own, ...others].map(row)),
    h("div.actions", {}, action("compare.add", () => choose(set, again), { icon: "add" }), action("action.delete", remove, { icon: "delete" })),
  ];
}

function reason({ kind, ratio, tags, words, ...values }) {
  return t(`candidate.${kind}`, { ...values, ratio: ratio && format.percent(ratio), tags: tags?.join(", "), words: words?.join(", ") });
}

// Nothing becomes a competitor that was not chosen. `onempty`: what is done if nothing was.
async function choose(set, again, onempty) {
  const { items } = await competitors.candidates(set.id);
  const box = ({ asin, title, reasons }) => h("label.check", {}, h("input", { type: "checkbox", name: "chosen", dataset: { value: asin } }), h("span", {}, title ?? asin, h("small.muted", {}, reasons.map(reason).join(" · "))));
  const fields = [items.length ? items.map(box) : muted(t("compare.no_candidates")), input("asin", "compare.asin")];
  const ids = new Set(set.competitor_ids);
  const dialog = openDialog(".choose", t("compare.choose"), form("", "compare.add", fields, async ({ chosen = [], asin }) => {
    const { marketplace } = await products.get(set.product_id);
    for (const name of [...chosen, ...asin.split(/[\s,]+/)].filter(Boolean)) {
      const address = name.includes("/") ? { url: name } : { asin: name.toUpperCase(), marketplace };
      ids.add(items.find((item) => item.asin === name)?.product_id ?? (await products.add({ ...address, is_competitor: true })).id);
    }
    await competitors.change(set.id, { competitor_ids: [...ids] });
    dialog.close();
  }), () => (ids.size ? again() : onempty?.().catch(showError)));
}

export async function competitorsOf({ id }, again) {
  const { items } = await competitors.all();
  const sets = items.filter((set) => set.product_id === id || set.competitor_ids.includes(id));
  const create = () => competitors.add({ product_id: id }).then((set) => choose(set, again, () => competitors.remove(set.id)));
  return [
    sets.length ? await Promise.all(sets.map((set) => comparison(set, again))) : muted(t("compare.none")),
    !sets.some((set) => set.product_id === id) && action("compare.create", create, { icon: "add" }),
  ];
}
