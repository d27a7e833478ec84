// The values of an insight, each with what it rests on, or why it is missing.

import { h } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";

const TEXTS = {
  deal_score: (value) => t("insight.of_ten", { value: format.decimal(value) }),
  lowest: (value) => `${format.money(value.price)} (${format.date(value.at)})`,
  out_of_stock_share: (value) => format.percent(value),
  volatility: (value) => t("insight.volatility_text", { changes: format.decimal(value.changes_per_30_days), deviation: format.percent(value.relative_deviation) }),
  rank_drops: (value) => t("insight.rank_drops_text", { drops: format.integer(value.drops), changes: format.integer(value.changes), category: value.category }),
  buy_box: (value) => value.sellers.slice(0, 3).map((seller) => `${seller.name ?? seller.seller_id} ${format.percent(seller.share)}`).join(", "),
  position: (value) => t("insight.position_text", { rank: value.rank, of: value.of, cheapest: format.money(value.cheapest) }),
  elasticity: (value) => t("insight.elasticity_text", { share: format.percent(value.expected_share), category: value.category }),
  outlook: (value) => t("insight.outlook_text", { low: format.money(value.low), high: format.money(value.high) }),
};

export function insightList(insight) {
  const row = ([name, text]) => {
    const { value, n, coverage, missing } = insight[name];
    const basis = h("small", {}, t("insight.basis", { n: format.integer(n), coverage: format.percent(coverage) }));
    const known = value === null ? h("span.missing", {}, t(`missing.${missing.code}`)) : text(value);
    return [h("dt", {}, t(`insight.${name}`)), h("dd", {}, known, " ", value === null ? null : basis)];
  };
  return h("dl.facts", {}, Object.entries(TEXTS).map(row));
}
