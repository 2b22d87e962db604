// Results and failures as elements: a table, an image, a text, or what is wrong and where.

import { bars, chartOf } from "./charts.js";
import { display, fileSize, hasMessage, limit, locale, make, megabytes, note, round, say } from "./dom.js";
import { extension, fromJSON, IN_BROWSER, readTable } from "./parsing.js";
import { errorTable, sizeOf, tableOf } from "./tables.js";

const MAX_TEXT = 100_000;

// Reads a table of any format: text here, anything else by the service, with the codec of a call.
export async function tableFrom(file, { path, place = {}, whole = false }) {
  const kind = extension(file.name);
  if (IN_BROWSER.includes(kind)) return { table: await readTable(file, kind, whole) };
  const form = new FormData();
  form.append("file", file);
  const response = await fetch(`${path}?${new URLSearchParams(place)}`, { method: "POST", body: form }).catch(() => null);
  if (!response?.headers.get("Content-Type")?.includes("json")) return {};
  const { sheets, ...body } = await response.json();
  if (!response.ok) return { problem: { ...body, detail: (await translated([body.detail]))[0] } };
  return { table: { ...body, first: sheets.length ? 2 : 1 }, sheets };
}

// A response as a file. Excel takes a CSV for UTF-8 only if it begins with a byte order mark.
export function fileOfResponse(response, target) {
  const name = response.name || `${target}.${extensionOf(response.type)}`;
  const mark = /^text\/(csv|tab-separated-values)$/.test(response.type) ? ["\ufeff"] : [];
  return new File([...mark, response.blob], name, { type: response.type });
}

export function downloadOf(file, text, attributes) {
  return make("a", { ...attributes, href: URL.createObjectURL(file), download: file.name }, text);
}

function extensionOf(type) {
  const extensions = { "application/json": "json", "text/plain": "txt", "text/html": "html" };
  return extensions[type] ?? "bin";
}

// Returns elements that show a file; `kind` is the kind of value that the target returns, and `inputs`
// are the names of the columns that were sent.
export async function contentOf(file, target, kind, inputs) {
  const isJSON = file.type === "application/json";
  if (kind === "table" && file.type !== "text/html") {
    const { table } = await tableFrom(file, { path: `page/rows/${encodeURIComponent(target)}`, whole: true });
    if (table) return tableContent(table, inputs);
  }
  if (file.type.startsWith("image/")) return [make("img", { src: URL.createObjectURL(file), alt: say("image") })];
  if (isJSON) {
    const plain = JSON.parse(await file.text());
    if (kind === "scalar") return [text(display(plain?.result ?? null))];
    const table = kind === "array" && Array.isArray(plain) ? fromJSON(plain) : null;
    return table?.data.length ? tableContent(table, inputs) : objectContent(plain);
  }
  if (kind === "array" && IN_BROWSER.includes(extension(file.name))) {
    const table = await readTable(file, extension(file.name), true);
    if (table) return tableContent(table, inputs);
  }
  if (/^text\/(?!html)|yaml|xml$/.test(file.type)) {
    const beginning = await file.slice(0, MAX_TEXT).text();
    return kind === "scalar" ? [text(beginning)] : [preformatted(beginning)];
  }
  return [note(`${fileSize(file.size)}. ${say("no_preview")}`)];
}

function text(content) {
  return make("p", { class: content.length > 80 ? "big long" : "big" }, content);
}

// The columns that were not sent are the result, else those that are called predictions.
function predictionsOf({ columns }, inputs) {
  const own = columns.filter((name) => !inputs.includes(name));
  return own.length && own.length < columns.length ? own : columns.filter((name) => String(name).startsWith("prediction"));
}

