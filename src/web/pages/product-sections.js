// What is below the chart of a product. Each section is read when it comes near to being seen.

import { action } from "../app/action.js";
import { products } from "../app/api.js";
import { h, icon, replace } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { told } from "../app/notice.js";
import { muted, number, table, time } from "../app/parts.js";
import { insightList } from "./insight-list.js";

const MAX_HOLDERS = 30;

// Most modules are loaded with their section.
const by = (file, name) => async (page, again) => (await import(`./${file}.js`))[name](page, again);

// What fills each section, given the page and a way to fill it again.
const SECTIONS = {
  insight: ({ insight }) => insight && insightList(insight),
  buy_box: holdersOf,
  offers: offersOf,
  alerts: ({ id }) => by("alerts", "alertsOf")(id),
  advice: by("product-advice", "adviceOf"),
  content: by("product-content", "changesOf"),
  competitors: by("product-competitors", "competitorsOf"),
  check: by("product-advice", "checkOf"),
  crawls: crawlsOf,
};
const WIDE = ["offers", "content", "competitors", "check", "crawls"];
// A crawl can change them.
const LIVE = ["offers", "buy_box", "crawls"];

// page: { id, product, insight }
export function sections(page) {
  const bodies = {};
  let isEnded = false;
  const seen = new IntersectionObserver((entries) => {
    for (const { target } of entries.filter(({ isIntersecting }) => isIntersecting)) {
      seen.unobserve(target);
      target.isSeen = true;
      load(target.dataset.name);
    }
  }, { rootMargin: "300px" });

  async function load(name) {
    if (isEnded) return;
    const content = await Promise.resolve(SECTIONS[name](page, () => load(name))).catch((error) => h("p.problem", {}, told(error)));
    if (content) replace(bodies[name], content);
  }

  const section = (name) => {
    bodies[name] = h("div", { dataset: { name } }, muted(t("product.loading")));
    seen.observe(bodies[name]);
    return h(WIDE.includes(name) ? "section.across" : "section", {}, h("h2", {}, t(`product.${name}`)), bodies[name]);
  };
  return {
    element: h("div.columns", {}, Object.keys(SECTIONS).map(section)),
    refresh: (names = LIVE) => names.filter((name) => bodies[name].isSeen).forEach(load),
    end() {
      isEnded = true;
      seen.disconnect();
    },
  };
}

async function offersOf(page, again) {
  const { id, product } = page;
  const { as_of: asOf, is_complete: isComplete, offers } = await products.offers(id);
  const isWatched = product?.watch_offers;
  const watch = !isWatched && action("product.watch_offers", () => products.change(id, { watch_offers: true }).then((changed) => { page.product = changed; again(); }), { icon: "add" });
  if (!asOf) return [muted(t(isWatched ? "offers.waits" : "offers.never")), watch];
  const row = (offer) => [
    [offer.seller ?? offer.seller_id ?? "–", offer.is_featured && h("span.badge.low", {}, t("insight.buy_box"))],
    offer.condition_text ?? t(`condition.${offer.condition}`),
    number(format.money(offer.price)), number(offer.shipping?.amount_minor === 0 ? t("offers.free") : format.money(offer.shipping)), number(format.money(offer.landed_price)),
    [t(`fulfilled.${offer.fulfilled_by}`), offer.is_prime && h("span.badge", {}, "Prime")],
  ];
  return [
    muted(t("offers.as_of", { at: format.relative(asOf) }), " ", !isComplete && t("offers.incomplete")), watch,
    table("product.offers", ["board.seller", "offers.condition", "series.price", "series.shipping", "series.landed", "offers.fulfilled"], offers.map(row)),
  ];
}

// Who held the Buy Box from when to when, the newest first, and their shares.
async function holdersOf({ id, insight }) {
  const { series, gaps } = await products.history(id, { series: "seller" });
  const points = series[0]?.points ?? [];
  if (points.length === 0) return muted(t("buy_box.none"));
  const row = ({ at, value }, n) => {
    const to = points[n + 1]?.at;
    const hasGap = gaps.some(({ from }) => from >= at && !(from >= to));
    return [value ?? t("buy_box.nobody"), time(at), [to ? time(to) : t("buy_box.now"), hasGap && h("small.muted", {}, " ", t("buy_box.gap"))]];
  };
  const share = ({ name, seller_id: sellerId, share: part, mean_price: mean }) => h("li.holder", {}, h("span", {}, name ?? sellerId), h("meter", { value: part, "aria-label": name ?? sellerId }), h("b", {}, format.percent(part)), h("small.muted", {}, mean && t("buy_box.mean", { price: format.money(mean) })));
  const shares = insight?.buy_box.value?.sellers ?? [];
  return [
    shares.length > 0 && [h("h3", {}, t("buy_box.shares", { days: format.integer(insight.window.days) })), h("ul.list", {}, shares.slice(0, 5).map(share))],
    table("product.buy_box", ["board.seller", "range.from", "range.to"], points.map(row).slice(-MAX_HOLDERS).reverse()),
  ];
}

async function crawlsOf({ id }) {
  const { items } = await products.crawls(id);
  const row = ({ at, outcome, source, duration_millis: millis, unread }) => [
    time(at), h(`span.outcome.${outcome}`, {}, icon(outcome === "observed" ? "done" : "failing"), t(`outcome.${outcome}`)), source,
    number(t("crawls.seconds", { seconds: format.decimal(millis / 1000) })), unread.map((name) => t(`series.${name}`)).join(", ") || "–",
  ];
  return items.length ? table("product.crawls", ["chart.time", "crawls.outcome", "crawls.source", "crawls.duration", "crawls.unread"], items.map(row)) : muted(t("product.not_yet"));
}
