// What changed on the page of a listing: each version against the one before, word by word.

import { action } from "../app/action.js";
import { products } from "../app/api.js";
import { h, replace } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { muted, time } from "../app/parts.js";

// Comparing takes the product of the lengths: longer texts are shown as a whole, old and new.
const MAX_CELLS = 4e6;

// The pieces of a value that are compared: words with the space after them, also where there is none, or whole items.
function pieces(field, value) {
  if (field === "image_ids") return (value ?? []).map((id) => `${id}\n`);
  const text = Array.isArray(value) ? value.join("\n") : typeof value === "boolean" ? t(`content.${value}`) : String(value ?? "");
  const words = [];
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)) {
    if (words.length && !segment.trim()) words[words.length - 1] += segment;
    else words.push(segment);
  }
  return words;
}

// [["del" | "ins" | "span", text], …] by the longest common subsequence.
export function diff(before, after) {
  if (before.length * after.length > MAX_CELLS) return [["del", before.join("")], ["ins", after.join("")]];
  const width = after.length + 1;
  const common = new Uint16Array((before.length + 1) * width);
  for (let a = before.length - 1; a >= 0; a -= 1) {
    for (let b = after.length - 1; b >= 0; b -= 1) {
      const at = a * width + b;
      common[at] = before[a] === after[b] ? common[at + width + 1] + 1 : Math.max(common[at + width], common[at + 1]);
    }
  }
  const parts = [];
  for (let a = 0, b = 0; a < before.length || b < after.length;) {
    const at = a * width + b;
    const tag = before[a] === after[b] ? "span" : b === after.length || (a < before.length && common[at + width] >= common[at + 1]) ? "del" : "ins";
    const text = tag === "ins" ? after[b] : before[a];
    if (parts.at(-1)?.[0] === tag) parts.at(-1)[1] += text;
    else parts.push([tag, text]);
    if (tag !== "ins") a += 1;
    if (tag !== "del") b += 1;
  }
  return parts;
}

function version({ at, changed, content }, before) {
  const field = (name) => [h("dt", {}, t(`content.${name}`)), h("dd.diff", {}, diff(pieces(name, before.content[name]), pieces(name, content[name])).map(([tag, text]) => h(tag, {}, text)))];
  return h("li", {}, h("h3", {}, time(at)), before ? h("dl.facts", {}, changed.map(field)) : t("content.first"));
}

export async function changesOf({ id }) {
  const versions = [];
  const list = h("ol.list");
  const more = action("board.more", () => next(), { icon: "descending" });
  async function next() {
    const { items, next_cursor: cursor } = await products.content(id, more.cursor);
    versions.push(...items);
    more.cursor = cursor;
    more.hidden = !cursor;
    // The oldest one waits for the one before it.
    replace(list, (cursor ? versions.slice(0, -1) : versions).map((one, n) => version(one, versions[n + 1])));
  }
  await next();
  return versions.length ? [list, more] : muted(t("content.none"));
}
