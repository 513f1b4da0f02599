// Toasts: the server's messages are in the page already; scripts add one with
// document.dispatchEvent(new CustomEvent("toast", { detail: { words: "Copied.", tone: "ok" } })).
// No module imports this one: with hashed file names an import would load it a second time.
// Good news leaves by itself; warnings and errors stay until they are closed.
const SHOWN_MS = 7000;
const LEAVING_MS = 160;
const region = document.getElementById("toasts");

function show({ words, tone = "info" }) {
  const copy = document.getElementById(`toast-${tone}`).content.cloneNode(true).firstElementChild;
  copy.querySelector("p").textContent = words;
  region.append(copy);
  watch(copy);
}

function watch(element) {
  element.dataset.watched = "";
  if (element.matches(".toast-bad, .toast-warn")) return;
  let timer = setTimeout(leave, SHOWN_MS, element);
  element.addEventListener("pointerenter", () => clearTimeout(timer));
  element.addEventListener("pointerleave", () => { timer = setTimeout(leave, SHOWN_MS / 2, element); });
}

function leave(element) {
  element.classList.add("is-leaving");
  setTimeout(() => element.remove(), LEAVING_MS);
}

document.addEventListener("toast", (event) => show(event.detail));
region.addEventListener("click", (event) => {
  if (event.target.closest("[data-toast-close]")) leave(event.target.closest(".toast"));
});
// htmx may swap more in, out of band.
new MutationObserver(() => region.querySelectorAll(".toast:not([data-watched])").forEach(watch)).observe(region, { childList: true });
region.querySelectorAll(".toast").forEach(watch);
