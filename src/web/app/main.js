// Starts the dashboard: language, session, pages, keys.

import { session, whenSignedOut } from "./api.js";
import { h, icon, replace } from "./dom.js";
import { enterByLink } from "./enter.js";
import { useTimeZone } from "./format.js";
import { preferredLanguage, t, useLanguage } from "./i18n.js";
import { listenToKeys } from "./keys.js";
import { currentPath, followLinks, go, route, show } from "./router.js";
import { state } from "./state.js";

// As in PAGES of http/dashboard.rs.
route("/", "board", "boardPage");
route("/alerts", "alerts", "rulesPage");
route("/alerts/activity", "alerts", "activityPage");
route("/alerts/channels", "channels", "channelsPage");
route("/alerts/{id}", "alert-builder", "builderPage");
route("/products/{id}", "product", "productPage");
route("/reports", "schedules", "reportsPage");
route("/sign-in", "sign-in", "signInPage");
route("/work", "work", "jobsPage");
route("/work/schedules", "schedules", "schedulesPage");
route("/work/sources", "work", "sourcesPage");

// Path, text, icon; the pages below a place belong to it.
const PLACES = [
  ["/", "nav.board", "board"],
  ["/alerts", "nav.alerts", "bell"],
  ["/work", "nav.work", "work"],
  ["/reports", "nav.reports", "reports"],
];

function navigation() {
  const here = currentPath();
  const place = ([path, key, name]) =>
    h("a", { href: `${state.base}${path}`, "aria-current": here === path || (path !== "/" && here.startsWith(`${path}/`)) ? "page" : undefined }, icon(name), t(key));
  const signOut = h("button.plain", { type: "button", onclick: leave }, icon("sign-out"), t("nav.sign_out"));
  const parts = state.user ? [h("nav", { "aria-label": t("nav.name") }, PLACES.map(place)), h("span.user", {}, state.user.email), signOut] : [];
  replace(document.getElementById("top"), h("a.brand", { href: `${state.base}/` }, "amazon-tracker"), ...parts);
}

async function leave() {
  await session.signOut().catch(() => {});
  state.user = undefined;
  go("/sign-in", { replace: true });
}

async function start() {
  await useLanguage(preferredLanguage(localStorage.getItem("language")));
  useTimeZone(localStorage.getItem("time-zone"));
  await enterByLink();
  document.addEventListener("page", navigation);
  whenSignedOut(() => {
    if (currentPath() === "/sign-in") return;
    state.user = undefined;
    state.returnTo = currentPath() + location.search;
    go("/sign-in", { replace: true });
  });
  followLinks();
  listenToKeys();
  try {
    state.user = await session.me();
  } catch (error) {
    if (error.status !== 401) throw error;
  }
  await show();
}

start();
