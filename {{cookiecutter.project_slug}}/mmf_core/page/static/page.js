// The page: one target at a time, its form, its call and its result.

import { curl, requests, send } from "./calls.js";
import { locale, make, note, round, say } from "./dom.js";
import { fieldOf } from "./fields.js";
import { contentOf, downloadOf, failureOf, fileOfResponse } from "./results.js";
import { streamIn } from "./streams.js";
import { clear, follow, linkedTask, sendOrSubmit } from "./tasks.js";

const sections = [...document.querySelectorAll(".target")];
const MAX_CALLS = 10; // kept with their results
const EXAMPLES = { table: "table.xlsx", image: "picture.png", file: "file.bin" };

function setUp(section) {
  const form = section.querySelector("form");
  const { target, returns } = form.dataset, isBackground = "background" in form.dataset;
  const [run, cancel, progress, status] = form.querySelectorAll(".run > :is(button, .progress, .status)");
  const [bar, progressText] = progress.children;
  const result = section.querySelector("[data-result]");
  const format = form.querySelector("[data-format]");
  const calls = section.querySelector("[data-calls]");
  const isOnlyTable = form.querySelectorAll("[data-control=table]").length === 1;
  const fields = [...form.querySelectorAll(".field")].map((element) => fieldOf(element, target, { onChange: updateCode, isOnlyTable }));
  const isStream = returns.startsWith("stream");
  const panel = form.appendChild(make("div", { class: "task" }));
  let aborting = null, sent = "";

  function url(extra = {}) {
    const places = fields.map((field) => field.query());
    const query = new URLSearchParams(Object.assign({}, format && { format: format.value }, ...places, extra)).toString();
    return `${encodeURIComponent(target)}${query && `?${query}`}`;
  }

  function parts() {
    return fields.map((field) => [field.name, field.value()]).filter(([, value]) => value !== null);
  }

  function body() {
    const sent = parts();
    if (!sent.length) return null;
    const data = new FormData();
    for (const [name, value] of sent) data.append(name, value);
    return data;
  }

  function updateCode() {
    const address = new URL(url(), location.href).href;
    const sent = parts();
    const missing = fields.filter((field) => field.control in EXAMPLES && !sent.some(([name]) => name === field.name));
    const examples = missing.map((field) => [field.name, new File([], EXAMPLES[field.control])]);
    const saveAs = isStream || ["nothing", "scalar"].includes(returns) ? "" : `${target}.${format?.value ?? "bin"}`;
    const tools = { curl, Python: requests };
    for (const code of section.querySelectorAll("[data-code]")) {
      code.textContent = tools[code.dataset.code](address, [...sent, ...examples], saveAs);
    }
  }

  function show(isFailure, ...children) {
    result.replaceChildren(...children.filter(Boolean));
    result.className = `result response${isFailure ? " failed" : ""}`;
    result.hidden = false;
    result.focus({ preventScroll: true });
    result.scrollIntoView({ block: "nearest" });
  }

  function setBusy(isBusy) {
    run.disabled = isBusy;
    cancel.hidden = progress.hidden = !isBusy;
    if (isBusy) [bar.value, progressText.textContent, status.textContent] = [0, "", ""];
  }

  async function call() {
    aborting = new AbortController();
    const data = body(), address = url(), marked = url({ errors: "xlsx" }); // of what is sent, whatever is chosen meanwhile
    const inputs = fields.flatMap((field) => field.columns());
    sent = parts().map(([name, value]) => (typeof value === "string" ? `${name} = ${value.slice(0, 40)}` : value.name)).join(", ");
    const size = parts().reduce((sum, [, value]) => sum + (value.size ?? value.length), 0);
    begin();
    let clock = 0;
    const onUpload = (part) => {
      bar.value = part * 100;
      progressText.textContent = say("sending", { percent: Math.floor(part * 100) });
    };
    const onSent = () => {
      clearInterval(clock);
      const started = performance.now();
      bar.removeAttribute("value");
      const tick = () => { progressText.textContent = say("computing", { seconds: Math.floor((performance.now() - started) / 1000) }); };
      tick();
      clock = setInterval(tick, 1000);
    };
    const request = async (how) => {
      if (!data) onSent();
      const response = await how(address, data, { onUpload, onSent, onText, signal: aborting.signal });
      clearInterval(clock);
      return response;
    };
    const { onText, end } = receive(inputs, size, () => send(marked, data));
    const response = await request(isStream ? send : sendOrSubmit);
    await end(response.status === 202 ? (await followed(response, onText, !isBackground)) ?? (await request(send)) : response);
  }

  // Shows the task that the page's address names, from the response about it.
  async function resume(response) {
    if (run.disabled) return;
    begin();
    const { onText, end } = receive([], 0);
    await end(response.status === 200 ? await followed(response, onText, false) : response);
  }

  function followed(response, onText, mayCall) {
    return follow(response, { panel, bar, text: progressText, status, cancel, query: format ? `?format=${format.value}` : "", onText, mayCall });
  }

  function begin() {
    result.hidden = true;
    fields.forEach((field) => field.mark([]));
    clear(panel);
    setBusy(true);
  }

  // Returns `onText`, which shows what has come of a stream, and `end`, which shows what has come of a call.
  function receive(inputs, size, annotate) {
    const element = make("pre", { tabindex: "0" });
    const { read, end: endOf, pieces } = streamIn(element, returns === "stream-text");
    const onText = isStream && ((text) => {
      read(text);
      if (result.hidden && pieces.length) show(false, element);
    });
    const end = async (response) => {
      if (isStream && (pieces.length || response.status === 200)) await endStream(endOf(response), pieces, size);
      else if (response.isCancelled) status.textContent = say("cancelled");
      else if (response.status >= 200 && response.status < 300) await succeed(response, inputs);
      else await fail(response, size, annotate);
      setBusy(false);
    };
    return { onText, end };
  }

  // What has come stays, with what has ended it.
  async function endStream(response, pieces, size) {
    const file = new File(pieces, `${target}.txt`, { type: "text/plain" });
    const isFailure = !response.isCancelled && response.status !== 200;
    const { heading, elements } = isFailure ? await failureOf(response, size, { tables: {} }) : {};
    remember(response, isFailure ? make("span", { class: "fault" }, heading) : downloadOf(file, file.name));
    if (isFailure) result.append(make("div", { role: "alert" }, elements));
    result.append(downloadOf(file, say("download", { name: file.name })));
    result.classList.toggle("failed", isFailure);
    if (!isFailure) status.textContent = response.isCancelled ? say("cancelled") : say("done", { seconds: round(response.seconds, 2) });
  }

  // A large result can be saved at once; it is done when it can be seen.
  async function succeed(response, inputs) {
    const done = say("done", { seconds: round(response.seconds, 2) });
    if (response.status === 204) {
      remember(response, note(say("nothing")));
      return show(false, make("p", {}, say("nothing")), note(done));
    }
    const file = fileOfResponse(response, target);
    const state = note(say("reading_result"));
    remember(response, downloadOf(file, file.name));
    show(false, make("div", { class: "head" }, state, downloadOf(file, say("download", { name: file.name }), { class: "main" })));
    const content = await contentOf(file, target, returns, inputs);
    result.append(...content);
    state.textContent = done;
  }

  // Lists a call of this page, with what came of it; the last ones are kept until the page is left.
  function remember(response, outcome) {
    const time = new Date().toLocaleTimeString(locale);
    const seconds = say("seconds", { seconds: round(response.seconds, 2) });
    const list = calls.querySelector("ol");
    list.prepend(make("li", {}, make("time", {}, time), make("span", {}, sent), make("span", {}, seconds), outcome));
    for (const old of [...list.children].slice(MAX_CALLS)) {
      old.querySelectorAll("a").forEach((link) => URL.revokeObjectURL(link.href));
      old.remove();
    }
    calls.hidden = list.children.length < 2;
  }

  async function fail(response, size, annotate) {
    const tables = Object.fromEntries(fields.filter((field) => field.table).map((field) => [field.name, field.table]));
    const { heading, elements, errors } = await failureOf(response, size, { tables, several: fields.length > 1 });
    fields.forEach((field) => field.mark(errors));
    const hasCells = errors.some((error) => "row" in error && "column" in error);
    if (annotate && response.status === 422 && hasCells && fields.some((field) => field.table)) elements.push(annotatedButton(annotate));
    remember(response, make("span", { class: "fault" }, heading));
    show(true, make("div", { role: "alert" }, elements[0], elements[1]), ...elements.slice(2));
  }

  // Requests the rejected table as a workbook with its invalid cells coloured, and saves it.
  function annotatedButton(annotate) {
    const button = make("button", { type: "button", onclick: async () => {
      button.disabled = true;
      button.textContent = say("preparing");
      const response = await annotate();
      button.disabled = false;
      button.textContent = say("annotated");
      if (response.type.includes("spreadsheet")) {
        const href = URL.createObjectURL(response.blob);
        make("a", { href, download: response.name || "errors.xlsx" }).click();
        setTimeout(() => URL.revokeObjectURL(href), 60_000);
      }
    } }, say("annotated"));
    return make("p", {}, button);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!run.disabled) call();
  });
  cancel.addEventListener("click", () => { aborting?.abort(); run.focus(); });
  format?.addEventListener("change", updateCode);
  form.querySelectorAll("[data-values]").forEach((button) => button.addEventListener("click", async () => {
    const values = JSON.parse(button.dataset.values);
    await Promise.all(fields.map((field) => field.fill(values[field.name])));
    run.focus();
  }));
  section.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button)));
  updateCode();
  return resume;
}

