// The page where a scene is dropped: files or folders are taken, read (hashed), sent and made a job of.
// What the steps do is in scene_transfer.js. Without this script the form sends one file in one piece.

import { chosenFiles, droppedFiles } from "./dropped.js";
import { Refusal, hashFiles, sendScene } from "./scene_transfer.js";

const form = document.getElementById("upload");
const inputs = [document.getElementById("upload-file"), document.getElementById("upload-folder")];
const bar = document.getElementById("upload-bar");
const words = document.getElementById("upload-words");
const problem = document.getElementById("upload-problem");
const choice = document.getElementById("upload-main");
const button = (name) => form.querySelector(`[data-upload="${name}"]`);
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;

const known = document.getElementById("upload-known");
const signIn = document.getElementById("upload-sign-in");

let run = null; // {files, main, stop}: the upload under way, paused or refused

// What is shown --------------------------------------------------------------------------------------------------------

function show(state) {
  for (const part of form.querySelectorAll("[data-state]")) part.hidden = !part.dataset.state.split(" ").includes(state);
  form.setAttribute("aria-busy", String(state === "sending"));
}

/** Marks the step that goes on; a reader hears the step, not every percent. */
function step(name) {
  const steps = [...form.querySelectorAll("[data-step]")];
  const now = steps.findIndex(({ dataset }) => dataset.step === name);
  steps.forEach((each, index) => {
    each.classList.toggle("is-done", index < now);
    each.classList.toggle("is-next", index === now);
    if (index === now) each.setAttribute("aria-current", "step");
    else each.removeAttribute("aria-current");
  });
  say({ read: "Reading the files", send: "Sending the files", open: "Everything has arrived" }[name]);
}

function say(text) { document.getElementById("upload-said").textContent = text; }

/** What is on the server already is named, because it costs no time. */
function tellKnown({ files, bytes, parts_bytes: begun }) {
  const here = files ? `${files === 1 ? "1 file" : `${files} files`} (${size(bytes)}) ${files === 1 ? "is" : "are"} here already` : "";
  const rest = begun ? `${size(begun)} ${here ? "more " : ""}arrived earlier` : "";
  known.textContent = here || rest ? `${[here, rest].filter(Boolean).join(", ")}: not sent again.` : "";
}

function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power > 1 ? 1 : 0)} ${units[power]}`;
}

function length(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A function that draws how far a step has come, with speed and time left. */
function drawn(verb) {
  let first = null;
  return (done, whole) => {
    first ??= { done, at: performance.now() };
    const speed = (done - first.done) / Math.max(0.001, (performance.now() - first.at) / 1000);
    const percent = whole ? Math.min(100, (done / whole) * 100) : 100;
    const rest = speed > 0 && done < whole ? `, ${size(speed)}/s, ${length((whole - done) / speed)} left` : "";
    bar.value = percent;
    words.textContent = whole ? `${verb} ${Math.floor(percent)} %, ${size(done)} of ${size(whole)}${rest}` : "Every file is here already: nothing is sent.";
  };
}

const complain = (text) => { problem.textContent = text; };

// The steps ------------------------------------------------------------------------------------------------------------

const isBlend = ({ path }) => /\.blend$/i.test(path);
const isZip = ({ path }) => /\.zip$/i.test(path);

function unfit(files) {
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  if (!files.some((entry) => isBlend(entry) || isZip(entry))) return `${files.length === 1 ? `${files[0].path} is no scene` : "There is no scene among these files"}. Choose a .blend, or a .zip that holds a .blend and its assets.`;
  if (files.length > 1 && files.some(isZip)) return "Send a .zip alone, or its files without the .zip.";
  const empty = files.find((entry) => (isBlend(entry) || isZip(entry)) && entry.file.size === 0);
  if (empty) return `${empty.path} is empty.`;
  return bytes > Number(form.dataset.limit) ? `This is larger than ${size(Number(form.dataset.limit))}, the limit for one upload.` : "";
}

/** Several .blend files: their creator says which is rendered; all are sent, for they may link to each other. */
function take(files) {
  const refusal = unfit(files);
  if (refusal) return complain(refusal);
  complain("");
  const blends = files.filter(isBlend);
  if (blends.length < 2) return start(files, blends[0]?.path ?? files[0].path);
  blends.sort((a, b) => a.path.split("/").length - b.path.split("/").length);
  choice.replaceChildren(...blends.map(({ path }) => new Option(path, path)));
  run = { files };
  show("choosing");
  choice.focus();
}

async function start(files, main) {
  const mine = { files, main, stop: new AbortController() };
  run = mine;
  const name = document.getElementById("upload-name");
  name.textContent = files.length > 1 ? `${main} and ${files.length - 1} more` : main;
  words.textContent = "Starting…";
  known.textContent = "";
  bar.value = 0;
  complain("");
  show("sending");
  step("read");
  try {
    window.location.assign(arrived(await bring(mine)));
  } catch (error) {
    if (!mine.stop.signal.aborted) refuse(error);
  }
}

async function bring({ files, main, stop: { signal } }) {
  const whole = files.reduce((sum, { file }) => sum + file.size, 0);
  const reading = drawn("Reading");
  await hashFiles(files, { worker: form.dataset.worker, progress: (done) => reading(done, whole), signal });
  step("send");
  const waiting = (text, ms) => { words.textContent = `${text} Trying again in ${length(ms / 1000)}.`; };
  const told = { progress: drawn("Sending"), known: tellKnown, waiting };
  return sendScene(files, main, { create: form.dataset.create, token, told, signal });
}

function arrived(job) {
  run = null;
  bar.value = 100;
  step("open");
  words.textContent = "Arrived. Opening your job…";
  return job;
}

/** The files stay at hand: what is wrong may be mended without choosing them again. */
function refuse(error) {
  run.stop.abort(new Error("stopped"));
  complain(error instanceof Refusal ? error.message : `Something went wrong: ${error.message}. Try again; what has arrived stays.`);
  show("failed");
  signIn.hidden = !error.signIn;
  button("again").hidden = Boolean(error.signIn);
}

function stop() {
  run?.stop?.abort(new Error("stopped"));
  run = null;
  complain("");
  for (const input of inputs) input.value = "";
  show("picking");
}

function pause() {
  run.stop.abort(new Error("stopped"));
  words.textContent = `Paused at ${Math.floor(bar.value)} %. What has arrived stays, for days.`;
  say("Paused");
  show("paused");
  button("resume").focus();
}

// Start ----------------------------------------------------------------------------------------------------------------

inputs[0].multiple = true;
inputs[0].required = false; // what was chosen or dropped is kept here, not in the field
inputs[0].removeAttribute("accept"); // textures and caches come along

for (const input of inputs) input.addEventListener("change", () => input.files.length && take(chosenFiles(input.files)));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (run?.files && !run.stop) start(run.files, choice.value);
});
button("pause").addEventListener("click", pause);
for (const name of ["resume", "again"]) button(name).addEventListener("click", () => start(run.files, run.main));
for (const back of form.querySelectorAll('[data-upload="forget"]')) back.addEventListener("click", stop);
for (const kind of ["dragenter", "dragover"]) {
  form.addEventListener(kind, (event) => { event.preventDefault(); form.classList.add("is-over"); });
}
for (const kind of ["dragleave", "drop"]) {
  form.addEventListener(kind, (event) => { event.preventDefault(); form.classList.remove("is-over"); });
}
form.addEventListener("drop", async (event) => take(await droppedFiles(event.dataTransfer)));
window.addEventListener("beforeunload", (event) => { if (run?.stop && !run.stop.signal.aborted) event.preventDefault(); });
