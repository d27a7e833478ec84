// Jobs, live, and sources; and what the pages of schedules and reports share with them.

import { action } from "../app/action.js";
import { jobs, sources } from "../app/api.js";
import { openDialog } from "../app/dialog.js";
import { h, icon, replace } from "../app/dom.js";
import { fieldsOf, form } from "../app/form.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { listOf } from "../app/list.js";
import { listen } from "../app/live.js";
import { showError } from "../app/notice.js";
import { when } from "../app/parts.js";
import { currentPath } from "../app/router.js";
import { state } from "../app/state.js";

const TABS = { "/work": "jobs.title", "/work/schedules": "schedules.title", "/work/sources": "sources.title" };

// Viewers only read; everybody else may do all that these pages offer.
export const mayWrite = () => state.user.role !== "viewer";

// `render` gets the bar of the heading, for its buttons, and the view.
export function page(title, render) {
  const tab = ([path, key]) => h("a", { href: state.base + path, "aria-current": path === currentPath() && "page" }, t(key));
  return {
    title,
    async render(view) {
      const head = h("div.bar", {}, h("h1", {}, t(title)));
      replace(view, currentPath() in TABS && h("nav.tabs", { "aria-label": t("nav.work") }, Object.entries(TABS).map(tab)), head);
      try {
        return await render(head, view);
      } catch (error) {
        showError(error);
      }
    },
  };
}

// Opens a form of forms.json that ends when it was sent.
export async function ask(title, name, onsend, values = {}, lists = {}) {
  const element = form(".grid", name === "schedule" ? "action.save" : title, await fieldsOf(name, values, lists), async (...sent) => {
    await onsend(...sent);
    dialog.close();
  });
  const dialog = openDialog("", t(title), element);
  return element;
}

// Shows a table in a dialog.
export async function showList(title, ...about) {
  const list = listOf(...about);
  await list.load();
  openDialog(".wide", title, list.element);
}

export const status = (of) => h(`span.state.${of}`, {}, icon(`state-${of}`), t(`state.${of}`));

// A bar with a text that says the same.
export const bar = (value, max, ...text) => h("div.share", {}, h("progress", { max: max || 1, value, "aria-hidden": "true" }), h("small", {}, text));

// What a job, a schedule or a report is about.
export function about({ target, all = target === "all", tag = target?.tag, listings, url, subject = tag ? { kind: "tag", tag } : all && { kind: "tenant" }, period }) {
  if (!subject) return listings ? t("about.listings", { count: listings.length }) : url;
  return [t(`about.${subject.kind}`, subject), period && t(`about.${period.kind}`, period)].filter(Boolean).join(", ");
}

export function progress({ progress: { total, remaining, failed, estimated_end_at: end } }) {
  const [done, all] = [total - remaining, total].map(format.integer);
  return bar(total - remaining, total, t("jobs.counts", { done, all }), failed > 0 && h("b.failed", {}, t("jobs.failed", { count: failed })), end && t("jobs.ends", { at: format.relative(end) }));
}

function itemCells({ place, input: of, status: is, product_id: id, outcome, error }) {
  const text = of?.listing ?? of?.asin ?? of?.url ?? (of?.at ? of : `#${place + 1}`);
  return [id ? h("a", { href: `${state.base}/products/${id}`, target: "_blank" }, text) : text, status(is), error ?? (outcome ? t(`outcome.${outcome}`) : "–")];
}

async function itemsOf({ id, progress: { failed } }) {
  const read = (query) => jobs.items(id, { ...query, status: failed ? "failed" : "" });
  await showList(t(failed ? "jobs.failures" : "jobs.items"), "jobs.items", "item state outcome", read, itemCells);
}

