// The colour theme: the system's, or one that the reader chose. Loaded before the page is drawn, so that nothing flashes.
// A choice on the profile holds in every browser; one in the menu holds in this browser, until the profile says another.
(() => {
  const KEY = "pictor-theme";
  const PROFILE = "pictor-theme-profile";
  const root = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem(KEY) || "system"; } catch { return "system"; }
  };
  const follow = () => {
    const said = document.querySelector("meta[name=theme-choice]")?.content;
    try {
      if (said === undefined || said === (localStorage.getItem(PROFILE) ?? "")) return;
      localStorage.setItem(PROFILE, said);
      localStorage.setItem(KEY, said || "system");
    } catch { /* private window */ }
  };
  const apply = (choice) => {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };
  follow();
  apply(stored());
  document.addEventListener("DOMContentLoaded", () => apply(stored()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    try { localStorage.setItem(KEY, button.dataset.themeChoice); } catch { /* private window: for this page only */ }
    apply(button.dataset.themeChoice);
  });
})();
