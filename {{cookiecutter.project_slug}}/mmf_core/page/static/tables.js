// Tables on the page: scrollable, sortable, with their wrong cells marked.

import { locale, make, say, shown } from "./dom.js";

const MOST = 100;

export function isNumeric(value) {
  return typeof value === "number" || (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)));
}

export function count(table, most = MOST) {
  const number = (value) => value.toLocaleString(locale);
  const rows = table.total ?? `> ${number(table.data.length)}`;
  const told = [say("rows", { rows: typeof rows === "number" ? number(rows) : rows })];
  told.push(say("columns", { columns: number(table.columns.length) }));
  if (table.data.length > most) told.push(say("first", { shown: most }));
  if (table.total > table.data.length) told.push(say("known", { known: number(table.data.length) }));
  return told.join(", ");
}

// Shows the first rows; `faults` are `{row, column, message, value}`, their rows are shown, too.
export function tableOf(table, label, { faults = [], most = MOST, sortable = false } = {}) {
  const order = table.data.map((_, row) => row);
  const numeric = table.columns.map((_, column) => order.slice(0, most).every((row) => {
    const value = table.data[row][column];
    return value === null || value === "" || value === undefined || isNumeric(value);
  }));
  const wrong = new Map(faults.map((fault) => [`${fault.row ?? ""}:${fault.column}`, fault]));
  const body = make("tbody");
  const heads = table.columns.map((name, column) => {
    const fault = wrong.get(`:${name}`);
    const content = sortable ? make("button", { type: "button", onclick: () => sort(column) }, String(name)) : String(name);
    const names = [numeric[column] && "number", fault && "wrong"].filter(Boolean).join(" ");
    return make("th", { scope: "col", class: names || null, title: fault?.message }, content);
  });
  let down = false, by = -1;

  function sort(column) {
    down = by === column && !down;
    by = column;
    const compare = numeric[column]
      ? (a, b) => Number(a) - Number(b)
      : new Intl.Collator(locale, { numeric: true }).compare;
    const empty = (value) => value === null || value === "" || value === undefined;
    order.sort((one, other) => {
      const a = table.data[one][column], b = table.data[other][column];
      if (empty(a) || empty(b)) return empty(a) - empty(b);
      return compare(numeric[column] ? a : shown(a), numeric[column] ? b : shown(b)) * (down ? -1 : 1);
    });
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    fill();
  }

  function fill() {
    const told = new Set(faults.map((fault) => fault.row).filter((row) => row >= most && row < order.length));
    const gap = told.size > 0 && make("tr", { class: "gap" }, make("td", { colspan: table.columns.length + 1 }, "⋯"));
    body.replaceChildren(...[...order.slice(0, most).map(rowOf), gap, ...[...told].map(rowOf)].filter(Boolean));
  }

  function rowOf(row) {
    return make("tr", {},
      make("th", { scope: "row", class: "number" }, (row + table.first).toLocaleString(locale)),
      table.columns.map((name, column) => cell(table.data[row][column], numeric[column], wrong.get(`${row}:${name}`))));
  }

  fill();
  return make("div", { class: "scroll rows", tabindex: "0", role: "region", "aria-label": label },
    make("table", {},
      make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "number" }, say("row")), heads)),
      body));
}

function cell(value, numeric, fault) {
  const text = shown(value === "" ? null : value);
  const names = [numeric && "number", text === "–" && "missing", fault && "wrong"].filter(Boolean).join(" ");
  const title = fault ? fault.message : text.length > 30 ? text : null;
  return make("td", { class: names || null, title }, text);
}

// Lists faults in words, by the numbers that the file's own rows have.
export function faultsOf(faults, tables, several) {
  const parts = ["where", "row", "column", "message", "value"]
    .filter((part) => faults.some((one) => part in one) && (part !== "where" || several));
  return make("div", { class: "scroll faults", tabindex: "0", role: "region", "aria-label": say("faults") },
    make("table", {},
      make("thead", {}, make("tr", {}, parts.map((part) => make("th", { scope: "col" }, say(part))))),
      make("tbody", {}, faults.map((fault) => make("tr", {}, parts.map((part) => {
        if (!(part in fault)) return make("td", {});
        const isRow = part === "row";
        return make("td", {}, isRow ? String(fault.row + (tables[fault.where]?.first ?? 1)) : shown(fault[part]));
      }))))));
}
