// What is wrong with the page that is shown. Arguments: what the keys of texts begin with, up to their first dot.
const prefixes = arguments[0].join("|");
const faults = [];
const key = new RegExp(`(?<![\\w./@-])(?:${prefixes})\\.[a-z][a-z0-9_]*(?:\\.[a-z0-9_]+)*(?![\\w@/-])`);

function check(text, where) {
  const found = key.exec(text) ?? /\{\w+\}|\bundefined\b|\bNaN\b|\[object \w+\]|Invalid Date/.exec(text);
  if (found) faults.push(`${where} has the text ${found[0]}`);
}

check(document.title, "the title");
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const { parentElement, data } = walker.currentNode;
  // What users write, and code, may look like anything.
  if (!parentElement.closest("script, style, code, pre, textarea, noscript")) check(data, parentElement.localName);
}
for (const element of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")) {
  for (const name of ["aria-label", "title", "alt"]) check(element.getAttribute(name) ?? "", `${name} of ${element.localName}`);
}

if (document.title.trim() === "" || document.title.trim() === "amazon-tracker") faults.push("the title does not say which page it is");
const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((heading) => heading.checkVisibility() && !heading.closest("dialog"));
const levels = headings.map((heading) => Number(heading.localName[1]));
if (levels.filter((level) => level === 1).length !== 1) faults.push(`there are ${levels.filter((level) => level === 1).length} headings h1`);
if (headings.some((heading) => heading.textContent.trim() === "")) faults.push("a heading is empty");
levels.forEach((level, at) => {
  if (level > (levels[at - 1] ?? 0) + 1) faults.push(`the heading "${headings[at].textContent}" skips a level`);
});

const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) faults.push(`two elements have the id ${id}`);

const { scrollWidth, clientWidth } = document.documentElement;
if (scrollWidth > clientWidth) {
  const isWide = (element) => element.getBoundingClientRect().right > clientWidth + 1 && !element.parentElement.closest(".scroll, .unseen");
  const widest = [...document.querySelectorAll("body *")].filter(isWide).slice(0, 3).map((element) => element.outerHTML.slice(0, 120));
  faults.push(`it scrolls sideways: ${scrollWidth} px on ${clientWidth} px: ${widest.join(" | ")}`);
}
return faults;
