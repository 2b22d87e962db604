// The page: one target at a time, its form, its call and its answer.

import { answerOf, failureOf } from "./answers.js";
import { curl, requests, send } from "./calls.js";
import { make, say } from "./dom.js";
import { fieldOf } from "./fields.js";

const limit = Number(document.body.dataset.limit);
const sections = [...document.querySelectorAll(".target")];

function serve(section) {
  const form = section.querySelector("form");
  const { target, answers } = form.dataset;
  const [run, cancel, progress, status] = ["button.main", "[data-cancel]", ".progress", ".status"].map((one) => form.querySelector(one));
  const [bar, words] = progress.children;
  const place = section.querySelector("[data-answer]");
  const format = form.querySelector("[data-format]");
  const fields = [...form.querySelectorAll(".field")].map((one) => fieldOf(one, target, tellCode));
  let aborting = null;

  function url(more = "") {
    const query = [format && `format=${format.value}`, more].filter(Boolean).join("&");
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

  function tellCode() {
    const address = new URL(url(), location.href).href;
    const sent = parts();
    const missing = fields.filter((one) => ["table", "image", "file"].includes(one.control) && !sent.some(([name]) => name === one.name));
    const examples = { table: "table.xlsx", image: "picture.png", file: "file.bin" };
    const told = [...sent, ...missing.map((one) => [one.name, new File([], examples[one.control])])];
    const save = answers === "nothing" || answers === "scalar" ? "" : `${target}.${format?.value ?? "bin"}`;
    const lines = { curl, Python: requests };
    section.querySelectorAll("[data-code]").forEach((one) => { one.textContent = lines[one.dataset.code](address, told, save); });
  }

  function show(failed, ...children) {
    for (const old of place.querySelectorAll("[href^='blob:']")) URL.revokeObjectURL(old.href);
    place.replaceChildren(...children.filter(Boolean));
    place.className = `result answer${failed ? " failed" : ""}`;
    place.hidden = false;
    place.focus({ preventScroll: true });
    place.scrollIntoView({ block: "nearest" });
  }

  function busy(is) {
    run.disabled = is;
    cancel.hidden = progress.hidden = !is;
    if (is) [bar.value, words.textContent, status.textContent] = [0, "", ""];
  }

  async function call() {
    aborting = new AbortController();
    const data = body();
    const size = parts().reduce((sum, [, value]) => sum + (value.size ?? value.length), 0);
    place.hidden = true;
    fields.forEach((field) => field.mark([]));
    busy(true);
    let clock = 0;
    const onUpload = (part) => {
      bar.value = part * 100;
      words.textContent = say("sending", { percent: Math.floor(part * 100) });
    };
    const onSent = () => {
      const since = performance.now();
      bar.removeAttribute("value");
      const tick = () => { words.textContent = say("computing", { seconds: Math.floor((performance.now() - since) / 1000) }); };
      tick();
      clock = setInterval(tick, 1000);
    };
    if (!data) onSent();
    const answer = await send(url(), data, { onUpload, onSent, signal: aborting.signal });
    clearInterval(clock);
    if (aborting.signal.aborted) status.textContent = say("cancelled");
    else if (answer.status >= 200 && answer.status < 300) show(false, ...(await answerOf(answer, target, answers)));
    else await fail(answer, size);
    busy(false);
  }

  async function fail(answer, size) {
    const tables = Object.fromEntries(fields.filter((field) => field.table).map((field) => [field.name, field.table]));
    const { words: told, faults } = await failureOf(answer, size, limit, { tables, several: fields.length > 1 });
    fields.forEach((field) => field.mark(faults));
    if (answer.status === 422 && fields.some((field) => field.control === "table")) told.push(marked());
    show(true, make("div", { role: "alert" }, told[0], told[1]), ...told.slice(2));
  }

  // Asks for the refused table as a workbook with its wrong cells coloured, and saves it.
  function marked() {
    const button = make("button", { type: "button", onclick: async () => {
      button.disabled = true;
      button.textContent = say("marking");
      const answer = await send(url("errors=xlsx"), body());
      button.disabled = false;
      button.textContent = say("marked");
      if (answer.type.includes("spreadsheet")) {
        const href = URL.createObjectURL(answer.blob);
        make("a", { href, download: answer.name || "errors.xlsx" }).click();
        setTimeout(() => URL.revokeObjectURL(href), 60_000);
      }
    } }, say("marked"));
    return make("p", {}, button);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!run.disabled) call();
  });
  cancel.addEventListener("click", () => { aborting?.abort(); run.focus(); });
  format?.addEventListener("change", tellCode);
  section.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(button)));
  tellCode();
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

// Several targets: the one that the address names, else the first.
function choose() {
  const asked = decodeURIComponent(location.hash.slice(1));
  const chosen = sections.find((one) => one.id === asked) ?? sections[0];
  for (const one of sections) one.hidden = one !== chosen;
  for (const link of document.querySelectorAll(".targets a")) {
    if (decodeURIComponent(link.hash.slice(1)) === chosen?.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const link of document.querySelectorAll(".bar nav a")) link.hash = sections.length > 1 ? chosen.id : "";
}

async function tellHealth() {
  const link = document.querySelector("[data-health]");
  const answer = await fetch("health/ready").catch(() => null);
  link.textContent = say(answer ? (answer.ok ? "ready" : "unready") : "unknown");
}

sections.forEach(serve);
if (sections.length > 1) {
  addEventListener("hashchange", choose);
  choose();
}
tellHealth();
