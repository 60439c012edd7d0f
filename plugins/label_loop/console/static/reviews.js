// The reviews that a reviewer holds. Images are preloaded, and answers are sent one at a time while the next image is
// already on the screen, so that nobody waits for the network.
import { notice } from "./notices.js";
import { Picture } from "./picture.js";
import { RequestError, address, ask, messageOf, sendOnLeaving } from "./server.js";

const TRIES = 3;
const TRY_AGAIN_MS = 500;

/**
 * A review as the server gives it. The label of the model's guess is empty where it has none; its confidence is in
 * percent. A human sample comes without a guess, so that people are not led by it.
 *
 * @typedef {{label: string, confidence: number}} Guess
 * @typedef {{name: string, key: string, guess: Guess | null, source: string}} Given
 * @typedef {Given & {picture: Picture}} Review
 * @typedef {{review: Review, label: string | null, at: number, hasFailed: boolean}} Answer
 * @typedef {"unsure" | "oldest"} Order
 */

/**
 * Return the name of the file that a review is about.
 *
 * @param {Given} review
 * @returns {string}
 */
export const fileOf = (review) => review.key.slice(review.key.lastIndexOf("/") + 1);

/** @param {unknown} error */
const reportProblem = (error) => notice(messageOf(error), "problem");

/** @param {unknown} error */
const isPassing = (error) => error instanceof RequestError && error.isPassing;

/**
 * Send what has no further effect if it arrives a second time; retry if the failure may be temporary.
 *
 * @param {string} path
 * @param {unknown} [body]
 */
async function send(path, body) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await ask("POST", path, body);
    } catch (error) {
      if (!isPassing(error) || tried === TRIES) {
        throw error;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, TRY_AGAIN_MS * tried);
      });
    }
  }
}

/** The reviews that the reviewer holds, the first of which is shown, and the answers of this session. */
export class Reviews {
  /** @type {Review[]} */
  waiting = [];
  done = 0;
  /** How many reviews are open, including these; null until known. */
  open = /** @type {number | null} */ (null);
  /** Why the server returned no more: a message, or empty if there are no more; null until known. */
  lack = /** @type {string | null} */ (null);
  /** @type {Order} */
  #order = "unsure";
  #wantsSkipped = false;
  /** Names answered or skipped in this session. */
  #settled = /** @type {Set<string>} */ (new Set());
  /** Answers that can be undone, oldest first. */
  #given = /** @type {Answer[]} */ ([]);
  /** Answers that the server may not have yet. */
  #unsent = /** @type {Set<Answer>} */ (new Set());
  /** Answers that are being undone. */
  #undoing = /** @type {Set<Answer>} */ (new Set());
  /** Requests run one at a time: the server must know an answer before it assigns more reviews. */
  #requests = Promise.resolve();

  /**
   * @param {number} undoMs how long an answer can be taken back
   * @param {() => void} changed called when something has changed that a page shows
   */
  constructor(undoMs, changed) {
    this.undoMs = undoMs;
    this.changed = changed;
  }

  /** The review that is shown, if any. */
  get first() {
    return this.waiting[0];
  }

  /** Whether an answer is being undone: until its image is back, no key press can be meant for another one. */
  get isUndoing() {
    return this.#undoing.size > 0;
  }

  get canUndo() {
    return this.#given.length > 0;
  }

  get canSkip() {
    return this.first !== undefined && !this.isUndoing;
  }

  /** An image can be labelled only while it is on the screen. */
  get canAnswer() {
    return this.canSkip && this.first?.picture.state === "drawn";
  }

  /** Whether a press can be about the review that is shown, and not about the one that was there a moment ago. */
  get isMeant() {
    return this.first?.picture.state !== "drawn" || this.first.picture.isSeen;
  }

