// The page Review: the images at hand, and answers on their way to the server.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { openDesk } from "./desk.js";
import { later, press, refusal, settled } from "./page.js";

test("a picture stays enlarged while others load", async () => {
  const image = later();
  const desk = await openDesk({ images: { b: () => image.promise } });
  press(desk.body, "z");
  image.resolve();
  await settled();
  assert.ok(desk.part("picture").classList.contains("enlarged"));
  press(desk.body, "1");
  assert.equal(desk.part("picture").classList.contains("enlarged"), false);
});

test("an answer that could not be sent comes back after the image on the screen", async () => {
  const desk = await openDesk({ answer: () => refusal(401, "Invalid JWT token") });
  press(desk.body, "1");
  await settled();
  assert.equal(desk.shownImage, "b");
  assert.equal(desk.part("done").textContent, "0");
  assert.match(desk.problem, /Your session has expired/);
  press(desk.body, "s");
  assert.equal(desk.shownImage, "a");
});

test("an answer is sent again where the server fails, and not where it refuses", async () => {
  let tries = 0;
  const failing = () => {
    tries += 1;
    return refusal(tries < 3 ? 503 : 200, "busy");
  };
  const desk = await openDesk({ answer: failing });
  press(desk.body, "1");
  for (let times = 0; times < 2; times += 1) {
    await settled();
    mock.timers.tick(1000);
  }
  await settled();
  assert.equal(tries, 3);
  assert.equal(desk.part("done").textContent, "1");
});

test("an image that could not be skipped comes back after the image on the screen", async () => {
  const desk = await openDesk({ skip: () => refusal(401, "Invalid JWT token") });
  press(desk.body, "s");
  await settled();
  assert.equal(desk.shownImage, "b");
  assert.match(desk.problem, /Your session has expired/);
  press(desk.body, "1");
  await settled();
  assert.equal(desk.shownImage, "a");
});

test("an answer of the server that is cut off is none", async () => {
  const desk = await openDesk({ given: ["a"] });
  desk.server.take = Object.assign(new Response(), { text: () => Promise.reject(new TypeError("network error")) });
  press(desk.body, "s");
  await settled();
  assert.match(desk.part("empty-text").textContent, /cannot be reached/);
});

test("the page says when nothing is left, and looks again by itself", async () => {
  const desk = await openDesk({ given: ["a"] });
  desk.server.given = [];
  press(desk.body, "1");
  assert.equal(desk.part("empty").hidden, true); // not known yet
  await settled();
  assert.equal(desk.part("empty-title").textContent, "Nothing to review");
  desk.server.given = ["e"];
  mock.timers.tick(8000);
  await settled();
  assert.equal(desk.shownImage, "e");
  assert.equal(desk.part("empty").hidden, true);
});

test("an answer can be taken back for ten seconds", async () => {
  const desk = await openDesk();
  press(desk.body, "1");
  await settled();
  assert.equal(desk.part("undo").disabled, false);
  mock.timers.tick(12000);
  assert.equal(desk.part("undo").disabled, true);
  press(desk.body, "u");
  await settled();
  assert.deepEqual(desk.posted("review/undo/a"), []);
});

test("who may not review is given no image", async () => {
  const desk = await openDesk({ values: { "may.review | tojson": "false" } });
  press(desk.body, "1");
  assert.deepEqual(desk.requests, []);
  assert.equal(desk.part("empty-title").textContent, "You cannot review");
});

test("a human sample is shown without a guess, and what comes after it with one", async () => {
  const desk = await openDesk({ given: ["a", "b", "c"], samples: ["b"] });
  const guessed = () => desk.labelButton("cat").classList.contains("guessed");
  const shown = () => [desk.part("guess-shown").hidden, desk.part("blind").hidden, guessed()];
  assert.deepEqual(shown(), [false, true, true]);
  press(desk.body, "1");
  await settled();
  assert.equal(desk.shownImage, "b");
  assert.deepEqual(shown(), [true, false, false]);
  assert.doesNotMatch(desk.part("status").textContent, /cat|41/);
  press(desk.body, "1");
  await settled();
  assert.deepEqual(shown(), [false, true, true]);
});
