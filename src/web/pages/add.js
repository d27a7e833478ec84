// Adding products: a link or an ASIN, or many, as lines or as a file. Each line says what became of it.

import { jobs, products } from "../app/api.js";
import { openDialog } from "../app/dialog.js";
import { h, icon, replace } from "../app/dom.js";
import { form, input, labelled } from "../app/form.js";
import { t } from "../app/i18n.js";
import { listen } from "../app/live.js";
import { showError } from "../app/notice.js";
import { tagsOf } from "./board-row.js";

// Lines whose results are shown; of more, those that failed.
const SHOWN = 250;
const ICONS = { done: "done", failed: "failing" };

// What the API takes: a link, or an ASIN.
export const listingOf = (text) => (text.includes("/") ? { url: text } : { asin: text.toUpperCase() });

// Opens the dialog; `onend` gets whether products were added.
export function addDialog(onend) {
  let hasAdded = false;
  let job;
  // The newest event of each job: that of ours can come before the answer.
  const heard = {};
  const results = h("div.results", { "aria-live": "polite" });
  const lines = h("textarea", { name: "lines", rows: 5, placeholder: t("add.placeholder") });
  const file = h("input", { type: "file", name: "file", accept: ".csv,.tsv,.txt,.html" });

  async function add({ tags }) {
    const texts = lines.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const [chosen] = file.files;
    if (!chosen && !texts.length) return lines.focus();
    if (!chosen && texts.length === 1) {
      await products.add({ ...listingOf(texts[0]), tags: tagsOf(tags) });
      hasAdded = true;
      return dialog.close();
    }
    hasAdded = true;
    job = await jobs.import(chosen ?? new Blob([texts.join("\n")]), { tags: tagsOf(tags).join(",") });
    file.value = lines.value = "";
    return follow(heard[job.id] ?? job);
  }

  // Shows the progress of the import, and at its end each line.
  async function follow({ id, status, error, progress }) {
    const { total, remaining } = progress;
    replace(results, h("progress", { max: total || 1, value: total - remaining, "aria-label": t("add.title") }), h("p", {}, t("add.progress", progress)), h("p.problem", {}, error));
    if (!["done", "failed", "cancelled"].includes(status)) return;
    const { items } = await jobs.items(id, { limit: SHOWN, status: total > SHOWN ? "failed" : "" });
    results.append(h("ul", {}, items.map(lineOf)));
  }

  const lineOf = ({ input: line, status, error }) => h(`li.${status}`, {}, icon(ICONS[status] ?? "same"), ` ${line?.listing ?? line} – ${error ?? t(`add.${status}`)}`);

  const stop = listen(({ kind, data }) => {
    if (kind === "job") heard[data.id] = data;
    if (kind === "job" && data.id === job?.id) follow(data).catch(showError);
  });
  const editor = form("", "add.submit", [labelled("add.lines", lines), labelled("add.file", file, t("add.hint")), input("tags", "edit.tags")], add);
  editor.append(results);
  const dialog = openDialog(".add", t("add.title"), editor, () => {
    stop();
    onend(hasAdded);
  });
  lines.focus();
}
