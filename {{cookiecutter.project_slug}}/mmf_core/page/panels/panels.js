// What capabilities show in "About": how far columns have drifted, and a comparison of two versions.

import { draw, formatNumber, locale, make, note, say } from "./dom.js";
import { downloadOf, failureOf } from "./results.js";

const WIDE = 280, HIGH = 56;
const percent = (share) => share.toLocaleString(locale, { style: "percent", maximumFractionDigits: 1 });

let texts = {};
const message = (key, values) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Fills the place for them, each time that "About" is opened.
export async function show(about) {
  const response = await fetch(`page/panels/${locale}`).catch(() => null);
  if (!response?.ok) return;
  const { panels: { drift = [], rollouts }, texts: given } = await response.json();
  texts = given;
  about.querySelector("[data-panels]").replaceChildren(...drift.map(driftOf), ...(rollouts ? [comparison(rollouts)] : []));
}

function driftOf({ target, version, rows, least, columns }) {
  const text = columns.length ? message("drift_key") : message("drift_few", { least });
  return make("section", { class: "response" }, make("h3", {}, `${message("drift")}: ${target} ${version}`), note(`${say("rows", { rows })}. ${text}`),
    make("div", { class: "fields chart" }, columns.map(columnOf)));
}

function columnOf({ column, psi, p_value: chance, verdict, bins, expected, actual }) {
  const step = WIDE / bins.length, most = Math.max(...expected, ...actual);
  const bar = (share, x, opacity) => draw("rect", { opacity, x: x * step, y: HIGH * (1 - share / most), width: 0.42 * step, height: (HIGH * share) / most });
  const text = `${column}: ${message(`drift_${verdict}`)}, PSI ${formatNumber(psi)}, p ${formatNumber(chance)}`;
  return make("figure", {}, make("figcaption", { class: verdict === "drifted" && "fault" }, text),
    draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": text }, bins.map((bin, place) => {
      const name = bin ?? message(place ? "drift_other" : "drift_empty");
      return draw("g", {}, draw("title", {}, `${name}: ${percent(expected[place])} → ${percent(actual[place])}`),
        bar(expected[place], place, 0.4), bar(actual[place], place + 0.45));
    })));
}

function comparison({ versions: [old, other], targets }) {
  const title = message("compare", { old, other });
  const choice = make("select", { "aria-label": title }, targets.map((target) => make("option", {}, target)));
  const input = make("input", { type: "file", required: true, "aria-label": title });
  const button = make("button", {}, message("run"));
  const outcome = make("div", { role: "status" });
  async function compare(event) {
    event.preventDefault();
    button.disabled = true;
    outcome.replaceChildren(say("preparing"));
    const [file] = input.files, body = new FormData();
    body.append("file", file);
    const response = await fetch(`rollout/compare?${new URLSearchParams({ target: choice.value })}`, { method: "POST", body }).catch(() => null);
    const blob = await response?.blob();
    outcome.replaceChildren(...(response?.ok ? changed(response, blob) : (await failureOf({ status: response?.status ?? 0, blob }, file.size, { tables: {} })).elements));
    button.disabled = false;
  }
  return make("section", { class: "response" }, make("h3", {}, title), make("form", { class: "pick", onsubmit: compare }, targets.length > 1 && choice, input, button), outcome);
}

function changed({ headers }, blob) {
  const [number, rows] = ["X-Changed-Rows", "X-Rows"].map((name) => headers.get(name));
  return [message("changed", { number, rows }), " ", downloadOf(new File([blob], "changed.xlsx"), say("download", { name: "changed.xlsx" }))];
}
