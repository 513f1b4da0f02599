// <time data-ago> shows how long ago; we keep the words current and put the reader's own time zone into the title.
const STEPS = [[60, "second", 1], [3600, "minute", 60], [86400, "hour", 3600], [Infinity, "day", 86400]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function refresh() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const when = new Date(element.dateTime);
    const seconds = (Date.now() - when) / 1000;
    const [, unit, length] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
    element.title = exact.format(when);
    if (Math.abs(seconds) < 45) element.textContent = "just now";
    else if (Math.abs(seconds) < 30 * 86400) element.textContent = words.format(-Math.trunc(seconds / length), unit);
  }
}

refresh();
setInterval(refresh, 20_000);
document.addEventListener("htmx:afterSettle", refresh);
