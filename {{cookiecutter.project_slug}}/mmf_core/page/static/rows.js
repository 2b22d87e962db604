// One row of a table as a form of fields, one for each column of its schema.

import { make, say } from "./dom.js";
import { typed } from "./parsing.js";

// `columns` are {name, note, hint, type, nullable, min, max, choices}; `example` maps names to texts.
export function rowForm(columns, example, id, onChange) {
  const inputs = columns.map((column, place) => inputOf(column, example[column.name] ?? "", `${id}-row-${place}`));
  const faults = columns.map(() => make("small", { class: "fault" }));
  const element = make("div", { class: "fields", oninput: onChange }, columns.map((column, place) => make("div", {},
    make("label", { for: inputs[place].id }, column.name),
    inputs[place],
    make("small", {}, [column.note, column.type !== "choice" && column.hint].filter(Boolean).join(" · ")),
    faults[place])));

  function record() {
    return Object.fromEntries(columns.map(({ name, type }, place) => {
      const { value } = inputs[place];
      return [name, typed(value, { number: 0, integer: 0, boolean: true }[type])];
    }));
  }

  function mark(errors) {
    columns.forEach(({ name }, place) => {
      const error = errors.find(({ column }) => column === name);
      faults[place].textContent = error?.message ?? "";
      inputs[place].ariaInvalid = error ? "true" : null;
    });
  }

  return { element, mark, file: () => new File([JSON.stringify([record()])], "row.json", { type: "application/json" }) };
}

function inputOf({ type, nullable, min, max, choices }, value, id) {
  const required = nullable === undefined && type !== "string";
  const common = { id, required, autocomplete: "off" };
  const options = type === "boolean" ? [["true", say("true")], ["false", say("false")]]
    : type === "choice" && JSON.parse(choices).map((choice) => [choice, choice]);
  if (options) {
    const all = required ? options : [["", "–"], ...options];
    const select = make("select", common, all.map(([key, text]) => make("option", { value: key }, text)));
    select.value = type === "boolean" ? value.toLowerCase() : value;
    return select;
  }
  const isDate = type === "datetime" && /^[-\d]+(T[\d:]+)?$/.test(value);
  const kind = { number: "number", integer: "number" }[type] ?? (isDate ? "datetime-local" : type === "date" ? "date" : "text");
  const step = { number: "any", integer: 1 }[type] ?? (isDate ? 1 : null);
  return make("input", { ...common, type: kind, step, min, max, value });
}
