// Sends a scene in chunks that survive a lost line, a closed tab and a restarted browser.
//
// POST data-create {name, size_bytes} -> {url, chunk_bytes}; HEAD url -> Upload-Offset; PATCH url with Upload-Offset appends.
// The last byte answers {job_url}. What is under way is kept in localStorage, so that dropping the same file again goes on
// where it stopped. Without this script the form sends the file in one piece.

const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
const REMEMBER_DAYS = 3;
const form = document.getElementById("upload");
const input = document.getElementById("upload-file");
const state = document.getElementById("upload-state");
const pick = form.querySelector(".upload-pick");
const bar = document.getElementById("upload-bar");
const words = document.getElementById("upload-words");
const problem = document.getElementById("upload-problem");
const button = (name) => form.querySelector(`[data-upload="${name}"]`);
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;

let run = null; // the upload under way; a new one or a pause makes the old one stop by itself

// What is remembered ---------------------------------------------------------------------------------------------------

const keyOf = (file) => `pictor-upload:${form.dataset.owner}:${file.name}:${file.size}:${file.lastModified}`;

function remember(file, url) {
  try { localStorage.setItem(keyOf(file), JSON.stringify({ url, at: Date.now() })); } catch { /* full or forbidden: no resuming */ }
}

function recall(file) {
  try { return JSON.parse(localStorage.getItem(keyOf(file)))?.url ?? null; } catch { return null; }
}

function forget(file) {
  try { localStorage.removeItem(keyOf(file)); } catch { /* nothing is kept then */ }
}

function remembered() {
  try {
    const mine = Object.entries(localStorage).filter(([key]) => key.startsWith(`pictor-upload:${form.dataset.owner}:`));
    const fresh = mine.filter(([, value]) => Date.now() - JSON.parse(value).at < REMEMBER_DAYS * 86400_000);
    return fresh.map(([key]) => key.split(":")[2]);
  } catch { return []; }
}

// The transfer ---------------------------------------------------------------------------------------------------------

class Refusal extends Error {} // the server said no, in words: trying again would not help

async function send(path, options) {
  const response = await fetch(path, { ...options, headers: { "X-CSRFToken": token, ...options.headers }, credentials: "same-origin" });
  if (response.redirected) throw new Refusal("You have been signed out. Sign in again; the upload goes on where it stopped.");
  if (response.status >= 500) throw new Error("The server did not answer.");
  return response;
}

async function refusalOf(response) {
  const answer = await response.json().catch(() => ({}));
  return new Refusal(answer.error ?? `The server refused the file (${response.status}).`);
}

async function create(file) {
  const response = await send(form.dataset.create, { method: "POST", body: JSON.stringify({ name: file.name, size_bytes: file.size }) });
  if (!response.ok) throw await refusalOf(response);
  const answer = await response.json();
  remember(file, answer.url);
  return answer;
}

/** Where the file on the server ends, or the job it became; null when the server knows nothing of it. */
async function reached(url) {
  const response = await send(url, { method: "HEAD" });
  if (response.status === 404) return null;
  return { offset: Number(response.headers.get("Upload-Offset") ?? 0), job: response.headers.get("Job-Url") };
}

async function begin(file) {
  const url = recall(file);
  const known = url && await reached(url);
  if (known) return { url, ...known };
  const made = await create(file);
  return { url: made.url, chunk: made.chunk_bytes, offset: 0, job: null };
}

/** One chunk by XMLHttpRequest, because fetch does not tell how much of it has left. */
function patch(url, blob, offset, mine) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PATCH", url);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("Upload-Offset", String(offset));
    request.setRequestHeader("Content-Type", "application/offset+octet-stream");
    request.upload.onprogress = (event) => mine.progress(offset + event.loaded);
    request.onload = () => resolve(request);
    request.onerror = request.ontimeout = () => reject(new Error("The connection was lost."));
    request.onabort = () => reject(new Error("stopped"));
    mine.request = request;
    request.send(blob);
  });
}

async function transfer(mine, place) {
  let { offset } = place;
  while (offset < mine.file.size || mine.file.size === 0) {
    const answer = await patch(place.url, mine.file.slice(offset, offset + (place.chunk ?? mine.chunk)), offset, mine);
    if (answer.status >= 500) throw new Error("The server did not answer.");
    if (answer.status === 200) return JSON.parse(answer.responseText).job_url;
    if (answer.status !== 204 && answer.status !== 409) throw new Refusal(JSON.parse(answer.responseText || "{}").error ?? "The server refused the file.");
    offset = Number(answer.getResponseHeader("Upload-Offset"));
    mine.failures = 0;
  }
  return (await reached(place.url))?.job;
}

