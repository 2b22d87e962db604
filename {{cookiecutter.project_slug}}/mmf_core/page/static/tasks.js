// Tasks: calls that the service continues without this page, which shows how far they are.

import { send } from "./calls.js";
import { make, say } from "./dom.js";

const WAIT = 10; // seconds after which a call becomes a task
const INTERVAL = 1000; // milliseconds between two polls of a task
const LOG_SPEED = 50; // characters of a log that are read again, a millisecond
const GET = { method: "GET" };
const PREFER = { Prefer: `respond-async, wait=${WAIT}` };
let areRun = "tasks" in document.body.dataset; // until it turns out that no process runs them

const addressOf = (id) => `tasks/${encodeURIComponent(id)}`;
const linked = () => new URLSearchParams(location.search).get("task");
const read = async (response) => JSON.parse(await response.blob.text());

// Sends a call, and resolves as `send` does; with 202 and a task if it takes long, where the service runs tasks.
export async function sendOrSubmit(url, body, options) {
  if (areRun) {
    const response = await send(url, body, { ...options, headers: PREFER });
    if (response.status !== 503 || response.preference) return response; // else no task can be stored now
  }
  return send(url, body, options);
}

// Puts a task into the address of the page, and into those of its other languages; null removes it.
function link(id) {
  for (const each of [location, ...document.querySelectorAll(".bar nav a")]) {
    const url = new URL(each.href);
    if (id) url.searchParams.set("task", id);
    else url.searchParams.delete("task");
    if (each === location) history.replaceState(null, "", url);
    else each.href = url;
  }
}

// Clears a panel, before another call.
export function clear(panel) {
  if (linked() === panel.dataset.task) link(null);
  panel.replaceChildren();
}

// Resolves with the response about the task that the page's address names, and its target; null if it names none.
export async function linkedTask() {
  if (!linked()) return null;
  const response = await send(addressOf(linked()), null, GET);
  return { response, target: response.status === 200 ? (await read(response)).target : null };
}

// Whether a task that nothing is before it has waited in vain.
async function isStuck(task, seconds) {
  if (task.status !== "queued" || task.position || seconds < WAIT) return false;
  const response = await send("tasks?status=processing&limit=1", null, GET);
  return response.status === 200 && !(await read(response)).tasks.length;
}

// Shows the task of a response in a form's `panel`, and how far it is in its `bar` and `text`, until it is done.
// Resolves with its result as a response, or undefined if it is to be called without the queue, as it only is if `mayCall`.
export async function follow(submitted, { panel, bar, text, status, cancel, query, onText, mayCall }) {
  let task = await read(submitted), isDirect = false, wake, readAgain = 0;
  const address = addressOf(task.id);
  const log = make("pre", { tabindex: "0" });
  const showLog = async () => {
    if (!details.open || performance.now() < readAgain) return;
    const response = await send(`${address}/log`, null, GET);
    if (response.status !== 200) return;
    const content = await response.blob.text();
    const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 1;
    readAgain = performance.now() + content.length / LOG_SPEED;
    log.textContent = content;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };
  const show = ({ status: code, date }) => {
    const seconds = Math.max(0, Math.floor((Date.parse(date) - Date.parse(task.created_at)) / 1000));
    const isQueued = task.status === "queued";
    direct.hidden = !(mayCall && isQueued);
    if (code !== 200) text.textContent = say("unreachable");
    else if (isQueued) text.textContent = say("queued", { position: task.position ?? 0 });
    else text.textContent = [say("computing", { seconds }), task.message].filter(Boolean).join(" · ");
    if (task.progress === null) bar.removeAttribute("value");
    else bar.value = task.progress * bar.max;
  };
  const end = async () => {
    await send(`${address}/cancel`, null);
    wake?.();
  };
  const callDirectly = () => {
    isDirect = true;
    return end();
  };
  const details = make("details", { ontoggle: showLog }, make("summary", {}, say("log")), log);
  const direct = make("button", { type: "button", class: "link", onclick: callDirectly }, say("direct"));
  link(task.id);
  panel.dataset.task = task.id;
  panel.replaceChildren(make("p", {}, make("a", { href: location.href }, say("link")), direct), details);
  status.textContent = say("continues");
  cancel.addEventListener("click", end);
  if (mayCall && await isStuck(task, submitted.seconds)) {
    areRun = false;
    await callDirectly();
  }
  let response;
  for (;;) {
    response = await send(address, null, GET);
    if (response.status === 200) task = await read(response);
    const isRemoved = response.status >= 400 && response.status < 500;
    if (isRemoved || !["queued", "processing"].includes(task.status)) break;
    show(response);
    await showLog();
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, INTERVAL);
    });
  }
  cancel.removeEventListener("click", end);
  status.textContent = "";
  direct.remove();
  readAgain = 0;
  showLog();
  if (response.status !== 200) return response;
  const isCancelled = task.status === "canceled";
  if (isCancelled && isDirect) return clear(panel);
  const result = isCancelled ? {} : await send(`${address}/result${query}`, null, { ...GET, onText });
  return { ...result, isCancelled, seconds: (Date.parse(task.completed_at) - Date.parse(task.created_at)) / 1000 };
}
