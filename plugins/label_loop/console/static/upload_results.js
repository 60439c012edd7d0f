// Asks what became of detections, until each is logged.
import { ask } from "./server.js";

/** @import { Item, Outcome } from "./upload_item.js" */

const POLL_SECONDS = /** @type {const} */ ({ soon: 2, rarely: 15 }); // a model may not serve for hours
const SLOWER = 1.3;

/** @typedef {{results: Record<string, Outcome>, serves: boolean | null}} Answer */

/** The images that wait for their detections. */
export class Results {
  /** @type {Map<string, Item[]>} by the id of their detection */
  #awaited = new Map();
  /** @type {number} */
  #seconds = POLL_SECONDS.soon;
  #isAsking = false;

  /**
   * @param {number} most how many detections one request may ask for
   * @param {(serves: boolean | null) => void} changed called when some were asked for, with whether a model serves
   */
  constructor(most, changed) {
    this.most = most;
    this.changed = changed;
  }

  /**
   * Show an image's outcome once it is logged.
   *
   * @param {Item} item
   * @param {string} id
   */
  add(item, id) {
    this.#awaited.set(id, [...(this.#awaited.get(id) ?? []), item]);
    this.#seconds = POLL_SECONDS.soon;
    if (!this.#isAsking) {
      this.#isAsking = true;
      this.#askLater();
    }
  }

  clear() {
    this.#awaited.clear();
  }

  #askLater() {
    setTimeout(() => this.#ask(), this.#seconds * 1000);
    this.#seconds = Math.min(this.#seconds * SLOWER, POLL_SECONDS.rarely);
  }

  async #ask() {
    const ids = [...this.#awaited.keys()].slice(0, this.most);
    if (ids.length > 0) {
      try {
        this.#show(ids, await ask("GET", `upload/results?${ids.map((id) => `id=${id}`).join("&")}`));
      } catch {
        this.#seconds = POLL_SECONDS.rarely; // the next request will show them; nothing is lost
      }
    }
    this.#isAsking = this.#awaited.size > 0;
    if (this.#isAsking) {
      this.#askLater();
    }
  }

  /**
   * @param {string[]} ids
   * @param {Answer} answer
   */
  #show(ids, { results, serves }) {
    for (const id of ids) {
      const items = this.#awaited.get(id) ?? [];
      this.#awaited.delete(id);
      const outcome = results[id];
      if (outcome) {
        items.forEach((item) => item.showOutcome(outcome, id));
        this.#seconds = POLL_SECONDS.soon;
      } else if (items.length > 0) {
        this.#awaited.set(id, items); // at the end: where there are many, each gets its turn
      }
    }
    this.changed(serves);
  }
}
