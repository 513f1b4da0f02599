// Keeps a page fresh: one socket brings hints, and the hinted elements fetch their fragment again.
//
// <section id="job-frames" data-live="job:12" data-live-on="frames progress"
//          hx-get="..." hx-trigger="live-refresh, every 30s" hx-swap="outerHTML">
//
// * data-live may name several topics, apart by spaces: a list that follows each of its rows.
// * {"topic", "changed"} sends "live-refresh" to the elements of that topic whose data-live-on has one of the words
//   (no data-live-on: any word), once per COALESCE_MS.
// * {"topic", "gauges"} becomes a "live-gauges" event on document, with detail {topic, gauges}.
// * While a topic has no socket its elements poll. After a reconnect they fetch once, so a lost hint costs nothing.
// * Content that is the same is not swapped in; a changed element gets the class "live-changed" once. Focus stays where it
//   is: while somebody types inside an element, its news wait.
//
// The state is on <html data-live-state="on | polling | off">.

const COALESCE_MS = 250;
const POLL_MS = 3000;
const RETRY_FIRST_MS = 500;
const RETRY_LONGEST_MS = 30000;
const EVERYTHING = "*";
const SIGNED_OUT = 4401;
const TOO_MUCH = 4429;
const FLASH_MS = 1200;

const url = document.querySelector('meta[name="live-url"]')?.content;
const token = document.querySelector('meta[name="live-token"]')?.content; // of a watch page: whoever has it may follow
const joined = new Set(); // topics the server has confirmed
const asked = new Set(); // topics we asked for on this socket
const refused = new Set(); // topics the server will not give; their elements poll
const hints = new Map(); // topic -> Set of changed words, until the next flush
const waiting = new Set(); // ids of elements whose news wait until nobody types in them

let socket = null;
let attempt = 0;
let retryTimer = 0;
let flushTimer = 0;

const elements = () => [...document.querySelectorAll("[data-live]")];
const topicsOf = (element) => element.dataset.live.split(/\s+/).filter(Boolean);
const isOpen = () => socket?.readyState === WebSocket.OPEN;

function show(state) {
  document.documentElement.dataset.liveState = state;
}

// Socket ------------------------------------------------------------------------------------------------------------

function connect() {
  clearTimeout(retryTimer);
  if (!url || elements().length === 0 || socket) return;
  try {
    socket = new WebSocket(token ? `${url}/live?watch` : `${url}/live`);
  } catch {
    return; // not allowed or not an address: the page polls
  }
  socket.addEventListener("open", opened);
  socket.addEventListener("message", (event) => heard(JSON.parse(event.data)));
  socket.addEventListener("close", closed);
}

function opened() {
  syncTopics();
}

function closed(event) {
  socket = null;
  joined.clear();
  asked.clear();
  refused.clear();
  show("polling");
  if (event.code === SIGNED_OUT) {
    show("off");
    elements().forEach(refresh); // the answer sends the page to sign-in
    return;
  }
  const longest = event.code === TOO_MUCH ? RETRY_LONGEST_MS : Math.min(RETRY_FIRST_MS * 2 ** attempt, RETRY_LONGEST_MS);
  attempt += 1;
  retryTimer = setTimeout(connect, longest * (0.5 + Math.random() / 2)); // jitter: a restart must not bring all at once
}

function say(words) {
  if (isOpen()) socket.send(JSON.stringify(words));
}

function heard(message) {
  if (message.joined) {
    joined.add(message.joined);
    attempt = 0;
    show("on");
    hint(message.joined, [EVERYTHING]); // what changed between the page's making and now
  } else if (message.refused) {
    refused.add(message.refused);
    if (message.retry) setTimeout(() => socket?.close(), POLL_MS);
  } else {
    if (message.changed) hint(message.topic, message.changed);
    if (message.gauges) {
      document.dispatchEvent(new CustomEvent("live-gauges", { detail: { topic: message.topic, gauges: message.gauges } }));
    }
  }
}

/** Join the topics that the page shows now, leave those it no longer shows. */
function syncTopics() {
  if (!isOpen()) {
    connect();
    return;
  }
  const wanted = new Set(elements().flatMap(topicsOf));
  for (const topic of wanted) {
    if (!asked.has(topic)) {
      asked.add(topic);
      say(token ? { join: topic, token } : { join: topic });
    }
  }
  for (const topic of asked) {
    if (!wanted.has(topic)) {
      [asked, joined, refused].forEach((topics) => topics.delete(topic));
      say({ leave: topic });
    }
  }
}

// Hints -------------------------------------------------------------------------------------------------------------

function hint(topic, words) {
  if (!hints.has(topic)) hints.set(topic, new Set());
  words.forEach((word) => hints.get(topic).add(word));
  flushTimer ||= setTimeout(flush, COALESCE_MS);
}

function flush() {
  flushTimer = 0;
  elements()
    .filter((element) => topicsOf(element).some((topic) => concerns(element, hints.get(topic))))
    .forEach(refresh);
  hints.clear();
}

