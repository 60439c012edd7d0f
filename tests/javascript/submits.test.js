// What changes something is asked for once, by whichever press: forms and buttons of htmx, on every page that has them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openPage, press, settled, startHtmx, templatesWith } from "./page.js";

const open = async (template) => {
  const page = await openPage({ template, script: "parameters.js", values: { name: "Limit" } });
  page.document.body.insertAdjacentHTML("beforeend", '<div id="activity"></div>');
  startHtmx(page);
  return page;
};

const use = (element) => element.tagName === "FORM" ? element.requestSubmit() : element.click();

const templates = templatesWith("hx-post=");

test("there are pages that change something", () => assert.ok(templates.length >= 3));

describe("a second press while the first one's request is under way asks for nothing, also after its failure", () => {
  for (const template of templates) {
    test(template, async () => {
      const page = await open(template);
      const elements = [...page.document.querySelectorAll("[hx-post]")];
      assert.ok(elements.length > 0);
      for (const element of elements) {
        const before = page.held.length;
        use(element);
        use(element);
        await settled();
        assert.equal(page.held.length, before + 1, element.outerHTML);
        await page.held.at(-1).finish(503, { detail: "busy" });
        assert.equal(page.held.length, before + 1, element.outerHTML);
        use(element);
        assert.equal(page.held.length, before + 2, element.outerHTML);
        await page.held.at(-1).finish(503);
      }
      assert.match(page.document.querySelector(".notice.problem").textContent, /busy/);
    });
  }
});

describe("of a page's fields and buttons", () => {
  const keydown = (page, selector, key, more) =>
    press(page.document.querySelector(selector), key, more).defaultPrevented;

  test("a held Enter sends a form once, and an Enter that ends a composition does not", async () => {
    const page = await open("parameter.html");
    const field = "input[type=text]";
    assert.equal(keydown(page, field, "Enter"), false);
    assert.equal(keydown(page, field, "Enter", { repeat: true }), true);
    assert.equal(keydown(page, field, "Enter", { isComposing: true }), true);
    assert.equal(keydown(page, field, "Enter", { keyCode: 229 }), true);
  });

  test("held keys still write, and scroll", async () => {
    const page = await open("parameter.html");
    assert.equal(keydown(page, "textarea", "Enter", { repeat: true }), false);
    assert.equal(keydown(page, "input[type=text]", " ", { repeat: true }), false);
    assert.equal(keydown(page, "body", " ", { repeat: true }), false);
  });

  test("a held key presses once", async () => {
    const page = await open("parameter.html");
    for (const selector of ["button", "summary"]) {
      for (const key of ["Enter", " "]) {
        assert.equal(keydown(page, selector, key), false);
        assert.equal(keydown(page, selector, key, { repeat: true }), true);
      }
    }
  });

  test("the second click of a double one is for nothing that came under it", async () => {
    const page = await open("models.html");
    const opener = page.document.querySelector("[data-opens=train]");
    const buy = page.document.querySelector('[hx-post*="force=true"]');
    const posts = () => page.held.filter(({ method }) => method === "POST");
    const click = (button, detail) => button.dispatchEvent(
      new page.window.MouseEvent("click", { bubbles: true, cancelable: true, detail }));
    click(opener, 1);
    assert.ok(page.document.getElementById("train").open);
    click(buy, 2);
    assert.deepEqual(posts(), []);
    assert.ok(page.document.getElementById("train").open);
    click(buy, 1);
    assert.equal(posts().length, 1);
    assert.equal(page.document.getElementById("train").open, false);
  });
});
