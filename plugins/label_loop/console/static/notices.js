// Notices at the foot of a page.
import { find } from "./elements.js";

const SECONDS = 6;

/**
 * Show a notice for a few seconds. Problems stay until dismissed, and are shown once however often polling fails.
 *
 * @param {string} text
 * @param {"info" | "done" | "problem"} [kind]
 */
export function notice(text, kind = "info") {
  const shown = [...document.querySelectorAll(".notice.problem > span")];
  if (kind === "problem" && shown.some((line) => line.textContent === text)) {
    return;
  }
  const line = document.createElement("div");
  line.className = `notice ${kind}`;
  line.append(Object.assign(document.createElement("span"), { textContent: text }));
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  close.setAttribute("aria-label", "Dismiss");
  close.addEventListener("click", () => line.remove());
  line.append(close);
  find(document, "#notices", HTMLElement).append(line);
  if (kind !== "problem") {
    setTimeout(() => line.remove(), SECONDS * 1000);
  }
}
