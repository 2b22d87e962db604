// Tables on the page: scrollable, sortable, with their invalid cells marked.

import { classes, display, isEmpty, locale, make, say } from "./dom.js";

const MAX_ROWS = 100;

export function isNumeric(value) {
  return typeof value === "number" || (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)));
}

// Describes a table's size, and how much of it is shown.
export function sizeOf(table, maxRows = MAX_ROWS) {
  const number = (value) => value.toLocaleString(locale);
  const loaded = table.data.length;
  const rows = table.total === null ? `> ${number(loaded)}` : number(table.total);
  const parts = [say("rows", { rows }), say("columns", { columns: number(table.columns.length) })];
  if (loaded > maxRows) parts.push(say("first", { shown: maxRows }));
  if (table.total > loaded) parts.push(say("loaded", { loaded: number(loaded) }));
  return parts.join(", ");
}

// Shows the first rows and those with errors; `errors` are `{row, column, message, value}`.
export function tableOf(table, label, { errors = [], maxRows = MAX_ROWS, sortable = false } = {}) {
  const order = table.data.map((_, row) => row);
  const numeric = table.columns.map((_, column) => order.slice(0, maxRows).every((row) => {
    const value = table.data[row][column];
    return isEmpty(value) || isNumeric(value);
  }));
  const invalid = new Map(errors.map((error) => [`${error.row ?? ""}:${error.column}`, error]));
  const body = make("tbody");
  const heads = table.columns.map((name, column) => {
    const error = invalid.get(`:${name}`);
    const content = sortable ? make("button", { type: "button", onclick: () => sort(column) }, String(name)) : String(name);
    const names = classes(numeric[column] && "number", error && "invalid");
    return make("th", { scope: "col", class: names, title: error?.message }, content);
  });
  let descending = false, sortedBy = -1;

  function sort(column) {
    descending = sortedBy === column && !descending;
    sortedBy = column;
    const compare = numeric[column]
      ? (a, b) => Number(a) - Number(b)
      : new Intl.Collator(locale, { numeric: true }).compare;
    order.sort((left, right) => {
      const a = table.data[left][column], b = table.data[right][column];
      if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
      return compare(numeric[column] ? a : display(a), numeric[column] ? b : display(b)) * (descending ? -1 : 1);
    });
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
    fill();
  }

  function fill() {
    const further = new Set(errors.map((error) => error.row).filter((row) => row >= maxRows && row < order.length));
    const gap = further.size > 0 && make("tr", { class: "gap" }, make("td", { colspan: table.columns.length + 1 }, "⋯"));
    body.replaceChildren(...[...order.slice(0, maxRows).map(rowOf), gap, ...[...further].map(rowOf)].filter(Boolean));
  }

  function rowOf(row) {
    return make("tr", {},
      make("th", { scope: "row", class: "number" }, (row + table.first).toLocaleString(locale)),
      table.columns.map((name, column) => cellOf(table.data[row][column], numeric[column], invalid.get(`${row}:${name}`))));
  }

  fill();
  return make("div", { class: "scroll rows", tabindex: "0", role: "region", "aria-label": label },
    make("table", {},
      make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "number" }, say("row")), heads)),
      body));
}

function cellOf(value, isNumber, error) {
  const text = display(value === "" ? null : value);
  const names = classes(isNumber && "number", text === "–" && "missing", error && "invalid");
  const title = error ? error.message : text.length > 30 ? text : null;
  return make("td", { class: names, title }, text);
}

// Lists errors, with the row numbers of the file itself.
export function errorTable(errors, tables, several) {
  const parts = ["where", "row", "column", "message", "value"]
    .filter((part) => errors.some((error) => part in error) && (part !== "where" || several));
  return make("div", { class: "scroll errors", tabindex: "0", role: "region", "aria-label": say("errors") },
    make("table", {},
      make("thead", {}, make("tr", {}, parts.map((part) => make("th", { scope: "col" }, say(part))))),
      make("tbody", {}, errors.map((error) => make("tr", {}, parts.map((part) => {
        if (!(part in error)) return make("td", {});
        const isRow = part === "row";
        return make("td", {}, isRow ? String(error.row + (tables[error.where]?.first ?? 1)) : display(error[part]));
      }))))));
}