async function attempt(mine) {
  const place = await begin(mine.file);
  mine.progress(place.offset);
  return place.job ?? await transfer(mine, place);
}

async function work(mine) {
  while (run === mine) {
    try {
      const job = await attempt(mine);
      if (job) return arrived(mine, job);
    } catch (error) {
      if (run !== mine) return;
      if (error instanceof Refusal) return refuse(mine, error.message);
      await wait(mine, error);
    }
  }
}

function wait(mine, error) {
  const pause = RETRY_MS[Math.min(mine.failures, RETRY_MS.length - 1)];
  mine.failures += 1;
  words.textContent = `${error.message} Trying again…`;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, pause);
    window.addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// What is shown --------------------------------------------------------------------------------------------------------

function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power > 1 ? 1 : 0)} ${units[power]}`;
}

function length(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function progressOf(file) {
  let first = null;
  return (sent) => {
    first ??= { sent, at: performance.now() };
    const speed = (sent - first.sent) / Math.max(0.001, (performance.now() - first.at) / 1000);
    bar.value = file.size ? Math.min(100, (sent / file.size) * 100) : 0;
    const rest = speed > 0 ? `, ${size(speed)}/s, ${length((file.size - sent) / speed)} left` : "";
    words.textContent = `${Math.floor(bar.value)} %, ${size(sent)} of ${size(file.size)}${rest}`;
  };
}

function start(file) {
  const refusal = unfit(file);
  if (refusal) return complain(refusal);
  run?.request?.abort();
  run = { file, failures: 0, chunk: 8 * 1024 ** 2, progress: progressOf(file), request: null };
  complain("");
  show("sending");
  document.getElementById("upload-name").textContent = file.name;
  words.textContent = "Starting…";
  bar.value = 0;
  work(run);
}

function unfit(file) {
  if (!/\.(blend|zip)$/i.test(file.name)) return "Choose a .blend file, or a .zip that holds a .blend and its assets.";
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size > Number(form.dataset.limit)) return `${file.name} is larger than ${size(Number(form.dataset.limit))}, the limit for one upload.`;
  return "";
}

function show(what) {
  pick.hidden = what !== "picking";
  state.hidden = what === "picking";
  button("pause").hidden = what !== "sending";
  button("resume").hidden = what !== "paused";
}

function complain(text) {
  problem.textContent = text;
}

function arrived(mine, job) {
  forget(mine.file);
  run = null;
  bar.value = 100;
  words.textContent = "Arrived. Opening your job…";
  window.location.assign(job);
}

function refuse(mine, text) {
  forget(mine.file);
  run = null;
  input.value = "";
  show("picking");
  complain(text);
}

function pause() {
  const mine = run;
  run = { file: mine.file };
  mine.request?.abort();
  words.textContent = `Paused at ${Math.floor(bar.value)} %.`;
  show("paused");
  button("resume").focus();
}

function giveUp() {
  const mine = run;
  run = null;
  mine?.request?.abort();
  if (mine) forget(mine.file);
  input.value = "";
  show("picking");
}

// Start ----------------------------------------------------------------------------------------------------------------

form.classList.add("is-scripted");
for (const element of form.querySelectorAll(".upload-scripted")) element.hidden = false;
for (const element of form.querySelectorAll(".upload-plain")) element.hidden = true;
const [left] = remembered();
if (left) problem.before(Object.assign(document.createElement("p"), { className: "soft small", textContent: `${left} was not finished: choose it again and it goes on where it stopped.` }));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.files[0]) start(input.files[0]);
});
input.addEventListener("change", () => input.files[0] && start(input.files[0]));
button("pause").addEventListener("click", pause);
button("resume").addEventListener("click", () => start(run.file));
button("forget").addEventListener("click", giveUp);
for (const kind of ["dragenter", "dragover"]) {
  form.addEventListener(kind, (event) => { event.preventDefault(); form.classList.add("is-over"); });
}
for (const kind of ["dragleave", "drop"]) {
  form.addEventListener(kind, (event) => { event.preventDefault(); form.classList.remove("is-over"); });
}
form.addEventListener("drop", (event) => event.dataTransfer.files[0] && start(event.dataTransfer.files[0]));
window.addEventListener("beforeunload", (event) => { if (run?.request) event.preventDefault(); });
