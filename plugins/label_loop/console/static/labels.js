// The labels that a reviewer chooses from: their keys, and the search among them.
import { dataOf, find } from "./elements.js";

const MOST_KEYS = 10;

/** The label buttons of a page, and the field that searches them. */
export class Labels {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.search = find(root, "[data-search]", HTMLInputElement);
    this.search.addEventListener("input", () => this.#filter());
    this.#number();
  }

  /** All buttons, whether the search shows them or not. */
  get buttons() {
    return /** @type {HTMLButtonElement[]} */ ([...this.root.querySelectorAll("button[data-label]")]);
  }

  /**
   * Return the label that a digit picks, or undefined.
   *
   * @param {string} digit
   */
  ofDigit(digit) {
    const picked = this.#visible().find((button) => find(button, "kbd", HTMLElement).textContent === digit);
    return picked && dataOf(picked, "label");
  }

  /** Return the label that is searched for: the one with that exact name, otherwise the first that contains it. */
  found() {
    const words = this.#words();
    const visible = this.#visible();
    const button = words ? visible.find((one) => wordsOf(one) === words) ?? visible[0] : undefined;
    return button && dataOf(button, "label");
  }

  endSearch() {
    this.search.value = "";
    this.#filter();
    this.search.blur();
  }

  #words() {
    return this.search.value.trim().toLocaleLowerCase();
  }

  #visible() {
    return this.buttons.filter((button) => !button.hidden);
  }

  #filter() {
    for (const button of this.buttons) {
      button.hidden = !wordsOf(button).includes(this.#words());
    }
    this.#number();
  }

  /** Assign the keys 1 to 9 and 0 in the order of the labels; if every label is a digit, assign that digit. */
  #number() {
    const visible = this.#visible();
    const areDigits = visible.every((button) => /^[0-9]$/.test(dataOf(button, "label")));
    for (const button of this.buttons) {
      const place = visible.indexOf(button);
      const key = areDigits ? dataOf(button, "label") : String((place + 1) % MOST_KEYS);
      find(button, "kbd", HTMLElement).textContent = place >= 0 && place < MOST_KEYS ? key : "";
    }
  }
}

/** @param {HTMLElement} button */
const wordsOf = (button) => dataOf(button, "label").toLocaleLowerCase();
