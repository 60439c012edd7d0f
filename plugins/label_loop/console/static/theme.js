// Follows the theme that Airflow's own pages have. Runs before the page is drawn, so that nothing flashes.
(() => {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("theme");
    } catch {
      // A browser that keeps nothing has the system's theme.
    }
    const theme = chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
    if (document.documentElement.dataset.theme !== theme) {
      document.documentElement.dataset.theme = theme;
      document.dispatchEvent(new CustomEvent("label-loop:theme"));
    }
  };
  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
})();
