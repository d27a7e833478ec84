// Keys: each page names its own, with what they do, and ? lists them.

import { h } from "./dom.js";
import { t } from "./i18n.js";

let bindings = [];

// keys([{ key: "j", does: "keys.next", act }]): until the page ends.
export function keys(ofPage) {
  bindings = ofPage;
  return () => {
    bindings = [];
  };
}

const isTyping = (target) => target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") return help();
    // What has the focus does itself what Enter does.
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const found = bindings.find(({ key }) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found.act(event);
  });
}

function help() {
  const row = ({ key, does }) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key === " " ? t("keys.space") : key)), h("td", {}, t(does)));
  const all = [...bindings, { key: "?", does: "keys.help" }];
  const close = h("button", { type: "button", onclick: () => dialog.close() }, t("action.close"));
  const dialog = h("dialog", { "aria-label": t("keys.title"), onclose: () => dialog.remove() }, h("h2", {}, t("keys.title")), h("table", {}, h("tbody", {}, all.map(row))), close);
  document.body.append(dialog);
  dialog.showModal();
}
