// What a link from an e-mail leads to: it proves an address, sets a password, or joins a tenant.
"use strict";

const PURPOSES = {
  verify_email: { title: "Confirm your address", action: "verify-email", fields: [], done: "Your address is confirmed." },
  reset_password: { title: "Set a new password", action: "reset-password", fields: ["password"], done: "Your password is set." },
  invite: { title: "Join", action: "accept-invitation", fields: ["name", "password"], done: "Welcome. You can sign in now." },
};

const purpose = PURPOSES[location.pathname.split("/").pop()];
const token = new URLSearchParams(location.search).get("token");
const form = document.querySelector("form");
const status = document.querySelector("[role=status]");

// The token works once, but until then it is nobody else's to read.
history.replaceState(null, "", location.pathname);
document.querySelector("h1").textContent = purpose.title;
purpose.fields.forEach((field) => { document.getElementById(field).hidden = false; });
form.hidden = false;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { token };
  purpose.fields.forEach((field) => { body[field] = form.elements[field].value; });
  const answer = await fetch(`../api/v1/auth/${purpose.action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.ok) {
    form.hidden = true;
    status.textContent = purpose.done;
    return;
  }
  const problem = await answer.json();
  const errors = (problem.errors || []).map((error) => `${error.field} ${error.message}`);
  status.textContent = errors.join("; ") || problem.detail;
});
