// Opens a page of the console without a browser: its own template, its own scripts, and a server that a test plays.
import { readFileSync, readdirSync } from "node:fs";
import { mock } from "node:test";
import vm from "node:vm";
import { Window } from "happy-dom";

const NodeEvent = globalThis.Event; // pages have their own
const CONSOLE = new URL("../../plugins/label_loop/console/", import.meta.url);
const SHARED = [
  "document", "location", "Element", "Node", "Image", "Event", "CustomEvent", "DocumentFragment", "ShadowRoot",
  "DOMParser", "FormData", "getComputedStyle",
];

let opened = 0;

/** A request that is under way until a test finishes it. */
class HeldRequest extends EventTarget {
  upload = new EventTarget();
  headers = {};
  status = 0;
  responseText = "";
  isAborted = false;

  open(method, url) {
    Object.assign(this, { method, url });
  }

  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  overrideMimeType() {}

  getResponseHeader() {
    return null;
  }

  send(body) {
    this.body = body;
    HeldRequest.sent.push(this);
  }

  abort() {
    this.isAborted = true;
    this.dispatchEvent(new NodeEvent("loadend"));
  }

  async finish(status, answer = {}) {
    Object.assign(this, { status, responseText: JSON.stringify(answer), response: JSON.stringify(answer) });
    this.onload?.();
    this.dispatchEvent(new NodeEvent("loadend"));
    await settled();
  }
}

/**
 * Return a template's content as HTML. Loops of Jinja run once, conditions hold, and what is not given is empty.
 */
function filled(template, values) {
  const text = readFileSync(new URL(`templates/${template}`, CONSOLE), "utf8");
  const content = /{% block content %}(.*)/s.exec(text)?.[1] ?? text; // a part of a page is all content
  return content.replace(/{#.*?#}|{%.*?%}/gs, "").replace(/{{(.*?)}}/gs, (_, name) => values[name.trim()] ?? "");
}

/**
 * Open a page: `values` fill its template, `prepare` changes it before its scripts run.
 *
 * Timers are those of node:test's mock; `answers` are what the server says to a request, by a part of its path;
 * `decode` is what becomes of an image, by its address.
 */
export async function openPage({ template, script, values = {}, answers = {}, decode = () => {}, prepare = () => {} }) {
  const window = new Window({ url: "https://airflow.example/label-loop/loop/page", settings: { errorCapture: "disabled" } });
  const { document } = window;
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  document.body.dataset.base = "/label-loop";
  document.body.dataset.loop = "a loop";
  document.body.innerHTML = `${filled(template, values)}<div id="notices"></div>`;
  prepare(document);
  const names = Object.getOwnPropertyNames(window).filter((name) => /^HTML\w*Element$/.test(name));
  for (const name of [...names, ...SHARED]) {
    globalThis[name] = window[name];
  }
  globalThis.window = window;
  window.HTMLImageElement.prototype.decode = async function decodeImage() {
    await decode(this.src);
  };
  globalThis.requestAnimationFrame = (callback) => callback();
  globalThis.XMLHttpRequest = HeldRequest;
  HeldRequest.sent = [];
  const requests = [];
  globalThis.fetch = async (url, { method, body }) => {
    const request = { url, method, body: body && JSON.parse(body) };
    requests.push(request);
    const [, answer] = Object.entries(answers).find(([path]) => url.includes(path)) ?? [];
    const said = await (typeof answer === "function" ? answer(request) : answer ?? {});
    return said instanceof Response ? said : Response.json(said);
  };
  opened += 1;
  for (const name of ["console.js", script]) {
    await import(new URL(`static/${name}?${opened}`, CONSOLE));
  }
  await settled();
  return { window, document, requests, held: HeldRequest.sent };
}

/** Let htmx, as it is shipped, work on a page that is open. */
export function startHtmx({ document }) {
  globalThis.Document = document.constructor;
  globalThis.XPathEvaluator = class {
    createExpression = () => ({ evaluate: () => ({ iterateNext: () => null }) }); // it looks for hx-on, which none has
  };
  vm.runInThisContext(readFileSync(new URL("static/vendor/htmx.min.js", CONSOLE), "utf8"));
  globalThis.htmx.process(document.body);
}

/** Return the templates whose text has a part. */
export const templatesWith = (part) => readdirSync(new URL("templates/", CONSOLE)).filter((name) =>
  readFileSync(new URL(`templates/${name}`, CONSOLE), "utf8").includes(part));

/** Wait until all that can go on without a timer has gone on: reading a file, for example, takes some turns. */
export async function settled() {
  for (let turn = 0; turn < 10; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Let the time pass in which a person sees what is on the page. */
export const look = () => mock.timers.tick(200);

/** Answer with a refusal. */
export const refusal = (status, detail) => Response.json({ detail }, { status });

/** Return a promise and the functions that settle it. */
export function later() {
  const one = {};
  one.promise = new Promise((resolve, reject) => {
    Object.assign(one, { resolve, reject });
  });
  return one;
}

/**
 * Press a key as a browser does: where nothing prevents it, Enter presses a button that has the focus.
 *
 * Whoever presses has looked at what is on the page, unless they press `atOnce`.
 */
export function press(target, key, { code = "", atOnce = false, ...more } = {}) {
  if (!atOnce) {
    look();
  }
  const { KeyboardEvent } = globalThis.window;
  const event = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  const isButton = target instanceof globalThis.HTMLButtonElement;
  if (!event.defaultPrevented && key === "Enter" && isButton && !target.disabled) {
    target.click();
  }
  return event;
}
