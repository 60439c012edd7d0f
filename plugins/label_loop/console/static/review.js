// The reviewer's desk: what it shows, and what its keys and buttons do.
import { around, dataOf, find } from "./elements.js";
import { Labels } from "./labels.js";
import { isComposing, meantKey } from "./presses.js";
import { Reviews, fileOf } from "./reviews.js";

/** @import { Guess, Order, Review } from "./reviews.js" */

const LOOK_AGAIN_MS = 8000;
const KEEP_MS = 50000;

const desk = find(document, "#desk", HTMLElement);
/** @param {string} name */
const part = (name) => find(desk, `[data-${name}]`, HTMLElement);

const mayReview = dataOf(desk, "mayReview") === "true";
const labels = new Labels(desk);
const reviews = new Reviews(Number(dataOf(desk, "undoSeconds")) * 1000, show);
const picture = part("picture");
const undoButton = find(desk, "[data-undo]", HTMLButtonElement);
const skipButton = find(desk, "[data-skip]", HTMLButtonElement);
const noneButton = find(desk, "[data-none]", HTMLButtonElement);
/** @type {Review | undefined} */
let shown;

// ------------------------------------------------------------------- showing

function show() {
  const review = reviews.first;
  part("choices").hidden = !review && !reviews.canUndo;
  part("done").textContent = String(reviews.done);
  part("open").textContent = String(reviews.open ?? "–");
  part("guess").hidden = !review;
  showButtons();
  showEmpty();
  if (review && review !== shown) {
    describe(review);
  }
  shown = review;
  showPicture();
}

function showButtons() {
  undoButton.disabled = !reviews.canUndo;
  skipButton.disabled = !reviews.first;
  skipButton.setAttribute("aria-disabled", String(!reviews.canSkip));
  // A disabled button would lose the focus, which must stay in place while the next image loads.
  for (const button of [...labels.buttons, noneButton]) {
    button.disabled = !reviews.first;
    button.setAttribute("aria-disabled", String(!reviews.canAnswer));
  }
}

function showPicture() {
  const state = shown?.picture.state;
  picture.hidden = state !== "drawn";
  part("loading").hidden = state !== "loading";
  part("undrawn").hidden = state !== "failed";
  const drawn = shown && state === "drawn" ? [shown.picture.element] : [];
  if (picture.firstElementChild !== (drawn[0] ?? null)) {
    picture.replaceChildren(...drawn);
    picture.classList.remove("enlarged");
    if (shown && drawn.length > 0) {
      picture.scrollIntoView({ block: "nearest" }); // in a small or zoomed window
      shown.picture.appear();
    }
  }
}

function showEmpty() {
  const [title, text] = emptiness();
  part("empty").hidden = title === "";
  part("empty-title").textContent = title;
  part("empty-text").textContent = text;
  part("again").hidden = reviews.lack !== "" || !reviews.open;
}

/**
 * Return why no image is shown: a title and a text, both empty if one is shown or loading.
 *
 * @returns {[string, string]}
 */
function emptiness() {
  if (!mayReview) {
    return ["You cannot review", "Ask for permission to edit the DAG human_review."];
  }
  if (reviews.first || reviews.lack === null) {
    return ["", ""];
  }
  if (reviews.lack) {
    return ["Reviews could not be loaded", reviews.lack];
  }
  return [
    "Nothing to review",
    "Every image is answered, skipped by you, or with another reviewer. New images appear here automatically.",
  ];
}

/** @param {Review} review */
function describe(review) {
  part("key").textContent = fileOf(review);
  part("key").title = review.key;
  part("source").textContent = review.source === "Human Sampling" ? "human sample" : "low confidence";
  part("guess-shown").hidden = review.guess === null;
  part("blind").hidden = review.guess !== null;
  const told = review.guess ? describeGuess(review.guess) : "label it without the model's guess";
  for (const button of labels.buttons) {
    button.classList.toggle("guessed", dataOf(button, "label") === review.guess?.label);
  }
  part("status").textContent = `${review.key}: ${told}`;
}

