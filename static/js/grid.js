// The grid of frames: its windows change without loading the page, and frames can be chosen to be rendered again.
// Without it the links of the map load the page with the other window, and frames are chosen by their numbers.

export const strip = () => document.getElementById("job-strip");

// Windows ------------------------------------------------------------------------------------------------------------

export async function turn(query) {
  await htmx.ajax("GET", `${strip().dataset.part}?${query}`, { target: "#job-strip", swap: "outerHTML", source: "#job-strip" });
  history.replaceState(null, "", `?${query}#job-strip`);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest(".map a");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  turn(new URL(link.href).searchParams.toString());
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".map-jump");
  if (!form) return;
  event.preventDefault();
  const wanted = new FormData(form).get("frame");
  document.activeElement.blur(); // the grid's news wait for whoever types in it
  await turn(new URLSearchParams({ frame: wanted }));
  const tile = document.querySelector(`#job-strip [data-view="${CSS.escape(wanted)}"]`);
  tile?.focus();
  tile?.scrollIntoView({ block: "center" });
});

// Choosing -----------------------------------------------------------------------------------------------------------
// The chosen numbers live here, not in the tiles: they outlast a refreshed grid and a turn to another window.

const bar = document.getElementById("grid-choice");
const chosen = new Set();
const CAN_GO_AGAIN = ["accepted", "failed"];
let choosing = false;
let anchor = null; // where a range begins

export const tiles = () => [...document.querySelectorAll("#job-strip [data-view]")];
const numberOf = (tile) => Number(tile.dataset.view);

function dress() {
  strip()?.classList.toggle("is-choosing", choosing);
  for (const tile of tiles()) {
    const may = CAN_GO_AGAIN.includes(tile.dataset.status);
    if (choosing && may) {
      tile.setAttribute("role", "checkbox");
      tile.setAttribute("aria-checked", String(chosen.has(numberOf(tile))));
    } else {
      tile.removeAttribute("role");
      tile.removeAttribute("aria-checked");
    }
  }
  if (!bar) return;
  bar.hidden = !choosing;
  bar.querySelector('[data-choice="again"]').disabled = chosen.size === 0;
  document.getElementById("grid-choice-words").textContent = chosen.size
    ? `${chosen.size} frame${chosen.size === 1 ? "" : "s"} chosen: ${expression().slice(0, 60)}`
    : "Click frames to choose them; Shift and a click takes all between. Keys: arrows, space, Shift with space.";
}

/** The chosen numbers as a creator would write them: "3, 5-9". */
function expression() {
  const numbers = [...chosen].sort((a, b) => a - b);
  const ranges = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}

function choose(tile, isRange) {
  if (tile.getAttribute("role") !== "checkbox") return;
  const wanted = !chosen.has(numberOf(tile));
  const all = tiles().filter((each) => each.getAttribute("role") === "checkbox");
  const from = isRange ? all.findIndex((each) => numberOf(each) === anchor) : -1;
  const to = all.indexOf(tile);
  const span = from < 0 ? [tile] : all.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const each of span) {
    if (wanted || isRange) chosen.add(numberOf(each));
    else chosen.delete(numberOf(each));
  }
  anchor = numberOf(tile);
  dress();
}

// Before the viewer hears of it: while frames are chosen a click opens nothing.
document.addEventListener("click", (event) => {
  const tile = choosing && event.target.closest("#job-strip [data-view]");
  if (!tile) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  choose(tile, event.shiftKey);
}, true);

document.addEventListener("keydown", (event) => {
  const tile = event.target.closest?.("#job-strip [data-view]");
  if (!tile || !choosing) return;
  if (event.key === " ") {
    choose(tile, event.shiftKey);
    event.preventDefault();
  } else if (event.key === "Escape") {
    end();
  }
});

function end() {
  choosing = false;
  chosen.clear();
  anchor = null;
  dress();
}

/** The dialog stands outside the live parts: frames may have failed since it was written. */
function opened(opener) {
  const form = document.querySelector("#requeue form");
  if (opener.closest("#job-notice")) form.elements.which.value = "failed";
  if (form.elements.which.value === "failed" || form.elements.frames.value) htmx.trigger(form, "shown"); // its price
}

function again() {
  const dialog = document.getElementById("requeue");
  const form = dialog.querySelector("form");
  form.elements.which.value = "frames";
  form.elements.frames.value = expression();
  dialog.showModal();
  htmx.trigger(form, "shown");
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#grid-choose")) {
    choosing = !choosing;
    if (!choosing) end();
    dress();
    if (choosing) tiles()[0]?.focus({ preventScroll: true });
  }
  const verb = event.target.closest("[data-choice]")?.dataset.choice;
  if (verb === "clear") { chosen.clear(); dress(); }
  if (verb === "end") end();
  if (verb === "again") again();
  const opener = event.target.closest('[data-dialog-open="requeue"]');
  if (opener) opened(opener);
});

document.addEventListener("htmx:afterSettle", dress);

// Naming frames means these frames.
document.getElementById("requeue-frames")?.addEventListener("input", (event) => {
  event.target.form.elements.which.value = event.target.value ? "frames" : "failed";
});
