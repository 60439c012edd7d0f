// What a press means, by the character that it types or, where that is none of ours, by its place on the keyboard.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isComposing, meantKey } from "../../plugins/label_loop/console/static/presses.js";

const pressOf = (key, code, more = {}) => ({
  key, code, keyCode: 0, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false,
  getModifierState: (name) => more[name] ?? false,
  ...more,
});

const CASES = [
  ["an American digit", pressOf("1", "Digit1"), "1"],
  ["an American exclamation mark", pressOf("!", "Digit1", { shiftKey: true }), null],
  ["a French digit row", pressOf("&", "Digit1"), "1"],
  ["a French digit row, zero", pressOf("à", "Digit0"), "0"],
  ["a French digit, with Shift", pressOf("1", "Digit1", { shiftKey: true }), "1"],
  ["a Czech digit row", pressOf("ě", "Digit2"), "2"],
  ["a digit row with a dead key", pressOf("Dead", "Digit6"), "6"],
  ["an Arabic digit", pressOf("٣", "Digit3"), "3"],
  ["a digit of the number pad", pressOf("4", "Numpad4"), "4"],
  ["the number pad without digits", pressOf("End", "Numpad1"), null],
  ["a French at sign, by AltGr", pressOf("@", "Digit0", { AltGraph: true }), null],
  ["a capital", pressOf("N", "KeyN", { shiftKey: true }), "n"],
  ["a French Z, at the place of W", pressOf("z", "KeyW"), "z"],
  ["a French W, at the place of Z", pressOf("w", "KeyZ"), "w"],
  ["a German Y, at the place of Z", pressOf("y", "KeyZ"), "y"],
  ["a letter of Bépo at the place of Z", pressOf("à", "KeyZ"), null],
  ["a Thai digit row, which has a slash", pressOf("/", "Digit2"), "2"],
  ["a German slash", pressOf("/", "Digit7", { shiftKey: true }), "/"],
  ["a Thai N, which is a mark", pressOf("ื", "KeyN"), "n"],
  ["a Cyrillic N", pressOf("т", "KeyN"), "n"],
  ["a Cyrillic capital S", pressOf("Ы", "KeyS", { shiftKey: true }), "s"],
  ["a Greek U", pressOf("θ", "KeyU"), "u"],
  ["a Hebrew Z", pressOf("ז", "KeyZ"), "z"],
  ["a German slash", pressOf("/", "Digit7", { shiftKey: true }), "/"],
  ["a shortcut of the browser", pressOf("n", "KeyN", { ctrlKey: true }), null],
  ["a Cyrillic shortcut of the browser", pressOf("ы", "KeyS", { metaKey: true }), null],
  ["Enter", pressOf("Enter", "Enter"), null],
  ["a keyboard on a screen", pressOf("é", ""), null],
];

describe("a key means what it types, else what is at its place", () => {
  for (const [what, event, meant] of CASES) {
    test(`${what}: ${meant}`, () => assert.equal(meantKey(event), meant));
  }
});

test("a key belongs to a composition by either sign", () => {
  assert.equal(isComposing(pressOf("Enter", "Enter", { isComposing: true })), true);
  assert.equal(isComposing(pressOf("Enter", "Enter", { keyCode: 229 })), true);
  assert.equal(isComposing(pressOf("Enter", "Enter", { keyCode: 13 })), false);
});
