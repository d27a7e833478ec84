// The API: every path that the dashboard uses is here, as the OpenAPI document writes it.

import { base } from "./base.js";

// An answer that is not a success, as application/problem+json says it.
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? String(status));
    this.status = status;
    this.code = body.code;
    this.errors = body.errors ?? [];
  }
}

let onSignedOut = () => {};

// What happens when a request says that the session has ended.
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

function urlOf(template, path = {}, query = {}) {
  const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name]));
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== ""));
  return `${base}${filled}${search.size ? `?${search}` : ""}`;
}

async function call(method, template, { path, query, body, headers = {}, signal } = {}) {
  const url = urlOf(template, path, query);
  const request = { method, headers: { accept: "application/json", ...headers }, credentials: "same-origin", signal };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["content-type"] = "application/json";
  }
  const answer = await fetch(url, request);
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
  if (answer.status === 401 && template !== SESSION) onSignedOut();
  throw problem;
}

const get = (template, options) => call("GET", template, options);
const post = (template, body, options) => call("POST", template, { ...options, body });
const patch = (template, body, options) => call("PATCH", template, { ...options, body });
const remove = (template, options) => call("DELETE", template, options);

const SESSION = "/api/v1/auth/session";

export const session = {
  signIn: (email, password) => post(SESSION, { email, password }),
  signOut: () => remove(SESSION),
  me: () => get("/api/v1/users/me"),
  all: () => get("/api/v1/auth/sessions"),
  revoke: (id) => remove("/api/v1/auth/sessions/{id}", { path: { id } }),
};

export const board = {
  rows: (query, signal) => get("/api/v1/board", { query, signal }),
};

export const products = {
  get: (id) => get("/api/v1/products/{id}", { path: { id } }),
  add: (body) => post("/api/v1/products", body),
  change: (id, body) => patch("/api/v1/products/{id}", body, { path: { id } }),
  remove: (id) => remove("/api/v1/products/{id}", { path: { id } }),
  chart: (id, query, signal) => get("/api/v1/products/{id}/chart", { path: { id }, query, signal }),
  insight: (id, days) => get("/api/v1/products/{id}/insight", { path: { id }, query: { days } }),
  stats: (id, query) => get("/api/v1/products/{id}/stats", { path: { id }, query }),
  history: (id, query) => get("/api/v1/products/{id}/history", { path: { id }, query }),
  offers: (id) => get("/api/v1/products/{id}/offers", { path: { id } }),
  content: (id, cursor) => get("/api/v1/products/{id}/content", { path: { id }, query: { cursor } }),
  crawls: (id) => get("/api/v1/products/{id}/crawls", { path: { id } }),
  check: (id) => get("/api/v1/products/{id}/listing-check", { path: { id } }),
  release: (id) => post("/api/v1/products/{id}/release", undefined, { path: { id } }),
  // Addresses of files.
  csv: (id) => urlOf("/api/v1/products/history/export", {}, { product_id: id }),
  png: (id, query) => urlOf("/api/v1/products/{id}/chart.png", { id }, query),
  svg: (id, query) => urlOf("/api/v1/products/{id}/chart.svg", { id }, query),
};

export const competitors = {
  all: () => get("/api/v1/competitors", { query: { limit: 250 } }),
  add: (body) => post("/api/v1/competitors", body),
  change: (id, body) => patch("/api/v1/competitors/{id}", body, { path: { id } }),
  remove: (id) => remove("/api/v1/competitors/{id}", { path: { id } }),
  candidates: (id) => get("/api/v1/competitors/{id}/candidates", { path: { id } }),
  compare: (id) => get("/api/v1/competitors/{id}/comparison", { path: { id } }),
};

export const advice = {
  of: (id) => get("/api/v1/suggestions", { query: { product_id: id } }),
  ask: (id, language) => post("/api/v1/suggestions", { product_id: id, language }, { headers: { prefer: "wait=8" } }),
};

export const alerts = {
  ofProduct: (id) => get("/api/v1/alerts", { query: { product_id: id, limit: 50 } }),
};

export const crawl = {
  now: (productIds) => post("/api/v1/crawl", { product_ids: productIds }, { headers: { prefer: "wait=5" } }),
};
