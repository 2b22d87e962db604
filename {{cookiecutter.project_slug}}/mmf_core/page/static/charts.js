// Small charts of one column: a histogram of numbers, bars of anything else.

import { draw, locale, make, say, shown } from "./dom.js";
import { isNumeric } from "./tables.js";

const CLASSES = 12;
const width = () => Math.min(640, document.documentElement.clientWidth - 72);

const short = (value) => Number(value).toLocaleString(locale, { maximumSignificantDigits: 4 });
const clip = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// Draws a column, at first the prediction; several can be chosen from.
export function chartOf(table) {
  const { columns, data } = table;
  if (data.length < 2 || !columns.length) return null;
  const place = columns.findIndex((name) => String(name).startsWith("prediction"));
  const paper = make("div");
  const show = (column) => paper.replaceChildren(chartOfOne(columns[column], data.map((row) => row[column])));
  show(place < 0 ? columns.length - 1 : place);
  if (columns.length === 1) return make("div", { class: "chart" }, paper);
  const choice = make("select", { onchange: () => show(Number(choice.value)) },
    columns.map((name, column) => make("option", { value: column }, String(name))));
  choice.value = place < 0 ? columns.length - 1 : place;
  return make("div", { class: "chart" }, make("label", { class: "note" }, say("chart"), choice), paper);
}

function chartOfOne(name, values) {
  const there = values.filter((value) => value !== null && value !== "" && value !== undefined);
  const counts = new Map();
  for (const value of there) counts.set(shown(value), (counts.get(shown(value)) ?? 0) + 1);
  if (there.length && there.every(isNumeric) && counts.size > CLASSES) return histogram(name, there.map(Number));
  if (counts.size === there.length && counts.size > CLASSES) return ""; // names, each its own
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const rest = sorted.slice(CLASSES);
  if (rest.length) sorted.splice(CLASSES, rest.length, [say("others", { count: rest.length }), rest.reduce((sum, one) => sum + one[1], 0)]);
  return bars(sorted, say("bars", { name }), (value) => value.toLocaleString(locale));
}

// Draws a bar for each [name, value]; the longest is the greatest.
export function bars(entries, title, written = short) {
  const step = 26, end = 60, all = width();
  const label = Math.min(170, 16 + 7.5 * Math.max(...entries.map(([name]) => clip(String(name), 22).length)));
  const most = Math.max(...entries.map(([, value]) => value), Number.MIN_VALUE);
  return svg(entries.length * step, title, entries, entries.flatMap(([name, value], place) => {
    const middle = place * step + step / 2, length = Math.max(1, (value / most) * (all - label - end));
    return [
      draw("text", { x: label - 10, y: middle + 4, "text-anchor": "end" }, clip(String(name), 22)),
      draw("rect", { x: label, y: middle - 8, width: length, height: 16, rx: 2 }),
      draw("text", { x: label + length + 8, y: middle + 4, class: "axis" }, written(value)),
    ];
  }));
}

function histogram(name, numbers) {
  let least = Infinity, greatest = -Infinity;
  for (const one of numbers) [least, greatest] = [Math.min(least, one), Math.max(greatest, one)];
  const bins = Math.min(24, Math.ceil(Math.log2(numbers.length)) + 1); // Sturges' rule
  const heights = new Array(bins).fill(0);
  for (const one of numbers) heights[Math.min(bins - 1, Math.floor(((one - least) / (greatest - least)) * bins))] += 1;
  const top = 18, floor = 150, all = width(), each = all / bins, most = Math.max(...heights);
  const edge = (place) => short(least + ((greatest - least) * place) / bins);
  const title = say("histogram", { name, bins, least: short(least), greatest: short(greatest), most: short(greatest) });
  const told = heights.map((height, place) => [`${edge(place)} – ${edge(place + 1)}`, height]);
  return svg(floor + 22, title, told, [
    ...heights.flatMap((height, place) => {
      const tall = (height / most) * (floor - top);
      return [
        draw("rect", { x: place * each + 1, y: floor - tall, width: each - 2, height: tall, rx: 1 }),
        height > 0 && draw("text", { x: (place + 0.5) * each, y: floor - tall - 5, class: "axis", "text-anchor": "middle" }, String(height)),
      ];
    }),
    draw("line", { x1: 0, x2: all, y1: floor + 0.5, y2: floor + 0.5 }),
    ...[[0, "start"], [0.5, "middle"], [1, "end"]].map(([part, anchor]) => draw("text",
      { x: all * part, y: floor + 17, class: "axis", "text-anchor": anchor }, edge(bins * part))),
  ].filter(Boolean));
}

function svg(height, title, told, shapes) {
  const words = `${title}: ${told.map(([name, value]) => `${name}: ${short(value)}`).join("; ")}`;
  return draw("svg", { viewBox: `0 0 ${width()} ${height}`, width: width(), height, role: "img", "aria-label": words }, shapes);
}
