// The settings page: Enter in a field shows the price instead of leaving the page.
document.getElementById("job-form")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("input")) return;
  event.preventDefault();
  event.target.dispatchEvent(new Event("change", { bubbles: true }));
});
