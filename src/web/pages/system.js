// The state of the installation, for superadmins: the numbers of the metrics, read anew while the page is seen.

import { system } from "../app/api.js";
import { h, icon, replace } from "../app/dom.js";
import * as format from "../app/format.js";
import { t } from "../app/i18n.js";
import { showError } from "../app/notice.js";
import { go } from "../app/router.js";
import { state } from "../app/state.js";

const EVERY_MILLIS = 5000;

// Values by the names of their fields, whose texts are in the catalogue.
function shown(key, value) {
  if (value === null) return "–";
  if (/^(status|state|alive|database|redis)$/.test(key)) {
    const isGood = /^(ok|closed|true)$/.test(value);
    return h(`span.mark.${isGood ? "good" : "bad"}`, {}, icon(isGood ? "done" : "failing"), t(`system.${value}`));
  }
  if (typeof value === "boolean") return t(`system.${value}`);
  if (typeof value === "string") return /^\d{4}-.*Z$/.test(value) ? format.dateTime(value) : value;
  if (typeof value !== "number") return value.message;
  if (key.endsWith("_secs")) return `${format.decimal(value)} s`;
  return key.endsWith("_share") ? format.percent(value) : format.integer(value);
}

function facts(values) {
  return h("dl.facts", {}, Object.entries(values).map(([key, value]) => [h("dt", {}, t(`system.${key}`)), h("dd", {}, shown(key, value))]));
}

// Its region can be scrolled with the keyboard.
function table(rows, name) {
  if (!rows.length) return h("p.muted", {}, t("system.none"));
  const row = (values) => h("tr", {}, Object.entries(values).map(([key, value], at) => h(at ? "td" : "th", at ? {} : { scope: "row" }, shown(key, value))));
  const head = Object.keys(rows[0]).map((key) => h("th", { scope: "col" }, t(`system.${key}`)));
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": t(name) }, h("table.plain", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.map(row))));
}

const section = (title, content) => h("section", {}, h("h2", {}, t(title)), content);

function draw({ health, breakers, stored, ...process }, { actors }) {
  const { drifts, ...queue } = stored ?? { drifts: [] };
  return [
    h("div.columns", {}, section("system.process", facts({ ...health, ...process })), section("system.queue", facts(queue))),
    ...Object.entries({ actors, breakers, drifts }).map(([name, rows]) => section(`system.${name}`, table(rows, `system.${name}`))),
  ];
}

export const systemPage = {
  title: "nav.system",
  async render(view) {
    if (state.user?.role !== "superadmin") return void go("/", { replace: true });
    const content = h("div.stack");
    let timer;
    const read = async () => {
      clearTimeout(timer);
      if (document.hidden) return;
      await Promise.all([system.status(), system.actors()]).then((found) => replace(content, draw(...found)), showError);
      if (content.isConnected) timer = setTimeout(read, EVERY_MILLIS);
    };
    replace(view, h("h1", {}, t("nav.system")), content);
    document.addEventListener("visibilitychange", read);
    await read();
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", read);
    };
  },
};
