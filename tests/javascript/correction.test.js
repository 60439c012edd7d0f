// Correcting labels: of one image, and of those that are selected.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const KEYS = ["images_labeled_by_folder/cat/1.png", "images_labeled_by_folder/cat/2.png", "images_labeled_by_folder/cat/3.png"];

const MARKUP = (image) => `
  <ul>${KEYS.map((key) => `<li><input type="checkbox" data-image="${key}"></li>`).join("")}</ul>
  <form id="correction" data-image="${image}" ${image ? "" : "hidden"}>
    <p id="selected"></p>
    <input type="text" id="right-label"><button type="submit">Correct</button>
    <button type="button" id="no-label-fits">None</button><button type="button" id="select-none">None</button>
    <p id="correction-problem"></p>
  </form>
  <dialog id="remove"><button type="button" id="remove-now" data-closes>Remove</button></dialog>`;

async function open(image, answers) {
  const page = await openPage({
    template: "correction.html",
    script: "correction.js",
    answers,
    prepare: (document) => {
      document.body.innerHTML = `${MARKUP(image)}<div id="notices"></div>`;
    },
  });
  const { document } = page;
  const byId = (id) => document.querySelector(`#${id}`);
  const boxes = () => [...document.querySelectorAll("input[data-image]")];
  const submit = async (label) => {
    byId("right-label").value = label;
    byId("correction").dispatchEvent(new page.window.Event("submit", { cancelable: true }));
    await settled();
  };
  return { ...page, byId, boxes, submit };
}

const settled = async () => {
  for (let turn = 0; turn < 50; turn += 1) {
    await Promise.resolve();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
};

test("a selection is corrected image by image, and what fails stays", async () => {
  const page = await open("", {
    "labels/correct": ({ body }) => body.image === KEYS[1]
      ? Response.json({ detail: "it is gone" }, { status: 409 })
      : { source: body.image, target: "x", label: "dog" },
  });
  const [first, second] = page.boxes();
  assert.equal(page.byId("correction").hidden, true);
  first.click();
  second.click();
  assert.equal(page.byId("correction").hidden, false);
  assert.equal(page.byId("selected").textContent, "2 images selected");
  await page.submit(" dog ");
  assert.deepEqual(page.requests.map(({ body }) => body), [
    { image: KEYS[0], label: "dog" }, { image: KEYS[1], label: "dog" },
  ]);
  assert.deepEqual(page.boxes().map((box) => box.dataset.image), [KEYS[1], KEYS[2]]);
  assert.equal(page.byId("correction-problem").textContent, "it is gone");
  assert.match(page.byId("notices").textContent, /1 image corrected/);
});

test("a selection can be removed, or given no label, or given up", async () => {
  const page = await open("", { "labels/correct": ({ body }) => ({ source: body.image, target: null, label: "" }) });
  page.boxes()[0].click();
  page.byId("remove-now").click();
  await settled();
  page.boxes()[0].click();
  page.byId("no-label-fits").click();
  await settled();
  assert.deepEqual(page.requests.map(({ body }) => body), [
    { image: KEYS[0], action: "remove" }, { image: KEYS[1], label: null },
  ]);
  page.boxes()[0].click();
  page.byId("select-none").click();
  assert.equal(page.byId("correction").hidden, true);
});

test("nothing is sent without a label, nor twice at once", async () => {
  const page = await open("a key", { "labels/correct": () => Response.json({ detail: "no label" }, { status: 409 }) });
  await page.submit("  ");
  assert.deepEqual(page.requests, []);
  page.byId("no-label-fits").click();
  page.byId("no-label-fits").click();
  await settled();
  assert.equal(page.requests.length, 1);
  assert.equal(page.byId("correction-problem").textContent, "no label");
});
