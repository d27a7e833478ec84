// Money, numbers and times as the user's language and time zone write them.

import { currentLanguage, t } from "./i18n.js";

let zone;

// The time zone of the user; undefined: that of the browser.
export function useTimeZone(name) {
  zone = timeZones().includes(name) ? name : undefined;
  formats.clear();
}

// The zones that there are to choose.
export const timeZones = () => ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];

const formats = new Map();

function cached(kind, options, make) {
  const key = `${kind} ${currentLanguage()} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, make(currentLanguage(), options));
  return formats.get(key);
}

const numberFormat = (options) => cached("number", options, (tag, o) => new Intl.NumberFormat(tag, o));
const dateFormat = (options) => cached("date", { ...options, timeZone: zone }, (tag, o) => new Intl.DateTimeFormat(tag, o));
const relativeFormat = () => cached("relative", { numeric: "auto" }, (tag, o) => new Intl.RelativeTimeFormat(tag, o));

// Digits after the decimal point of a currency.
export function exponentOf(currency) {
  return numberFormat({ style: "currency", currency }).resolvedOptions().maximumFractionDigits;
}

// { amount_minor, currency } as text; a dash for none.
export function money(value) {
  if (!value) return "–";
  const amount = value.amount_minor / 10 ** exponentOf(value.currency);
  return numberFormat({ style: "currency", currency: value.currency }).format(amount);
}

export function integer(value) {
  return value === null || value === undefined ? "–" : numberFormat({}).format(value);
}

export function decimal(value, digits = 1) {
  return numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

// A share, 0 to 1, in percent; with a sign if it is a change.
export function percent(share, isChange = false) {
  const signDisplay = isChange ? "exceptZero" : "auto";
  return numberFormat({ style: "percent", maximumFractionDigits: 1, signDisplay }).format(share);
}

export function date(at) {
  return dateFormat({ dateStyle: "medium" }).format(new Date(at));
}

export function dateTime(at) {
  return dateFormat({ dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

// "3 minutes ago", "in 2 hours".
export function relative(at, now = Date.now()) {
  let amount = (new Date(at) - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return relativeFormat().format(Math.round(amount), unit);
    amount /= size;
  }
}

// Availability in words.
export function availability(state) {
  return t(`availability.${state}`);
}
