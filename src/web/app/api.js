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

async function call(method, template, { path = {}, query, body, headers = {}, signal } = {}) {
  const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name]));
  const search = new URLSearchParams(Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== ""));
  const url = `${base}${filled}${search.size ? `?${search}` : ""}`;
  const request = { method, headers: { accept: "application/json", ...headers }, credentials: "same-origin", signal };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["content-type"] = "application/json";
  }
  const answer = await fetch(url, request);
  if (answer.ok) {
    const text = await answer.text();
    return text ? JSON.parse(text) : null;
  }
  const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
  if (answer.status === 401 && template !== SESSION) onSignedOut();
  throw problem;
}

const get = (template, options) => call("GET", template, options);
const post = (template, body, options) => call("POST", template, { ...options, body });
const patch = (template, body, options) => call("PATCH", template, { ...options, body });
const remove = (template, options) => call("DELETE", template, options);

const SESSION = "/api/v1/auth/session";
const ME = "/api/v1/users/me";
const TENANT = "/api/v1/tenants/me";

export const session = {
  signIn: (body) => post(SESSION, body),
  signOut: () => remove(SESSION),
  me: () => get(ME),
  all: () => get("/api/v1/auth/sessions"),
  revoke: (id) => remove("/api/v1/auth/sessions/{id}", { path: { id } }),
  endAll: () => post("/api/v1/auth/logout-everywhere"),
};

export const access = {
  options: () => get("/api/v1/auth/options"),
  register: (body) => post("/api/v1/auth/register", body),
  forgot: (body) => post("/api/v1/auth/forgot-password", body),
  verify: (body) => post("/api/v1/auth/verify-email", body),
  reset: (body) => post("/api/v1/auth/reset-password", body),
  accept: (body) => post("/api/v1/auth/accept-invitation", body),
  setUp: (body) => post("/api/v1/auth/set-up", body),
};

export const account = {
  change: (body) => patch(ME, body),
  password: (body) => post("/api/v1/auth/change-password", body),
  leave: () => remove(ME),
  grants: () => get("/api/v1/auth/grants"),
  revokeGrant: (id) => remove("/api/v1/auth/grants/{id}", { path: { id } }),
};

export const apiKeys = {
  list: (query) => get("/api/v1/auth/api-keys", { query }),
  add: (body) => post("/api/v1/auth/api-keys", body),
  revoke: (id) => remove("/api/v1/auth/api-keys/{id}", { path: { id } }),
};

export const members = {
  list: (query) => get("/api/v1/users", { query }),
  invite: (body) => post("/api/v1/users/invitations", body),
  change: (id, body) => patch("/api/v1/users/{id}", body, { path: { id } }),
};

export const tenant = {
  get: () => get(TENANT),
  change: (body) => patch(TENANT, body),
  remove: () => remove(TENANT),
  keep: () => post("/api/v1/tenants/me/cancel-deletion"),
  usage: () => get("/api/v1/tenants/me/usage"),
  spending: () => get("/api/v1/tenants/me/spending"),
  audit: (query) => get("/api/v1/tenants/me/audit", { query }),
  exportUrl: `${base}/api/v1/tenants/me/export`,
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
};

export const alerts = {
  ofProduct: (id) => get("/api/v1/alerts", { query: { product_id: id, limit: 50 } }),
};

export const crawl = {
  now: (productIds) => post("/api/v1/crawl", { product_ids: productIds }, { headers: { prefer: "wait=5" } }),
};
