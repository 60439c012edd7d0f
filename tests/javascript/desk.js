// The page Review with four images and the labels cat and dog, on which a test acts as a reviewer.
import { openPage } from "./page.js";

const VALUES = { "may.review | tojson": "true", undo_seconds: "10", label: "cat", none_label: "None of the Above" };

const NAMES = ["a", "b", "c", "d"];

/** What becomes of an image that a browser cannot draw. */
export const broken = () => Promise.reject(new Error("The source image cannot be decoded."));

const GUESS = { label: "cat", confidence: 41.5 };
const review = (name) => ({ name, key: `images_for_detection/${name}.png`, guess: GUESS, source: "A2I" });


/** A human sample, whose guess the server keeps. */
const sample = (name) => ({ ...review(name), guess: null, source: "Human Sampling" });

/** Add buttons for more labels beside the one of the template. */
function addLabels(document, names) {
  const first = document.querySelector("[data-label]");
  for (const name of names) {
    const button = first.cloneNode(true);
    button.dataset.label = name;
    first.parentNode.append(button);
  }
}

/** A reviewer's desk, opened. */
class Desk {
  constructor(page, server) {
    Object.assign(this, page, { server });
  }

  get body() {
    return this.document.body;
  }

  part(name) {
    return this.document.querySelector(`[data-${name}]`);
  }

  labelButton(label) {
    return this.document.querySelector(`[data-label="${label}"]`);
  }

  get shownImage() {
    return this.part("picture").hidden ? null : this.part("picture").querySelector("img").src.split("/").at(-1);
  }

  get problem() {
    return this.document.querySelector(".notice.problem").textContent;
  }

  /** The bodies of requests, by the end of their path. */
  posted(path) {
    return this.requests.filter(({ url }) => url.endsWith(path)).map((request) => request.body);
  }

  get answers() {
    return this.posted("review/answer");
  }
}

/**
 * Open the page. `images` says what becomes of an image where it is not drawn at once, by its name; `answer` and `undo`
 * what the server says to these. What it gives can be changed later: `server.given`.
 */
export async function openDesk({ labels = ["dog"], images = {}, given = NAMES, samples = [], answer, skip, undo, values } = {}) {
  const server = { given };
  const page = await openPage({
    template: "review.html",
    script: "review.js",
    values: { ...VALUES, ...values },
    prepare: (document) => addLabels(document, labels),
    decode: (url) => images[url.split("/").at(-1)]?.(),
    answers: {
      "review/take": ({ body: { keep } }) => server.take ?? ({
        reviews: server.given.filter((name) => !keep.includes(name)).slice(0, 4)
          .map((name) => (samples.includes(name) ? sample(name) : review(name))),
        open: server.given.length,
      }),
      "review/skip": skip,
      "review/undo": undo,
      "review/answer": answer,
    },
  });
  return new Desk(page, server);
}
