// Adding products: a link or an ASIN, or many, one on each line. Each line says what became of it.

import { products } from "../app/api.js";
import { h, icon, replace } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { told } from "../app/notice.js";

const MAX_LINES = 200;

function lineOf(text) {
  const isLink = /^https?:\/\//i.test(text) || text.includes("/");
  return isLink ? { url: text } : { asin: text.toUpperCase() };
}

async function addLine(text, item) {
  try {
    const product = await products.add(lineOf(text));
    replace(item, icon("done"), " ", text, " – ", t("add.added"));
    item.className = "done";
    return product;
  } catch (error) {
    replace(item, icon("failing"), " ", text, " – ", told(error));
    item.className = "failed";
  }
}

// Opens the dialog; `onend` gets the products that were added.
export function addDialog(onend) {
  const added = [];
  const results = h("ul.results", { "aria-live": "polite" });
  const lines = h("textarea", { name: "lines", rows: 5, required: true, "aria-label": t("add.lines"), placeholder: t("add.placeholder") });
  const submit = h("button.primary", { type: "submit" }, t("add.submit"));

  async function add(event) {
    event.preventDefault();
    const texts = [...new Set(lines.value.split(/\s*\n\s*/).map((line) => line.trim()).filter(Boolean))].slice(0, MAX_LINES);
    submit.disabled = true;
    const items = texts.map((text) => h("li", {}, text));
    replace(results, items);
    // One after the other: the daemon limits requests, and the results come in the order of the lines.
    for (const [at, text] of texts.entries()) {
      const product = await addLine(text, items[at]);
      if (product) added.push(product);
    }
    submit.disabled = false;
    lines.value = texts.filter((_, at) => items[at].className === "failed").join("\n");
    if (lines.value === "") dialog.close();
  }

  const dialog = h(
    "dialog.add", { "aria-labelledby": "add-title", onclose: () => { dialog.remove(); onend(added); } },
    h("form", { onsubmit: add },
      h("h2", { id: "add-title" }, t("add.title")), h("p", {}, t("add.hint")), lines, results,
      h("div.actions", {}, h("button", { type: "button", onclick: () => dialog.close() }, t("action.close")), submit),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  lines.focus();
}
