// Money, numbers and times as the user's language and time zone write them.

import { currentLanguage, t } from "./i18n.js";

let zone;

// The time zone of the user; undefined: that of the browser.
export function useTimeZone(name) {
  zone = timeZones().includes(name) ? name : undefined;
  formats.clear();
}

export const timeZone = () => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
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
export function money(value, options = {}) {
  if (!value) return "–";
  const amount = value.amount_minor / 10 ** exponentOf(value.currency);
  return numberFormat({ style: "currency", currency: value.currency, ...options }).format(amount);
}

// A number in little space: 12K.
export function compact(value) {
  return numberFormat({ notation: "compact" }).format(value);
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

const TICKS = {
  hour: { hour: "numeric", minute: "2-digit" },
  day: { day: "numeric", month: "short" },
  month: { month: "short", year: "numeric" },
  year: { year: "numeric" },
};

// A label of a time axis with so many of them: "hour", "day", "month" or "year".
export function tick(at, unit) {
  return dateFormat(TICKS[unit === "hour" && clockAt(at) % 864e5 === 0 ? "day" : unit]).format(at);
}

const CLOCK = { calendar: "gregory", numberingSystem: "latn", hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };

// What the clocks of the user's zone show at a time, as the time at which those of UTC show it; in milliseconds.
export function clockAt(at) {
  const { year, month, day, hour, minute, second } = Object.fromEntries(dateFormat(CLOCK).formatToParts(at).map(({ type, value }) => [type, value]));
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

// The time at which the clocks of the user's zone show this. What they skip in spring is an hour later.
export function timeOfClock(clock) {
  const guess = clock * 2 - clockAt(clock);
  return guess + clock - clockAt(guess);
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

// "5 min, 2 sec"
export function duration(millis) {
  const seconds = Math.max(1, Math.round(millis / 1000));
  const parts = { hours: Math.floor(seconds / 3600), minutes: Math.floor(seconds / 60) % 60, seconds: seconds % 60 };
  return new Intl.DurationFormat(currentLanguage(), { style: "short" }).format(parts);
}

// Availability in words.
export function availability(state) {
  return t(`availability.${state}`);
}