function tableContent(table, inputs) {
  const label = say("result_table"), pinned = predictionsOf(table, inputs);
  if (table.total === 1) {
    const results = pinned.length ? pinned : table.columns;
    const values = results.map((name) => [name, table.data[0][table.columns.indexOf(name)]]);
    const shares = areShares(values) && bars(sorted(values), say("values", { name: label }));
    const one = values.length === 1 && text(display(asNumber(values[0][1])));
    return [one, shares && make("div", { class: "chart" }, shares), tableOf(table, label, { pinned })].filter(Boolean);
  }
  return [note(sizeOf(table)), chartOf(table, pinned), tableOf(table, label, { sortable: true, pinned })].filter(Boolean);
}

const asNumber = (value) => (typeof value === "string" && /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(value) ? Number(value) : value);
const sorted = (entries) => [...entries].sort((a, b) => b[1] - a[1]);

// Whether numbers by name are probabilities of classes.
function areShares(entries) {
  const numbers = entries.map(([, value]) => value);
  if (numbers.length < 2 || numbers.length > 24 || !numbers.every((number) => typeof number === "number" && number >= 0)) return false;
  return Math.abs(numbers.reduce((sum, number) => sum + number, 0) - 1) < 0.01;
}

// Names and values; a nested object of numbers becomes a chart, of probabilities in their order.
function objectContent(plain) {
  if (!plain || typeof plain !== "object" || Array.isArray(plain)) return [preformatted(JSON.stringify(plain, null, 2).slice(0, MAX_TEXT))];
  const charts = [], pairs = [];
  for (const [name, value] of Object.entries(plain)) {
    const entries = value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
    const isChart = entries.length > 1 && entries.length <= 24 && entries.every(([, number]) => typeof number === "number" && number >= 0);
    const drawn = areShares(entries) ? sorted(entries) : entries;
    if (isChart) charts.push(make("div", { class: "chart" }, make("h3", {}, name), bars(drawn, say("values", { name }))));
    else pairs.push(make("dt", {}, name), make("dd", {}, display(value)));
  }
  return [pairs.length && make("dl", { class: "pairs" }, pairs), ...charts].filter(Boolean);
}

function preformatted(content) {
  return make("pre", { tabindex: "0" }, content);
}

// The service's messages in the language of this page; unchanged if it cannot be reached.
async function translated(texts) {
  const options = { method: "POST", body: JSON.stringify(texts), headers: { "Content-Type": "application/json" } };
  const response = await fetch(`page/errors/${locale}`, options).catch(() => null);
  return response?.ok ? response.json() : texts;
}

// Returns the heading of a failed call, the elements that show it, and its errors; `size` is the request's.
export async function failureOf(response, size, { tables, several }) {
  const problem = (await bodyOf(response).catch(() => null)) ?? {};
  const isTooLarge = response.status === 413 || (!response.status && size > limit);
  const key = `problem_${response.status || (isTooLarge ? 413 : 0)}`;
  const heading = say(hasMessage(key) ? key : "problem");
  const elements = [make("h3", {}, heading)];
  const listed = Array.isArray(problem.errors) ? problem.errors : [];
  const addsDetail = listed.some((error) => "row" in error || "column" in error || error.message !== problem.detail);
  const messages = [...new Set([problem.detail ?? "", ...listed.map(({ message }) => message)])];
  const words = new Map((problem.detail ? await translated(messages) : []).map((word, index) => [messages[index], word]));
  const errors = listed.map((error) => ({ ...error, message: words.get(error.message) ?? error.message }));
  if (!response.status) elements.push(make("p", {}, isTooLarge ? say("interrupted", { size: megabytes(size) }) : say("unreachable")));
  if (problem.detail) elements.push(make("p", {}, words.get(problem.detail) ?? problem.detail));
  if (response.status === 413) elements.push(make("p", {}, say("limit")));
  if (addsDetail) elements.push(errorTable(errors, tables, several));
  if (response.status >= 500 && problem.request_id) {
    elements.push(note(say("request_id", { id: problem.request_id })));
  }
  return { heading, elements, errors };
}

async function bodyOf(response) {
  return JSON.parse(await response.blob.text());
}
