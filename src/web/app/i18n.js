// Texts in the language of the user. A catalogue maps keys to texts; {name} in a text is replaced, and a text with several forms is an
// object by plural category: { "one": "{count} product", "other": "{count} products" }. All catalogues have the same keys.

import { assets } from "./dom.js";

export const LANGUAGES = ["en", "de", "ja", "pt"];

let language;
let catalogue = {};
let plurals = new Intl.PluralRules("en");

// The language that the user has chosen, or that of the browser.
export function preferredLanguage(chosen) {
  const wanted = [chosen, ...navigator.languages].filter(Boolean).map((tag) => tag.split("-", 1)[0]);
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? "en";
}

export async function useLanguage(tag) {
  const answer = await fetch(`${assets()}/i18n/${tag}.json`);
  catalogue = await answer.json();
  language = tag;
  plurals = new Intl.PluralRules(tag);
  document.documentElement.lang = tag;
}

export function currentLanguage() {
  return language;
}

// The text of a key.
export function t(key, values = {}) {
  let text = catalogue[key] ?? key;
  if (typeof text === "object") text = text[plurals.select(values.count)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
