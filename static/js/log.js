// The log of a frame follows what its renderer says, while that is wanted.
const follow = document.getElementById("frame-log-follow");
const text = () => document.getElementById("frame-log-text");
const toEnd = () => { if (follow?.checked && text()) text().scrollTop = text().scrollHeight; };

document.addEventListener("htmx:afterSettle", toEnd);
follow?.addEventListener("change", toEnd);
// Whoever scrolls up wants to read; back at the end it follows again.
document.addEventListener("wheel", (event) => {
  if (event.target.closest?.("#frame-log-text") && follow && event.deltaY < 0) follow.checked = false;
}, { passive: true });
toEnd();
