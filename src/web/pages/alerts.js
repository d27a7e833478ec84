// Alert rules, and what they have told.

import { action } from "../app/action.js";
import { alerts, board, channels } from "../app/api.js";
import { described, learn, said, word } from "../app/conditions.js";
import { confirmed } from "../app/dialog.js";
import { h, icon, replace } from "../app/dom.js";
import { input, labelled, select } from "../app/form.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { listen } from "../app/live.js";
import { notice, showError } from "../app/notice.js";
import { when } from "../app/parts.js";
import { query, setQuery } from "../app/router.js";
import { state } from "../app/state.js";

const SNOOZES = { hour: 3600e3, day: 86400e3, week: 604800e3 };
const GATHER_MILLIS = 1000;

const link = (path, selector, ...text) => h(selector, { href: state.base + path }, text);
export const badge = (name, text = t(`alerts.${name}`)) => (name === "normal" ? null : h(`span.badge.${name}`, {}, text));
const createLink = (about) => link(`/alerts/new?${about}`, "a.button.primary", icon("add"), t("alerts.new"));

// Replaces children; the focus stays where it was.
export function redraw(parent, ...children) {
  const controls = () => [...parent.querySelectorAll("a, button, select, input, summary")];
  const at = controls().indexOf(document.activeElement);
  replace(parent, children);
  controls()[at]?.focus();
}

// Fields as alerts.json describes them: their labels are texts of their names.
export const fieldsOf = (fields, values) => fields.map(({ name, options, ...properties }) => {
  const [key, value] = [`rule.field.${name}`, values[name]];
  if (options) return select(name, key, options.map((one) => [one, t(`${key}.${one || "none"}`)]), { value: String(value ?? "") });
  if (properties.rows) return labelled(key, h("textarea", { name, ...properties }));
  return input(name, key, { ...properties, ...(properties.type === "checkbox" ? { checked: Boolean(value) } : { value: String(value ?? "") }) });
});

// A page of alerts, below their tabs.
export function alertPage(path, title, render) {
  const tab = ([to, key]) => h("a", { href: state.base + to, "aria-current": to === path ? "page" : undefined }, t(key));
  const tabs = { "/alerts": "alerts.rules", "/alerts/activity": "alerts.activity", "/alerts/channels": "alerts.channels" };
  return {
    title,
    async render(view, parameters) {
      const body = h("div.alerts");
      replace(view, h("nav.tabs", { "aria-label": t("nav.alerts") }, Object.entries(tabs).map(tab)), h("h1.unseen", {}, t(title)), body);
      return learn().then(() => render(body, parameters)).catch(showError);
    },
  };
}

// A list with filters that is read page by page, and again when an alert fires. Items are kept by their ids, so that none is shown twice.
async function feed(body, { names, read, item, empty, filters, create }) {
  let [filter, items, cursor] = [query(), new Map()];
  const [bar, list] = [h("div.bar"), h("ul.rules")];
  const more = action("board.more", () => load("more"));
  const set = (one) => { items.set(one.id, one); draw(); };
  const draw = () => redraw(list, items.size ? [...items.values()].map((one) => item(one, load, set)) : h("li.empty", {}, t(empty)));

  function drawBar() {
    const chosen = (name) => (filter[name] ? [[filter[name], filter[name]]] : []);
    const choice = ([name, options]) => select(name, `alerts.filter.${name}`, [["", t("alerts.any")], ...new Map([...chosen(name), ...options()])], {
      value: filter[name],
      onchange: ({ target }) => {
        filter = { ...filter, [name]: target.value };
        setQuery(filter);
        load().catch(showError);
      },
    });
    replace(bar, Object.entries({ product_id: () => [...names], ...filters }).map(choice), create);
  }

  // "more" reads the next page, "new" the first one again.
  async function load(which) {
    const page = await read({ ...filter, limit: 50, cursor: which === "more" ? cursor : undefined });
    const [kept, fresh] = [which ? [...items] : [], page.items.map((one) => [one.id, one])];
    items = new Map(which === "more" ? [...kept, ...fresh] : [...fresh, ...kept, ...fresh]);
    if (which !== "new") cursor = page.next_cursor;
    more.hidden = !cursor;
    if (create) create.search = new URLSearchParams(filter);
    if (!bar.contains(document.activeElement)) drawBar();
    draw();
  }

  replace(body, bar, list, more);
  await load();
  let gathering;
  const stop = listen(({ kind }) => {
    if (kind !== "alert" && kind !== "reset") return;
    gathering ??= setTimeout(() => {
      gathering = undefined;
      // What somebody is about to press does not move away.
      if (!list.querySelector(":focus-visible, [open]")) load("new").catch(showError);
    }, GATHER_MILLIS);
  });
  return () => {
    stop();
    clearTimeout(gathering);
  };
}

function snooze(id, ondone) {
  const item = ([name, millis]) => action(`alerts.snooze.${name}`, async () => {
    ondone(await alerts.change(id, { snoozed_until: new Date(Date.now() + millis).toISOString() }));
    notice(t("alerts.is_snoozed"));
  });
  return h("details.menu", {}, h("summary.button", {}, t("alerts.snooze")), h("div", {}, Object.entries(SNOOZES).map(item)));
}

const isAhead = (at) => at && Date.parse(at) > Date.now();

