// Conditions of alert rules in words, both ways. A template is the JSON of a condition by its paths, with blanks such as $money.

import { competitors } from "./api.js";
import { assets } from "./dom.js";
import { nested } from "./form.js";
import * as format from "./format.js";
import { currentLanguage, t } from "./i18n.js";

// The templates and choices of pages/alerts.json, and the competitor sets by their ids.
export const data = {};

export async function learn() {
  const [read, { items }] = await Promise.all([fetch(`${assets()}/pages/alerts.json`).then((answer) => answer.json()), competitors.all()]);
  Object.assign(data, read, { sets: new Map(items.map(({ id, name }) => [id, name])) });
}

const NUMBERS = /(_secs|percent|per_day)$/;

export const word = (value) => t(`rule.word.${value}`);
const listed = (parts, type) => new Intl.ListFormat(currentLanguage(), { type }).format(parts);

// The values of JSON by their paths, { "vs.max_days": 30 }, and back, without those that are empty and with numbers where forms have texts.
// Money and lists are values.
export const flat = (json, path = "") => Object.entries(json ?? {}).flatMap(([key, value]) =>
  typeof value === "object" && value && !value.currency && !Array.isArray(value) ? flat(value, `${path}${key}.`) : [[path + key, value]]);

export const unflat = (entries) => nested(Object.fromEntries(entries
  .filter(([, value]) => String(value ?? ""))
  .map(([path, value]) => [path, NUMBERS.test(path) ? Number(value) : value])));

// [path, literal, blank] of each part of a template.
export const partsOf = (name) => data.templates[name].split(" ").map((part) => {
  const [path, text] = part.split("=");
  return text[0] === "$" ? [path, undefined, text.slice(1)] : [path, text === "true" || Number(text) || text];
});

// { name, values, isExact } of the template that says a condition, or most of it.
export function matching(json) {
  const given = new Map(flat({ ...data.assumed[json.kind], ...json }));
  const found = Object.keys(data.templates).map((name) => {
    const [rest, values] = [new Set(given.keys()), {}];
    const fits = partsOf(name).every(([path, literal, blank]) => {
      rest.delete(path);
      if (!blank) return given.get(path) === literal;
      values[blank] = given.get(path) ?? data.defaults[blank];
      return values[blank] !== undefined && (blank === "money") === Boolean(values[blank].currency);
    });
    return fits && { name, values, isExact: !rest.size };
  }).filter(Boolean);
  return found.find(({ isExact }) => isExact) ?? found[0];
}

// The JSON of a template whose blanks are filled.
export const filled = ({ name, values }) => unflat(partsOf(name).map(([path, literal, blank]) =>
  [path, blank && String(values[blank]) === String(data.defaults[blank]) ? "" : literal ?? values[blank]]));

function inWords(blank, value) {
  if (blank === "money") return format.money(value);
  if (blank === "set") return data.sets.get(value) ?? t("rule.a_set");
  if (Array.isArray(value)) return listed(value.map((one) => (blank === "parts" || one === "me" || one === "amazon" ? word(one) : one)), "disjunction");
  return data.choices[blank] ? t(`rule.${blank}.${value}`) : typeof value === "number" ? format.integer(value) : value;
}

// The value of a blank in words. One that may be left out brings the words around it.
export function said(blank, value) {
  if (!(blank in data.defaults)) return inWords(blank, value);
  return String(value) === String(data.defaults[blank]) ? "" : t(`rule.around.${blank}`, { value: inWords(blank, value) });
}

// A condition in words.
export function described(condition) {
  const { kind, of } = condition;
  if (kind === "not") return t("rule.not", { what: described(of) });
  if (Array.isArray(of)) return listed(of.map((part) => (Array.isArray(part.of) ? `(${described(part)})` : described(part))), kind === "any" ? "disjunction" : "conjunction");
  const found = matching(condition);
  if (!found) return t("rule.other", { kind });
  const words = Object.entries(found.values).map(([blank, value]) => [blank, said(blank, value)]);
  return t(`rule.says.${found.name}`, Object.fromEntries(words)) + (found.isExact ? "" : t("rule.more"));
}
