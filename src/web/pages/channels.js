// Where alerts are told.

import { action } from "../app/action.js";
import { channels } from "../app/api.js";
import { data, flat, unflat } from "../app/conditions.js";
import { confirmed, openDialog } from "../app/dialog.js";
import { h, replace } from "../app/dom.js";
import { form, input, select } from "../app/form.js";
import { currentLanguage, t } from "../app/i18n.js";
import { notice, showError } from "../app/notice.js";
import { when } from "../app/parts.js";
import { alertPage, badge, fieldsOf, redraw } from "./alerts.js";

// What a kind needs; what ends with "?" may be left out. Of a channel that exists, credentials are not shown, and stay if all are left out.
const needs = (kind, isNew) => fieldsOf(data.kinds[kind].split(" ").filter(Boolean).map((text) => {
  const name = `config.${text.replace("?", "")}`;
  return name === "config.template" ? { name, rows: 4 } : { name, type: /token|webhook_url|key|user/.test(name) ? "password" : "text", autocomplete: "off", required: isNew && !text.includes("?") };
}), {});

// The same, with what a template makes of a sample message.
function fieldsFor(kind, isNew) {
  const fields = needs(kind, isNew);
  if (!data.kinds[kind].includes("template")) return fields;
  const shown = h("pre.diff", { hidden: true, "aria-live": "polite" });
  const preview = async () => {
    const { "config.template": template, language } = shown.closest("form").elements;
    const { body } = await channels.preview({ template: template.value, language: language.value });
    replace(shown, body);
    shown.hidden = false;
  };
  return [fields, action("channels.preview", preview), shown];
}

// Adds a channel, or changes one.
function edit(channel, ondone) {
  const policy = channel?.policy ?? { time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone, coalesce_secs: 300 };
  const { digest } = policy;
  const config = h("div", {}, fieldsFor(channel?.kind ?? "email", !channel));
  const often = typeof digest === "object" ? Object.keys(digest)[0] : digest;
  const current = { language: currentLanguage(), ...channel, ...Object.fromEntries(flat({ policy })), "policy.digest": often, day: digest?.weekly?.day, at: digest?.daily_at ?? digest?.weekly?.at ?? "08:00" };

  async function save({ kind, name, language, day, at, ...values }) {
    const settings = unflat(Object.entries(values));
    if (settings.config?.thread_id && (channel?.kind ?? kind) === "telegram") settings.config.thread_id = Number(settings.config.thread_id);
    const digests = { daily_at: { daily_at: at }, weekly: { weekly: { day, at } } };
    settings.policy.digest = digests[settings.policy.digest] ?? settings.policy.digest;
    if (policy.quiet?.days) settings.policy.quiet.days = policy.quiet.days;
    if (!values["policy.quiet.from"]) delete settings.policy.quiet;
    const saved = await (channel ? channels.change(channel.id, { name, language, ...settings }) : channels.add({ kind, name, language, config: {}, ...settings }));
    dialog.close();
    const secret = saved.webhook_secret ?? saved.feed_url;
    if (secret) openDialog("", t("channels.secret"), h("input", { readOnly: true, value: secret, onfocus: ({ target }) => target.select(), "aria-label": t("channels.secret") }));
    ondone();
  }

  function needed() {
    const { kind, "policy.coalesce_secs": coalesce } = dialog.querySelector("form").elements;
    replace(config, fieldsFor(kind.value, true));
    // Programs want each event at once.
    coalesce.value = kind.value === "webhook" ? 0 : 300;
  }

  const kinds = Object.keys(data.kinds).map((kind) => [kind, t(`channels.kind.${kind}`)]);
  const dialog = openDialog("", t(channel ? "channels.edit" : "channels.new"), form("", "action.save", [
    select("kind", "channels.kind", kinds, { value: channel?.kind ?? "email", disabled: Boolean(channel), onchange: () => needed() }),
    input("name", "rule.field.name", { value: channel?.name ?? "", required: true }),
    channel && h("p.muted", {}, t("channels.keep", { target: channel.target })), config,
    h("details", { open: Boolean(channel) }, h("summary", {}, t("channels.policy")), h("div.fields", {}, fieldsOf(data.policy, current))),
  ], save));
}

export const channelsPage = alertPage("/alerts/channels", "alerts.channels", async (body) => {
  const list = h("ul.rules");

  async function log({ id }, place) {
    const [used, { items }] = await Promise.all([channels.usage(id), channels.messages(id)]);
    const message = (one) => h("li", {}, badge(one.status), when(one.created_at), t("channels.events", { count: one.events }), one.last_error && h("small.problem", {}, one.last_error),
      one.status === "dead" && action("alerts.retry", () => channels.retry(one.id).then(() => log({ id }, place))));
    replace(place, h("p", {}, t("channels.usage", used)), h("ul.deliveries", {}, items.map(message)));
  }

  function item(channel) {
    const { id, kind, name, status, target, delivered_at: delivered, last_error: error } = channel;
    const place = h("div");
    const isPaused = status === "paused";
    async function test() {
      const { is_ok: isOk, error: why, note } = await channels.test(id);
      notice(isOk ? `${t("channels.test_ok")} ${note ?? ""}` : t("channels.test_failed", { why }), { isError: !isOk });
      await load();
    }
    const remove = async () => (await confirmed(t("channels.delete", { name }), t("action.delete"))) && channels.remove(id).then(load);
    return h("li", {},
      h("div", {}, h("b", {}, name), h("div.about", {}, t(`channels.kind.${kind}`), h("span", {}, target), delivered && h("span", {}, t("channels.delivered"), " ", when(delivered))),
        error && h("div.problem", {}, error),
        h("details", { ontoggle: (event) => event.target.open && log(channel, place).catch(showError) }, h("summary", {}, t("channels.log")), place)),
      badge(status, t(`channels.status.${status}`)),
      h("div.actions", {}, action("channels.test", test), action("action.edit", () => edit(channel, load)),
        action(isPaused ? "bulk.resume" : "bulk.pause", () => channels.change(id, { is_paused: !isPaused }).then(load), { icon: isPaused ? "resume" : "pause" }), action("action.delete", remove)));
  }

  async function load() {
    const { items } = await channels.list();
    redraw(list, items.length ? items.map(item) : h("li.empty", {}, t("channels.none")));
  }

  replace(body, h("div.bar", {}, action("channels.new", () => edit(undefined, load), { icon: "add", look: ".primary" })), list);
  await load();
});
