// The pages before the sign-in, and what the links in e-mails lead to. Such a link does nothing before a button is pressed: scanners of e-mails
// load every link.

import { access, session } from "../app/api.js";
import { h, replace } from "../app/dom.js";
import { fieldsOf, form } from "../app/form.js";
import { t } from "../app/i18n.js";
import { showError } from "../app/notice.js";
import { enter } from "../app/preferences.js";
import { currentPath, go, query } from "../app/router.js";
import { state } from "../app/state.js";

// The token of a link is in the fragment, which is sent to nobody. Older links have it in the query: it moves.
function takeToken() {
  const { token } = query();
  if (token) history.replaceState(null, "", `${location.pathname}#token=${token}`);
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

// What the forms are sent to, by the last parts of their paths.
const SENDS = {
  "sign-in": session.signIn,
  register: access.register,
  "forgot-password": access.forgot,
  verify_email: access.verify,
  reset_password: access.reset,
  invite: access.accept,
  "set-up": access.setUp,
};

const nameOf = (path) => path.split("/").filter(Boolean).pop();

export const entryPage = {
  get title() {
    return `entry.${nameOf(currentPath())}`;
  },
  async render(view) {
    const path = currentPath().replace(/\/$/, "");
    const name = nameOf(path);
    const title = `entry.${name}`;
    const send = SENDS[name];
    const isLink = path.startsWith("/auth/");
    const token = isLink ? takeToken() : undefined;
    const options = await access.options().catch((error) => (showError(error), {}));
    const fields = await fieldsOf(name, {});
    const others = ["sign-in", "register", "forgot-password"].filter((other) => other !== name && (other !== "register" || options.can_register));
    const card = (...content) => replace(view, h("div.narrow", {}, h("h1", {}, t(title)), content, h("nav", {},
      others.map((other) => h("a", { href: `${state.base}/${other}` }, t(`entry.${other}`))))));
    const says = (key) => h("p", { role: "status" }, t(key));
    if (isLink && !token) return card(says("entry.incomplete"));
    if (name === "register" && options.can_register === false) return card(says("entry.closed"));
    const onsend = async (values, element) => {
      const sent = isLink ? { ...values, token, ...(fields.length && { sign_in: true }) } : values;
      const answer = await send(sent).catch((error) => {
        element.elements.password?.select();
        throw error.errors?.some(({ field }) => field === "token") ? new Error(t("entry.useless")) : error;
      });
      if (!isLink && !answer) return card(says(options.sends_mail === false ? "entry.in_log" : `${title}.done`));
      const user = answer?.preferences ? answer : await session.me().catch(() => undefined);
      if (user) await enter(user);
      else state.message = "entry.done";
      const to = user ? state.returnTo ?? "/" : "/sign-in";
      state.returnTo = undefined;
      await go(to, { replace: true });
    };
    const message = options.is_set_up === false && !isLink ? "entry.empty" : state.message;
    state.message = undefined;
    const text = name !== "sign-in" && h("p.muted", {}, t(`${title}.text`));
    card(message && says(message), text, form("", `${title}.submit`, fields, onsend));
    view.querySelector("input")?.focus();
  },
};
