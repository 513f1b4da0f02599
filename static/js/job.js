// The job's page: local clock times, progress of running frames in the strip, no blink when the newest frame changes.
// Everything is readable without it.

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

document.addEventListener("htmx:afterSettle", () => { localise(); spread(); bridge(); });
localise();
