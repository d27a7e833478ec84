// A listing against Amazon's rules, and what could be improved about it.

import { advice, products } from "../app/api.js";
import { confirmed } from "../app/dialog.js";
import { h, icon } from "../app/dom.js";
import * as format from "../app/format.js";
import { currentLanguage, t } from "../app/i18n.js";
import { showError } from "../app/notice.js";
import { muted, outwards } from "../app/parts.js";

const POLL_MILLIS = 5000;

// Rules and findings are written in English.
const english = (text) => h("span", { lang: "en" }, text);
const list = (items, item) => h("ul.list", {}, items.map(item));
const point = (kind, level, field, text) => h("p", {}, h(`span.badge.is-${level}`, {}, t(`${kind}.${level}`)), h("b", {}, t(`content.${field}`), ": "), text);

function finding({ rule, item, observed, limit: { min, max, unit }, message }) {
  const { source } = rule;
  const seen = [observed.amount ?? [], observed.texts.map((text) => `“${text}”`)].flat().join(", ");
  const limit = [min === null ? [] : `≥ ${min}`, max === null ? [] : `≤ ${max}`].flat().join(", ");
  return h("li", {}, point("severity", rule.severity, rule.field, [item !== null && `#${item + 1} `, english(message)]), h("small.muted", {},
    seen && `${t("check.observed", { seen })} · `, limit && `${t("check.limit", { limit: `${limit} ${unit ? t(`unit.${unit}`) : ""}` })} · `,
    t("check.source"), " ", source.url ? outwards(source.url, source.name) : source.name, ` (${format.date(source.read_on)}, ${t(`sureness.${source.confidence}`)})`));
}

export async function checkOf({ id }) {
  const { findings, not_checked: open, passed, content_since: since } = await products.check(id);
  if (!since) return muted(t("content.none"));
  return [
    muted(t("check.summary", { count: findings.length, passed: passed.length, open: open.length })),
    list(findings, finding),
    h("details", {}, h("summary", {}, t("check.not_checked")), list(open, ({ rule, message }) => h("li", {}, t(`content.${rule.field}`), ": ", english(`${rule.requirement} – ${message}`)))),
  ];
}

function suggestion({ field, action, priority, reason, evidence, new_text: text }) {
  return h("li", {},
    point("priority", priority, field, [h("b", {}, t(`advise.${action}`)), " ", reason]), text && h("blockquote", {}, text),
    h("small.muted", { lang: "en" }, evidence.map(({ name, value }) => `${name}: ${value}`).join(" · ")));
}

export async function adviceOf({ id }, again) {
  const { findings, advice: given, request, not_asked: notAsked, max_cost_nanos_usd: cost, budget } = await advice.of(id);
  const isAsking = request?.status === "asking";
  if (isAsking) setTimeout(again, POLL_MILLIS);
  const usd = (nanos) => (nanos === null ? "∞" : format.money({ amount_minor: nanos / 1e7, currency: "USD" }, { maximumFractionDigits: 4 }));
  const costs = notAsked ? "" : t("advise.costs", { cost: usd(cost), spent: usd(budget.spent_nanos_usd), limit: usd(budget.limit_nanos_usd) });
  const ask = async () => {
    if (await confirmed(`${t("advise.question")} ${costs}`, t("advise.ask"))) await advice.ask(id, currentLanguage()).then(again, showError);
  };
  return [
    findings.length ? list(findings, suggestion) : muted(t("advise.nothing")),
    given && [h("h3", {}, t("advise.by", { model: given.model, at: format.date(given.created_at) })), list(given.suggestions, suggestion)],
    notAsked ? muted(t(`not_asked.${notAsked.code}`)) : [h("button", { type: "button", disabled: isAsking, onclick: ask }, icon("advice"), t(isAsking ? "advise.asking" : "advise.ask")), muted(costs)],
  ];
}
