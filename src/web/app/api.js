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
// Ends when somebody signs out: what the page still waited for would be refused.
let signedIn = new AbortController();
// Requests that last longer than their page: the session ends after them.
const lasting = new Set();

// What happens when a request says that the session has ended.
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

function urlOf(template, { path = {}, query = {} }) {
  const filled = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(path[name]));
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== ""));
  return `${base}${filled}${search.size ? `?${search}` : ""}`;
}

function call(method, template, options = {}) {
  const answer = send(method, template, options);
  if (options.keepalive) {
    lasting.add(answer);
    answer.catch(() => {}).finally(() => lasting.delete(answer));
  }
  return answer;
}

async function send(method, template, { path, query, body, file, headers = {}, signal, keepalive }) {
  const url = urlOf(template, { path, query });
  const ends = keepalive ? [] : [signedIn.signal];
  const request = { method, headers: { accept: "application/json", ...headers }, credentials: "same-origin", signal: AbortSignal.any(signal ? [signal, ...ends] : ends), keepalive, body: file };
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
  enter: (token) => post(SESSION, { token }),
  async signOut() {
    signedIn.abort();
    signedIn = new AbortController();
    while (lasting.size) await Promise.allSettled(lasting);
    await remove(SESSION);
  },
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
  list: (query) => get("/api/v1/products", { query }),
  get: (id) => get("/api/v1/products/{id}", { path: { id } }),
  add: (body) => post("/api/v1/products", body),
  change: (id, body) => patch("/api/v1/products/{id}", body, { path: { id } }),
  remove: (id) => remove("/api/v1/products/{id}", { path: { id } }),
  // With `keepalive` the request goes on although the page is left.
  bulk: (body, keepalive) => post("/api/v1/products/bulk", body, { keepalive }),
  chart: (id, query, signal) => get("/api/v1/products/{id}/chart", { path: { id }, query, signal }),
  insight: (id, days) => get("/api/v1/products/{id}/insight", { path: { id }, query: { days } }),
  // Another picture has another address, so that it is not taken for the one before.
  image: ({ id, image_url }) => urlOf("/api/v1/products/{id}/image", { path: { id }, query: { of: image_url.split("/").pop() } }),
  stats: (id, query) => get("/api/v1/products/{id}/stats", { path: { id }, query }),
  history: (id, query) => get("/api/v1/products/{id}/history", { path: { id }, query }),
  offers: (id) => get("/api/v1/products/{id}/offers", { path: { id } }),
  content: (id, cursor) => get("/api/v1/products/{id}/content", { path: { id }, query: { cursor } }),
  crawls: (id) => get("/api/v1/products/{id}/crawls", { path: { id } }),
  check: (id) => get("/api/v1/products/{id}/listing-check", { path: { id } }),
  release: (id) => post("/api/v1/products/{id}/release", undefined, { path: { id } }),
  // Addresses of files.
  csv: (id) => urlOf("/api/v1/products/history/export", { query: { product_id: id } }),
  png: (id, query) => urlOf("/api/v1/products/{id}/chart.png", { path: { id }, query }),
  svg: (id, query) => urlOf("/api/v1/products/{id}/chart.svg", { path: { id }, query }),
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

const of = (id) => ({ path: { id } });

export const alerts = {
  list: (query) => get("/api/v1/alerts", { query }),
  get: (id) => get("/api/v1/alerts/{id}", of(id)),
  add: (body) => post("/api/v1/alerts", body),
  change: (id, body) => patch("/api/v1/alerts/{id}", body, of(id)),
  remove: (id) => remove("/api/v1/alerts/{id}", of(id)),
  preview: (body, signal) => post("/api/v1/alerts/preview", body, { signal }),
  events: (query) => get("/api/v1/alerts/events", { query }),
  retry: (id) => post("/api/v1/alerts/deliveries/{id}/retry", undefined, of(id)),
};

export const channels = {
  list: () => get("/api/v1/channels", { query: { limit: 250 } }),
  add: (body) => post("/api/v1/channels", body),
  change: (id, body) => patch("/api/v1/channels/{id}", body, of(id)),
  remove: (id) => remove("/api/v1/channels/{id}", of(id)),
  test: (id) => post("/api/v1/channels/{id}/test", undefined, of(id)),
  preview: (body) => post("/api/v1/channels/template-preview", body),
  usage: (id) => get("/api/v1/channels/{id}/usage", of(id)),
  messages: (id) => get("/api/v1/channels/{id}/messages", of(id)),
  retry: (id) => post("/api/v1/channels/messages/{id}/retry", undefined, of(id)),
};

export const shares = {
  of: (productId) => get("/api/v1/products/{id}/shares", { path: { id: productId } }),
  add: (productId, body) => post("/api/v1/products/{id}/shares", body, { path: { id: productId } }),
  revoke: (id) => remove("/api/v1/shares/{id}", { path: { id } }),
};

export const system = {
  status: () => get("/api/v1/system/status"),
  actors: () => get("/api/v1/system/actors"),
};

export const crawl = {
  now: (productIds) => post("/api/v1/crawl", { product_ids: productIds }, { headers: { prefer: "wait=5" } }),
};

// What is asked of one thing, by its id.
const read = (template) => (id, query) => get(template, { path: { id }, query });
const act = (template) => (id, query) => call("POST", template, { path: { id }, query });

export const jobs = {
  list: (query) => get("/api/v1/jobs", { query }),
  items: read("/api/v1/jobs/{id}/items"),
  cancel: act("/api/v1/jobs/{id}/cancel"),
  retry: act("/api/v1/jobs/{id}/retry"),
  import: (file, query) => call("POST", "/api/v1/products/import", { file, query }),
  exportUrl: (what, query) => urlOf(what === "history" ? "/api/v1/products/history/export" : "/api/v1/products/export", { query }),
};

export const schedules = {
  list: (query) => get("/api/v1/schedules", { query }),
  get: read("/api/v1/schedules/{id}"),
  add: (body) => post("/api/v1/schedules", body),
  preview: (recurrence) => post("/api/v1/schedules/preview", recurrence),
  change: (id, body) => patch("/api/v1/schedules/{id}", body, { path: { id } }),
  remove: (id) => remove("/api/v1/schedules/{id}", { path: { id } }),
  run: act("/api/v1/schedules/{id}/run"),
  runs: read("/api/v1/schedules/{id}/runs"),
};

export const sources = {
  list: () => get("/api/v1/crawl/sources"),
  spending: () => get("/api/v1/tenants/me/spending"),
};

export const reports = {
  list: (query) => get("/api/v1/reports", { query }),
  get: read("/api/v1/reports/{id}"),
  add: (body) => post("/api/v1/reports", body),
  remove: (id) => remove("/api/v1/reports/{id}", { path: { id } }),
  link: act("/api/v1/reports/{id}/link"),
  fileUrl: (id, format) => urlOf("/api/v1/reports/{id}/file", { path: { id }, query: { format } }),
};
