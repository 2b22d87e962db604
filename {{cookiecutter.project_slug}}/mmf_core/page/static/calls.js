// Calls: the form's request, with its progress, and the same request in curl and Python.

// Resolves with {status, blob, type, name, date, preference, seconds, isCancelled}; status is 0 if no response came.
export function send(url, body, { method = "POST", headers = {}, onUpload = () => {}, onSent = () => {}, onText, signal } = {}) {
  const request = new XMLHttpRequest();
  const started = performance.now();
  request.open(method, url);
  if (onText) request.addEventListener("progress", () => onText(request.response));
  else request.responseType = "blob";
  for (const [name, value] of Object.entries({ Accept: "*/*", ...headers })) request.setRequestHeader(name, value);
  return new Promise((resolve) => {
    const end = () => resolve({
      status: request.status,
      blob: onText ? new Blob([request.response]) : request.response,
      type: (request.getResponseHeader("Content-Type") ?? "").split(";")[0],
      name: filename(request.getResponseHeader("Content-Disposition") ?? ""),
      date: request.getResponseHeader("Date"),
      preference: request.getResponseHeader("Preference-Applied"),
      seconds: (performance.now() - started) / 1000,
      isCancelled: signal?.aborted,
    });
    request.upload.addEventListener("progress", (event) => onUpload(event.loaded / event.total));
    request.upload.addEventListener("load", onSent);
    request.addEventListener("loadend", end);
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

// RFC 6266: the name in UTF-8 takes precedence.
function filename(disposition) {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition);
  if (encoded) return decodeURIComponent(encoded[1]);
  const plain = /filename=(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i.exec(disposition);
  return plain ? (plain[1]?.replace(/\\(.)/g, "$1") ?? plain[2].trim()) : "";
}

const needsToken = () => "token" in document.body.dataset;
const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const python = (text) => JSON.stringify(text).replaceAll("\u007f", "\\x7f");

// `parts` are [name, File or text]; `saveAs` is the result's file name, empty for a short text.
export function curl(url, parts, saveAs) {
  const lines = parts.map(([name, value]) => typeof value === "string"
    ? `--form-string ${shell(`${name}=${value}`)}`
    : `-F ${shell(`${name}=@"${value.name.replace(/["\\]/g, "\\$&")}"`)}`);
  if (!lines.length) lines.push("-X POST");
  if (needsToken()) lines.push('-H "Authorization: Bearer $TOKEN"');
  if (saveAs) lines.push(`-o ${shell(saveAs)}`);
  return [`curl ${shell(url)}`, ...lines].join(" \\\n  ");
}

export function requests(url, parts, saveAs) {
  const [address, query] = url.split("?");
  const files = parts.filter(([, value]) => typeof value !== "string");
  const texts = parts.filter(([, value]) => typeof value === "string");
  const lines = ["import requests", "", "response = requests.post(", `    ${python(address)},`];
  if (needsToken()) lines.push('    headers={"Authorization": "Bearer " + TOKEN},');
  if (query) lines.push(`    params={${[...new URLSearchParams(query)].map((pair) => pair.map(python).join(": ")).join(", ")}},`);
  if (texts.length) lines.push(`    data={${texts.map(([name, text]) => `${python(name)}: ${python(text)}`).join(", ")}},`);
  if (files.length) lines.push(`    files={${files.map(([name, file]) => `${python(name)}: open(${python(file.name)}, "rb")`).join(", ")}},`);
  lines.push(")", "response.raise_for_status()");
  lines.push(saveAs ? `open(${python(saveAs)}, "wb").write(response.content)` : "print(response.text)");
  return lines.join("\n");
}
