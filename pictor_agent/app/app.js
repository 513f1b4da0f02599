// Brings what has changed onto the page, every two seconds while it is seen. Without this script the page reloads itself.
const SECONDS = 2;
const fetched = new Map();  // id -> the element as the agent sent it last
let etag = "";

const parts = (root) => [...root.querySelectorAll("[data-live]")];
const kind = (root) => root.querySelector("main")?.dataset.page;

function swap(fresh) {
  for (const part of parts(fresh)) {
    const here = document.getElementById(part.id);
    if (!here || fetched.get(part.id) === part.outerHTML || here.querySelector("details[open]")) continue;
    fetched.set(part.id, part.outerHTML);
    const focused = here.contains(document.activeElement) ? document.activeElement.id : "";
    here.replaceWith(document.adoptNode(part));
    if (focused) document.getElementById(focused)?.focus();
  }
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch("./", { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
    document.getElementById("gone").hidden = answer.ok || answer.status === 304;
    if (!answer.ok) return;
    etag = answer.headers.get("ETag") ?? "";
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (kind(fresh) !== kind(document) && kind(fresh) !== "words") return location.assign("./");
    swap(fresh);
  } catch {
    document.getElementById("gone").hidden = false;
  }
}

if (kind(document) !== "import") {
  for (const part of parts(document)) fetched.set(part.id, part.outerHTML);
  setInterval(look, SECONDS * 1000);
  document.addEventListener("visibilitychange", look);
}
