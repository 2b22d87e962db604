// Elements and texts. Text is only ever set as text: nothing here takes HTML.

// One line per message: key, "=", text.
const messages = Object.fromEntries(document.body.dataset.messages.split("\n").map((line) => line.split(/=(.*)/)));
export const locale = document.documentElement.lang;
export const limit = Number(document.body.dataset.limit);

export function say(key, values) {
  const all = { limit: megabytes(limit), ...values };
  return messages[key].replace(/\{(\w+)\}/g, (_, name) => all[name]);
}

export function hasMessage(key) {
  return key in messages;
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

export function note(text) {
  return make("p", { class: "note" }, text);
}

export function classes(...names) {
  return names.filter(Boolean).join(" ") || null;
}

export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

export function isEmpty(value) {
  return value === null || value === undefined || value === "";
}

// Integers are shown in full, other numbers in JavaScript's shortest form.
export function display(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return say(value ? "true" : "false");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function megabytes(bytes) {
  return round(bytes / 1024 ** 2, 1);
}

// Decimals only matter in small numbers.
export function round(number, digits, options) {
  return number.toLocaleString(locale, { ...options, maximumFractionDigits: number < 10 ? digits : 0 });
}

export function fileSize(bytes) {
  const power = Math.min(2, Math.floor(Math.log2(bytes || 1) / 10));
  return round(bytes / 1024 ** power, 1, { style: "unit", unit: ["byte", "kilobyte", "megabyte"][power] });
}
