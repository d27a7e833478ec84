// Dialogs: modal, closed by Escape, and gone when they are closed.

import { h, icon } from "./dom.js";
import { form } from "./form.js";
import { t } from "./i18n.js";

// Opens a dialog with a title; returns it. Its `onclose` is called however it ends.
export function openDialog(selector, title, content, onclose) {
  const close = h("button.plain.close", { type: "button", "aria-label": t("action.close"), onclick: () => element.close() }, icon("ended"));
  const element = h(`dialog${selector}`, { "aria-label": title, onclose: () => { element.remove(); onclose?.(); } }, h("h2", {}, title), content, close);
  document.body.append(element);
  element.showModal();
  return element;
}

// Asks before something that cannot be undone; resolves to whether it was confirmed.
export function confirmed(question, action) {
  return new Promise((resolve) => {
    let answer = false;
    const close = (value) => () => { answer = value; element.close(); };
    const element = openDialog(".confirm", question, h("div.actions", {},
      h("button", { type: "button", onclick: close(false) }, t("action.cancel")),
      h("button.primary", { type: "button", onclick: close(true) }, action)), () => resolve(answer));
  });
}

// A dialog with a form, which is closed once the form was sent.
export function formDialog(title, submit, fields, onsend) {
  const element = openDialog("", title, form("", submit, fields, async (values) => {
    await onsend(values);
    element.close();
  }));
}
