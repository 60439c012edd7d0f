// An image that is preloaded, and whether a person can see it.

const TO_SEE_MS = 150; // nobody sees an image and decides in less: what is pressed earlier was meant for another one

/** Wait until the frame that is prepared now is on the screen. */
const nextFrame = () => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(resolve));
});

/** @typedef {"loading" | "drawn" | "failed"} Drawing */

/** An image of a review. It counts as drawn once the browser has decoded it, not when its request is answered. */
export class Picture {
  /** @type {Drawing} */
  state = "loading";
  /** Whether it has been on the screen long enough to be seen. */
  isSeen = false;

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

  /** Note that the element was put on the page just now. */
  async appear() {
    this.isSeen = false;
    await this.element.decode().catch(() => {}); // again: the browser may have dropped the pixels of a large image
    await nextFrame();
    setTimeout(() => {
      this.isSeen = true;
    }, TO_SEE_MS);
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
