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

// Numbers are shown as people write them: rounded, with the signs of the language.
export function display(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "boolean") return say(value ? "true" : "false");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const formats = new Map(); // making one takes longer than using it a hundred times

function write(number, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale, options));
  return formats.get(key).format(number);
}

// Whole numbers, which may be identifiers or years, have no thousands signs unless `groups`;
// `decimals` is the number of decimals that a column has.
export function formatNumber(number, { groups = false, decimals } = {}) {
  const size = Math.abs(number);
  const fixed = decimals !== undefined && (size >= 10 ** -decimals || !size) && { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  if (Number.isInteger(number) && size < 1e15) return write(number, { useGrouping: groups, ...fixed });
  if (size < 1e-4 || size >= 1e15) return write(number, { notation: "scientific", maximumSignificantDigits: 4 });
  return write(number, fixed || (size < 1000 ? { maximumSignificantDigits: 6 } : { maximumFractionDigits: 2 }));
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
  return round(bytes / 1024 ** power, 1, { style: "unit", unit: ["byte", "kilobyte", "megabyte"][power], unitDisplay: power ? "short" : "long" });
}