// Browsers give the clipboard to pages over https only; elsewhere the text is selected and copied.
async function copy(button) {
  const code = button.closest("figure").querySelector("pre");
  const text = button.textContent;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    document.execCommand("copy");
  }
  button.textContent = say("copied");
  setTimeout(() => { button.textContent = text; }, 1500);
}

// Shows one of several targets: the one named in the address, else the first.
function choose() {
  const name = decodeURIComponent(location.hash.slice(1));
  const chosen = sections.find((section) => section.id === name) ?? sections[0];
  for (const section of sections) section.hidden = section !== chosen;
  for (const link of document.querySelectorAll(".targets a")) {
    link.ariaCurrent = decodeURIComponent(link.hash.slice(1)) === chosen.id ? "true" : null;
  }
  for (const link of document.querySelectorAll(".bar nav a")) link.hash = sections.length > 1 ? chosen.id : "";
}

async function showHealth() {
  const link = document.querySelector("[data-health]");
  const response = await fetch("health/ready").catch(() => null);
  link.textContent = say(response ? (response.ok ? "ready" : "unready") : "unknown");
}

// Shows the task that the page's address names, in the form of its target.
async function reopen(resumes) {
  const linked = await linkedTask();
  if (!linked) return;
  const section = sections.find(({ id }) => id === linked.target) ?? sections.find(({ hidden }) => !hidden);
  if (sections.length > 1) location.hash = section.id;
  await resumes.get(section)(linked.response);
}

const resumes = new Map(sections.map((section) => [section, setUp(section)]));
if (sections.length > 1) {
  addEventListener("hashchange", choose);
  choose();
}
reopen(resumes);
showHealth();
document.querySelector("[data-panels]")?.closest("details").addEventListener("toggle", async ({ target }) => {
  if (target.open) (await import("./panels.js")).show(target);
});
