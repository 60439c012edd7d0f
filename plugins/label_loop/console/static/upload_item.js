// One image that is uploaded: its row on the page, and its result.
import { find } from "./elements.js";
import { fileProblem } from "./image_check.js";
import { HEADERS, UNREACHABLE, address, detailOf, parsed, problemOf } from "./server.js";

/** @import { Limits } from "./image_check.js" */

const BUSY_TRIES = 5;
const BUSY_SECONDS = 3;

const STATES = /** @type {const} */ ({
  waiting: ["waiting", ""],
  sending: ["uploading", ""],
  uploaded: ["uploaded, waiting for detection", ""],
  stored: ["added to the training images", "good"],
  repeated: ["already among the training images", ""],
  unknown: ["uploaded; the loop's log will have the result", ""],
  logged: ["detected", "good"],
  cancelled: ["cancelled", ""],
  refused: ["not uploaded", "bad"], // retrying would not help
  failed: ["not uploaded", "bad"],
});

/**
 * @typedef {keyof typeof STATES} State
 * @typedef {"detection" | "training"} Purpose
 * @typedef {{label: string, confidence_percent: number, state: string, detail: string}} Outcome
 *
 * What the page does for its images.
 *
 * @typedef {object} Page
 * @property {(item: Item) => void} enqueue let it be worked on when it is its turn
 * @property {(item: Item) => void} dequeue do not, if it waits for its turn
 * @property {(item: Item, id: string) => void} awaits show the outcome of its detection once that is logged
 */

/** An image, from its choice to its outcome. */
export class Item {
  /** @type {State} */
  state = "waiting";
  #tries = 0;
  /** Which try is under way: what an earlier one, cancelled since, comes to is of no interest. */
  #run = 0;
  /** @type {XMLHttpRequest | null} */
  #request = null;

  /**
   * @param {File} file
   * @param {Purpose} purpose
   * @param {string | null} label where it is to train
   * @param {HTMLElement} row its line
   * @param {Limits} limits
   * @param {Page} page
   */
  constructor(file, purpose, label, row, limits, page) {
    this.file = file;
    this.purpose = purpose;
    this.label = label;
    this.row = row;
    this.limits = limits;
    this.page = page;
    this.progress = find(row, "progress", HTMLProgressElement);
    this.detailsLink = find(row, ".details", HTMLAnchorElement);
    this.retryButton = find(row, ".retry", HTMLButtonElement);
    this.cancelButton = find(row, ".cancel", HTMLButtonElement);
    find(row, ".name", HTMLElement).textContent = label === null ? file.name : `${file.name} → ${label}`;
    this.retryButton.setAttribute("aria-label", `Retry ${file.name}`);
    this.cancelButton.setAttribute("aria-label", `Cancel ${file.name}`);
    this.retryButton.addEventListener("click", () => this.retry());
    this.cancelButton.addEventListener("click", () => this.cancel());
    this.#set("waiting");
  }

  /** Whether it is still to be uploaded. */
  get isOpen() {
    return this.state === "waiting" || this.state === "sending";
  }

  get canRetry() {
    return this.state === "failed" || this.state === "cancelled";
  }

  retry() {
    if (this.canRetry) {
      this.#tries = 0;
      this.#set("waiting");
      this.page.enqueue(this);
    }
  }

  cancel() {
    if (this.isOpen) {
      this.#run += 1;
      this.#set("cancelled");
      this.#request?.abort();
      this.page.dequeue(this);
    }
  }

  /** Upload it, unless it cannot be used. */
  async work() {
    this.#run += 1;
    const run = this.#run;
    const problem = await fileProblem(this.file, this.limits);
    if (run !== this.#run) {
      return;
    }
    if (problem) {
      this.#set("refused", problem);
      return;
    }
    this.#showImage();
    const [status, answer] = await this.#send();
    if (run === this.#run) {
      this.#settle(status, answer);
    }
  }

  /** @param {string} problem why its work ended */
  fail(problem) {
    this.#set("failed", problem);
  }

  /**
   * @param {Outcome} outcome
   * @param {string} id of its detection
   */
  showOutcome(outcome, id) {
    this.detailsLink.href = address(`detections/${id}`);
    this.detailsLink.hidden = false;
    const text = `${outcome.label || "no label"}, ${outcome.confidence_percent.toFixed(1)} %`;
    const detail = outcome.detail ? `: ${outcome.detail}` : "";
    this.state = "logged";
    if (outcome.state === "failed") {
      this.#showState(`not detected${detail}`, "bad");
    } else if (outcome.state === "reviewed") {
      this.#showState(`${text}; human label${detail}`, "good");
    } else {
      this.#showState(`${text} – ${outcome.state}${detail}`, outcome.state === "accepted" ? "good" : "warn");
    }
  }

  /**
   * @param {State} state
   * @param {string} [detail]
   */
  #set(state, detail = "") {
    const [text, tone] = STATES[state];
    this.state = state;
    this.#showState(detail ? `${text}: ${detail}` : text, tone);
    this.progress.hidden = state !== "sending";
    this.retryButton.hidden = !this.canRetry;
    this.cancelButton.hidden = !this.isOpen;
  }

  /**
   * @param {string} text
   * @param {string} tone
   */
  #showState(text, tone) {
    const shown = find(this.row, ".state", HTMLElement);
    shown.textContent = text;
    shown.className = `state small ${tone || "muted"}`;
  }

  #showImage() {
    const image = find(this.row, "img", HTMLImageElement);
    const url = URL.createObjectURL(this.file);
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
    image.hidden = false;
  }

  /**
   * Send the file; resolve to the status and the answer, status 0 where there is none.
   *
   * @returns {Promise<[number, unknown]>}
   */
  #send() {
    this.#set("sending");
    const query = new URLSearchParams({ name: this.file.name });
    if (this.label !== null) {
      query.set("label", this.label);
    }
    const request = new XMLHttpRequest(); // fetch reports no upload progress
    this.#request = request;
    request.open("POST", address(`upload/${this.purpose}?${query}`));
    for (const [name, value] of Object.entries(HEADERS)) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => {
      this.progress.value = event.lengthComputable ? event.loaded / event.total : 0;
    });
    return new Promise((resolve) => {
      request.addEventListener("loadend", () => resolve([request.status, parsed(request.responseText)]));
      request.send(this.file);
    });
  }

  /**
   * @param {number} status
   * @param {unknown} answer
   */
  #settle(status, answer) {
    this.#request = null;
    this.#tries += 1;
    if (status === 503 && this.#tries < BUSY_TRIES) {
      this.#waitForRoom();
    } else if (status === 413 || status === 422) {
      this.#set("refused", detailOf(answer) ?? "");
    } else if (status !== 200) {
      this.#set("failed", status ? problemOf(status, answer) : UNREACHABLE);
    } else {
      this.#arrive(/** @type {{id?: string | null, repeated?: boolean}} */ (answer));
    }
  }

  #waitForRoom() {
    const run = this.#run;
    this.#set("waiting");
    setTimeout(() => {
      if (run === this.#run) {
        this.page.enqueue(this);
      }
    }, BUSY_SECONDS * 1000);
  }

  /** @param {{id?: string | null, repeated?: boolean}} answer */
  #arrive({ id, repeated }) {
    if (this.purpose === "training") {
      this.#set(repeated ? "repeated" : "stored");
    } else if (id) {
      this.#set("uploaded");
      this.page.awaits(this, id);
    } else {
      this.#set("unknown");
    }
  }
}
