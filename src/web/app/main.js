// Starts the dashboard: language, session, pages, keys.

import { session, whenSignedOut } from "./api.js";
import { h, icon, replace } from "./dom.js";
import { enterByLink } from "./enter.js";
import { t } from "./i18n.js";
import { listenToKeys } from "./keys.js";
import { showError } from "./notice.js";
import { applyPreferences, enter } from "./preferences.js";
import { currentPath, followLinks, go, guardPages, isOpen, route, show } from "./router.js";
import { state } from "./state.js";

// As in PAGES of http/dashboard.rs.
route("/", "board", "boardPage");
route("/alerts", "alerts", "rulesPage");
route("/alerts/activity", "alerts", "activityPage");
route("/alerts/channels", "channels", "channelsPage");
route("/alerts/{id}", "alert-builder", "builderPage");
route("/products/{id}", "product", "productPage");
route("/reports", "schedules", "reportsPage");
route("/settings", "settings", "settingsPage");
route("/settings/{section}", "settings", "settingsPage");
route("/system", "system", "systemPage");
route("/work", "work", "jobsPage");
route("/work/schedules", "schedules", "schedulesPage");
route("/work/sources", "work", "sourcesPage");
for (const path of ["/sign-in", "/register", "/forgot-password", "/auth/verify_email", "/auth/reset_password", "/auth/invite", "/auth/set-up"]) {
  route(path, "entry", "entryPage", { isOpen: true });
}

// Path, text, icon, role that it is for; the pages below a place belong to it.
const PLACES = [
  ["/", "nav.board", "board"],
  ["/alerts", "nav.alerts", "bell"],
  ["/work", "nav.work", "work"],
  ["/reports", "nav.reports", "reports"],
  ["/settings", "nav.settings", "settings"],
  ["/system", "nav.system", "system", "superadmin"],
];

function navigation() {
  const here = currentPath();
  const place = ([path, key, name]) =>
    h("a", { href: `${state.base}${path}`, "aria-current": here === path || (path !== "/" && here.startsWith(`${path}/`)) ? "page" : undefined }, icon(name), t(key));
  const signOut = h("button.plain", { type: "button", onclick: leave }, icon("sign-out"), t("nav.sign_out"));
  const parts = state.user ? [h("nav", { "aria-label": t("nav.name") }, PLACES.filter(([, , , role]) => !role || role === state.user.role).map(place)), h("span.user", {}, state.user.email), signOut] : [];
  replace(document.getElementById("top"), h("a.brand", { href: `${state.base}/` }, "amazon-tracker"), ...parts);
}

// The page is left first: it sends what it has kept back, such as a deletion that could be undone.
async function leave() {
  state.user = undefined;
  go("/sign-in", { replace: true });
  await session.signOut().catch(() => {});
}

// To the page of the sign-in, and afterwards back.
function askToSignIn() {
  if (state.user) state.message = "entry.ended";
  state.user = undefined;
  state.returnTo = currentPath() + location.search;
  return go("/sign-in", { replace: true });
}

async function start() {
  await enterByLink();
  const asked = session.me().catch((error) => (error.status === 401 ? undefined : Promise.reject(error)));
  const [user] = await Promise.all([asked, applyPreferences()]);
  document.addEventListener("page", navigation);
  whenSignedOut(() => isOpen() || askToSignIn());
  guardPages(() => Boolean(state.user), askToSignIn);
  followLinks();
  listenToKeys();
  if (user) await enter(user);
  await show();
}

start().catch(showError);
