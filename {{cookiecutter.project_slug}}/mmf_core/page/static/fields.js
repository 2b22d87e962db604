// The fields of a form: files with their first rows, one row typed, and typed values.

import { fileSize, limit, make, megabytes, note, say } from "./dom.js";
import { missingNames, titleRows } from "./names.js";
import { extension, fileOf, isEditable, readTable, typed, withoutTitle } from "./parsing.js";
import { tableFrom } from "./results.js";
import { rowForm } from "./rows.js";
import { sizeOf, tableOf } from "./tables.js";

const PREVIEW_ROWS = 10;
const TEXTS = ["csv", "tsv", "tab"];
const WORKBOOKS = ["xlsx", "xlsm", "xls", "ods"];

// Wraps the element of one argument; `onChange` is called whenever its value changes.
// `isOnlyTable`: the query of a call says where in a workbook the table is, of one table only.
export function fieldOf(element, target, { onChange, isOnlyTable }) {
  const { name, control } = element.dataset;
  const input = element.querySelector("[name]");
  const fileInput = element.querySelector("input[type=file]");
  const drop = element.querySelector(".drop");
  const preview = element.querySelector(".shown");
  const oneRow = element.querySelector("[data-row]");
  const declared = [...element.querySelectorAll("tr[data-type]")].map((row) => (
    { name: row.cells[0].textContent, hint: row.querySelector("span").textContent, ...row.dataset }));
  const isWhole = !element.querySelector("[data-more]"); // the page lists only the first of very many
  const expected = isWhole ? declared.map((column) => column.name) : [];
  const field = { name, control, table: null, value, mark, query: () => place, columns, fill };
  let file = null; // what is sent: the chosen one, or one built from it
  let place = {}; // where in a workbook the table is
  let row = null; // the form of one row, if it is there in place of a file
  let reads = 0; // a slow file may have been replaced by the time it is read

  // What is sent: a File, a text, or null for the default.
  function value() {
    if (row) return row.file();
    if (file) return file;
    if (input === fileInput) return null;
    const { value: text } = input;
    if (control === "list" && text.trim() && text[0] !== "[") return JSON.stringify(text.split("\n").filter(Boolean));
    const canBeEmpty = control === "text" && input.defaultValue;
    return text === "" && !canBeEmpty ? null : text;
  }

  // The names of the columns that are sent.
  function columns() {
    return row ? expected : field.table?.columns ?? [];
  }

  function setFile(chosen) {
    const list = new DataTransfer();
    if (chosen) list.items.add(chosen);
    fileInput.files = list.files;
    showFile();
  }

  async function showFile() {
    file = fileInput.files[0] ?? null;
    place = {};
    reads += 1;
    field.table = null;
    drop?.classList.toggle("filled", Boolean(file));
    preview.replaceChildren();
    drop?.querySelector(".chosen")?.remove();
    if (input !== fileInput) input.disabled = Boolean(file);
    onChange();
    if (!file) return;
    const remove = () => { setFile(null); fileInput.focus(); };
    const line = make("div", { class: "chosen" }, make("b", {}, file.name), make("span", {}, fileSize(file.size)),
      make("button", { type: "button", class: "link", "aria-label": `${say("remove")}: ${file.name}`, onclick: remove }, say("remove")));
    (drop ?? preview).append(line);
    if (file.size > limit) {
      preview.append(note(say("too_large", { size: megabytes(file.size) })));
    } else if (control === "image") {
      const image = make("img", { alt: file.name, src: URL.createObjectURL(file), onerror: () => image.remove() });
      preview.append(image);
    } else if (control === "table") await readFile();
  }

  // Reads the first rows. A title above the header is detected and reported.
  async function readFile() {
    const read = (reads += 1), kind = extension(file.name);
    const path = `page/rows/${encodeURIComponent(target)}/${encodeURIComponent(name)}`;
    preview.replaceChildren(note(say("reading")));
    let { table, problem, sheets = [] } = await tableFrom(file, { path, place });
    if (read !== reads) return;
    const { sheet } = place, isBook = WORKBOOKS.includes(kind) && isOnlyTable;
    const above = table && (isBook || TEXTS.includes(kind)) ? titleRows(table, expected) : 0;
    let header = 1;
    if (above && isBook) {
      header = above + 1;
      place = { ...place, header_row: header };
      ({ table, problem } = await tableFrom(file, { path, place }));
    } else if (above) {
      [file, header] = await withoutTitle(file, kind, above);
      table = await readTable(file, kind);
    }
    if (read !== reads) return;
    preview.replaceChildren();
    if (sheets.length > 1 && isOnlyTable) {
      const choose = ({ target: { value: chosen } }) => { place = { sheet: chosen }; readFile(); };
      const picker = make("select", { onchange: choose }, sheets.map((one) => make("option", { selected: one === sheet }, one)));
      preview.append(make("label", { class: "note pick" }, say("sheet"), picker));
    }
    if (problem) preview.append(note(problem.detail));
    if (table && header > 1) {
      table.first = header + 1;
      preview.append(note(say("header_found", { row: header })));
    }
    field.table = table;
    mark([]);
    onChange();
  }

  // Shows the first rows, with the errors that belong to this field.
  function mark(allErrors) {
    const errors = allErrors.filter((error) => (error.where ?? name) === name);
    row?.mark(errors);
    const { table } = field;
    if (!table || row) return;
    preview.querySelectorAll(".preview").forEach((old) => old.remove());
    const onEdit = isEditable(table, expected.length > 0) && edit;
    const label = say("preview", { name: fileInput.files[0].name });
    const rows = tableOf(table, label, { maxRows: PREVIEW_ROWS, errors, onEdit, asWritten: true });
    const hint = onEdit && note(say("editable"));
    preview.append(make("div", { class: "preview" }, missing(onEdit), note(sizeOf(table, PREVIEW_ROWS)), rows, hint));
    const first = rows.querySelector(".invalid");
    if (first) rows.scrollLeft = first.offsetLeft - rows.clientWidth / 2;
  }

  // Says which columns are missing, and which may be meant; these can be renamed.
  function missing(canRename) {
    const { columns: there } = field.table, names = missingNames(there, expected);
    if (!names.length) return null;
    const rename = (name_, other) => make("button", { type: "button", class: "link", onclick: () => edit(-1, there.indexOf(other), name_) }, say("rename"));
    const items = names.slice(0, PREVIEW_ROWS).map(([name_, other]) => make("li", {},
      make("b", {}, name_), `: ${say("missing_column")}`,
      other && `; ${say("did_you_mean", { name: other })} `, other && canRename && rename(name_, other)));
    return make("div", { class: "missing-columns", role: "status" }, make("ul", {}, items));
  }

  // Changes a cell, or a name in the header, of what is sent; the chosen file stays as it is.
  function edit(index, column, text) {
    const { table } = field;
    if (index < 0) table.columns[column] = text;
    else table.data[index][column] = typed(text, table.data[index][column]);
    file = fileOf(table, fileInput.files[0].name);
    place = {};
    if (!drop.querySelector("[data-undo]")) {
      const undo = make("button", { type: "button", class: "link", onclick: showFile }, say("undo"));
      drop.querySelector(".chosen span").after(make("span", { "data-undo": true }, say("edited"), " ", undo));
    }
    onChange();
    if (index < 0) setTimeout(() => mark([])); // the next cell gets the focus first
  }

  // Shows the fields of one row in place of the file, filled in with the example; or the file again.
  async function toggleRow() {
    const isRow = !row;
    oneRow.textContent = isRow ? say("use_file") : say("one_row");
    drop.hidden = fileInput.disabled = isRow;
    if (!isRow) {
      row = null;
      return showFile();
    }
    const example = await exampleFile();
    const { columns: names, data } = (example && await readTable(example, "csv")) ?? { columns: [], data: [[]] };
    const texts = Object.fromEntries(names.map((column, index) => [column, data[0][index]]));
    field.table = null;
    place = {};
    row = rowForm(declared, texts, input.id, onChange);
    preview.replaceChildren(row.element);
    onChange();
    row.element.querySelector("input, select").focus();
  }

  async function exampleFile(address = element.querySelector("[data-example]").dataset.example) {
    const response = await fetch(address).catch(() => null);
    if (!response?.ok) return null;
    const content = await response.blob();
    return new File([content], `example.${extension(new URL(response.url).pathname)}`, { type: content.type });
  }

  // Puts in a value of an example: a text, or a file by its address.
  async function fill({ file: address, text }) {
    if (row) await toggleRow();
    if (fileInput) setFile(address ? await exampleFile(address) : null);
    if (input === fileInput) return;
    input.value = text;
    onChange();
  }

  fileInput?.addEventListener("change", showFile);
  input.addEventListener("input", onChange);
  if (drop) {
    for (const type of ["dragenter", "dragleave", "drop"]) {
      drop.addEventListener(type, () => drop.classList.toggle("over", type === "dragenter"));
    }
    fileInput.addEventListener("paste", (event) => {
      const { files } = event.clipboardData;
      const text = event.clipboardData.getData("text/plain");
      if (files.length) setFile(files[0]);
      else if (text && control === "table") setFile(new File([text], say("pasted"), { type: "text/tab-separated-values" }));
    });
  }
  oneRow?.addEventListener("click", toggleRow);
  element.querySelector("[data-use]")?.addEventListener("click", () => fill({ file: element.querySelector("[data-example]").dataset.example }));
  element.querySelector("[data-fill]")?.addEventListener("click", (event) => {
    input.value = event.target.dataset.fill;
    onChange();
  });
  return field;
}
