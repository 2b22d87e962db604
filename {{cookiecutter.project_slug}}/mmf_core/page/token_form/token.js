// Asks for a token once, keeps it in the memory of this tab, and sends it with each of the page's calls.
// The page itself does not know of it: it can call no other service, so that none gets the token.

const form = document.querySelector("form");
const plainFetch = window.fetch;
const { send } = XMLHttpRequest.prototype;
let token = "";

const authorization = () => ({ Authorization: `Bearer ${token}` });

window.fetch = (url, options = {}) => plainFetch(url, { ...options, headers: { ...options.headers, ...authorization() } });

XMLHttpRequest.prototype.send = function sendWithToken(body) {
  for (const [name, value] of Object.entries(authorization())) this.setRequestHeader(name, value);
  return send.call(this, body);
};

// Replaces the form with the page, once the token is accepted.
async function enter(event) {
  event.preventDefault();
  const [input, status] = form.querySelectorAll("input, .status");
  token = input.value.trim();
  const isOne = /^[!-~]+$/.test(token); // a header can hold nothing else
  const response = isOne ? await fetch(`page/content${location.search}`).catch(() => null) : { status: 401 };
  if (!response?.ok) {
    status.textContent = form.dataset[`problem${response?.status}`] ?? form.dataset.problem;
    input.select();
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  page.body.dataset.token = ""; // for what the page shows as code
  page.body.inert = true; // until its scripts are there
  document.title = page.title;
  document.body.replaceWith(document.adoptNode(page.body));
  document.addEventListener("click", follow);
  await import("./page.js");
  document.body.inert = false;
}

// A link cannot carry a token: what it leads to is fetched, and saved.
async function follow(event) {
  const link = event.target.closest("a[download], a[href='openapi.json']");
  if (!link || link.protocol === "blob:") return;
  event.preventDefault();
  const response = await fetch(link.href).catch(() => null);
  if (!response?.ok) return;
  const saving = document.createElement("a");
  saving.href = URL.createObjectURL(await response.blob());
  saving.download = new URL(link.href).pathname.split("/").pop();
  saving.click();
  setTimeout(() => URL.revokeObjectURL(saving.href), 60_000);
}

form.addEventListener("submit", enter);
