// Small charts of one column: a line over dates, a histogram of numbers, bars of anything else.

import { display, draw, isEmpty, locale, make, say } from "./dom.js";
import { isNumeric } from "./tables.js";

const MAX_BARS = 12;
const MAX_COLUMNS = 24; // of an embedding, no single one says anything
const DATE = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const MAX_LABEL = 22;
const width = () => Math.min(640, document.documentElement.clientWidth - 72);

const short = (value) => Number(value).toLocaleString(locale, { maximumSignificantDigits: 4 });
const clip = (text) => (text.length > MAX_LABEL ? `${text.slice(0, MAX_LABEL - 1)}…` : text);

// Draws a column, the first prediction by default; the reader may choose another.
export function chartOf(table, predictions) {
  const { columns, data } = table;
  if (data.length < 2 || !columns.length || predictions.length > MAX_COLUMNS) return null;
  const initial = predictions.length ? columns.indexOf(predictions[0]) : columns.length - 1;
  const cells = (column) => data.map((row) => row[column]);
  const dates = columns.findIndex((_, column) => data.length > 2 && isSeries(cells(column)));
  const canvas = make("div");
  function show(column) {
    const values = cells(column), isLine = dates >= 0 && dates !== column && values.every(isNumeric);
    canvas.replaceChildren(isLine ? line(columns[column], cells(dates), values.map(Number)) : chartOfColumn(columns[column], values));
  }
  show(initial);
  const choice = make("select", { onchange: () => show(Number(choice.value)) },
    columns.map((name, column) => make("option", { value: column }, String(name))));
  choice.value = initial;
  const label = columns.length > 1 && make("label", { class: "note" }, say("chart"), choice);
  return make("div", { class: "chart" }, label, canvas);
}

// Whether these are dates, each later than the one before.
function isSeries(values) {
  let last = -Infinity;
  return values.every((value) => typeof value === "string" && DATE.test(value) && last < (last = Date.parse(value)));
}

// Draws numbers over dates.
function line(name, dates, numbers) {
  const [first, last] = [dates[0], dates.at(-1)].map((date) => date.replace(/[T ]00:00(:00(\.0+)?)?$/, "").replace("T", " "));
  let least = Infinity, greatest = -Infinity;
  for (const number of numbers) [least, greatest] = [Math.min(least, number), Math.max(greatest, number)];
  const top = 8, floor = 160, left = 12 + 7.5 * Math.max(short(least).length, short(greatest).length), all = width();
  const [start, end] = [dates[0], dates.at(-1)].map(Date.parse);
  const x = (date) => left + ((Date.parse(date) - start) / (end - start)) * (all - left - 4);
  const y = (number) => floor - ((number - least) / (greatest - least || 1)) * (floor - top);
  const points = dates.map((date, index) => `${x(date).toFixed(1)},${y(numbers[index]).toFixed(1)}`).join(" ");
  const title = say("line", { name, first, last, least: short(least), greatest: short(greatest) });
  return svg(floor + 24, title, [], [
    draw("line", { x1: left, x2: all, y1: floor + 4, y2: floor + 4 }),
    draw("polyline", { points }),
    ...[[greatest, top + 6], [least, floor]].map(([number, place]) => draw("text", { x: left - 8, y: place, class: "axis", "text-anchor": "end" }, short(number))),
    draw("text", { x: left, y: floor + 20, class: "axis" }, first),
    draw("text", { x: all, y: floor + 20, class: "axis", "text-anchor": "end" }, last),
  ]);
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
  const bins = Math.min(24, Math.ceil(Math.log2(numbers.length)) + 1); // the rule of Sturges
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
  const label = !entries.length ? title : `${title}: ${entries.map(([name, value]) => `${name}: ${short(value)}`).join("; ")}`;
  return draw("svg", { viewBox: `0 0 ${width()} ${height}`, width: width(), height, role: "img", "aria-label": label }, shapes);
}
