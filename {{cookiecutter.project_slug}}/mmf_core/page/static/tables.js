// Tables on the page: scrollable, sortable, editable, with their invalid cells marked.

import { classes, display, formatNumber, isEmpty, locale, make, say } from "./dom.js";

const MAX_ROWS = 100;
const MAX_COLUMNS = 200;
const MAX_PINNED = 3;

// A text like 007, or of more digits than a number has, is an identifier.
export function isNumeric(value) {
  if (typeof value !== "string") return typeof value === "number";
  return value.trim() !== "" && Number.isFinite(Number(value)) && !/^([-+]?0\d|\+|-?\d{16})/.test(value);
}

// Describes a table's size, and how much of it is shown.
export function sizeOf(table, maxRows = MAX_ROWS) {
  const number = (value) => value.toLocaleString(locale);
  const loaded = table.data.length;
  const rows = table.total === null ? `> ${number(loaded)}` : number(table.total);
  const parts = [say("rows", { rows }), say("columns", { columns: number(table.columns.length) })];
  if (loaded > maxRows) parts.push(say("first", { shown: maxRows }));
  if (table.columns.length > MAX_COLUMNS) parts.push(say("first_columns", { shown: MAX_COLUMNS }));
  if (table.total > loaded) parts.push(say("loaded", { loaded: number(loaded) }));
  return parts.join(", ");
}

// Shows the first rows and those with errors; `errors` are `{row, column, message, value}`.
// `pinned` columns come first and stay in sight; `onEdit(row, column, text)` makes cells editable,
// those of the header as row -1. `asWritten` leaves texts that are numbers as they are.
export function tableOf(table, label, { errors = [], maxRows = MAX_ROWS, sortable = false, pinned = [], onEdit, asWritten } = {}) {
  const order = table.data.map((_, row) => row);
  const sample = order.slice(0, maxRows);
  const invalid = new Map(errors.map((error) => [`${error.row ?? ""}:${error.column}`, error]));
  const all = table.columns.map((name, place) => ({ name, place }));
  const isPinned = ({ name }) => pinned.includes(name);
  const columns = [...all.filter(isPinned), ...all.filter((column) => !isPinned(column))].slice(0, MAX_COLUMNS);
  const pins = Math.min(MAX_PINNED, pinned.length);
  columns.forEach((column, place) => {
    const values = sample.map((row) => table.data[row][column.place]).filter((value) => !isEmpty(value));
    column.isNumber = values.every(isNumeric);
    column.format = column.isNumber && sortable ? formatOf(values.map(Number)) : {};
    column.pin = pinned.length < table.columns.length && place < pins && `pin pin${place}`;
  });
  const body = make("tbody", onEdit && { onkeydown: move });
  const heads = columns.map(({ name, place, isNumber, pin }) => {
    const error = invalid.get(`:${name}`);
    const content = sortable ? make("button", { type: "button", onclick: () => sort(place) }, String(name)) : String(name);
    const names = classes(isNumber && "number", error && "invalid", pin);
    return make("th", { scope: "col", class: names, title: error?.message, ...editing(-1, place) }, content);
  });
  let descending = false, sortedBy = -1;

  function sort(place) {
    descending = sortedBy === place && !descending;
    sortedBy = place;
    const shown = columns.findIndex((column) => column.place === place);
    const compare = columns[shown].isNumber
      ? (a, b) => Number(a) - Number(b)
      : new Intl.Collator(locale, { numeric: true }).compare;
    const key = columns[shown].isNumber ? (value) => value : display;
    order.sort((left, right) => {
      const a = table.data[left][place], b = table.data[right][place];
      if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
      return compare(key(a), key(b)) * (descending ? -1 : 1);
    });
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[shown].setAttribute("aria-sort", descending ? "descending" : "ascending");
    fill();
  }

  function fill() {
    const further = new Set(errors.map((error) => error.row).filter((row) => row >= maxRows && row < order.length));
    const gap = further.size > 0 && make("tr", { class: "gap" }, make("td", { colspan: columns.length + 1 }, "⋯"));
    body.replaceChildren(...[...order.slice(0, maxRows).map(rowOf), gap, ...[...further].map(rowOf)].filter(Boolean));
  }

  function rowOf(row) {
    return make("tr", {},
      make("th", { scope: "row", class: "number" }, (row + table.first).toLocaleString(locale)),
      columns.map((column) => cellOf(row, column, invalid.get(`${row}:${column.name}`))));
  }

  function cellOf(row, column, error) {
    const value = table.data[row][column.place];
    const isNumber = column.isNumber && !isEmpty(value) && !(asWritten && typeof value === "string");
    const text = isNumber ? formatNumber(Number(value), column.format) : dateOf(display(value === "" ? null : value));
    const names = classes(column.isNumber && "number", text === "–" && "missing", error && "invalid", column.pin);
    const title = error ? error.message : text.length > 30 ? text : text !== String(value ?? "–") ? String(value) : null;
    return make("td", { class: names, title, ...editing(row, column.place) }, text);
  }

  // The cell's own value while it has the focus, what is shown of it otherwise.
  function editing(row, place) {
    if (!onEdit) return {};
    const value = () => (row < 0 ? table.columns : table.data[row])[place];
    let shown = "";
    return {
      contenteditable: "plaintext-only", spellcheck: "false", tabindex: row === 0 && place === 0 ? 0 : -1,
      onfocus: ({ target }) => {
        shown = target.textContent; target.textContent = isEmpty(value()) ? "" : String(value());
        getSelection().selectAllChildren(target); // a click puts the caret where it was
      },
      onblur: ({ target }) => {
        const text = target.textContent.trim();
        if (text === String(value() ?? "")) target.textContent = shown;
        else {
          onEdit(row, place, text);
          target.classList.remove("invalid", "missing");
        }
      },
    };
  }

  // As in a spreadsheet: Enter leads down, Tab to the next cell of the row.
  function move(event) {
    const cell = event.target, row = cell.parentElement;
    const next = event.key === "Enter" ? row.nextElementSibling?.children[cell.cellIndex]
      : event.key === "Tab" && (event.shiftKey ? cell.previousElementSibling : cell.nextElementSibling);
    if (event.key === "Enter") event.preventDefault();
    if (!next?.isContentEditable) return;
    event.preventDefault();
    next.focus();
  }

  fill();
  return make("div", { class: "scroll rows", tabindex: "0", role: "region", "aria-label": label },
    make("table", {},
      make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "number" }, say("row")), heads)),
      body));
}