  /**
   * Answer the review that is shown.
   *
   * @param {string | null} label null where none fits
   * @returns {boolean} whether that could be done
   */
  answer(label) {
    const review = this.canAnswer && this.isMeant && this.#next();
    if (!review) {
      return false;
    }
    const answer = { review, label, at: Date.now(), hasFailed: false };
    this.#given.push(answer);
    this.#unsent.add(answer);
    this.done += 1;
    this.changed();
    this.#later(async () => {
      try {
        await send("review/answer", { name: review.name, label });
      } catch (error) {
        this.#takeBack(answer, error);
      } finally {
        this.#unsent.delete(answer);
      }
    });
    this.take();
    return true;
  }

  /** Leave the review that is shown to other reviewers. */
  skip() {
    const review = this.canSkip && this.isMeant && this.#next();
    if (review) {
      this.changed();
      this.#later(() => send(`review/skip/${review.name}`).catch((error) => this.#putBack(review, error)));
      this.take();
    }
  }

  /** Undo the last answer; its image is shown again before anything else can be answered. */
  undo() {
    const last = this.#given.pop();
    if (!last) {
      return;
    }
    this.#unsent.delete(last);
    this.#undoing.add(last);
    this.changed();
    this.#later(async () => {
      if (!last.hasFailed) {
        await this.#undone(last);
      }
      this.#undoing.delete(last);
      this.changed();
    });
  }

  /** Request more reviews, and renew the leases of those that the reviewer holds. */
  take() {
    this.#later(async () => {
      try {
        const keep = this.waiting.map((review) => review.name);
        const wanted = { order: this.#order, skipped: this.#wantsSkipped, keep };
        this.#add(await ask("POST", "review/take", wanted));
        this.lack = "";
      } catch (error) {
        this.lack = messageOf(error);
      }
      this.changed();
    });
  }

  /** Request the reviews that this reviewer skipped as well. */
  takeSkipped() {
    this.#wantsSkipped = true;
    this.#settled.clear();
    this.take();
  }

  /**
   * Give back what is at hand, and take what comes first in another order.
   *
   * @param {Order} order
   */
  reorder(order) {
    this.#order = order;
    this.lack = null;
    const names = this.waiting.splice(0).map((review) => review.name);
    this.changed();
    this.#later(() => ask("POST", "review/release", { names }).catch(() => {}));
    this.take();
  }

  forgetOldAnswers() {
    const [oldest] = this.#given;
    if (oldest && Date.now() - oldest.at > this.undoMs) {
      this.#given.shift();
      this.forgetOldAnswers();
      this.changed();
    }
  }

  /** Send what the server does not know yet, because the page is being left. */
  leave() {
    this.#unsent.forEach(({ review, label }) => sendOnLeaving("review/answer", { name: review.name, label }));
    this.#undoing.forEach(({ review }) => sendOnLeaving(`review/undo/${review.name}`, {}));
    sendOnLeaving("review/release", { names: this.waiting.map((review) => review.name) });
  }

  /** @param {() => Promise<unknown>} work */
  #later(work) {
    this.#requests = this.#requests.then(work).then(() => {}, reportProblem);
  }

  /** @param {{reviews: Given[], open: number}} taken */
  #add(taken) {
    const atHand = new Set(this.waiting.map((review) => review.name));
    for (const review of taken.reviews) {
      if (!atHand.has(review.name) && !this.#settled.has(review.name)) {
        const text = `Image to label: ${review.key}`;
        const picture = new Picture(address(`review/images/${review.name}`), text, this.changed);
        this.waiting.push({ ...review, picture });
      }
    }
    this.open = taken.open;
  }

  #next() {
    this.lack = null;
    const review = this.waiting.shift();
    if (review) {
      this.#settled.add(review.name);
    }
    return review;
  }

  /** @param {Answer} answer that the server has */
  async #undone(answer) {
    const { review } = answer;
    try {
      await send(`review/undo/${review.name}`);
      this.#settled.delete(review.name);
      this.done -= 1;
      this.waiting.unshift(review);
    } catch (error) {
      reportProblem(error);
      if (isPassing(error)) {
        this.#given.push(answer);
        this.#given.sort((one, other) => one.at - other.at);
      }
    }
  }

  /**
   * @param {Answer} answer that the server did not take
   * @param {unknown} error
   */
  #takeBack(answer, error) {
    answer.hasFailed = true;
    this.#given = this.#given.filter((one) => one !== answer);
    this.done -= 1;
    this.#putBack(answer.review, error, this.#undoing.has(answer) ? 0 : 1);
  }

  /**
   * Put a review back that the server did not take, and say so.
   *
   * @param {Review} review
   * @param {unknown} error
   * @param {number} [place] not first, where the reviewer may be about to answer the image on the screen
   */
  #putBack(review, error, place = 1) {
    notice(`${fileOf(review)}: ${messageOf(error)}`, "problem");
    if (!(error instanceof RequestError && error.status === 409)) {
      this.#settled.delete(review.name);
      this.waiting.splice(place, 0, review);
    }
    this.changed();
  }
}
