// Answers and faults, shown: a table, a picture, a text, or what is wrong and where.

import { bars, chartOf } from "./charts.js";
import { fileSize, knows, make, megabytes, say, shown } from "./dom.js";
import { extension, IN_BROWSER, ofJSON, readTable } from "./reading.js";
import { count, faultsOf, tableOf } from "./tables.js";

const MOST_TEXT = 100_000;

// Reads a table of any format: text here, anything else by the service, with the codec of a call.
export async function tableFrom(file, url) {
  const kind = extension(file.name);
  if (IN_BROWSER.includes(kind)) return { table: await readTable(file, kind, url.whole) };
  const form = new FormData();
  form.append("file", file);
  const answer = await fetch(url.path, { method: "POST", body: form }).catch(() => null);
  if (!answer?.headers.get("Content-Type")?.includes("json")) return {};
  const told = await answer.json();
  const first = ["xlsx", "xls", "ods"].includes(kind) ? 2 : 1;
  return answer.ok ? { table: { ...told, first } } : { problem: told };
}

// Returns what shows an answer of a target.
export async function answerOf(answer, target, kind) {
  const done = make("p", { class: "note" }, say("done", { seconds: shownSeconds(answer.seconds) }));
  if (answer.status === 204) return [make("p", {}, say("nothing")), done];
  const name = answer.name || `${target}.${extensionOf(answer.type)}`;
  const file = new File([answer.blob], name, { type: answer.type });
  const save = make("a", { class: "main", href: URL.createObjectURL(file), download: name }, say("download", { name }));
  return [make("div", { class: "head" }, done, save), ...(await contents(file, target, kind))];
}

function shownSeconds(seconds) {
  return seconds.toFixed(seconds < 10 ? 2 : 0);
}

function extensionOf(type) {
  const known = { "application/json": "json", "text/plain": "txt", "text/html": "html", "application/octet-stream": "bin" };
  return known[type] ?? "bin";
}

async function contents(file, target, kind) {
  const isJSON = file.type === "application/json";
  if (kind === "table" && file.type !== "text/html") {
    const { table } = await tableFrom(file, { path: `page/rows/${encodeURIComponent(target)}`, whole: true });
    if (table) return tabular(table);
  }
  if (file.type.startsWith("image/")) return [make("img", { src: URL.createObjectURL(file), alt: say("picture") })];
  if (isJSON) {
    const plain = JSON.parse(await file.text());
    if (kind === "scalar") return [text(shown(plain?.result ?? null))];
    const table = kind === "array" && Array.isArray(plain) ? ofJSON(plain) : null;
    return table?.data.length ? tabular(table) : tree(plain);
  }
  if (kind === "array" && IN_BROWSER.includes(extension(file.name))) {
    const table = await readTable(file, extension(file.name), true);
    if (table) return tabular(table);
  }
  if (/^text\/(?!html)|yaml|xml$/.test(file.type)) {
    const beginning = await file.slice(0, MOST_TEXT).text();
    return kind === "scalar" ? [text(beginning)] : [make("pre", { tabindex: "0" }, beginning)];
  }
  return [make("p", { class: "note" }, `${fileSize(file.size)}. ${say("no_preview")}`)];
}

function text(words) {
  return make("p", { class: words.length > 80 ? "big long" : "big" }, words);
}

function tabular(table) {
  if (table.total === 1) return [single(table), tableOf(table, say("result_table"))];
  return [
    make("p", { class: "note" }, count(table)),
    chartOf(table),
    tableOf(table, say("result_table"), { sortable: true }),
  ];
}

// One row of one column is one value.
function single({ columns, data }) {
  return columns.length === 1 ? text(shown(data[0][0])) : null;
}

// Names and values; numbers by name within are drawn.
function tree(plain) {
  if (!plain || typeof plain !== "object" || Array.isArray(plain)) return [json(plain)];
  const charts = [], pairs = [];
  for (const [name, value] of Object.entries(plain)) {
    const entries = value && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
    const isDrawn = entries.length > 1 && entries.length <= 24 && entries.every((one) => typeof one[1] === "number" && one[1] >= 0);
    if (isDrawn) charts.push(make("div", { class: "chart" }, make("h3", {}, name), bars(entries, say("shares", { name }))));
    else pairs.push(make("dt", {}, name), make("dd", {}, shown(value)));
  }
  return [pairs.length && make("dl", { class: "pairs" }, pairs), ...charts].filter(Boolean);
}

function json(plain) {
  return make("pre", { tabindex: "0" }, JSON.stringify(plain, null, 2).slice(0, MOST_TEXT));
}

// Returns what shows that a call failed, and the faults; `sent` is how many bytes were.
export async function failureOf(answer, sent, limit, { tables, several }) {
  const problem = await problemOf(answer);
  const tooLarge = answer.status === 413 || (!answer.status && sent > limit);
  const key = `problem_${answer.status || (tooLarge ? 413 : 0)}`;
  const words = [make("h3", {}, say(knows(key) ? key : "problem"))];
  if (!answer.status) words.push(make("p", {}, tooLarge
    ? say("broken", { size: megabytes(sent), limit: megabytes(limit) })
    : say("unreachable")));
  if (problem.detail) words.push(make("p", {}, problem.detail));
  if (answer.status === 413) words.push(make("p", {}, say("limit", { limit: megabytes(limit) })));
  const faults = Array.isArray(problem.errors) ? problem.errors : [];
  const isNews = faults.some((fault) => "row" in fault || "column" in fault || fault.message !== problem.detail);
  if (isNews) words.push(faultsOf(faults, tables, several));
  if (answer.status >= 500 && problem.request_id) {
    words.push(make("p", { class: "note" }, say("request_id", { id: problem.request_id })));
  }
  return { words, faults };
}

async function problemOf(answer) {
  try {
    return JSON.parse(await answer.blob.text()) ?? {};
  } catch {
    return {};
  }
}
