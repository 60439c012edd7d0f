// Interprets key presses, and lets each press of a key or button have one effect, whatever has the focus.
import { around } from "./elements.js";

const COMPOSES = 229; // of a key handled by an input method; Safari sets only this for the key that ends it

/**
 * Whether a key belongs to the composition of an input method, for example the Enter that ends it.
 *
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
export const isComposing = (event) => event.isComposing || event.keyCode === COMPOSES;

/**
 * Whether a press is a shortcut of the browser or of the system.
 *
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
const isShortcut = (event) =>
  event.ctrlKey || event.metaKey || event.altKey || event.getModifierState("AltGraph");

/**
 * Return the digit at a key's position, or null: on a French keyboard the digits need Shift.
 *
 * @param {KeyboardEvent} event
 */
function digitAtItsPlace(event) {
  const isCharacter = event.key === "Dead" || [...event.key].length === 1; // a number pad may have End instead
  return isCharacter && !event.shiftKey ? /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1] ?? null : null;
}

/**
 * Return the letter that a key has in a Latin layout, or null if the layout in use is Latin.
 *
 * @param {KeyboardEvent} event
 */
function letterAtItsPlace(event) {
  const isForeign = /^[\p{Letter}\p{Mark}]$/u.test(event.key) && !/^\p{Script=Latin}$/u.test(event.key);
  return isForeign ? /^Key([A-Z])$/.exec(event.code)?.[1]?.toLowerCase() ?? null : null;
}

/**
 * Return the digit, basic letter or slash that a press means, or null.
 *
 * A digit or basic letter decides; otherwise the key's position does, as a Thai keyboard has the slash at the digit 2.
 *
 * @param {KeyboardEvent} event
 * @returns {string | null}
 */
export function meantKey(event) {
  if (isShortcut(event)) {
    return null;
  }
  const character = event.key.toLowerCase();
  if (/^[0-9a-z]$/.test(character)) {
    return character;
  }
  return digitAtItsPlace(event) ?? (character === "/" ? character : letterAtItsPlace(event));
}

/**
 * Whether a key activates the focused element, or submits the form around it.
 *
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
const isPress = (event) =>
  event.key === "Enter" ? !around(event, "textarea") : event.key === " " && around(event, "button, summary") !== null;

/**
 * Let each press on a page have one effect.
 *
 * A key that is held repeats, and may then activate something that has just appeared in its place; so may the second
 * click of a double click. The Enter that ends a composition does not submit a form.
 */
export function guardPresses() {
  const options = { capture: true };
  document.addEventListener("keydown", (event) => {
    if (isPress(event) && (event.repeat || isComposing(event))) {
      event.preventDefault();
    }
  }, options);
  document.addEventListener("click", (event) => {
    if (event.detail > 1 && around(event, "button")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, options);
}
