// Short messages: seen in a corner, and spoken.

import { h } from "./dom.js";
import { t } from "./i18n.js";

const SHOWN_MILLIS = 8000;
// With a button to reach.
const OFFERED_MILLIS = 15_000;

// Shows a message; with an action, a button such as "Undo". If it is not used, `onend` is called when the message goes.
export function notice(text, { action, onaction, onend, isError = false } = {}) {
  const end = (then) => {
    clearTimeout(timer);
    item.remove();
    then?.();
  };
  const button = action && h("button", { type: "button", onclick: () => end(onaction) }, action);
  const item = h(isError ? "p.notice.error" : "p.notice", {}, text, " ", button);
  document.getElementById("notices").append(item);
  const timer = setTimeout(() => end(onend), action ? OFFERED_MILLIS : SHOWN_MILLIS);
  return () => end();
}

// Says something to screen readers only.
export function say(text) {
  document.getElementById("said").textContent = text;
}

// What an error says to people.
export function told(error) {
  const fields = (error.errors ?? []).map(({ field, message }) => `${field} ${message}`);
  return fields.join("; ") || error.message || t("error.unknown");
}

export function showError(error) {
  // After 401 the page of the sign-in says it.
  if (error.name !== "AbortError" && error.status !== 401) notice(told(error), { isError: true });
}
