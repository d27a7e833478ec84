// Settings: the user's own, and those of the tenant that the role allows.

import { action } from "../app/action.js";
import { account, apiKeys, members, session, tenant } from "../app/api.js";
import { h, replace } from "../app/dom.js";
import { fieldsOf, form, select } from "../app/form.js";
import { dateTime, integer, money, relative, timeZones } from "../app/format.js";
import { LANGUAGES, t } from "../app/i18n.js";
import { listOf } from "../app/list.js";
import { notice, showError } from "../app/notice.js";
import { copyable } from "../app/parts.js";
import { enter } from "../app/preferences.js";
import { go, show } from "../app/router.js";
import { state } from "../app/state.js";

const ROLES = ["viewer", "user", "tenant_admin"];
const words = (text) => text.split(/[\s,;]+/).filter(Boolean);

function part(key, ...content) {
  const { email, role } = state.user;
  return h("section", {}, h("h2", {}, t(`settings.${key}`)), h("p.muted", {}, t(`settings.${key}.text`, { email, role: t(`field.role.${role}`) })), content);
}
const button = (key, perform, isAsked, values) => action(`settings.${key}`, perform, { question: isAsked && t(`settings.${key}.question`, values) });

// A part with a form of forms.json.
const formPart = async (name, send, values = {}, lists, submit = "action.save") =>
  part(name, form("", submit, await fieldsOf(name, values, lists), async (sent, element) => {
    await send(sent);
    element.reset();
    notice(t("settings.saved"));
  }));

// What stands in a column, by the name of its field.
function write(column, value) {
  if (!value?.length) return "–";
  if (column.endsWith("_at")) return relative(value);
  const names = { role: "field.role", status: "status", scope: "scope", scopes: "scope" }[column];
  return names ? (value.split?.(" ") ?? value).map((name) => t(`${names}.${name}`)).join(", ") : value;
}

// A part with a list; `actions` gets an item, and what shows the list anew after a change.
function listPart(name, columns, read, actions, ...more) {
  const cells = (item) => [...columns.split(" ").map((column) => write(column, item[column])), actions(item, (done) => done.then(() => load()))];
  const { element, load } = listOf(`settings.${name}`, `${columns} actions`, read, cells);
  load();
  return part(name, element, more);
}

async function leave(message) {
  state.user = undefined;
  state.message = message;
  await go("/sign-in", { replace: true });
}

const fact = (key, ...value) => [h("dt", {}, t(`plan.${key}`)), h("dd.share", {}, value)];

// What is used of what is allowed.
function gauge(key, used, limit, write, end) {
  const words = limit === null ? write(used) : t("settings.of", { used: write(used), limit: write(limit) });
  return fact(key, limit !== null && h("progress", { max: limit || 1, value: used, "aria-label": t(`plan.${key}`) }),
    h("small", {}, h("span", {}, words), end && h("span.muted", {}, t("settings.resets", { at: relative(end) }))));
}

// The key, which is not shown again.
function keyOnce(key) {
  return part("key", copyable(t("settings.key"), key));
}