/**
 * Show the model's guess; return it in words.
 *
 * @param {Guess} guess
 */
function describeGuess({ label, confidence }) {
  part("guess-label").textContent = label || "no label";
  part("guess-confidence").textContent = `at ${confidence.toFixed(1)} %`;
  find(desk, "[data-guess-meter]", HTMLMeterElement).value = confidence;
  return `the model says ${label || "no label"} at ${confidence} percent`;
}

// ------------------------------------------------------------------ controls

// A button is pressed when the mouse button or the key is let go. By then another image may be on the screen.
/** @type {{image: Element | null | undefined} | undefined} */
let press;

/** @param {Event} event */
function pressBegins(event) {
  if (around(event, "button")) {
    press = { image: reviews.isMeant ? picture.firstElementChild : undefined };
  }
}

/** End the press; return whether another image was on the screen, or none, when it began. */
function beganEarlier() {
  const began = press;
  press = undefined;
  return began !== undefined && began.image !== picture.firstElementChild;
}

const enlarge = () => picture.classList.toggle("enlarged");

/** @type {Record<string, () => void>} */
const actions = {
  n: () => reviews.answer(null),
  s: () => reviews.skip(),
  u: () => reviews.undo(),
  z: enlarge,
  "/": () => labels.search.focus(),
};

/** @param {string | undefined} label */
const answerWith = (label) => label !== undefined && reviews.answer(label);

/** @param {KeyboardEvent} event */
function pressedInSearch(event) {
  if (event.key === "Escape" || (event.key === "Enter" && answerWith(labels.found()))) {
    labels.endSearch();
  }
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const key = meantKey(event);
  const label = key === null ? undefined : labels.ofDigit(key);
  const action = label === undefined ? actions[key ?? ""] : () => reviews.answer(label);
  if (action) {
    event.preventDefault();
    action();
  }
}

document.addEventListener("pointerdown", pressBegins);
document.addEventListener("keydown", (event) => {
  if (event.repeat || isComposing(event)) {
    return;
  }
  if (event.key === " ") {
    pressBegins(event);
  }
  if (event.target === labels.search) {
    pressedInSearch(event);
  } else if (!around(event, "input, textarea, select, dialog[open]")) {
    pressed(event);
  }
});

desk.addEventListener("click", (event) => {
  const button = around(event, "button");
  const isLate = beganEarlier();
  if (button === null) {
    if (around(event, "[data-picture]")) {
      enlarge();
    }
  } else if (button === undoButton) {
    reviews.undo();
  } else if (isLate) {
    event.preventDefault(); // nor does it submit a new label
  } else if (button === skipButton) {
    reviews.skip();
  } else if (button === noneButton) {
    reviews.answer(null);
  } else {
    answerWith(button.dataset.label);
  }
});

desk.querySelector("[data-new-label]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = find(desk, "#new-label", HTMLInputElement);
  const label = field.value.trim();
  if (label && reviews.answer(label)) {
    field.value = "";
    field.blur();
  }
});

part("load-again").addEventListener("click", () => {
  reviews.first?.picture.load();
  show();
});
part("again").addEventListener("click", () => reviews.takeSkipped());

const orders = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("button[data-order]")]);
for (const button of orders) {
  button.addEventListener("click", () => {
    for (const other of orders) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    reviews.reorder(/** @type {Order} */ (dataOf(button, "order")));
  });
}

// ---------------------------------------------------------------------- time

show();
if (mayReview) {
  reviews.take();
  setInterval(() => {
    if (!reviews.first && document.visibilityState === "visible") {
      reviews.take();
    }
  }, LOOK_AGAIN_MS);
  setInterval(() => reviews.forgetOldAnswers(), 1000);
  setInterval(() => {
    if (reviews.first && document.visibilityState === "visible") {
      reviews.take();
    }
  }, KEEP_MS);
  window.addEventListener("pagehide", () => reviews.leave());
}
