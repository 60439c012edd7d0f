// The page Review: labels by keyboard, whatever its layout, by search, and by their names.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openDesk } from "./desk.js";
import { later, look, press, settled } from "./page.js";

describe("the search", () => {
  const searchFor = (desk, words) => {
    desk.part("search").value = words;
    desk.part("search").dispatchEvent(new desk.window.Event("input"));
  };

  for (const [where, event] of [["most browsers", { isComposing: true }], ["Safari", { keyCode: 229 }]]) {
    test(`does not answer by the Enter that ends a composition in ${where}`, async () => {
      const desk = await openDesk();
      searchFor(desk, "do");
      press(desk.part("search"), "Enter", event);
      press(desk.part("search"), "Escape", event);
      await settled();
      assert.deepEqual(desk.answers, []);
      assert.equal(desk.part("search").value, "do");
      press(desk.part("search"), "Enter");
      await settled();
      assert.deepEqual(desk.answers, [{ name: "a", label: "dog" }]);
      assert.equal(desk.part("search").value, "");
    });
  }

  test("finds the label that is so named, though another one contains it", async () => {
    const desk = await openDesk({ labels: ["hotdog", "dog"] });
    searchFor(desk, "dog");
    press(desk.part("search"), "Enter");
    await settled();
    assert.deepEqual(desk.answers, [{ name: "a", label: "dog" }]);
  });

  test("keeps its words while the image is not drawn", async () => {
    const desk = await openDesk({ images: { a: () => later().promise } });
    searchFor(desk, "dog");
    press(desk.part("search"), "Enter");
    assert.equal(desk.part("search").value, "dog");
    assert.deepEqual(desk.answers, []);
  });

  test("gives the digits to the labels that it finds", async () => {
    const desk = await openDesk({ labels: ["dog", "dove"] });
    searchFor(desk, "do");
    assert.deepEqual([desk.labelButton("cat").hidden, desk.labelButton("dog").querySelector("kbd").textContent], [true, "1"]);
    press(desk.body, "2");
    await settled();
    assert.deepEqual(desk.answers, [{ name: "a", label: "dove" }]);
  });
});

test("a new label is kept in its field until it can be given", async () => {
  const image = later();
  const desk = await openDesk({ images: { a: () => image.promise } });
  const field = desk.document.getElementById("new-label");
  const send = () => desk.part("new-label").dispatchEvent(new desk.window.Event("submit", { cancelable: true }));
  field.value = " fox ";
  send();
  assert.equal(field.value, " fox ");
  image.resolve();
  await settled();
  look();
  send();
  send();
  await settled();
  assert.deepEqual(desk.answers, [{ name: "a", label: "fox" }]);
});

test("keys answer by their place where their characters are others", async () => {
  const desk = await openDesk();
  for (const [key, code] of [["é", "Digit2"], ["ы", "KeyS"], ["т", "KeyN"], ["г", "KeyU"]]) {
    press(desk.body, key, { code });
    await settled();
  }
  assert.deepEqual(desk.answers, [{ name: "a", label: "dog" }, { name: "c", label: null }]);
  assert.equal(desk.posted("review/skip/b").length, 1);
  assert.equal(desk.posted("review/undo/c").length, 1);
  press(desk.body, "я", { code: "KeyZ" });
  assert.ok(desk.part("picture").classList.contains("enlarged"));
});

