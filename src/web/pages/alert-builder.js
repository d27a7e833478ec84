// Makes and changes a rule: a sentence with blanks, played over the history of a product while somebody writes.

import { action } from "../app/action.js";
import { alerts, channels, products } from "../app/api.js";
import { data, filled, flat, matching, partsOf, said, unflat } from "../app/conditions.js";
import { h, replace } from "../app/dom.js";
import { form, labelled, select } from "../app/form.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { notice, showError, told } from "../app/notice.js";
import { go, query } from "../app/router.js";
import { Chart } from "../chart/chart.js";
import { alertPage, fieldsOf, redraw } from "./alerts.js";

const DAYS = 90;
const TYPING_MILLIS = 400;
// Seconds after which another channel can be told.
const FALLBACK_SECS = [300, 900, 3600, 21600, 86400];

const localTime = (at) => (at ? new Date(Date.parse(at) - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16) : "");
const fresh = (name) => ({ name, values: { ...data.usual } });
const nameOf = ({ label, title, asin }) => `${label ?? title ?? asin} (${asin})`;

// "about twice a month": in the shortest time that has one.
function rate(messages) {
  const [per, days] = [["day", 1], ["week", 7], ["month", 30]].find(([, days]) => (messages / DAYS) * days >= 1) ?? ["rare", 30];
  return t(messages ? `rule.rate.${per}` : "rule.rate.never", { count: Math.round((messages / DAYS) * days) });
}

// Takes the channel of a fallback out of those that are told anyway.
function exclude({ target }) {
  for (const box of target.form.querySelectorAll("[name=channels]")) if (box.dataset.value === target.value) box.checked = false;
}

// The channel that is told when none of the others could deliver.
function fallbackOf(places, { channel = "", after_secs: after = 900 } = {}) {
  const times = FALLBACK_SECS.includes(after) ? FALLBACK_SECS : [after, ...FALLBACK_SECS];
  return h("div.fields", {},
    select("fallback", "rule.fallback", [["", t("rule.no_fallback")], ...places.map(({ id, name }) => [id, name])], { value: channel, onchange: exclude }),
    select("fallback_secs", "rule.fallback_after", times.map((secs) => [String(secs), format.duration(secs * 1000)]), { value: String(after) }));
}

function choose(label, choices, value, onchoice, properties) {
  const option = ([key, text]) => h("option", { value: key, selected: key === String(value) }, text);
  return h("select", { "aria-label": t(label), ...properties, onchange: ({ target }) => onchoice(target.value) }, choices.map(option));
}

class Builder {
  constructor(rule, places) {
    Object.assign(this, { rule, tests: [fresh("target")], join: "all", currency: "USD", scope: rule?.scope ?? query(), found: new Map(), chart: new Chart({}) });
    Object.assign(this, { sentence: h("div"), suggestion: h("div"), result: h("p.verdict", { role: "status" }), fires: h("ul.fires"), list: h("datalist", { id: "found" }) });
    this.json = h("textarea", { rows: 8, spellcheck: "false", "aria-label": "JSON", oninput: () => this.parse() });
    this.picker = h("input", { type: "search", list: "found", name: "product_id", oninput: () => this.search().catch(showError) });
    const { product_id: id, tag } = this.scope;
    const told = ({ id, name, status }) => h("label.check", {}, h("input", { type: "checkbox", name: "channels", dataset: { value: id }, checked: rule ? rule.channels.includes(id) : status === "ok" }), name);
    this.form = form(".builder", "action.save", [
      fieldsOf(data.scope, { "scope.kind": tag ? "tag" : rule && !id ? "all" : "product", "scope.tag": tag }), labelled("rule.field.product", this.picker), this.list,
      h("h2", {}, t("rule.tell_me")), this.sentence, this.suggestion, h("details", {}, h("summary", {}, "JSON"), this.json),
      h("h2", {}, t("rule.then")), places.length ? [places.map(told), fallbackOf(places, rule?.fallback ?? undefined)] : h("a", { href: "channels" }, t("channels.none")),
      h("div.fields", {}, fieldsOf(data.settings, { severity: "normal", cooldown_secs: 0, ...Object.fromEntries(flat(rule)), expires_at: localTime(rule?.expires_at) })),
    ], (values) => this.save(values));
    const { "scope.kind": about, "scope.tag": ofTag, cooldown_secs: cooldown } = this.form.elements;
    about.disabled = ofTag.disabled = Boolean(rule);
    (about.onchange = () => { ofTag.parentNode.hidden = about.value !== "tag"; })();
    ofTag.onchange = () => this.search().then(([first]) => this.take(first)).catch(showError);
    cooldown.onchange = () => this.changed();
  }

