// Elements and words. Text only ever becomes text: nothing here takes HTML.

// A line for each: its name, "=", and the text.
const texts = Object.fromEntries(document.body.dataset.texts.split("\n").map((line) => line.split(/=(.*)/)));
export const locale = document.documentElement.lang;

export function say(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function knows(key) {
  return key in texts;
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

// Whole numbers are shown to the digit, others as JavaScript writes them shortest.
export function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return say(value ? "true" : "false");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function megabytes(bytes) {
  const size = bytes / 1024 ** 2;
  return size.toLocaleString(locale, { maximumFractionDigits: size < 10 ? 1 : 0 });
}

export function fileSize(bytes) {
  const power = Math.min(2, Math.floor(Math.log2(bytes || 1) / 10));
  const size = bytes / 1024 ** power, unit = ["byte", "kilobyte", "megabyte"][power];
  return size.toLocaleString(locale, { style: "unit", unit, maximumFractionDigits: size < 10 ? 1 : 0 });
}
