// Signing in.

import { session } from "../app/api.js";
import { h, replace } from "../app/dom.js";
import { t } from "../app/i18n.js";
import { told } from "../app/notice.js";
import { go } from "../app/router.js";
import { state } from "../app/state.js";

function field(name, label, properties) {
  return h("label", {}, t(label), h("input", { name, required: true, ...properties }));
}

async function submit(form, problem) {
  problem.textContent = "";
  const { email, password } = Object.fromEntries(new FormData(form));
  try {
    await session.signIn(email, password);
    state.user = await session.me();
    const path = state.returnTo ?? "/";
    state.returnTo = undefined;
    await go(path, { replace: true });
  } catch (error) {
    problem.textContent = told(error);
    form.elements.password.select();
  }
}

export const signInPage = {
  title: "sign_in.title",
  render(view) {
    const problem = h("p.problem", { role: "alert" });
    const form = h(
      "form.narrow",
      { onsubmit: (event) => { event.preventDefault(); submit(form, problem); } },
      h("h1", {}, t("sign_in.title")),
      field("email", "sign_in.email", { type: "email", autocomplete: "username" }),
      field("password", "sign_in.password", { type: "password", autocomplete: "current-password" }),
      problem,
      h("button.primary", { type: "submit" }, t("sign_in.submit")),
    );
    replace(view, form);
    form.elements.email.focus();
  },
};
