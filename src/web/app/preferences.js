// Language, time zone and theme of the user. They are remembered here too, so that the next start has them at once.

import { useTimeZone } from "./format.js";
import { currentLanguage, preferredLanguage, useLanguage } from "./i18n.js";
import { state } from "./state.js";

// Applies what this browser remembers, or else what it prefers itself.
export async function applyPreferences() {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";
  useTimeZone(localStorage.getItem("time_zone"));
  const wanted = preferredLanguage(localStorage.getItem("language"));
  if (wanted !== currentLanguage()) await useLanguage(wanted);
}

// A user has signed in, or has changed something of the account.
export function enter(user) {
  state.user = user;
  for (const name of ["language", "time_zone", "theme"]) localStorage.setItem(name, user.preferences[name] ?? "");
  return applyPreferences();
}
