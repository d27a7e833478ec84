// Builds elements. Nothing here, or anywhere else, makes elements of text: what a listing says is always text.

const SVG = "http://www.w3.org/2000/svg";

// h("button.primary", { type: "button", onclick: save }, "Save"): properties are set as properties where the element has them, and as
// attributes otherwise. Children are nodes, texts, arrays of both, or nothing.
export function h(selector, properties, ...children) {
  return fill(document.createElement(tagOf(selector)), selector, properties, children);
}

// The same for SVG.
export function svg(selector, attributes, ...children) {
  return fill(document.createElementNS(SVG, tagOf(selector)), selector, attributes, children);
}

// An icon of icons.svg; it says nothing to screen readers.
export function icon(name) {
  return svg("svg.icon", { "aria-hidden": "true" }, svg("use", { href: `${assets()}/icons.svg#${name}` }));
}

// The folder of this version's files.
export function assets() {
  return new URL("..", import.meta.url).pathname.replace(/\/$/, "");
}

// A button that does something: its content is a text, an icon, or several of them.
export function button(selector, onclick, content, properties) {
  return h(`button${selector}`, { type: "button", onclick, ...properties }, content);
}

// Replaces all children.
export function replace(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

// Replaces the children that differ. Those that say the same stay, and so do the focus and a button that is being pressed.
export function renew(parent, ...children) {
  const next = nodes(children);
  const before = [...parent.children];
  next.forEach((child, at) => (before[at] ? before[at].isEqualNode(child) || before[at].replaceWith(child) : parent.append(child)));
  before.slice(next.length).forEach((child) => child.remove());
  return parent;
}

function tagOf(selector) {
  return selector.split(".", 1)[0];
}

function fill(element, selector, properties, children) {
  const classes = selector.split(".").slice(1);
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(properties ?? {})) set(element, name, value);
  element.append(...nodes(children));
  return element;
}

function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name in element && !(element instanceof SVGElement) && typeof value !== "string") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);
}
