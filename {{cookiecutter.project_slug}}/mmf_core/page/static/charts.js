// Small charts of one column: a histogram of numbers, bars of anything else.

import { display, draw, isEmpty, locale, make, say } from "./dom.js";
import { isNumeric } from "./tables.js";

const MAX_BARS = 12;
const MAX_LABEL = 22;
const width = () => Math.min(640, document.documentElement.clientWidth - 72);

const short = (value) => Number(value).toLocaleString(locale, { maximumSignificantDigits: 4 });
const clip = (text) => (text.length > MAX_LABEL ? `${text.slice(0, MAX_LABEL - 1)}…` : text);

// Draws a column, the prediction by default; the reader may choose another.
export function chartOf(table) {
  const { columns, data } = table;
  if (data.length < 2 || !columns.length) return null;
  const prediction = columns.findIndex((name) => String(name).startsWith("prediction"));
  const initial = prediction < 0 ? columns.length - 1 : prediction;
  const canvas = make("div");
  const show = (column) => canvas.replaceChildren(chartOfColumn(columns[column], data.map((row) => row[column])));
  show(initial);
  const choice = make("select", { onchange: () => show(Number(choice.value)) },
    columns.map((name, column) => make("option", { value: column }, String(name))));
  choice.value = initial;
  const label = columns.length > 1 && make("label", { class: "note" }, say("chart"), choice);
  return make("div", { class: "chart" }, label, canvas);
}

function chartOfColumn(name, values) {
  const present = values.filter((value) => !isEmpty(value));
  const counts = new Map();
  for (const value of present) counts.set(display(value), (counts.get(display(value)) ?? 0) + 1);
  if (present.length && present.every(isNumeric) && counts.size > MAX_BARS) return histogram(name, present.map(Number));
  if (counts.size === present.length && counts.size > MAX_BARS) return ""; // every value is unique
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const others = sorted.slice(MAX_BARS);
  if (others.length) {
    const total = others.reduce((sum, [, count]) => sum + count, 0);
    sorted.splice(MAX_BARS, others.length, [say("others", { count: others.length }), total]);
  }
  return bars(sorted, say("frequencies", { name }), (value) => value.toLocaleString(locale));
}

// Draws a bar for each [name, value]; the longest is the greatest.
export function bars(entries, title, format = short) {
  const step = 26, end = 60, all = width();
  const label = Math.min(170, 16 + 7.5 * Math.max(...entries.map(([name]) => clip(String(name)).length)));
  const greatest = Math.max(...entries.map(([, value]) => value), Number.MIN_VALUE);
  return svg(entries.length * step, title, entries, entries.flatMap(([name, value], index) => {
    const middle = index * step + step / 2, length = Math.max(1, (value / greatest) * (all - label - end));
    return [
      draw("text", { x: label - 10, y: middle + 4, "text-anchor": "end" }, clip(String(name))),
      draw("rect", { x: label, y: middle - 8, width: length, height: 16, rx: 2 }),
      draw("text", { x: label + length + 8, y: middle + 4, class: "axis" }, format(value)),
    ];
  }));
}

function histogram(name, numbers) {
  let least = Infinity, greatest = -Infinity;
  for (const number of numbers) [least, greatest] = [Math.min(least, number), Math.max(greatest, number)];
  const bins = Math.min(24, Math.ceil(Math.log2(numbers.length)) + 1); // Sturges' rule
  const heights = new Array(bins).fill(0);
  for (const number of numbers) heights[Math.min(bins - 1, Math.floor(((number - least) / (greatest - least)) * bins))] += 1;
  const top = 18, floor = 150, all = width(), each = all / bins, highest = Math.max(...heights);
  const edge = (index) => short(least + ((greatest - least) * index) / bins);
  const title = say("histogram", { name, bins, least: short(least), greatest: short(greatest) });
  const entries = heights.map((height, index) => [`${edge(index)} – ${edge(index + 1)}`, height]);
  return svg(floor + 22, title, entries, [
    ...heights.flatMap((height, index) => {
      const tall = (height / highest) * (floor - top);
      return [
        draw("rect", { x: index * each + 1, y: floor - tall, width: each - 2, height: tall, rx: 1 }),
        height > 0 && draw("text", { x: (index + 0.5) * each, y: floor - tall - 5, class: "axis", "text-anchor": "middle" }, String(height)),
      ];
    }),
    draw("line", { x1: 0, x2: all, y1: floor + 0.5, y2: floor + 0.5 }),
    ...[[0, "start"], [0.5, "middle"], [1, "end"]].map(([part, anchor]) => draw("text",
      { x: all * part, y: floor + 17, class: "axis", "text-anchor": anchor }, edge(bins * part))),
  ].filter(Boolean));
}

function svg(height, title, entries, shapes) {
  const label = `${title}: ${entries.map(([name, value]) => `${name}: ${short(value)}`).join("; ")}`;
  return draw("svg", { viewBox: `0 0 ${width()} ${height}`, width: width(), height, role: "img", "aria-label": label }, shapes);
}
