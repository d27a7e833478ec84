// Events of the daemon while the page is seen. A browser has six connections to a host, so a page that is hidden lets its one go, and
// begins again where it stopped.

import { session } from "./api.js";
import { base } from "./base.js";

const KINDS = ["change", "alert", "job", "budget", "reset"];

let source;
let lastEventId;
let isRefused = false;
// True if something may have happened since rows were read that no stream has told.
let hasMissed = false;
const listeners = new Set();

// Calls the listener with { kind, data } of each event, and with { kind: "state" } when the connection changes. Returns what ends it.
export function listen(listener) {
  listeners.add(listener);
  update();
  return () => {
    listeners.delete(listener);
    update();
  };
}

function tell(event) {
  for (const listener of listeners) listener(event);
}

function open() {
  const since = lastEventId ? `?last_event_id=${encodeURIComponent(lastEventId)}` : "";
  source = new EventSource(`${base}/api/v1/events${since}`);
  source.onopen = () => {
    tell({ kind: "state", state: "live" });
    // Without the id of an event, nobody knows what was missed since the last connection.
    if (hasMissed && !lastEventId) tell({ kind: "reset" });
    hasMissed = false;
  };
  source.onerror = () => {
    hasMissed = true;
    const isEnded = source?.readyState === EventSource.CLOSED;
    tell({ kind: "state", state: isEnded ? "ended" : "lost" });
    // Perhaps the session has ended elsewhere.
    if (isEnded) session.me().catch(() => {});
  };
  // Another page of the same user has taken the place of this one: it does not fight for it.
  source.addEventListener("full", () => {
    isRefused = true;
    close();
    tell({ kind: "state", state: "full" });
  });
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      lastEventId = event.lastEventId || lastEventId;
      tell({ kind, data: JSON.parse(event.data) });
    });
  }
}

// Perhaps before it was ever open.
function close() {
  hasMissed ||= Boolean(source);
  source?.close();
  source = undefined;
}

function update() {
  const wanted = listeners.size > 0 && !document.hidden && !isRefused;
  if (wanted && !source) open();
  if (!wanted && source) close();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) isRefused = false;
  update();
});
