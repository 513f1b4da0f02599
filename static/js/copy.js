// <button data-copy="text"> or <button data-copy-from="id of an element"> puts text on the clipboard.
const toast = (words, tone) => document.dispatchEvent(new CustomEvent("toast", { detail: { words, tone } }));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const words = button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).innerText;
  try {
    await navigator.clipboard.writeText(words);
    toast("Copied.", "ok");
  } catch {
    toast("This browser does not let pages copy. Select the text and copy it by hand.", "warn");
  }
});
