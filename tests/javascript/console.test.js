// What every page has: notices, what htmx is asked and answered, dialogs, and the way out of Airflow's frame.
import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { openPage, startHtmx } from "./page.js";

let page;

const notices = () => [...page.document.querySelectorAll(".notice > span")].map((line) => line.textContent);
const tell = (name, detail, target = page.document.body) => {
  const event = new page.window.CustomEvent(name, { bubbles: true, cancelable: true, detail });
  target.dispatchEvent(event);
  return event;
};
const refused = (status, responseText) => tell("htmx:responseError", { xhr: { status, responseText } });

beforeEach(async () => {
  page = await openPage({ template: "models.html", script: "parameters.js" });
});

describe("notices", () => {
  test("are for a while, and problems until they are closed, each once", () => {
    tell("label-loop:notice", { text: "Saved." });
    refused(409, '{"detail": "Too late."}');
    refused(409, '{"detail": "Too late."}');
    assert.deepEqual(notices(), ["Saved.", "Too late."]);
    mock.timers.tick(6000);
    assert.deepEqual(notices(), ["Too late."]);
    page.document.querySelector(".notice button").click();
    assert.deepEqual(notices(), []);
  });

  test("say what a server has said, in words for people", () => {
    refused(401, '{"detail": "Invalid JWT token"}');
    refused(502, "<html>a proxy's page</html>");
    refused(422, '{"detail": [{"msg": "not a text"}]}');
    tell("htmx:sendError", {});
    assert.deepEqual(notices(), [
      "Your session has expired. Log in to Airflow in another tab, then continue here.",
      "The request failed with HTTP status 502. Try again.",
      "The request failed with HTTP status 422. Try again.",
      "Airflow cannot be reached. Check your connection and try again.",
    ]);
  });
});

test("a request of htmx carries what other sites' pages cannot send", () => {
  startHtmx(page);
  assert.equal(page.held.length, 1);
  assert.equal(page.held[0].headers["X-Label-Loop"], "console");
});

test("what is polled is not asked for under somebody's focus", async () => {
  page = await openPage({ template: "overview.html", script: "parameters.js" });
  const elt = page.document.querySelector("[data-polls]");
  elt.insertAdjacentHTML("beforeend", "<button>Look</button>");
  const ask = (triggeringEvent) => !tell("htmx:beforeRequest", { elt, requestConfig: { triggeringEvent } })
    .defaultPrevented;
  assert.equal(ask(), true);
  elt.querySelector("button").focus();
  assert.equal(ask(), false);
  assert.equal(ask(new page.window.Event("click")), true);
});

test("a refused text comes back as a part of the page, and another refusal as a notice", () => {
  const swap = (status, type) => {
    const detail = { xhr: { status, getResponseHeader: () => type }, shouldSwap: false, isError: true };
    return tell("htmx:beforeSwap", detail).detail;
  };
  for (const [status, type, isShown] of [[422, "text/html", true], [409, "text/html; charset=utf-8", true],
    [422, "application/json", false], [500, "text/html", false], [422, null, false]]) {
    const { shouldSwap, isError } = swap(status, type);
    assert.deepEqual([shouldSwap, isError], [isShown, !isShown], `${status} ${type}`);
  }
});

test("a dialog opens by its button, or when what it was waiting for is there, and closes by its own", () => {
  const dialog = page.document.getElementById("train");
  page.document.querySelector("[data-opens=train]").click();
  assert.equal(dialog.open, true);
  dialog.querySelector("[data-closes]").click();
  assert.equal(dialog.open, false);
  tell("htmx:afterSwap", {}, page.document.getElementById("confirm-text"));
  assert.equal(page.document.getElementById("confirm").open, true);
});

describe("a link to a page of Airflow's own", () => {
  const click = (more = {}) => {
    page.document.body.insertAdjacentHTML("beforeend", '<a data-airflow-href href="/dags"><b>DAGs</b></a>');
    const event = new page.window.MouseEvent("click", { bubbles: true, cancelable: true, ...more });
    page.document.querySelector("[data-airflow-href] b").dispatchEvent(event);
    return event;
  };

  test("is followed by the page around the frame", () => {
    const followed = [];
    const parent = page.document.implementation.createHTMLDocument();
    parent.addEventListener("click", (event) => followed.push(event.target.href));
    Object.defineProperty(page.window, "parent", { value: { document: parent } });
    assert.equal(click().defaultPrevented, true);
    assert.deepEqual(followed, ["https://airflow.example/dags"]);
    assert.equal(parent.querySelector("a"), null);
    assert.equal(click({ ctrlKey: true }).defaultPrevented, false);
  });

  test("is a link where there is no frame", () => assert.equal(click().defaultPrevented, false));
});
