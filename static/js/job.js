// The job's page: local clock times, progress of running frames in the strip, no blink when the newest frame changes,
// and the frame viewer. Everything is readable without it.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

// Clock times in the reader's own time zone ------------------------------------------------------------------------------

function localise() {
  for (const element of document.querySelectorAll("time[data-clock]")) {
    const when = new Date(element.dateTime);
    const far = Math.abs(when - Date.now()) > 20 * 3600_000;
    element.textContent = far ? `${day.format(when)}, ${clock.format(when)}` : clock.format(when);
    element.title = exact.format(when);
  }
}

// Progress: the list of nodes knows it first, the strip follows without asking the server ----------------------------------

function spread() {
  for (const row of document.querySelectorAll("#job-nodes [data-task]")) {
    const bar = document.querySelector(`#job-strip [data-task="${row.dataset.task}"] progress`);
    if (bar) bar.value = Number(row.dataset.percent);
  }
}

// The newest frame: the old picture stays behind the new one until that has loaded -----------------------------------------

let before = "";
const picture = () => document.querySelector("#job-newest img");

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id === "job-newest") before = picture()?.currentSrc ?? "";
});

function bridge() {
  const now = picture();
  if (!now || !before || now.src === before) return;
  now.style.background = `center / cover no-repeat url("${before}")`;
  now.decode().catch(() => {}).then(() => { now.style.background = ""; });
  before = "";
}

// The viewer -------------------------------------------------------------------------------------------------------------

const viewer = document.getElementById("viewer");
const part = (name) => viewer.querySelector(`[data-viewer="${name}"]`);
const frames = () => [...document.querySelectorAll("#job-strip a[data-view]")];
let shown = null; // number of the frame in the viewer, as text

function show(link) {
  shown = link.dataset.view;
  const image = viewer.querySelector("img");
  image.src = link.href;
  image.alt = `Frame ${shown}`;
  part("title").textContent = `Frame ${shown}`;
  part("words").textContent = link.dataset.words ?? "";
  part("download").href = link.dataset.full ?? link.href;
  part("previous").disabled = !neighbour(-1);
  part("next").disabled = !neighbour(1);
}

function neighbour(step) {
  const all = frames();
  const at = all.findIndex((link) => link.dataset.view === shown);
  return at < 0 ? null : all[at + step] ?? null;
}

function walk(step) {
  const link = neighbour(step);
  if (link) show(link);
  const ahead = neighbour(step);
  if (ahead) new Image().src = ahead.href; // the one after it is there when it is asked for
}

function open(event, clicked) {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  show(frames().find((link) => link.dataset.view === clicked.dataset.view) ?? clicked);
  viewer.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (link) open(event, link);
});
viewer.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") walk(-1);
  if (event.key === "ArrowRight") walk(1);
});
viewer.addEventListener("close", () => {
  document.querySelector(`#job-strip a[data-view="${CSS.escape(shown)}"]`)?.focus({ preventScroll: true });
});
part("previous").addEventListener("click", () => walk(-1));
part("next").addEventListener("click", () => walk(1));

// Requeue: naming frames chooses "these frames" ------------------------------------------------------------------------

document.getElementById("requeue-frames")?.addEventListener("input", (event) => {
  event.target.form.elements.which.value = event.target.value ? "frames" : "failed";
});

document.addEventListener("htmx:afterSettle", () => { localise(); spread(); bridge(); });
localise();
