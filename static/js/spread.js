// The chart of seconds per frame says in words what is under the pointer.
document.addEventListener("pointermove", (event) => {
  const words = event.target.closest?.("[data-words]")?.dataset.words;
  const output = event.target.closest?.("[data-spread]")?.querySelector(".spread-words");
  if (output && words) output.textContent = words;
});
