// Shared by all pages: presses that count once, notices, links out of the frame, dialogs, the menu of loops.
import { around } from "./elements.js";
import { notice } from "./notices.js";
import { guardPresses } from "./presses.js";
import { UNREACHABLE, parsed, problemOf } from "./server.js";

/**
 * Events of htmx, as far as the console reads them.
 *
 * @typedef {CustomEvent<{headers: Record<string, string>}>} ConfigRequest
 * @typedef {CustomEvent<{elt: Element, requestConfig: {triggeringEvent?: Event}}>} BeforeRequest
 * @typedef {CustomEvent<{xhr: XMLHttpRequest}>} ResponseError
 */

guardPresses();

document.addEventListener("htmx:configRequest", (event) => {
  /** @type {ConfigRequest} */ (event).detail.headers["X-Label-Loop"] = "console";
});

// Do not poll a part of the page while nobody sees it, nor replace it while it has the focus.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = /** @type {BeforeRequest} */ (event).detail;
  const polled = elt.hasAttribute("data-polls") && requestConfig.triggeringEvent === undefined;
  if (polled && (document.hidden || elt.contains(document.activeElement))) {
    event.preventDefault();
  }
});

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {ResponseError} */ (event).detail;
  notice(problemOf(xhr.status, parsed(xhr.responseText)), "problem");
});

document.addEventListener("htmx:sendError", () => notice(UNREACHABLE, "problem"));

// Airflow shows the console in a frame that cannot navigate its parent; a link in the parent's own document can.
document.addEventListener("click", (event) => {
  const link = around(event, "a[data-airflow-href]");
  const isPlain = !event.ctrlKey && !event.metaKey && event.button === 0;
  if (!(link instanceof HTMLAnchorElement) || window.parent === window || !isPlain) {
    return;
  }
  event.preventDefault();
  const outside = window.parent.document.createElement("a");
  outside.href = link.href;
  window.parent.document.body.append(outside);
  outside.click();
  outside.remove();
});

document.addEventListener("change", (event) => {
  const choice = around(event, "[data-loop-choice]");
  if (choice instanceof HTMLSelectElement) {
    window.location.assign(choice.value);
  }
});

/**
 * @param {Element | null} dialog
 * @returns {dialog is HTMLDialogElement}
 */
const isDialog = (dialog) => dialog instanceof HTMLDialogElement;

document.addEventListener("click", (event) => {
  const opened = document.getElementById(around(event, "[data-opens]")?.dataset.opens ?? "");
  if (isDialog(opened)) {
    opened.showModal();
  }
  const closed = around(event, "[data-closes]")?.closest("dialog") ?? null;
  if (isDialog(closed)) {
    closed.close();
  }
});

// A dialog with loaded content opens once that has arrived, because its previous content belongs to something else.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = around(event, "dialog[data-opens-filled]");
  if (isDialog(dialog) && !dialog.open) {
    dialog.showModal();
  }
});

// A notice that a response of the server asks for in its HX-Trigger header.
document.addEventListener("label-loop:notice", (event) => {
  notice(/** @type {CustomEvent<{text: string}>} */ (event).detail.text, "done");
});
