// Tables from text, as the service reads them; {columns, data, total, first}.
// `first` is the number that a spreadsheet gives to the first row under the header.

const HEAD = 1024 ** 2;
export const IN_BROWSER = ["csv", "tsv", "tab", "json", "jsonl", "ndjson"];

export function extension(name) {
  return name.includes(".") ? name.split(".").pop().toLowerCase() : "";
}

// Reads a file's beginning, or with `whole` all of it. Null if it is no table that can be shown.
export async function readTable(file, kind, whole) {
  const cut = !whole && !kind.startsWith("json") && file.size > HEAD;
  const bytes = await (cut ? file.slice(0, HEAD) : file).arrayBuffer();
  const text = decoded(bytes, cut);
  try {
    if (kind === "json") return ofJSON(JSON.parse(text));
    if (kind === "jsonl" || kind === "ndjson") {
      return ofRecords(text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line)));
    }
  } catch {
    return null;
  }
  const header = text.slice(0, (text + "\n").indexOf("\n"));
  const many = header.split(";").length > header.split(",").length;
  const rows = separated(text, kind !== "csv" ? "\t" : many ? ";" : ",");
  if (cut) rows.pop();
  if (!rows.length) return null;
  const [columns, ...data] = rows;
  return { columns, data, total: cut ? null : data.length, first: 2 };
}

// UTF-8, or else what Excel writes in Russian.
function decoded(bytes, cut) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return new TextDecoder("windows-1251").decode(bytes);
  }
}

// RFC 4180: quoted cells may hold separators, line breaks and doubled quotes.
function separated(text, separator) {
  const rows = [];
  let row = [], cell = "", quoted = false;
  const end = () => {
    row.push(cell);
    if (row.length > 1 || cell) rows.push(row);
    row = [];
    cell = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at];
    if (quoted) {
      if (one !== '"') cell += one;
      else if (text[at + 1] === '"') cell += text[(at += 1)];
      else quoted = false;
    } else if (one === '"' && !cell) quoted = true;
    else if (one === separator) {
      row.push(cell);
      cell = "";
    } else if (one === "\n") end();
    else if (one !== "\r") cell += one;
  }
  end();
  return rows;
}

export function ofJSON(plain) {
  const wrapped = plain && Object.keys(plain).length === 1 ? Object.values(plain)[0] : plain;
  if (Array.isArray(plain)) return plain.every(Array.isArray) ? ofLists(plain) : ofRecords(plain);
  if (!wrapped || typeof wrapped !== "object") return null;
  if (wrapped !== plain && !Array.isArray(wrapped)) return ofJSON(wrapped);
  if (Array.isArray(plain.data)) return { ...ofLists(plain.data), ...(plain.columns && { columns: plain.columns }) };
  const columns = Object.keys(plain), cells = Object.values(plain);
  if (!cells.length || !cells.every(Array.isArray)) return null;
  return table(columns, cells[0].map((_, row) => cells.map((column) => column[row])));
}

function ofRecords(records) {
  if (!records.length) return null;
  if (records.some((one) => !one || typeof one !== "object")) return table(["0"], records.map((one) => [one]));
  const columns = [...new Set(records.flatMap((one) => Object.keys(one)))];
  return table(columns, records.map((one) => columns.map((name) => one[name])));
}

function ofLists(lists) {
  return table((lists[0] ?? []).map((_, place) => String(place)), lists);
}

function table(columns, data) {
  return { columns, data, total: data.length, first: 1 };
}
