// Corrects the labels of one image, or of those that are selected.
import { find } from "./elements.js";
import { notice } from "./notices.js";
import { address, ask, messageOf } from "./server.js";

/**
 * @typedef {{label?: string | null, action?: "remove"}} Change
 * @typedef {{source: string, target: string | null, label: string}} Corrected
 */

const form = document.querySelector("#correction");
if (form instanceof HTMLFormElement) {
  const field = find(form, "#right-label", HTMLInputElement);
  const problem = find(form, "#correction-problem", HTMLElement);
  const single = form.dataset.image ?? "";

  const boxes = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[data-image]")]);
  const selected = () => boxes().filter((box) => box.checked);

  const showSelection = () => {
    const count = selected().length;
    form.hidden = count === 0;
    find(form, "#selected", HTMLElement).textContent = count === 1 ? "1 image selected" : `${count} images selected`;
  };

  /**
   * @param {Change} change
   * @returns {Promise<void>}
   */
  const correctSingle = async (change) => {
    const found = /** @type {Corrected} */ (await ask("POST", "labels/correct", { image: single, ...change }));
    location.assign(address(found.target ? `images/one?key=${encodeURIComponent(found.target)}` : "images"));
  };

  /**
   * One after the other, so that what fails is known and the rest is done.
   *
   * @param {Change} change
   * @returns {Promise<void>}
   */
  const correctSelected = async (change) => {
    const failed = [];
    let done = 0;
    for (const box of selected()) {
      try {
        await ask("POST", "labels/correct", { image: box.dataset.image, ...change });
        box.closest("li")?.remove();
        done += 1;
      } catch (error) {
        failed.push(messageOf(error));
      }
      find(form, "#selected", HTMLElement).textContent = `${done} done, ${selected().length} left`;
    }
    showSelection();
    if (done > 0) {
      notice(`${done} ${done === 1 ? "image" : "images"} ${change.action === "remove" ? "removed" : "corrected"}.`, "done");
    }
    problem.textContent = failed[0] ?? "";
  };

  /** @param {Change} change */
  const correct = async (change) => {
    if (form.hasAttribute("inert")) {
      return; // one at a time
    }
    form.toggleAttribute("inert", true);
    problem.textContent = "";
    try {
      await (single ? correctSingle(change) : correctSelected(change));
    } catch (error) {
      problem.textContent = messageOf(error);
    } finally {
      form.toggleAttribute("inert", false);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const label = field.value.trim();
    if (label) {
      correct({ label });
    } else {
      field.focus();
    }
  });
  find(form, "#no-label-fits", HTMLButtonElement).addEventListener("click", () => correct({ label: null }));
  document.querySelector("#remove-now")?.addEventListener("click", () => correct({ action: "remove" }));
  form.querySelector("#select-none")?.addEventListener("click", () => {
    selected().forEach((box) => {
      box.checked = false;
    });
    showSelection();
  });

  /** @type {HTMLInputElement | null} where a range that is selected with Shift begins */
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || box.dataset.image === undefined) {
      return;
    }
    const all = boxes();
    if (event.shiftKey && last !== null && all.includes(last)) {
      const [from = 0, to = 0] = [all.indexOf(last), all.indexOf(box)].toSorted((one, other) => one - other);
      all.slice(from, to + 1).forEach((one) => {
        one.checked = box.checked;
      });
    }
    last = box;
    showSelection();
  });
}
