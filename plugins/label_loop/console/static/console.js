// What every page shares: requests that the server accepts, notices, links out of the frame, the choice of a loop.
"use strict";

const labelLoop = {
  base: document.body.dataset.base,
  loop: document.body.dataset.loop,

  /** Ask one of the loop's endpoints; resolves to its JSON, rejects with an Error that people can read. */
  async ask(method, path, body) {
    const request = { method, headers: { "X-Label-Loop": "console", Accept: "application/json" } };
    if (body !== undefined) {
      request.headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let response;
    try {
      response = await fetch(`${this.base}/${encodeURIComponent(this.loop)}/${path}`, request);
    } catch {
      throw new Error("Airflow cannot be reached. Check the connection and try again.");
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
      const error = new Error(this.problem(response.status, answer));
      error.status = response.status;
      throw error;
    }
    return answer;
  },

  detail(answer) {
    return typeof answer?.detail === "string" ? answer.detail : null;
  },

  /** What to tell of an answer that is none. */
  problem(status, answer) {
    if (status === 401) {
      return "Your login has ended. Log in to Airflow in another tab, then go on here.";
    }
    return this.detail(answer) ?? `Airflow answered with ${status}.`;
  },

  /** Show a line for a while; problems stay until they are closed, each once: what is polled fails again and again. */
  notice(text, kind = "info") {
    const shown = [...document.querySelectorAll(".notice.problem > span")];
    if (kind === "problem" && shown.some((line) => line.textContent === text)) {
      return;
    }
    const line = document.createElement("div");
    line.className = `notice ${kind}`;
    line.append(Object.assign(document.createElement("span"), { textContent: text }));
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
    close.setAttribute("aria-label", "Close this notice");
    close.addEventListener("click", () => line.remove());
    line.append(close);
    document.getElementById("notices").append(line);
    if (kind !== "problem") {
      setTimeout(() => line.remove(), 6000);
    }
  },
};
window.labelLoop = labelLoop;

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-Label-Loop"] = "console";
});

// What is asked for again and again is not, while nobody sees it, nor under the focus of somebody who is in it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt, requestConfig } = event.detail;
  const polled = elt.hasAttribute("data-polls") && requestConfig.triggeringEvent === undefined;
  if (polled && (document.hidden || elt.contains(document.activeElement))) {
    event.preventDefault();
  }
});

document.addEventListener("htmx:responseError", (event) => {
  let answer = {};
  try {
    answer = JSON.parse(event.detail.xhr.responseText);
  } catch {
    // Not ours, for example a proxy's page.
  }
  labelLoop.notice(labelLoop.problem(event.detail.xhr.status, answer), "problem");
});

document.addEventListener("htmx:sendError", () => {
  labelLoop.notice("Airflow cannot be reached. Check the connection and try again.", "problem");
});

// Airflow shows the console in a frame that may not navigate its parent; a link of the parent's own document may.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow-href]");
  if (!link || window.parent === window || event.ctrlKey || event.metaKey || event.button !== 0) {
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
  if (event.target.matches("[data-loop-choice]")) {
    window.location.assign(event.target.value);
  }
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    document.getElementById(opener.dataset.opens)?.showModal();
  }
  if (event.target.closest("[data-closes]")) {
    event.target.closest("dialog")?.close();
  }
});

// A dialog whose content is asked for opens when that is there: what it said before belongs to something else.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.target.closest("dialog[data-opens-filled]");
  if (dialog && !dialog.open) {
    dialog.showModal();
  }
});

// What an answer of the server asks to be told, by its header HX-Trigger.
document.addEventListener("label-loop:notice", (event) => labelLoop.notice(event.detail.text, "done"));