function ruleItem(rule, names, set, ondelete) {
  const { product_id: id, tag } = rule.scope;
  const isSnoozed = isAhead(rule.snoozed_until);
  const change = async (body) => set(await alerts.change(rule.id, body));
  const remove = async () => (await confirmed(t("alerts.delete"), t("action.delete"))) && alerts.remove(rule.id).then(ondelete);
  const says = t("rule.when", { what: described(rule.when) });
  const [name, text] = rule.is_paused ? ["paused", t("status.paused")] : rule.expires_at && !isAhead(rule.expires_at) ? ["expired"]
    : isSnoozed ? ["snoozed", t("alerts.snoozed", { at: format.dateTime(rule.snoozed_until) })] : ["active", t("status.active")];
  return h("li", {},
    h("div", {}, link(`/alerts/${rule.id}`, "a.name", rule.name ?? says), rule.name && h("div", {}, says),
      h("div.about", {}, id ? names && link(`/products/${id}`, "a", names.get(id) ?? id) : h("span.tag", {}, tag ?? t("rule.scope.all")),
        h("span", {}, rule.last_fired_at ? [t("alerts.fired", { count: rule.crossings }), " ", when(rule.last_fired_at)] : t("alerts.never_fired")), badge(rule.severity))),
    badge(name, text),
    h("div.actions", {}, isSnoozed ? action("alerts.wake", () => change({ snoozed_until: null })) : snooze(rule.id, set),
      action(rule.is_paused ? "bulk.resume" : "bulk.pause", () => change({ is_paused: !rule.is_paused }), { icon: rule.is_paused ? "resume" : "pause" }), action("action.delete", remove)));
}

// The rules about a product, with a link that makes another: `section.append(alertsOf(product.id))`. It fills itself.
export function alertsOf(productId) {
  const list = h("ul.rules");
  const load = async () => {
    await learn();
    const { items } = await alerts.list({ product_id: productId, limit: 250 });
    replace(list, items.length ? items.map((rule) => ruleItem(rule, undefined, load, load)) : h("li.muted", {}, t("product.no_alerts")));
  };
  load().catch(showError);
  return h("div.alerts", {}, list, createLink(`product_id=${productId}`));
}

export const rulesPage = alertPage("/alerts", "alerts.rules", async (body) => {
  const [names, tags] = [new Map(), new Set([query().tag].filter(Boolean))];
  async function read(filter) {
    const page = await alerts.list(filter);
    page.items.forEach(({ scope }) => scope.tag && tags.add(scope.tag));
    const ids = [...new Set([filter.product_id, ...page.items.map((rule) => rule.product_id)])].filter((id) => id && !names.has(id));
    if (ids.length) (await board.rows({ ids: ids.join(), limit: 100 })).items.forEach(({ product }) => names.set(product.id, product.label ?? product.title ?? product.asin));
    return page;
  }
  const item = (rule, load, set) => ruleItem(rule, names, set, () => load());
  return feed(body, { names, read, item, empty: "alerts.none", filters: { tag: () => [...tags].map((tag) => [tag, tag]) }, create: createLink("") });
});

// A text of a reason: a seller, a coupon, or an availability.
function shown(text) {
  const key = `availability.${text}`;
  return text === undefined || t(key) === key ? text : t(key);
}

function reason({ kind, field, value, was, currency, text, was_text: before, content }) {
  const number = (amount) => (amount === undefined ? undefined : currency ? said("money", { amount_minor: amount, currency }) : format.integer(amount));
  const values = content?.map(word) ?? [number(was) ?? shown(before), number(value) ?? shown(text)];
  return `${field ? word(field) : t(`alerts.kind.${kind}`)}: ${[...new Set(values)].filter(Boolean).join(content ? ", " : " → ")}`;
}

export const activityPage = alertPage("/alerts/activity", "alerts.activity", async (body) => {
  const names = new Map();
  const places = new Map((await channels.list()).items.map(({ id, name }) => [id, name]));
  async function read(filter) {
    const page = await alerts.events(filter);
    page.items.forEach((event) => names.set(event.product_id, event.title ?? event.asin));
    return page;
  }
  const delivery = (load) => ({ id, channel_id: channel, status, last_error: error }) => h("li", {},
    badge(status), channel ? places.get(channel) ?? t("alerts.gone") : t("alerts.webhook"), error && status !== "delivered" && h("small.problem", {}, error),
    status === "dead" && action("alerts.retry", () => alerts.retry(id).then(() => load())));
  const item = (event, load) => h("li", {},
    h("div", {}, link(`/products/${event.product_id}`, "a.name", event.title ?? event.asin), h("div", {}, event.reasons.map(reason).join("; ")),
      h("div.about", {}, when(event.at), link(`/alerts/${event.alert_id}`, "a", event.alert_name ?? t("alerts.rule")), badge(event.severity))),
    h("ul.deliveries", {}, event.deliveries.map(delivery(load))),
    h("div.actions", {}, snooze(event.alert_id, () => load())));
  const choices = (...words) => () => words.map((one) => [one, t(`alerts.${one}`)]);
  const filters = { severity: choices("low", "normal", "urgent"), delivery: choices("pending", "held", "sending", "delivered", "dead", "dropped") };
  return feed(body, { names, read, item, empty: "alerts.no_events", filters });
});
