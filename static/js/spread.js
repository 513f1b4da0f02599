// The chart of seconds per frame says in words what is under the pointer.
document.addEventListener("pointermove", (event) => {
  const words = event.target.closest?.(".chart-hit")?.querySelector("title")?.textContent;
  const output = event.target.closest?.("[data-spread]")?.querySelector(".spread-words");
  if (output && words) output.textContent = words;
});
