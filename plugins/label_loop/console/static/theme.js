// Follows the theme that Airflow's own pages have. Runs before the page is drawn, so that nothing flashes: no module.
(() => {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // a browser that keeps nothing has the system's theme
    }
  };

  const apply = () => {
    const system = dark.matches ? "dark" : "light";
    const wanted = chosen();
    const theme = wanted === "dark" || wanted === "light" ? wanted : system;
    if (document.documentElement.dataset.theme !== theme) {
      document.documentElement.dataset.theme = theme;
      document.dispatchEvent(new CustomEvent("label-loop:theme"));
    }
  };

  apply();
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
})();
