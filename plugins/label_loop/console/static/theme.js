// Follows the theme of Airflow's own pages. Not a module: it must run before the page is drawn, to avoid a flash.
(() => {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const chosen = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // without storage, the system's theme applies
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
