// The frame viewer of the job's page: a dialog with the stage of the frame's own page. A link with data-view opens it;
// without it the link leads to that page.
import { stageIn } from "./stage.js";

const viewer = document.getElementById("viewer");
const inside = document.getElementById("viewer-inside");
let asked = 0; // the newest request; what comes later than a newer one is not shown

async function show(address) {
  const mine = ++asked;
  inside.setAttribute("aria-busy", "true");
  const answer = await fetch(`${address}?part=stage`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return void (location.href = address);
  const html = await answer.text();
  if (mine !== asked) return;
  inside.innerHTML = html;
  inside.removeAttribute("aria-busy");
  stageIn(inside);
  inside.querySelector(".stage-view").focus({ preventScroll: true });
  const { nextPreview } = inside.querySelector("[data-stage]").dataset;
  if (nextPreview) new Image().src = nextPreview; // the one after it is there when it is asked for
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button || event.defaultPrevented) return;
  event.preventDefault();
  viewer.showModal();
  show(link.href);
});

viewer.addEventListener("stage-step", (event) => {
  event.preventDefault();
  show(event.detail.address);
});

viewer.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]")?.dataset.step;
  if (step) show(inside.querySelector("[data-stage]").dataset[step]);
});

viewer.addEventListener("close", () => {
  const frame = inside.querySelector("[data-stage]")?.dataset.frame;
  inside.replaceChildren();
  if (frame) document.querySelector(`#job-strip a[data-view="${CSS.escape(frame)}"]`)?.focus({ preventScroll: true });
});
