// The settings page: presets, "use what the file says", what does not apply, times of this browser's zone, and Enter shows the price.
const form = document.getElementById("job-form");
const changed = (field) => field.dispatchEvent(new Event("change", { bubbles: true }));

const set = (field, value) => {
  if (!field || field.value === String(value ?? "")) return;
  field.value = value ?? "";
};

function showWhatTheFileSays() {
  for (const line of form.querySelectorAll("[data-file-of]")) {
    const field = document.getElementById(line.dataset.fileOf);
    const same = field.value === line.dataset.fileValue;
    line.querySelector("[data-same]").hidden = !same;
    line.querySelector("[data-other]").hidden = same;
    line.querySelector("[data-take]").hidden = false;
  }
  const fits = ({ dataset }) => Object.entries(JSON.parse(dataset.preset)).every(([name, value]) => form.elements[name].value === String(value ?? ""));
  const presets = [...form.querySelectorAll("[data-preset]")];
  const first = presets.find(fits); // two may say the same of this file
  for (const button of presets) button.setAttribute("aria-pressed", button === first);
}

/** What would change nothing beside the other values is hidden (rendering/relevance.py has the same rule). */
function hideIdle() {
  const value = (name) => form.elements[name]?.value ?? "";
  for (const row of form.querySelectorAll("[data-applies]")) {
    const field = row.querySelector("input, select");
    const applies = Object.entries(JSON.parse(row.dataset.applies)).every(([name, pattern]) => new RegExp(pattern).test(value(name)));
    row.toggleAttribute("data-idle", !applies && ("ignored" in row.dataset || !field.value) && field.getAttribute("aria-invalid") !== "true");
  }
  for (const more of form.querySelectorAll("details.more")) more.hidden = !more.querySelector(".setting:not([data-idle])");
}

/** Only the depths that the format can hold; one that it cannot goes back to the file's. */
function offerDepths() {
  const field = form.elements.depth_bits;
  const offered = JSON.parse(field.dataset.offered)[form.elements.format.value] ?? [];
  for (const option of field.options) option.hidden = option.disabled = option.value !== "" && !offered.includes(Number(option.value));
  if (field.selectedOptions[0]?.disabled) field.value = "";
}

function usePreset(event) {
  const button = event.target.closest("[data-preset]");
  if (!button) return;
  event.preventDefault();
  for (const [name, value] of Object.entries(JSON.parse(button.dataset.preset))) set(form.elements[name], value);
  changed(form.elements.percentage);
}

function takeFromTheFile(event) {
  const line = event.target.closest("[data-take]")?.closest("[data-file-of]");
  if (!line) return;
  const field = document.getElementById(line.dataset.fileOf);
  set(field, line.dataset.fileValue);
  changed(field);
  field.focus();
}

/** Fields that the answer of the server names as wrong are marked, before anything is sent. */
function showProblems() {
  const wrong = new Set([...document.querySelectorAll("#job-quote [data-problem-of]")].map(({ dataset }) => dataset.problemOf));
  for (const field of form.querySelectorAll("[id]:is(input, select)")) {
    if (wrong.has(field.id)) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
}

/** The price that stays in sight where there is one column: the figures of the quote, as they are now. */
function showPrice() {
  const bar = document.getElementById("price-bar");
  const [price, time] = document.querySelectorAll("#job-quote .stat-figure");
  bar.hidden = !price;
  bar.querySelector("strong").textContent = price && time ? price.textContent.replace(/\s+/g, " ").trim().replace("credits", " credits") : "To be mended first";
  bar.querySelector("span").textContent = time?.textContent.trim() ?? "";
}

// The server writes UTC while `zone_minutes` is 0; from here on the field is in this browser's time.
function useLocalTime() {
  const field = form.elements.needed_by;
  const east = -new Date().getTimezoneOffset();
  const zone = form.elements.zone_minutes;
  if (field.value && Number(zone.value || 0) === 0) {
    field.value = new Date(Date.parse(`${field.value}Z`) + east * 60_000).toISOString().slice(0, 16);
  }
  zone.value = east;
  const help = document.getElementById("id_needed_by_helptext");
  if (help) help.textContent = help.textContent.replace("UTC", "In your time");
}

if (form) {
  const follow = () => { offerDepths(); showWhatTheFileSays(); hideIdle(); };
  useLocalTime();
  follow();
  showPrice();
  document.addEventListener("htmx:afterSettle", () => { showPrice(); showProblems(); hideIdle(); });
  form.addEventListener("input", follow);
  form.addEventListener("change", follow);
  form.addEventListener("click", usePreset);
  form.addEventListener("click", takeFromTheFile);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    changed(event.target);
  });
}
