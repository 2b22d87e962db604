// Predicts the rows of a CSV by onnxruntime-web, which is in this page, as the model is.

const text = id => document.getElementById(id).textContent;
const plan = JSON.parse(text("plan"));
const columns = plan.inputs.flatMap(input => input.columns);
const ARRAYS = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array, bool: Uint8Array,
};

async function decompressed(id) {
  const bytes = Uint8Array.from(atob(text(id)), character => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The cells of each record; in a quoted cell a separator is text, and a quote is written twice.
function records(csv) {
  const all = [];
  let record = [], cell = "", quoted = false;
  for (let at = 0; at < csv.length; at++) {
    const character = csv[at];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (csv[at + 1] === '"') cell += csv[++at];
      else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === ",") { record.push(cell); cell = ""; }
    else if (character === "\n") { all.push([...record, cell]); record = []; cell = ""; }
    else if (character !== "\r") cell += character;
  }
  if (cell !== "" || record.length) all.push([...record, cell]);
  return all.filter(cells => cells.some(each => each.trim() !== ""));
}

function value(cell, type, row, column) {
  if (type === "string") return cell;
  const words = cell.trim();
  if (words === "" && type.startsWith("float")) return NaN;
  if (type === "bool" && /^(true|false)$/i.test(words)) return Number(/^true$/i.test(words));
  const number = words === "" ? NaN : Number(words);
  const isWhole = !type.startsWith("float");
  if (Number.isNaN(number) || (isWhole && !Number.isSafeInteger(number))) {
    const expected = type === "bool" ? "true or false" : isWhole ? "a whole number" : "a number";
    throw new Error(`column "${column}", row ${row}: expected ${expected}, got "${cell}"`);
  }
  return type === "int64" ? BigInt(number) : number;
}

function feeds(ort, table) {
  const [header = [], ...rows] = table;
  const missing = columns.filter(name => !header.includes(name));
  if (missing.length) throw new Error(`missing columns: ${missing.join(", ")}`);
  if (!rows.length) throw new Error("the table has no rows: add at least one");
  return Object.fromEntries(plan.inputs.map(({name, type, rank, columns: own}) => {
    const cells = rows.flatMap((cells, row) => own.map(
      column => value(cells[header.indexOf(column)] ?? "", type, row, column)));
    const data = type === "string" ? cells : ARRAYS[type].from(cells);
    const shape = rank === 1 ? [rows.length] : [rows.length, own.length];
    return [name, new ort.Tensor(type, data, shape)];
  }));
}

function show(table, output) {
  const width = plan.columns.length;
  const results = Array.from(output.data, String);
  const lines = table.slice(1).map((_, row) => results.slice(row * width, (row + 1) * width));
  const element = document.createElement("table");
  for (const [number, cells] of [plan.columns, ...lines].entries()) {
    const line = element.insertRow();
    for (const cell of cells) {
      line.append(Object.assign(document.createElement(number ? "td" : "th"), {textContent: cell}));
    }
  }
  document.getElementById("result").replaceChildren(element);
}

const ort = await import(`data:text/javascript;base64,${text("runtime")}`);
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = await decompressed("wasm");
const session = await ort.InferenceSession.create(await decompressed("model"));

const rows = document.getElementById("rows"), button = document.getElementById("predict");
const quoted = cell => /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
rows.value = [columns, ...plan.example]
  .map(cells => cells.map(cell => quoted(String(cell ?? ""))).join(",") + "\n").join("");
document.getElementById("file").addEventListener("change", async event => {
  rows.value = await event.target.files[0].text();
});
button.addEventListener("click", async () => {
  const error = document.getElementById("error");
  error.textContent = "";
  document.getElementById("result").replaceChildren();
  try {
    const table = records(rows.value);
    const outputs = await session.run(feeds(ort, table), [plan.output]);
    show(table, outputs[plan.output]);
  } catch (problem) {
    error.textContent = problem.message;
  }
});
button.disabled = false;
