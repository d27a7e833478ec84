// Pages by path. A page is { title, render(view, parameters) }, where render may return a function that ends the page. Its module is loaded
// when it is shown first.

import { base } from "./base.js";
import { t } from "./i18n.js";

const routes = [];
let end = () => {};
let isSignedIn = () => true;
let askToSignIn = () => {};

// Pages that are not open are shown to those who are signed in; the others are asked to do so first.
export function guardPages(isUser, ask) {
  isSignedIn = isUser;
  askToSignIn = ask;
}

// route("/products/{id}", "product", "productPage"): the path, the file in pages/ and what it exports. An open page needs no sign-in.
export function route(template, file, exported, { isOpen = false } = {}) {
  const names = [];
  const pattern = template.replace(/\{(\w+)\}/g, (_, name) => (names.push(name), "([^/]+)"));
  const load = async () => (await import(`../pages/${file}.js`))[exported];
  routes.push({ pattern: new RegExp(`^${pattern}/?$`), names, load, isOpen });
}

export function go(path, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", base + path);
  return show();
}

// The query of the current address, and a way to change it without leaving the page.
export function query() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

export function setQuery(values) {
  const search = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== ""));
  history.replaceState(null, "", `${location.pathname}${search.size ? `?${search}` : ""}`);
}

const routeOf = (path) => routes.find(({ pattern }) => pattern.test(path));

// True for pages that need no sign-in.
export const isOpen = () => routeOf(currentPath())?.isOpen;

export function currentPath() {
  return location.pathname.slice(base.length) || "/";
}

let serial = 0;

export async function show() {
  const mine = ++serial;
  const path = currentPath();
  const found = routes.map((route) => ({ ...route, match: route.pattern.exec(path) })).find((route) => route.match);
  end();
  end = () => {};
  const view = document.querySelector("main");
  view.replaceChildren();
  document.dispatchEvent(new CustomEvent("page", { detail: { path } }));
  if (!found) {
    document.title = t("page.not_found");
    view.textContent = t("page.not_found");
    return;
  }
  if (!found.isOpen && !isSignedIn()) return askToSignIn();
  const parameters = Object.fromEntries(found.names.map((name, at) => [name, decodeURIComponent(found.match[at + 1])]));
  const page = await found.load();
  if (mine !== serial) return;
  document.title = `${t(page.title)} · amazon-tracker`;
  const stop = await page.render(view, parameters);
  if (mine !== serial) return stop?.();
  end = stop ?? (() => {});
}

// Links within the dashboard change the page without loading it; those with a modifier, a target or another origin do not.
export function followLinks() {
  addEventListener("popstate", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
    if (link.hash && link.pathname === location.pathname) return;
    const path = link.pathname.slice(base.length);
    if (!routes.some((route) => route.pattern.test(path))) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    show().then(() => document.querySelector("main").focus());
  });
}
