// <button data-dialog-open="id"> opens <dialog id="id">; [data-dialog-close] and a click beside it close it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) return document.getElementById(opener.dataset.dialogOpen)?.showModal();
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) return closer.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && isBeside(event.target, event)) event.target.close();
});

function isBeside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}