// A date and time as people write it, without the time if it is midnight.
function dateOf(text) {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d.*)$/.exec(text) ?? [];
  if (!date) return text;
  return /^00:00(:00(\.0+)?)?$/.test(time) ? date : `${date} ${time}`;
}

// Numbers of a result with fractions have thousands signs, and as many decimals as any of them needs.
function formatOf(numbers) {
  if (numbers.every(Number.isInteger)) return {};
  const greatest = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
  const most = greatest >= 1000 ? 2 : Math.min(6, 5 - Math.floor(Math.log10(greatest || 1)));
  const needed = numbers.map((number) => String(number).split(".")[1]?.length ?? 0);
  return { groups: true, decimals: Math.min(most, Math.max(...needed)) };
}

// Lists errors, equal ones in one line, with the row numbers of the file itself.
export function errorTable(errors, tables, several) {
  const groups = Map.groupBy
    ? [...Map.groupBy(errors, ({ where, column, message }) => JSON.stringify([where, column, message])).values()]
    : errors.map((error) => [error]);
  const parts = ["where", "row", "column", "message", "value"]
    .filter((part) => errors.some((error) => part in error) && (part !== "where" || several));
  const number = (error) => String(error.row + (tables[error.where]?.first ?? 1));
  return make("div", { class: "scroll errors", tabindex: "0", role: "region", "aria-label": say("errors") },
    make("table", {},
      make("thead", {}, make("tr", {}, parts.map((part) => make("th", { scope: "col" }, say(part))))),
      make("tbody", {}, groups.map((group) => make("tr", {}, parts.map((part) => {
        if (!(part in group[0])) return make("td", {});
        return make("td", {}, part === "row" ? group.map(number).join(", ") : display(group[0][part]));
      }))))));
}
