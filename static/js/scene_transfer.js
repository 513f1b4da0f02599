// Brings the files of a scene to the server: hashed first, then only what the server does not have, in parallel parts.
//
// POST create {files: [[path, size, sha256]], main} -> {url, part_bytes, send: [{number, path, parts: {part: bytes}}]}; the same
// files again give the same upload, so a cut, a reload and a second tab all go on where it stands.
// PATCH url/file/part/ with Upload-Offset appends; 409 tells where the part really ends. POST url/finish/ -> {job_url}.

const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
const SENDERS = 3;
const BUSY_MS = 1000; // another tab is sending this very part

export class Refusal extends Error { // the server said no, in words: trying again at once would not help
  constructor(message, { signIn = false } = {}) {
    super(message);
    this.signIn = signIn;
  }
}

class Gone extends Error {} // the upload is not known any more: announce the files again

const known = new WeakMap(); // File -> its hash, so that a pause costs no second reading

/** Hashes of all files, one after the other; `progress` hears how many bytes are read of all. */
export async function hashFiles(files, { worker, progress, signal }) {
  let before = 0;
  for (const { file } of files) {
    if (!known.has(file)) known.set(file, await hashOne(worker, file, (done) => progress(before + done), signal));
    before += file.size;
    progress(before);
  }
}

function hashOne(url, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { type: "module" });
    const end = (settle, value) => { worker.terminate(); settle(value); };
    signal.addEventListener("abort", () => end(reject, signal.reason), { once: true });
    worker.onerror = () => end(reject, new Refusal("Your browser could not start the program that reads the file."));
    worker.onmessage = ({ data }) => {
      if (data.sha256) end(resolve, data.sha256);
      else if (data.error) end(reject, new Refusal(`${file.name} cannot be read any more. Choose it again.`));
      else progress(data.done);
    };
    worker.postMessage({ file });
  });
}

/** The address of the job that was made. `told` hears (sent, whole) bytes, what is there already, and while the line is down words. */
export async function sendScene(files, main, { create, token, told, signal }) {
  let failures = 0;
  let furthest = -1;
  const progress = (sent, whole) => {
    if (sent > furthest) [furthest, failures] = [sent, 0];
    told.progress(sent, whole);
  };
  const links = { create, token, signal, told: progress, known: told.known };
  for (;;) {
    try {
      return await attempt(files, main, links);
    } catch (error) {
      if (signal.aborted || error instanceof Refusal) throw error;
      const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
      if (!(error instanceof Gone)) told.waiting(error.message, wait);
      await pause(wait, signal);
      failures += 1;
    }
  }
}

async function attempt(files, main, links) {
  const announced = files.map(({ path, file }) => [path, file.size, known.get(file)]);
  const upload = await json(links, links.create, { files: announced, main });
  const parts = partsOf(upload, files);
  links.known?.(alreadyThere(upload, files, parts));
  links.known = null; // what this run has sent itself is no news
  await sendParts(parts, links);
  return (await json(links, `${upload.url}finish/`, {})).job_url;
}

/** Every part that is not here in full, with how much of it is. */
function partsOf(upload, files) {
  const byPath = new Map(files.map(({ path, file }) => [path.normalize("NFC"), file]));
  const parts = [];
  for (const { path, number, parts: begun } of upload.send) {
    const file = byPath.get(path);
    if (!file) throw new Refusal(`${path} has a name that cannot be kept. Rename it.`);
    for (let part = 0; part * upload.part_bytes < file.size; part += 1) {
      const blob = file.slice(part * upload.part_bytes, (part + 1) * upload.part_bytes);
      parts.push({ url: `${upload.url}${number}/${part}/`, blob, sent: begun[part] ?? 0 });
    }
  }
  return parts;
}

/** Whole files that the server has, and bytes of the others. */
function alreadyThere(upload, files, parts) {
  const missing = new Set(upload.send.map(({ path }) => path));
  const there = files.filter(({ path }) => !missing.has(path.normalize("NFC")));
  const bytes = there.reduce((sum, { file }) => sum + file.size, 0);
  return { files: there.length, bytes, parts_bytes: parts.reduce((sum, { sent }) => sum + sent, 0) };
}

async function sendParts(parts, links) {
  const whole = parts.reduce((sum, { blob }) => sum + blob.size, 0);
  const tell = () => links.told(parts.reduce((sum, { sent }) => sum + sent, 0), whole);
  const waiting = parts.filter(({ sent, blob }) => sent < blob.size);
  tell();
  const stop = stopWith(links.signal); // one sender that fails stops the others: they all begin anew together
  const sender = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) await sendPart(part, { ...links, signal: stop.signal }, tell);
  };
  try {
    await Promise.all(Array.from({ length: SENDERS }, sender));
  } finally {
    stop.abort(new Error("stopped"));
  }
}

/** Aborts with `signal`, or by itself. */
function stopWith(signal) {
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort(signal.reason), { once: true, signal: own.signal });
  return own;
}

async function sendPart(part, links, tell) {
  while (part.sent < part.blob.size) {
    const from = part.sent;
    const answer = await patch(part, links, tell);
    if (answer.status === 404) throw new Gone();
    if (answer.status >= 500 || answer.status === 0 || answer.status === 400) throw new Error("The server did not answer.");
    if (answer.status !== 204 && answer.status !== 409) throw refusalOf(answer.status, answer.responseText);
    part.sent = Number(answer.getResponseHeader("Upload-Offset"));
    if (answer.status === 409 && part.sent <= from) await pause(BUSY_MS, links.signal);
    tell();
  }
}

/** XMLHttpRequest, because fetch does not tell how much of a body has left. */
function patch(part, { token, signal }, tell) {
  const from = part.sent;
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("PATCH", part.url);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("Upload-Offset", String(from));
    request.setRequestHeader("Content-Type", "application/offset+octet-stream");
    request.upload.onprogress = (event) => { part.sent = from + event.loaded; tell(); };
    request.onload = () => { part.sent = from; resolve(request); };
    request.onerror = request.ontimeout = () => { part.sent = from; reject(new Error("The connection was lost.")); };
    request.onabort = () => { part.sent = from; reject(signal.reason ?? new Error("stopped")); };
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop, { once: true });
    request.send(part.blob.slice(from));
  });
}

async function json({ token, signal }, url, body) {
  const headers = { "X-CSRFToken": token, "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body), headers, signal, credentials: "same-origin" });
  if (response.redirected) throw refusalOf(403, "");
  if (response.status === 404 || response.status === 409) throw new Gone();
  if (response.status >= 500) throw new Error("The server did not answer.");
  if (!response.ok) throw refusalOf(response.status, await response.text());
  return response.json();
}

function refusalOf(status, text) {
  if (status === 403 || status === 405) return new Refusal("You have been signed out. Sign in, then choose the same files: the upload goes on where it stopped.", { signIn: true });
  try {
    return new Refusal(JSON.parse(text).error);
  } catch {
    return new Refusal(`The server refused the file (${status}).`);
  }
}

/** Waits, or until the line is back. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true, signal });
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
