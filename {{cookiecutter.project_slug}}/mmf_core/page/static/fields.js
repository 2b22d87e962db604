// The fields of a form: files with their first rows, and typed values.

import { fileSize, limit, make, megabytes, note, say } from "./dom.js";
import { tableFrom } from "./results.js";
import { sizeOf, tableOf } from "./tables.js";

const PREVIEW_ROWS = 10;

// Wraps the element of one argument; `onChange` is called whenever its value changes.
export function fieldOf(element, target, onChange) {
  const { name, control } = element.dataset;
  const input = element.querySelector("[name]");
  const fileInput = element.querySelector("input[type=file]");
  const drop = element.querySelector(".drop");
  const preview = element.querySelector(".shown");
  const field = { name, control, table: null, value, mark };
  let reads = 0; // a slow file may have been replaced by the time it is read

  // What is sent: a File, a text, or null for the default.
  function value() {
    if (fileInput?.files[0]) return fileInput.files[0];
    if (input === fileInput) return null;
    const { value: text } = input;
    const canBeEmpty = control === "text" && input.defaultValue;
    return text === "" && !canBeEmpty ? null : text;
  }

  function setFile(file) {
    const list = new DataTransfer();
    if (file) list.items.add(file);
    fileInput.files = list.files;
    showFile();
  }

  async function showFile() {
    const file = fileInput.files[0];
    const read = (reads += 1);
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
    } else if (control === "table") {
      const progress = note(say("reading"));
      preview.append(progress);
      const path = `page/rows/${encodeURIComponent(target)}/${encodeURIComponent(name)}`;
      const { table, problem } = await tableFrom(file, { path });
      if (read !== reads) return;
      progress.remove();
      if (problem) preview.append(note(problem.detail));
      if (table) {
        field.table = table;
        mark([]);
      }
    }
  }

  // Shows the first rows, with the errors that belong to this field.
  function mark(allErrors) {
    const { table } = field;
    if (!table) return;
    preview.querySelectorAll(".preview").forEach((old) => old.remove());
    const errors = allErrors.filter((error) => (error.where ?? name) === name);
    const rows = tableOf(table, say("preview", { name: fileInput.files[0].name }), { maxRows: PREVIEW_ROWS, errors });
    preview.append(make("div", { class: "preview" }, note(sizeOf(table, PREVIEW_ROWS)), rows));
    const first = rows.querySelector(".invalid");
    if (first) rows.scrollLeft = first.offsetLeft - rows.clientWidth / 2;
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
  element.querySelector("[data-example]")?.addEventListener("click", async (event) => {
    const response = await fetch(event.target.dataset.example).catch(() => null);
    if (response?.ok) setFile(new File([await response.blob()], "example.csv", { type: "text/csv" }));
  });
  element.querySelector("[data-fill]")?.addEventListener("click", (event) => {
    input.value = event.target.dataset.fill;
    onChange();
  });
  return field;
}