const SECTIONS = {
  async profile() {
    const change = async (body) => enter(await account.change(body));
    return [
      await formPart("profile", change, state.user),
      await formPart("password", account.password),
      part("leave", button("leave", () => account.leave().then(() => leave("settings.left")), true)),
    ];
  },

  async preferences() {
    const automatic = ["", t("settings.automatic")];
    const send = async (sent) => {
      for (const name of ["language", "time_zone"]) sent[name] ||= null;
      await enter(await account.change({ preferences: sent }));
      await show();
    };
    const language = [automatic, ...LANGUAGES.map((tag) => [tag, new Intl.DisplayNames(tag, { type: "language" }).of(tag)])];
    return formPart("preferences", send, state.user.preferences, { language, time_zone: [automatic, ...timeZones().map((zone) => [zone, zone])] });
  },

  sessions: () => listPart("sessions", "client address created_at used_at", session.all, ({ id, is_current: isThis }, then) =>
    isThis ? h("span.badge", {}, t("settings.this")) : button("end", () => then(session.revoke(id))),
  button("end_all", () => session.endAll().then(() => leave()), true)),

  apps: () => listPart("apps", "client_name scope created_at used_at", account.grants, ({ id, client_name: name }, then) =>
    button("revoke", () => then(account.revokeGrant(id)), true, { name })),

  async plan() {
    const [{ plan }, usage, { day, month }] = await Promise.all([tenant.get(), tenant.usage(), tenant.spending()]);
    const usd = (micros) => money({ amount_minor: micros / 1e4, currency: "USD" });
    const allowed = ([key, it]) => (it.limit === undefined ? fact(key, it) : gauge(key, it.used, it.limit, integer, it.resets_at));
    const spent = ([key, it]) => gauge(key, it.spent_micros_usd, it.limit_micros_usd, usd, it.ends_at);
    return [
      part("plan", h("dl.facts", {}, Object.entries({ plan, ...usage }).map(allowed))),
      part("spending", h("dl.facts", {}, Object.entries({ day, month }).map(spent))),
    ];
  },

  async members() {
    const actions = ({ id, name, role, status }, then) => {
      if (id === state.user.id || role === "superadmin") return id === state.user.id ? t("settings.you") : "–";
      const change = (body) => then(members.change(id, body).catch(showError));
      const choice = select("role", "settings.change_role", ROLES.map((key) => [key, t(`field.role.${key}`)]), { value: role });
      choice.onchange = ({ target }) => change({ role: target.value });
      const isActive = status === "active";
      return [choice, button(isActive ? "disable" : "enable", () => change({ status: isActive ? "disabled" : "active" }), isActive, { name })];
    };
    return [
      await formPart("member", members.invite, { role: "user" }, {}, "settings.member"),
      listPart("members", "name email role status", members.list, actions),
    ];
  },

  async tenant() {
    const { name, seller_ids: ids, deletion_scheduled_at: end } = await tenant.get();
    const send = (sent) => tenant.change({ name: sent.tenant_name, seller_ids: words(sent.seller_ids) }).then(show);
    const then = (perform) => () => perform().then(show);
    return [
      await formPart("tenant", send, { tenant_name: name, seller_ids: ids.join(", ") }),
      part("export", h("a.button", { href: tenant.exportUrl, download: "" }, t("settings.export"))),
      part("remove", end && h("p", {}, t("settings.removed_at", { at: dateTime(end) })), end ? button("keep", then(tenant.keep)) : button("remove", then(tenant.remove), true)),
    ];
  },

  async "api-keys"() {
    const scope = (name) => h("label.check", {}, h("input", { type: "checkbox", name: "scopes", dataset: { value: name } }), t(`scope.${name}`));
    const fields = [await fieldsOf("api-key", {}), h("fieldset", {}, h("legend", {}, t("column.scopes")), state.user.scopes.map(scope))];
    const made = form("", "settings.add_key", fields, async ({ days, networks, ...values }, element) => {
      const end = days ? new Date(Date.now() + days * 864e5).toISOString() : undefined;
      const { key } = await apiKeys.add({ ...values, networks: words(networks), expires_at: end });
      await show();
      document.querySelector("main section").before(keyOnce(key));
    });
    return [
      listPart("api-keys", "name hint scopes used_at expires_at", apiKeys.list, ({ id, name, revoked_at: end }, then) =>
        end ? t("settings.revoked") : button("revoke", () => then(apiKeys.revoke(id)), true, { name })),
      part("add_key", made),
    ];
  },

  async audit() {
    const people = await members.list({ limit: 250 });
    const actors = [["", t("field.action.")], ...people.items.map(({ id, name }) => [`user:${id}`, name])];
    const names = new Map(actors);
    const filters = h("form.bar", { onchange: () => load() }, await fieldsOf("audit", {}, { actor: actors }));
    const read = ({ cursor }) => {
      const [action, actor, since] = [...filters.elements].map((control) => control.value);
      return tenant.audit({ action, actor, since: since && new Date(`${since}T00:00`).toISOString(), cursor });
    };
    const { element, load } = listOf("settings.audit", "at action actor resource address", read, ({ at, action, actor, resource, address }) =>
      [dateTime(at), h("code", {}, action), names.get(actor) ?? actor, names.get(resource) ?? resource, address]);
    load();
    return part("audit", filters, element);
  },
};

const SCOPES = { members: "admin:users", tenant: "admin:tenant", "api-keys": "admin:tenant", audit: "admin:tenant" };

export const settingsPage = {
  title: "nav.settings",
  async render(view, { section = "profile" }) {
    const offered = Object.keys(SECTIONS).filter((name) => !SCOPES[name] || state.user.scopes.includes(SCOPES[name]));
    const tab = (name) => h("a", { href: `${state.base}/settings/${name}`, "aria-current": name === section ? "page" : undefined }, t(`settings.${name}`));
    replace(view, h("h1.unseen", {}, t("nav.settings")), h("nav.tabs", { "aria-label": t("nav.settings") }, offered.map(tab)));
    view.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    if (!offered.includes(section)) view.append(t("page.not_found"));
    else await Promise.resolve(SECTIONS[section]()).then((content) => view.append(...[content].flat()), showError);
  },
};
