// Results and failures as elements: a table, an image, a text, or what is wrong and where.

import { bars, chartOf } from "./charts.js";
import { display, fileSize, hasMessage, limit, make, megabytes, note, round, say } from "./dom.js";
import { extension, fromJSON, IN_BROWSER, readTable } from "./parsing.js";
import { errorTable, sizeOf, tableOf } from "./tables.js";

const MAX_TEXT = 100_000;

// Reads a table of any format: text here, anything else by the service, with the codec of a call.
export async function tableFrom(file, { path, whole = false }) {
  const kind = extension(file.name);
  if (IN_BROWSER.includes(kind)) return { table: await readTable(file, kind, whole) };
  const form = new FormData();
  form.append("file", file);
  const response = await fetch(path, { method: "POST", body: form }).catch(() => null);
  if (!response?.headers.get("Content-Type")?.includes("json")) return {};
  const body = await response.json();
  const first = ["xlsx", "xlsm", "xls", "ods"].includes(kind) ? 2 : 1;
  return response.ok ? { table: { ...body, first } } : { problem: body };
}

// Returns the elements that show a target's response; `kind` is the kind of value it returns.
export async function resultOf(response, target, kind) {
  const seconds = round(response.seconds, 2);
  const done = note(say("done", { seconds }));
  if (response.status === 204) return [make("p", {}, say("nothing")), done];
  const name = response.name || `${target}.${extensionOf(response.type)}`;
  const file = new File([response.blob], name, { type: response.type });
  const save = make("a", { class: "main", href: URL.createObjectURL(file), download: name }, say("download", { name }));
  return [make("div", { class: "head" }, done, save), ...(await contentOf(file, target, kind))];
}

function extensionOf(type) {
  const extensions = { "application/json": "json", "text/plain": "txt", "text/html": "html" };
  return extensions[type] ?? "bin";
}

async function contentOf(file, target, kind) {
  const isJSON = file.type === "application/json";
  if (kind === "table" && file.type !== "text/html") {
    const { table } = await tableFrom(file, { path: `page/rows/${encodeURIComponent(target)}`, whole: true });
    if (table) return tableContent(table);
  }
  if (file.type.startsWith("image/")) return [make("img", { src: URL.createObjectURL(file), alt: say("image") })];
  if (isJSON) {
    const plain = JSON.parse(await file.text());
    if (kind === "scalar") return [text(display(plain?.result ?? null))];
    const table = kind === "array" && Array.isArray(plain) ? fromJSON(plain) : null;
    return table?.data.length ? tableContent(table) : objectContent(plain);
  }
  if (kind === "array" && IN_BROWSER.includes(extension(file.name))) {
    const table = await readTable(file, extension(file.name), true);
    if (table) return tableContent(table);
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

function tableContent(table) {
  const label = say("result_table");
  if (table.total === 1) {
    const isOneValue = table.columns.length === 1;
    return [isOneValue && text(display(table.data[0][0])), tableOf(table, label)];
  }
  return [note(sizeOf(table)), chartOf(table), tableOf(table, label, { sortable: true })];
}

// Names and values; a nested object of numbers becomes a chart.
function objectContent(plain) {
  if (!plain || typeof plain !== "object" || Array.isArray(plain)) return [preformatted(JSON.stringify(plain, null, 2).slice(0, MAX_TEXT))];
  const charts = [], pairs = [];
  for (const [name, value] of Object.entries(plain)) {
    const entries = value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
    const isChart = entries.length > 1 && entries.length <= 24 && entries.every(([, number]) => typeof number === "number" && number >= 0);
    if (isChart) charts.push(make("div", { class: "chart" }, make("h3", {}, name), bars(entries, say("values", { name }))));
    else pairs.push(make("dt", {}, name), make("dd", {}, display(value)));
  }
  return [pairs.length && make("dl", { class: "pairs" }, pairs), ...charts].filter(Boolean);
}

function preformatted(text) {
  return make("pre", { tabindex: "0" }, text);
}

// Returns the elements that show a failed call, and its errors; `size` is that of the request.
export async function failureOf(response, size, { tables, several }) {
  const problem = (await bodyOf(response).catch(() => null)) ?? {};
  const isTooLarge = response.status === 413 || (!response.status && size > limit);
  const key = `problem_${response.status || (isTooLarge ? 413 : 0)}`;
  const elements = [make("h3", {}, say(hasMessage(key) ? key : "problem"))];
  if (!response.status) elements.push(make("p", {}, isTooLarge ? say("interrupted", { size: megabytes(size) }) : say("unreachable")));
  if (problem.detail) elements.push(make("p", {}, problem.detail));
  if (response.status === 413) elements.push(make("p", {}, say("limit")));
  const errors = Array.isArray(problem.errors) ? problem.errors : [];
  const addsDetail = errors.some((error) => "row" in error || "column" in error || error.message !== problem.detail);
  if (addsDetail) elements.push(errorTable(errors, tables, several));
  if (response.status >= 500 && problem.request_id) {
    elements.push(note(say("request_id", { id: problem.request_id })));
  }
  return { elements, errors };
}

async function bodyOf(response) {
  return JSON.parse(await response.blob.text());
}
