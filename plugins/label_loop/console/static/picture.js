// An image that is preloaded, and whether a person can see it.

/** @typedef {"loading" | "drawn" | "failed"} Drawing */

/** An image of a review. It counts as drawn once the browser has decoded it, not when its request is answered. */
export class Picture {
  /** @type {Drawing} */
  state = "loading";

  /**
   * @param {string} url
   * @param {string} text what stands for the image where it cannot be seen
   * @param {() => void} changed called when the state has changed
   */
  constructor(url, text, changed) {
    this.url = url;
    this.text = text;
    this.changed = changed;
    this.element = this.#image();
  }

  /** Load the image, again if it has failed. */
  load() {
    this.state = "loading";
    this.element = this.#image();
  }

  #image() {
    const image = new Image();
    image.alt = this.text;
    image.decoding = "sync"; // in the same frame as the page's words about it, and no later than its buttons
    image.src = this.url;
    image.decode().then(() => this.#set("drawn"), () => this.#set("failed"));
    return image;
  }

  /** @param {Drawing} state */
  #set(state) {
    this.state = state;
    this.changed();
  }
}
