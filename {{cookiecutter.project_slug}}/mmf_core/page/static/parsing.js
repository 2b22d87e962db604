// Tables from text, parsed as the service does it, and back: {columns, data, total, first}.
// `total` is null if the file was cut; `first` is the first row's number in a spreadsheet.

const MAX_BYTES = 1024 ** 2;
export const IN_BROWSER = ["csv", "tsv", "tab", "json", "jsonl", "ndjson"];

export function extension(name) {
  return name.includes(".") ? name.split(".").pop().toLowerCase() : "";
}

// Parses a file's beginning, or all of it if `whole`. Null if it is not a table that can be shown.
export async function readTable(file, kind, whole) {
  const isCut = !whole && !kind.includes("json") && file.size > MAX_BYTES;
  const bytes = await (isCut ? file.slice(0, MAX_BYTES) : file).arrayBuffer();
  const text = decode(bytes, isCut);
  try {
    if (kind === "json") return fromJSON(JSON.parse(text));
    if (kind.includes("json")) {
      return fromRecords(text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line)));
    }
  } catch {
    return null;
  }
  const separator = kind === "csv" ? separatorOf(text) : "\t";
  const rows = parseCSV(text, separator);
  if (isCut) rows.pop();
  if (!rows.length) return null;
  const [columns, ...data] = rows;
  return { columns, data, total: isCut ? null : data.length, first: 2, separator };
}

// Of the first line that has any: a title above the header has none.
function separatorOf(text) {
  const header = text.slice(0, 10_000).split("\n").find((line) => /[,;]/.test(line)) ?? "";
  return header.split(";").length > header.split(",").length ? ";" : ",";
}

// Returns a file without the lines above its header, of which `count` have cells, and the header's line.
export async function withoutTitle(file, kind, count) {
  const start = await file.slice(0, MAX_BYTES).arrayBuffer();
  const text = new TextDecoder("latin1").decode(start); // a character is a byte
  const rows = parseCSV(text, kind === "csv" ? separatorOf(text) : "\t");
  const { start: end } = rows[count];
  const line = text.slice(0, end).split("\n").length;
  return [new File([file.slice(end)], file.name, { type: file.type }), line];
}

// UTF-8, else what Excel writes in Russian.
function decode(bytes, isCut) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return new TextDecoder("windows-1251").decode(bytes);
  }
}

// RFC 4180: quoted cells may hold separators, line breaks and doubled quotes. A row has its `start`.
function parseCSV(text, separator) {
  const rows = [];
  let row = [], cell = "", isQuoted = false, start = 0;
  const endRow = (end) => {
    row.push(cell);
    if (row.length > 1 || cell) rows.push(Object.assign(row, { start }));
    row = [];
    cell = "";
    start = end + 1;
  };
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (text[index + 1] === '"') cell += text[(index += 1)];
      else isQuoted = false;
    } else if (character === '"' && !cell) isQuoted = true;
    else if (character === separator) {
      row.push(cell);
      cell = "";
    } else if (character === "\n") endRow(index);
    else if (character !== "\r") cell += character;
  }
  endRow(text.length);
  return rows;
}

export function fromJSON(plain) {
  const inner = plain && Object.keys(plain).length === 1 ? Object.values(plain)[0] : plain;
  if (Array.isArray(plain)) return plain.every(Array.isArray) ? fromLists(plain) : fromRecords(plain);
  if (!inner || typeof inner !== "object") return null;
  if (inner !== plain && !Array.isArray(inner)) return fromJSON(inner);
  if (Array.isArray(plain.data)) return { ...fromLists(plain.data), ...(plain.columns && { columns: plain.columns }) };
  const columns = Object.keys(plain), cells = Object.values(plain);
  if (!cells.length || !cells.every(Array.isArray)) return null;
  return table(columns, cells[0].map((_, row) => cells.map((column) => column[row])));
}

function fromRecords(records) {
  if (!records.length) return null;
  if (records.some((record) => !record || typeof record !== "object")) return table(["0"], records.map((value) => [value]));
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return table(columns, records.map((record) => columns.map((name) => record[name])));
}

function fromLists(lists) {
  return table((lists[0] ?? []).map((_, index) => String(index)), lists);
}

function table(columns, data) {
  return { columns, data, total: data.length, first: 1 };
}

// Returns whether all of a table is here, exactly: a CSV as its texts, others if a schema says their types.
export function isEditable(table, hasSchema) {
  if (table.total !== table.data.length) return false;
  const isExact = (value) => typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value);
  return Boolean(table.separator) || (hasSchema && table.data.every((row) => row.every(isExact)));
}

// What a person typed in place of a value: of its type if it is one, else a text, which the service reads.
export function typed(text, old) {
  if (text === "") return null;
  if (typeof old === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return typeof old === "number" && String(Number(text)) === text ? Number(text) : text;
}

// Returns a changed table as a file: a CSV stays one.
export function fileOf({ columns, data, separator }, name) {
  const base = name.replace(/\.[^.]*$/, "");
  if (!separator) return new File([JSON.stringify({ columns, data })], `${base}.json`, { type: "application/json" });
  const cell = (value) => (/["\r\n]/.test(value ?? "") || String(value ?? "").includes(separator) ? `"${value.replaceAll('"', '""')}"` : value ?? "");
  const text = [columns, ...data].map((row) => row.map(cell).join(separator)).join("\r\n");
  const isTSV = separator === "\t";
  return new File([`${text}\r\n`], `${base}.${isTSV ? "tsv" : "csv"}`, { type: isTSV ? "text/tab-separated-values" : "text/csv" });
}