export const jobsPage = page("jobs.title", (head, view) => {
  const list = listOf("jobs.title", "job state progress started duration actions", jobs.list, (job) => {
    const { id, kind, parameters, progress: { failed, cancelled }, started_at: from, finished_at: to } = job;
    const change = (name) => action(`jobs.${name}`, async () => list.put(await jobs[name](id)));
    const detail = [about(parameters), parameters.dry_run && t("field.dry_run"), job.error].filter(Boolean).join(" · ");
    return [
      [t(`jobs.${kind}`), h("div.about", {}, detail)], status(job.status), progress(job), when(from), from ? format.duration((to ? new Date(to) : new Date()) - new Date(from)) : "–",
      [action("jobs.items", () => itemsOf(job)), mayWrite() && (!to ? change("cancel") : failed + cancelled > 0 && change("retry"))],
    ];
  });
  const importFile = async ({ file, ...query }, { elements }) => list.put(await jobs.import(elements.file.files[0], query));
  const exportFile = async ({ what, ...query }) => h("a", { href: jobs.exportUrl(what, query), download: "" }).click();
  head.append(...(mayWrite() ? [action("jobs.import", () => ask("jobs.import", "import", importFile))] : []), action("jobs.export", () => ask("jobs.export", "export", exportFile)));
  view.append(list.element);
  list.load();
  return listen(({ kind, data }) => (kind === "job" ? list.put(data) : kind === "reset" && list.load()));
});

const usd = (micros) => format.money({ amount_minor: micros / 1e4, currency: "USD" });

function sourceCells({ source, marketplace, outage_since: since, crawls, observed, blocked_share: blocked, limits }) {
  const share = t("sources.share", { share: format.percent(observed / (crawls || 1)), count: format.integer(crawls) });
  const peak = limits?.peak_requests_per_minute && t("sources.peak", { hours: limits.peak_hours.join(", "), rate: limits.peak_requests_per_minute });
  const state = [status(since ? "outage" : "healthy"), since && when(since)];
  return [[source, h("div.about", {}, `amazon.${marketplace}`)], state, bar(observed, crawls, share), format.percent(blocked), limits ? [t("sources.limits", limits), " ", peak] : "–"];
}

// What there is to say of a source beside its crawls. Costs are known to superadmins only.
function factsOf({ source, drifts, history, runs, cost_micros_usd: cost }) {
  const drift = (of) => t("sources.drift", { ...of, source, usual: format.percent(of.usual_share), recent: format.percent(of.recent_share) });
  return [runs > 0 && t("sources.cost", { source, cost: usd(cost), count: runs }), history && t("sources.history", { source, ...history }), ...drifts.filter((of) => !of.ended_at).map(drift)];
}

export const sourcesPage = page("sources.title", async (_, view) => {
  const [{ items }, spending] = await Promise.all([sources.list(), sources.spending()]);
  const named = items.map((of) => ({ ...of, source: t(`source.${of.name}`) }));
  const budget = (name) => {
    const { spent_micros_usd: spent, limit_micros_usd: limit, ends_at: at } = spending[name];
    const text = t(limit === null ? "sources.unlimited" : "sources.spent", { spent: usd(spent), limit: usd(limit), at: format.dateTime(at) });
    return h("div", {}, h("b", {}, t(`sources.${name}`)), limit === null ? h("p", {}, text) : bar(spent, limit, text));
  };
  const paid = (of) => t("sources.paid", { source: t(`source.${of.source}`), count: of.listings, settled: usd(of.settled_micros_usd), reserved: usd(of.reserved_micros_usd) });
  const line = (text) => text && h("p", {}, text);
  const section = (key, ...content) => h("section", {}, h("h2", {}, t(key)), content);
  const rows = async () => ({ items: named.flatMap(({ source, marketplaces }) => marketplaces.map((of) => ({ source, ...of }))) });
  const list = listOf("sources.health", "source health success blocked politeness", rows, sourceCells);
  list.load();
  view.append(section("sources.spending", h("div.columns", {}, budget("month"), budget("day")), spending.sources.map(paid).map(line)), section("sources.health", list.element, named.flatMap(factsOf).map(line)));
});
