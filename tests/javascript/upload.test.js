// The page Upload: each image is sent once, three at a time, and its line says what became of it.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { openPage, settled } from "./page.js";

const LIMITS = { largest_bytes: 1000, shortest_side_px: 64, longest_side_px: 4096, largest_aspect_ratio: 20 };
const PNG = [0x89, 0x50, 0x4e, 0x47];

let page, logged, size;

const byId = (id) => page.document.getElementById(id);
const row = (name) => [...byId("images").children].find((one) => one.textContent.includes(name));
const stateOf = (name) => row(name).querySelector(".state").textContent;
const image = (name, bytes = PNG) => new File([new Uint8Array(bytes)], name);
const queryOf = (request) => Object.fromEntries(new URL(request.url, "https://airflow.example").searchParams);

async function add(...files) {
  const drop = new page.window.Event("drop", { bubbles: true, cancelable: true });
  drop.dataTransfer = { files };
  byId("drop-zone").dispatchEvent(drop);
  await settled();
}

async function choose(purpose, label = "") {
  byId(`for-${purpose}`).click();
  byId("label").value = label;
  await settled();
}

async function wait(seconds) {
  mock.timers.tick(seconds * 1000);
  await settled();
}

beforeEach(async () => {
  logged = {};
  size = { width: 100, height: 100 };
  globalThis.createImageBitmap = async () => ({ ...size, close: () => {} });
  page = await openPage({
    template: "upload.html",
    script: "upload.js",
    values: { most_results: "100", "limits | tojson": JSON.stringify(LIMITS) },
    answers: { "upload/results": () => ({ results: logged, serves: false }) },
    prepare: (document) => document.getElementById("for-training").removeAttribute("disabled"),
  });
});

test("three are sent at a time, each once", async () => {
  await add(...["a", "b", "c", "d"].map((name) => image(`${name}.png`)));
  assert.deepEqual(page.held.map((request) => queryOf(request).name), ["a.png", "b.png", "c.png"]);
  await page.held[0].finish(200, { id: "1" });
  assert.deepEqual(queryOf(page.held[3]), { name: "d.png" });
  assert.equal(page.held[0].headers["X-Label-Loop"], "console");
  assert.equal(stateOf("a.png"), "uploaded, waiting for detection");
});

test("an image joins those that train under its label", async () => {
  await choose("training", " a cat ");
  await add(image("a.png"));
  assert.match(page.held[0].url, /^\/label-loop\/a%20loop\/upload\/training\?/);
  assert.deepEqual(queryOf(page.held[0]), { name: "a.png", label: "a cat" });
  await page.held[0].finish(200, { repeated: true });
  assert.equal(stateOf("a.png"), "already among the training images");
});

for (const label of ["", "a/b", "..", "None of the above"]) {
  test(`nothing trains under the label “${label}”`, async () => {
    await choose("training", label);
    await add(image("a.png"));
    assert.notEqual(byId("label-problem").textContent, "");
    assert.deepEqual([page.held.length, byId("images").children.length], [0, 0]);
  });
}

const REFUSED = [
  ["the file is empty", [], {}],
  ["larger than 15 MB", [...PNG, ...new Array(1000).fill(0)], {}],
  ["not a PNG or JPEG", [1, 2, 3, 4], {}],
  ["63 x 100 px: each side must be 64 to 4096 px", PNG, { width: 63 }],
  ["2001 x 100 px: the aspect ratio must be at most 20 to 1", PNG, { width: 2001 }],
];
for (const [problem, bytes, dimensions] of REFUSED) {
  test(`what cannot be used is not sent: ${problem}`, async () => {
    Object.assign(size, dimensions);
    await add(image("a.png", bytes));
    assert.equal(stateOf("a.png"), `not uploaded: ${problem}`);
    assert.equal(page.held.length, 0);
    assert.equal(row("a.png").querySelector(".retry").hidden, true);
  });
}

test("a busy server is asked again, a few times", async () => {
  await add(image("a.png"));
  for (let times = 1; times < 5; times += 1) {
    await page.held.at(-1).finish(503, { detail: "busy" });
    assert.equal(page.held.length, times);
    await wait(3);
    assert.equal(page.held.length, times + 1);
  }
  await page.held.at(-1).finish(503, { detail: "busy" });
  assert.equal(stateOf("a.png"), "not uploaded: busy");
});

test("what is cancelled and retried while the server is busy is sent once", async () => {
  await add(...["a", "b", "c", "d"].map((name) => image(`${name}.png`)));
  await page.held[0].finish(503);
  row("a.png").querySelector(".cancel").click();
  row("a.png").querySelector(".retry").click();
  row("a.png").querySelector(".retry").click();
  await wait(3);
  for (const request of page.held.slice(1, 4)) {
    await request.finish(200, { id: queryOf(request).name });
  }
  assert.deepEqual(page.held.map((request) => queryOf(request).name), ["a.png", "b.png", "c.png", "d.png", "a.png"]);
});

test("what is cancelled stays so, whatever its request comes to", async () => {
  await add(image("a.png"));
  row("a.png").querySelector(".cancel").click();
  await settled();
  assert.ok(page.held[0].isAborted);
  assert.equal(stateOf("a.png"), "cancelled");
  assert.match(byId("summary").textContent, /0 of 1 uploaded, 1 cancelled/);
});

test("an image that has arrived is not cancelled with what is left", async () => {
  await add(image("a.png"), image("b.png"));
  await page.held[0].finish(200, { id: "1" });
  byId("cancel-all").click();
  await settled();
  assert.equal(stateOf("a.png"), "uploaded, waiting for detection");
  assert.equal(stateOf("b.png"), "cancelled");
});

test("what failed is retried on demand, and what was refused is not", async () => {
  await add(image("a.png"), image("b.png"));
  await page.held[0].finish(0);
  await page.held[1].finish(422, { detail: "no image" });
  assert.match(stateOf("a.png"), /Airflow cannot be reached/);
  assert.equal(stateOf("b.png"), "not uploaded: no image");
  byId("retry-all").click();
  await settled();
  assert.deepEqual(page.held.map((request) => queryOf(request).name), ["a.png", "b.png", "a.png"]);
});

test("a detection is asked for until it is logged, and the page says where no model serves", async () => {
  await add(image("a.png"), image("b.png"));
  await page.held[0].finish(200, { id: "1" });
  await page.held[1].finish(200, { id: "2" });
  await wait(2);
  assert.deepEqual(page.requests.map(({ url }) => url.split("?")[1]), ["id=1&id=2"]);
  assert.equal(byId("no-model").hidden, false);
  logged = { 1: { label: "cat", confidence_percent: 91.25, state: "accepted", detail: "" } };
  await wait(4);
  assert.match(stateOf("a.png"), /^cat, 91\.3 % – accepted$/);
  assert.equal(row("a.png").querySelector(".details").getAttribute("href"), "/label-loop/a%20loop/detections/1");
  logged = { 2: { label: "", confidence_percent: 0, state: "failed", detail: "unreadable" } };
  await wait(4);
  assert.equal(stateOf("b.png"), "not detected: unreadable");
  assert.equal(page.requests.at(-1).url.split("?")[1], "id=2");
  await wait(60);
  assert.equal(page.requests.length, 3);
});

test("a list that is cleared asks for nothing more", async () => {
  await add(image("a.png"));
  await page.held[0].finish(200, { id: "1" });
  byId("clear").click();
  await wait(60);
  assert.deepEqual(page.requests, []);
  assert.equal(byId("progress").hidden, true);
});
