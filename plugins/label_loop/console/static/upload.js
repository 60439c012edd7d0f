// Uploads chosen images, three at a time and each on its own, and shows their results as they are logged.
import { find } from "./elements.js";
import { messageOf } from "./server.js";
import { Item } from "./upload_item.js";
import { Results } from "./upload_results.js";

/**
 * @import { Limits } from "./image_check.js"
 * @import { Page, Purpose } from "./upload_item.js"
 */

const AT_ONCE = 3;

/**
 * Return why a label cannot be used, or an empty text.
 *
 * @param {string} label
 */
function labelProblem(label) {
  if (label === "") {
    return "Enter a label first.";
  }
  if (/[/\\]/.test(label) || label === "." || label === "..") {
    return "A label is a folder name: it cannot contain slashes, nor be . or .. itself.";
  }
  return label.toLowerCase() === "none of the above" ? "This label is reserved for reviewers, for images that no label fits." : "";
}

/** @param {HTMLFormElement} form */
function start(form) {
  /** @type {Limits} */
  const limits = JSON.parse(form.dataset.limits ?? "{}");
  /** @param {string} id */
  const byId = (id) => find(document, `#${id}`, HTMLElement);
  const labelField = find(document, "#label", HTMLInputElement);
  const training = find(document, "#for-training", HTMLInputElement);
  const zone = byId("drop-zone");
  /** @type {Set<Item>} */
  const items = new Set();
  /** @type {Set<Item>} */
  const queue = new Set();
  let active = 0;

  const results = new Results(Number(form.dataset.mostResults), (serves) => {
    byId("no-model").hidden = serves !== false;
    summarize();
  });

  /** @type {Page} */
  const page = {
    enqueue(item) {
      queue.add(item);
      pump();
    },
    dequeue(item) {
      queue.delete(item);
      summarize();
    },
    awaits(item, id) {
      results.add(item, id);
    },
  };

  function pump() {
    for (const item of queue) {
      if (active === AT_ONCE) {
        break;
      }
      queue.delete(item);
      active += 1;
      item
        .work()
        .catch((error) => item.fail(messageOf(error)))
        .finally(() => {
          active -= 1;
          pump();
        });
    }
    summarize();
  }

  function summarize() {
    /** @param {...string} states */
    const count = (...states) => [...items].filter((item) => states.includes(item.state)).length;
    const open = count("waiting", "sending");
    const failed = count("failed");
    const parts = [`${count("uploaded", "unknown", "stored", "repeated", "logged")} of ${items.size} uploaded`];
    const others = { detected: count("logged"), rejected: count("refused"), failed, cancelled: count("cancelled") };
    parts.push(...Object.entries(others).filter(([, number]) => number).map(([what, number]) => `${number} ${what}`));
    byId("summary").textContent = parts.join(", ");
    byId("progress").hidden = items.size === 0;
    byId("retry-all").hidden = failed === 0;
    byId("cancel-all").hidden = open === 0;
    byId("clear").hidden = open > 0;
  }

  /** @returns {HTMLElement} */
  function newRow() {
    const row = find(document, "#image-row", HTMLTemplateElement).content.firstElementChild?.cloneNode(true);
    if (!(row instanceof HTMLElement)) {
      throw new Error("This page has no template for an image's row");
    }
    return row;
  }

  /** @param {FileList} files */
  function add(files) {
    /** @type {Purpose} */
    const purpose = training.checked ? "training" : "detection";
    const label = training.checked ? labelField.value.trim() : null;
    const problem = label === null ? "" : labelProblem(label);
    byId("label-problem").textContent = problem;
    if (problem) {
      labelField.focus();
      return;
    }
    for (const file of files) {
      const item = new Item(file, purpose, label, newRow(), limits, page);
      items.add(item);
      queue.add(item);
      byId("images").append(item.row);
    }
    pump();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    byId("label-choice").hidden = !training.checked;
  });

  const files = find(document, "#files", HTMLInputElement);
  files.addEventListener("change", () => {
    if (files.files) {
      add(files.files);
    }
    files.value = ""; // so that the same file can be chosen again
  });

  for (const kind of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) {
    // Beside the zone, too: a browser would leave the page and open the file.
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      const isInside = event.target instanceof Node && zone.contains(event.target);
      zone.classList.toggle("over", kind !== "drop" && kind !== "dragleave" && isInside);
      if (kind === "drop" && event.dataTransfer) {
        add(event.dataTransfer.files);
      }
    });
  }

  byId("retry-all").addEventListener("click", () => {
    [...items].filter((item) => item.state === "failed").forEach((item) => item.retry());
  });
  byId("cancel-all").addEventListener("click", () => items.forEach((item) => item.cancel()));
  byId("clear").addEventListener("click", () => {
    items.forEach((item) => item.row.remove());
    items.clear();
    results.clear();
    byId("no-model").hidden = true;
    summarize();
  });
  window.addEventListener("beforeunload", (event) => {
    if (active || queue.size) {
      event.preventDefault();
    }
  });
}

const form = document.getElementById("upload");
if (form instanceof HTMLFormElement) {
  start(form); // a visitor without the permission to upload has none
}
