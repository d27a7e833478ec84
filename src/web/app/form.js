// Forms: controls with labels, and the problems of an answer beside the fields that they name.

import { assets, h } from "./dom.js";
import { t } from "./i18n.js";
import { told } from "./notice.js";

// An input with its label. A checkbox stands before its label, everything else below it.
export function input(name, label, { hint, ...properties } = {}) {
  const control = h("input", { name, ...properties });
  return properties.type === "checkbox" ? h("label.check", {}, control, t(label)) : labelled(label, control, hint && t(hint));
}

// A select with its label; the options are [value, text].
export function select(name, label, options, { value, ...properties } = {}) {
  const option = ([key, text]) => h("option", { value: key, selected: key === value }, text);
  return labelled(label, h("select", { name, ...properties }, options.map(option)));
}

export function labelled(label, control, hint) {
  return h("label.field", {}, h("span", {}, t(label)), control, hint ? h("small.muted", {}, hint) : null);
}

// A form that sends what its fields hold: `onsend` gets { name: value } and the form. While it waits, it cannot be sent again; what the answer
// says of a field stands below the field, and everything else at the end.
export function form(selector, submit, children, onsend) {
  const problem = h("p.problem", { role: "alert" });
  const button = h("button.primary", { type: "submit" }, t(submit));
  const element = h(`form${selector}`, {}, children, problem, h("div.actions", {}, button));
  adapt(element);
  element.addEventListener("input", () => adapt(element));
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(element, problem);
    button.disabled = true;
    try {
      await onsend(valuesOf(element), element);
    } catch (error) {
      tell(element, problem, error);
    } finally {
      button.disabled = false;
    }
  });
  return element;
}

let forms;

// The fields of a form of forms.json. `values` and `lists` hold, by short names, what they begin with and what there is to choose.
export async function fieldsOf(form, values, lists = {}) {
  forms ??= await fetch(`${assets()}/forms.json`).then((answer) => answer.json());
  return forms[form].map(({ name, when, ...properties }) => {
    const short = name.replace(/^(action|recurrence)\./, "");
    const options = properties.options ?? lists[short];
    const value = values[short] ?? properties.value;
    const label = `field.${short}`;
    const choices = options?.map((option) => (option.map ? option : [option, t(`${label}.${option}`)]));
    const field = choices ? select(name, label, choices, { value }) : input(name, label, { ...properties, value });
    if (when) field.dataset.when = when;
    return field;
  });
}

// Shows the fields whose condition, "name=value|value", holds.
function adapt({ elements }) {
  for (const control of elements) {
    const [name, values] = control.closest("label")?.dataset.when?.split("=") ?? [];
    if (name) control.parentElement.hidden = control.disabled = elements[name].disabled || !values.split("|").includes(elements[name].value);
  }
}

// { "a.b": 1 } as { a: { b: 1 } }, without what is empty: fields have the names that answers have for them.
export function nested(values) {
  const result = {};
  for (const [name, value] of Object.entries(values)) {
    const path = name.split(".");
    const last = path.pop();
    if (value !== "") path.reduce((into, key) => (into[key] ??= {}), result)[last] = value;
  }
  return result;
}

// The values of a form: texts without spaces around them, numbers, true or false for a checkbox, a list for several of one name.
export function valuesOf(element) {
  const values = {};
  for (const control of element.elements) {
    if (!control.name || control.disabled || (control.type === "radio" && !control.checked)) continue;
    if (control.type === "checkbox" && control.dataset.value === undefined) values[control.name] = control.checked;
    else if (control.type === "checkbox") (values[control.name] ??= []).push(...(control.checked ? [control.dataset.value] : []));
    else if (control.type === "number" && control.value) values[control.name] = Number(control.value);
    else values[control.name] = control.type === "password" ? control.value : control.value.trim();
  }
  return values;
}

function clear(element, problem) {
  problem.textContent = "";
  element.querySelectorAll("[aria-invalid]").forEach((control) => control.removeAttribute("aria-invalid"));
  element.querySelectorAll(".field-problem").forEach((text) => text.remove());
}

function tell(element, problem, error) {
  const unplaced = [];
  for (const { field, message } of error.errors ?? []) {
    const control = element.elements[field];
    if (!control?.after) unplaced.push(`${field} ${message}`);
    else {
      control.setAttribute("aria-invalid", "true");
      control.after(h("small.field-problem", { role: "alert" }, message));
    }
  }
  if (unplaced.length || !error.errors?.length) problem.textContent = unplaced.join("; ") || told(error);
  element.querySelector("[aria-invalid]")?.focus();
}
