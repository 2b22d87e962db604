// The fields of a form: files with their first rows, and what is typed.

import { tableFrom } from "./answers.js";
import { fileSize, make, megabytes, say } from "./dom.js";
import { count, tableOf } from "./tables.js";

const PREVIEW = 10;
const limit = Number(document.body.dataset.limit);

// Wraps the element of one argument. `changed` is called whenever its value is another.
export function fieldOf(element, target, changed) {
  const { name, control } = element.dataset;
  const input = element.querySelector("[name]");
  const file = element.querySelector("input[type=file]");
  const drop = element.querySelector(".drop");
  const place = element.querySelector(".shown");
  const field = { name, control, table: null, value, mark };
  let read = 0; // counts: a slow file may be gone by the time it is read

  // What is sent: a File, a text, or null where the default is meant.
  function value() {
    if (file?.files[0]) return file.files[0];
    if (input === file) return null;
    const { value: text } = input;
    const isText = control === "text" && input.defaultValue;
    return text === "" && !isText ? null : text;
  }

  function put(chosen) {
    const list = new DataTransfer();
    if (chosen) list.items.add(chosen);
    file.files = list.files;
    show();
  }

  async function show() {
    const chosen = file.files[0];
    const turn = (read += 1);
    field.table = null;
    drop?.classList.toggle("filled", Boolean(chosen));
    place.replaceChildren();
    drop?.querySelector(".chosen")?.remove();
    if (input !== file) input.disabled = Boolean(chosen);
    changed();
    if (!chosen) return;
    const remove = () => { put(null); file.focus(); };
    const line = make("div", { class: "chosen" }, make("b", {}, chosen.name), make("span", {}, fileSize(chosen.size)),
      make("button", { type: "button", class: "link", "aria-label": `${say("remove")}: ${chosen.name}`, onclick: remove }, say("remove")));
    (drop ?? place).append(line);
    if (chosen.size > limit) {
      place.append(make("p", { class: "note" }, say("too_large", { size: megabytes(chosen.size), limit: megabytes(limit) })));
    } else if (control === "image") {
      const image = make("img", { alt: chosen.name, src: URL.createObjectURL(chosen), onerror: () => image.remove() });
      place.append(image);
    } else if (control === "table") {
      const busy = make("p", { class: "note" }, say("reading"));
      place.append(busy);
      const path = `page/rows/${encodeURIComponent(target)}/${encodeURIComponent(name)}`;
      const { table, problem } = await tableFrom(chosen, { path });
      if (turn !== read) return;
      busy.remove();
      if (problem) place.append(make("p", { class: "note" }, problem.detail));
      if (table) {
        field.table = table;
        mark([]);
      }
    }
  }

  // Shows the first rows, with these faults where they are.
  function mark(faults) {
    const { table } = field;
    if (!table) return;
    place.querySelectorAll(".preview").forEach((old) => old.remove());
    const own = faults.filter((fault) => (fault.where ?? name) === name);
    const rows = tableOf(table, say("preview", { name: file.files[0].name }), { most: PREVIEW, faults: own });
    place.append(make("div", { class: "preview" }, make("p", { class: "note" }, count(table, PREVIEW)), rows));
    const first = rows.querySelector(".wrong");
    if (first) rows.scrollLeft = first.offsetLeft - rows.clientWidth / 2;
  }

  file?.addEventListener("change", show);
  input.addEventListener("input", changed);
  if (drop) {
    for (const type of ["dragenter", "dragleave", "drop"]) {
      drop.addEventListener(type, () => drop.classList.toggle("over", type === "dragenter"));
    }
    file.addEventListener("paste", (event) => {
      const { files } = event.clipboardData;
      const text = event.clipboardData.getData("text/plain");
      if (files.length) put(files[0]);
      else if (text && control === "table") put(new File([text], say("pasted"), { type: "text/tab-separated-values" }));
    });
  }
  element.querySelector("[data-example]")?.addEventListener("click", async (event) => {
    const url = event.target.dataset.example;
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) put(new File([await answer.blob()], "example.csv", { type: "text/csv" }));
  });
  element.querySelector("[data-fill]")?.addEventListener("click", (event) => {
    input.value = event.target.dataset.fill;
    changed();
  });
  return field;
}
