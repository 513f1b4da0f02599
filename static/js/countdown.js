// <time data-until datetime="..."> counts down to its moment. Without a script it says the time of day.
const pad = (number) => String(number).padStart(2, "0");

function words(seconds) {
  if (seconds <= 0) return "over";
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours ? `${hours}:` : ""}${hours ? pad(minutes) : minutes}:${pad(seconds % 60)}`;
}

function refresh() {
  for (const element of document.querySelectorAll("time[data-until]")) {
    element.textContent = words(Math.floor((new Date(element.dateTime) - Date.now()) / 1000));
  }
}

refresh();
setInterval(refresh, 1000);
document.addEventListener("htmx:afterSettle", refresh);
