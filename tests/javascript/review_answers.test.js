// The page Review: a label is given to the image that a person sees, once for each press.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { broken, openDesk } from "./desk.js";
import { later, look, press, refusal, settled } from "./page.js";

const ONE_ANSWER = [{ name: "a", label: "cat" }];

describe("an image that is not on the screen", () => {
  for (const [what, outcome] of [["pending", () => later().promise], ["refused", broken]]) {
    test(`gets no label while it is ${what}, whichever way`, async () => {
      const desk = await openDesk({ images: { a: outcome } });
      press(desk.body, "1");
      press(desk.body, "1");
      press(desk.body, "n");
      press(desk.labelButton("cat"), "Enter");
      desk.labelButton("cat").click();
      desk.part("none").click();
      await settled();
      assert.deepEqual(desk.answers, []);
      assert.equal(desk.part("done").textContent, "0");
    });

    test(`can be skipped while it is ${what}`, async () => {
      const desk = await openDesk({ images: { a: outcome } });
      press(desk.body, "s");
      await settled();
      assert.equal(desk.shownImage, "b");
      assert.deepEqual(desk.posted("review/skip/a").length, 1);
    });
  }

  test("is on its way, the page says, until it is drawn", async () => {
    const image = later();
    const desk = await openDesk({ images: { a: () => image.promise } });
    assert.equal(desk.part("loading").hidden, false);
    assert.equal(desk.shownImage, null);
    image.resolve();
    await settled();
    assert.equal(desk.part("loading").hidden, true);
    assert.equal(desk.shownImage, "a");
    press(desk.body, "1");
    await settled();
    assert.deepEqual(desk.answers, ONE_ANSWER);
  });

  test("cannot be drawn, the page says, also where it came ahead of its turn", async () => {
    const desk = await openDesk({ images: { b: broken } });
    press(desk.body, "1");
    await settled();
    press(desk.body, "1");
    await settled();
    assert.equal(desk.part("undrawn").hidden, false);
    assert.equal(desk.part("picture").hidden, true);
    assert.deepEqual(desk.answers, ONE_ANSWER);
  });

  test("is loaded again on demand, and then gets its label", async () => {
    const images = { a: broken };
    const desk = await openDesk({ images });
    delete images.a;
    desk.part("load-again").click();
    await settled();
    assert.equal(desk.part("undrawn").hidden, true);
    press(desk.body, "2");
    await settled();
    assert.deepEqual(desk.answers, [{ name: "a", label: "dog" }]);
  });
});

describe("one press", () => {
  for (const key of ["Enter", " ", "1", "n", "s"]) {
    test(`is one answer, however long ${key === " " ? "Space" : key} is held on a button`, async () => {
      const desk = await openDesk();
      press(desk.labelButton("cat"), key);
      for (let times = 0; times < 4; times += 1) {
        const event = press(desk.labelButton("cat"), key, { repeat: true });
        assert.equal(event.defaultPrevented, key === "Enter" || key === " ");
      }
      await settled();
      const wanted = { Enter: 1, " ": 0, 1: 1, n: 1, s: 0 }; // Space presses when it is let go
      assert.equal(desk.answers.length, wanted[key]);
      assert.equal(desk.shownImage, key === " " ? "a" : "b");
    });
  }

  test("of a mouse is one answer, though it is a double click", async () => {
    const desk = await openDesk();
    look();
    for (const detail of [1, 2]) {
      const event = new desk.window.MouseEvent("click", { bubbles: true, cancelable: true, detail });
      desk.labelButton("cat").dispatchEvent(event);
    }
    await settled();
    assert.deepEqual(desk.answers, ONE_ANSWER);
  });
});

describe("an image that has just come", () => {
  test("gets no label by what was pressed for the one before", async () => {
    const desk = await openDesk();
    press(desk.body, "1");
    await settled();
    for (const key of ["1", "n", "s"]) {
      press(desk.body, key, { atOnce: true });
    }
    desk.labelButton("cat").click();
    await settled();
    assert.deepEqual(desk.answers, ONE_ANSWER);
    assert.equal(desk.shownImage, "b");
    press(desk.body, "2");
    await settled();
    assert.deepEqual(desk.answers, [...ONE_ANSWER, { name: "b", label: "dog" }]);
  });

  for (const [how, type, key] of [["a mouse button", "pointerdown"], ["Space", "keydown", " "]]) {
    test(`gets no label by ${how} that went down before`, async () => {
      const image = later();
      const desk = await openDesk({ images: { a: () => image.promise } });
      desk.labelButton("cat").dispatchEvent(new desk.window.KeyboardEvent(type, { key, bubbles: true }));
      image.resolve();
      await settled();
      look();
      desk.labelButton("cat").click();
      await settled();
      assert.deepEqual([desk.answers, desk.shownImage], [[], "a"]);
      desk.labelButton("cat").click(); // as an assistive technology does, without anything that goes down
      await settled();
      assert.deepEqual(desk.answers, ONE_ANSWER);
    });
  }
});

describe("an answer that the server does not take, and that is taken back", () => {
  for (const [what, status, shown] of [["was refused", 409, "b"], ["was not sent", 401, "a"]]) {
    test(`needs no request where it ${what}`, async () => {
      const answer = later();
      const desk = await openDesk({ answer: () => answer.promise });
      press(desk.body, "1");
      await settled();
      press(desk.body, "u");
      answer.resolve(refusal(status, "No."));
      await settled();
      assert.deepEqual(desk.posted("review/undo/a"), []);
      assert.deepEqual([desk.shownImage, desk.part("done").textContent], [shown, "0"]);
    });
  }
});

describe("while an answer is taken back", () => {
  let desk, undo;

  beforeEach(async () => {
    undo = later();
    desk = await openDesk({ labels: ["dog", "owl"], undo: () => undo.promise });
    press(desk.body, "1");
    press(desk.body, "u");
  });

  test("no key answers, and the old image comes back first", async () => {
    for (const key of ["3", "n", "s"]) {
      press(desk.body, key);
    }
    desk.labelButton("owl").click();
    await settled();
    assert.deepEqual(desk.answers, ONE_ANSWER);
    undo.resolve({});
    await settled();
    assert.equal(desk.shownImage, "a");
    press(desk.body, "3");
    await settled();
    assert.deepEqual(desk.answers, [...ONE_ANSWER, { name: "a", label: "owl" }]);
  });

  test("a second one may follow", async () => {
    undo.resolve({});
    await settled();
    press(desk.body, "1");
    await settled();
    press(desk.body, "1");
    await settled();
    assert.equal(desk.shownImage, "c");
    press(desk.body, "u");
    press(desk.body, "u");
    await settled();
    assert.equal(desk.shownImage, "a");
    assert.equal(desk.part("done").textContent, "0");
  });

  test("what cannot be taken back is said, and the next image can be answered", async () => {
    undo.resolve(refusal(409, "It is written already."));
    await settled();
    assert.match(desk.problem, /written already/);
    assert.equal(desk.shownImage, "b");
    press(desk.body, "2");
    await settled();
    assert.deepEqual(desk.answers, [...ONE_ANSWER, { name: "b", label: "dog" }]);
  });

  test("leaving the page takes it back all the same", async () => {
    await settled();
    const before = desk.posted("review/undo/a").length;
    desk.window.dispatchEvent(new desk.window.Event("pagehide"));
    assert.equal(desk.posted("review/undo/a").length, before + 1);
    assert.deepEqual(desk.answers, ONE_ANSWER);
  });
});