function concerns(element, words) {
  if (!words) return false;
  const on = (element.dataset.liveOn ?? "").split(/\s+/).filter(Boolean);
  return on.length === 0 || words.has(EVERYTHING) || on.some((word) => words.has(word));
}

function refresh(element) {
  element.dispatchEvent(new CustomEvent("live-refresh")); // does not bubble: an outer live element is not meant
}

function poll() {
  if (document.hidden) return;
  elements()
    .filter((element) => !topicsOf(element).every((topic) => joined.has(topic)))
    .forEach(refresh);
}

// Swaps -------------------------------------------------------------------------------------------------------------

/** The element that a response would bring, or null if the response is something else. */
function incoming(html, id) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return id ? template.content.querySelector(`#${CSS.escape(id)}`) : template.content.firstElementChild;
}

const PASSING = ["htmx-request", "htmx-swapping", "htmx-settling", "htmx-added", "live-changed"];

/** The element as text, without what comes and goes by itself: htmx's classes, words that tell the time, opened details. */
function essence(element) {
  const copy = element.cloneNode(true);
  for (const each of [copy, ...copy.querySelectorAll("[class]")]) {
    each.classList.remove(...PASSING);
    if (!each.className.length) each.removeAttribute("class");
  }
  for (const time of copy.querySelectorAll("time")) {
    time.textContent = "";
    time.removeAttribute("title");
  }
  copy.querySelectorAll("details").forEach((details) => details.removeAttribute("open"));
  return copy.outerHTML;
}

const shown = new Map(); // id -> essence of what the server sent last; other scripts may have dressed the element since

/** Somebody types in it, has ticked something in it, or has a dialog of it open. */
function isBusy(element) {
  const active = document.activeElement;
  if (active?.matches("input, textarea, select, [contenteditable]") && element.contains(active)) return true;
  if (element.querySelector("dialog[open]")) return true;
  return [...element.querySelectorAll("input")].some((input) => input.checked !== input.defaultChecked);
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const element = event.detail.target;
  if (!element?.dataset?.live || event.detail.requestConfig?.verb !== "get" || !event.detail.shouldSwap) return;
  const next = incoming(event.detail.serverResponse, element.id);
  if (!next) return;
  const text = essence(next);
  const isSame = text === (shown.get(element.id) ?? essence(element));
  if (!isSame && isBusy(element)) {
    waiting.add(element.id);
    event.detail.shouldSwap = false;
    return;
  }
  waiting.delete(element.id);
  if (isSame) {
    event.detail.shouldSwap = false;
  } else {
    keep(element);
    if (shown.has(element.id)) changed.add(element.id); // the first news after the page's making come quietly
  }
  shown.set(element.id, text);
});

const changed = new Set(); // ids to be flashed when their new content stands
const kept = new Map(); // id -> {focus, open}: places of the focused control and of opened details inside

const focusable = (root) => [...root.querySelectorAll("a[href], button, summary, [tabindex]")];

function keep(element) {
  const details = [...element.querySelectorAll("details")];
  const open = details.flatMap((each, place) => (each.open ? [place] : []));
  kept.set(element.id, { focus: focusable(element).indexOf(document.activeElement), open });
}

function giveBack(element) {
  const { focus, open } = kept.get(element.id);
  kept.delete(element.id);
  const details = [...element.querySelectorAll("details")];
  open.forEach((place) => details[place]?.setAttribute("open", ""));
  if (focus >= 0 && !element.contains(document.activeElement)) focusable(element)[focus]?.focus({ preventScroll: true });
}

document.addEventListener("htmx:afterSettle", (event) => {
  const element = document.getElementById(event.detail.target?.id || event.target.id);
  if (element && kept.has(element.id)) giveBack(element);
  if (element && changed.delete(element.id)) flash(element);
  syncTopics();
});

/** One soft flash; the style sheet leaves it out for people who want no motion. */
function flash(element) {
  element.classList.add("live-changed");
  setTimeout(() => element.classList.remove("live-changed"), FLASH_MS);
}

function resume() {
  for (const id of [...waiting]) {
    const element = document.getElementById(id);
    if (!element || !isBusy(element)) {
      waiting.delete(id);
      if (element) refresh(element);
    }
  }
}
document.addEventListener("focusout", () => setTimeout(resume));
document.addEventListener("change", () => setTimeout(resume));
document.addEventListener("close", () => setTimeout(resume), true); // dialogs; "close" does not bubble

// Start -------------------------------------------------------------------------------------------------------------

function awake() {
  if (document.hidden || isOpen()) return;
  attempt = 0;
  connect();
  poll();
}

if (elements().length > 0) {
  show("polling");
  connect();
}
setInterval(poll, POLL_MS);
document.addEventListener("visibilitychange", awake);
window.addEventListener("online", awake);
window.addEventListener("pagehide", () => socket?.close(1000));
window.addEventListener("pageshow", (event) => event.persisted && awake());