  get condition() {
    const { custom, tests, join } = this;
    return custom ?? (tests.length > 1 ? { kind: join, of: tests.map(filled) } : filled(tests[0]));
  }

  // One that the sentence cannot say is kept as it is.
  set condition(when) {
    const isSeveral = Array.isArray(when.of);
    const found = (isSeveral ? when.of : [when]).map(matching);
    this.custom = found.every((one) => one?.isExact) ? undefined : when;
    if (!this.custom) Object.assign(this, { tests: found, join: isSeveral ? when.kind : "all" });
  }

  parse() {
    try {
      this.condition = JSON.parse(this.json.value);
      this.json.setCustomValidity("");
      this.draw();
    } catch (error) {
      this.json.setCustomValidity(error.message);
    }
  }

  changed() {
    if (document.activeElement !== this.json) this.json.value = JSON.stringify(this.condition, null, 2);
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.preview().catch((error) => error.name === "AbortError" || replace(this.result, told(error))), TYPING_MILLIS);
  }

  end() {
    clearTimeout(this.typing);
    this.reading?.abort();
    this.chart.end();
  }

  draw(change = {}) {
    const { tests, custom } = Object.assign(this, change);
    redraw(this.sentence, custom ? h("p.muted", {}, t("rule.custom"))
      : [tests.map((one, at) => this.test(one, at)), action("rule.add", () => this.draw({ tests: [...tests, fresh("restock")] }), { icon: "add" })]);
    this.changed();
  }

  test(test, at) {
    const { tests, join } = this;
    const within = tests.length > 1 ? `when.of[${at}].` : "when.";
    const paths = new Map(partsOf(test.name).map(([path, , blank]) => [blank, within + path]));
    const words = t(`rule.says.${test.name}`).split(/\{(\w+)\}/).map((part, n) => (n % 2 ? this.blank(test, part, paths.get(part)) : part));
    const templates = Object.keys(data.templates).map((name) => [name, t(`rule.says.${name}`).replace(/\{\w+\}/g, "…")]);
    return h("div.test", {},
      at > 0 && choose("rule.join", ["all", "any"].map((kind) => [kind, t(`rule.${kind}`)]), join, (kind) => this.draw({ join: kind })),
      choose("rule.template", templates, test.name, (name) => this.draw({ tests: tests.with(at, fresh(name)) })), h("p", {}, words),
      tests.length > 1 && action("rule.remove", () => this.draw({ tests: tests.toSpliced(at, 1) })));
  }

  blank({ values }, name, path) {
    const { currency } = this;
    const [usual, isMoney, label] = [data.usual[name], name === "money", `rule.blank.${name}`];
    const isNumber = isMoney || typeof usual === "number";
    const factor = 10 ** (isMoney ? format.exponentOf(currency) : 0);
    const set = (text) => {
      if (Array.isArray(usual)) values[name] = text.split(",").map((one) => one.trim()).filter(Boolean);
      else values[name] = text && isMoney ? { amount_minor: Math.round(text * factor), currency } : text && isNumber ? Number(text) : text;
      this.changed();
    };
    const common = { name: path, required: !(name in data.defaults) };
    const choices = name === "set" ? [...data.sets] : data.choices[name]?.map((one) => [String(one), said(name, one)]);
    if (choices) {
      values[name] ??= choices[0]?.[0];
      return choose(label, choices, values[name], set, common);
    }
    const value = String((isMoney && values.money ? values.money.amount_minor / factor : values[name]) ?? "");
    const kind = isNumber ? { type: "number", min: 0, step: "any" } : { placeholder: t(`rule.hint.${name}`) };
    const control = h("input", { ...common, ...kind, value, "aria-label": t(label), oninput: ({ target }) => set(target.value) });
    const [before, after] = name in data.defaults ? t(`rule.around.${name}`).split("{value}") : ["", isMoney && ` ${currency}`];
    return [before, control, after];
  }

  // What is chosen has the text of a product that was found.
  async search() {
    const { picker, found, form } = this;
    if (found.has(picker.value)) return this.take(found.get(picker.value));
    this.product = undefined;
    const { items } = await products.list({ text: picker.value, tag: form.elements["scope.tag"].value, limit: 20 });
    items.forEach((one) => found.set(nameOf(one), one));
    replace(this.list, [...found.keys()].map((value) => h("option", { value })));
    return items;
  }

  // Takes a product, with its history, its currency and the target that it suggests.
  async take(product) {
    if (!product) return;
    const [history, { windows }] = await Promise.all([products.chart(product.id, { range: `${DAYS}d`, columns: 500 }), products.stats(product.id)]);
    Object.assign(this, { product, history, currency: history.currency });
    this.picker.value = nameOf(product);
    this.chart.update({ ...history, targets: [], events: [] });
    const money = windows[0].minimum?.price;
    const target = { name: "target", values: { money } };
    replace(this.suggestion, money && action("rule.suggest", () => this.draw({ custom: undefined, tests: this.tests.with(0, target) }), { values: { price: format.money(money) } }));
    // A new rule begins with it; what was typed before counts in the currency of the product.
    const { values } = this.tests[0];
    if (!this.rule) values.money = values.money ? { ...values.money, currency: this.currency } : money;
    this.draw();
  }

  async preview() {
    const { product, history, tests, custom, sentence, form } = this;
    if (!product || sentence.querySelector(":invalid")) return void replace(this.result, t("rule.incomplete"));
    this.reading?.abort();
    this.reading = new AbortController();
    const body = { product_id: product.id, when: this.condition, cooldown_secs: Number(form.elements.cooldown_secs.value), days: DAYS };
    const { total: count, messages, crossings, not_in_history: missing } = await alerts.preview(body, this.reading.signal);
    const targets = custom ? [] : tests.map(({ values }) => values.money).filter(Boolean);
    const event = ({ at, number }) => ({ at: (Date.parse(at) - Date.parse(history.from)) / 1000, kind: "alert", text: `#${number}` });
    this.chart.update({ ...history, targets, events: crossings.map(event) });
    replace(this.result, h("b", {}, t("rule.fired", { count, days: DAYS })), " ", rate(messages), missing.length > 0 && ` ${t("rule.not_in_history")}`);
    replace(this.fires, crossings.slice(-12).reverse().map(({ at }) => h("li", {}, format.dateTime(at))));
  }

  async save({ channels: told = [], expires_at: expires, "scope.kind": kind, "scope.tag": tag, product_id: chosen, fallback, fallback_secs: after, ...values }) {
    const { rule, product } = this;
    const settings = { name: null, again: null, ...unflat(Object.entries(values).filter(([path]) => !path.startsWith("when."))), when: this.condition, channels: told, fallback: fallback ? { channel: fallback, after_secs: Number(after) } : undefined };
    // One that has passed may stay, but not be sent.
    if (expires !== localTime(rule?.expires_at)) settings.expires_at = expires ? new Date(expires).toISOString() : null;
    const scopes = { product: { product_id: product?.id }, tag: { tag }, all: { all: true } };
    try {
      await (rule ? alerts.change(rule.id, settings) : alerts.add({ ...settings, scope: scopes[kind] }));
    } catch (error) {
      // What is wrong within a value, or with all that it is part of, is told at its blank.
      const isPart = (part, whole) => `${part}.`.startsWith(`${whole}.`);
      for (const one of error.errors ?? []) one.field = [...this.form.elements].find(({ name }) => name && (isPart(one.field, name) || isPart(name, one.field)))?.name ?? one.field;
      throw error;
    }
    notice(t("alerts.saved"));
    go("/alerts");
  }
}

export const builderPage = alertPage("", "alerts.builder", async (body, { id }) => {
  const [rule, { items }] = await Promise.all([id === "new" ? undefined : alerts.get(id), channels.list()]);
  const builder = new Builder(rule, items);
  const { form, result, chart, fires, scope } = builder;
  replace(body, h("div.columns", {}, h("section", {}, form), h("section", {}, h("h2", {}, t("rule.preview")), result, chart.element, fires)));
  if (rule) builder.condition = rule.when;
  builder.draw();
  builder.take(scope.product_id ? await products.get(scope.product_id) : (await builder.search())[0]).catch(showError);
  return () => builder.end();
});
