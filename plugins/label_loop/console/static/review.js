// The reviewer's desk. Images come ahead of the one that is shown, and answers are sent one after the other while the
// next image is on the screen already, so that nobody waits for the network.
"use strict";
(() => {
  const desk = document.getElementById("desk");
  const part = (name) => desk.querySelector(`[data-${name}]`);
  const mayReview = JSON.parse(desk.dataset.mayReview);
  const undoSeconds = Number(desk.dataset.undoSeconds);
  const LOOK_AGAIN_MS = 8000;
  const KEEP_MS = 50000;
  const TRIES = 3;

  const waiting = []; // reviews at hand, the first is shown: {name, key, label, confidence, source, image}
  const settled = new Set(); // names answered or skipped in this visit
  const given = []; // answers that may be taken back: {review, at}
  const unsent = new Map(); // labels of answers that the server may not have yet, by review
  let order = "unsure";
  let again = false; // whether this reviewer wants to see what they skipped
  let done = 0;
  let requests = Promise.resolve(); // one after the other: the server must know an answer before it gives more

  const later = (work) => {
    requests = requests.then(work, work);
    return requests;
  };

  // ---------------------------------------------------------------- showing

  const imageOf = (review) => {
    const image = new Image();
    image.alt = `The image to label: ${review.key}`;
    image.decoding = "async";
    image.src = `${labelLoop.base}/${encodeURIComponent(labelLoop.loop)}/review/images/${review.name}`;
    image.addEventListener("error", () => {
      image.replaceWith(Object.assign(document.createElement("p"), {
        className: "empty",
        textContent: "This image cannot be shown: it is gone, or no PNG or JPEG. Skip it, or pick “None of the Above”.",
      }));
    });
    return image;
  };

  const showEmpty = (title, text) => {
    part("empty").hidden = false;
    part("empty-title").textContent = title;
    part("empty-text").textContent = text;
  };

  const show = () => {
    const review = waiting[0];
    part("picture").hidden = !review;
    part("guess").hidden = !review;
    part("choices").hidden = !review && given.length === 0;
    for (const button of desk.querySelectorAll("[data-label], [data-none], [data-skip]")) {
      button.disabled = !review;
    }
    part("undo").disabled = given.length === 0;
    part("done").textContent = String(done);
    if (!review) {
      return;
    }
    part("empty").hidden = true;
    part("picture").replaceChildren(review.image);
    part("picture").classList.remove("enlarged");
    part("guess-label").textContent = review.label || "nothing it knows";
    part("guess-confidence").textContent = `at ${review.confidence.toFixed(1)} %`;
    part("guess-meter").value = review.confidence;
    part("key").textContent = review.key.split("/").pop();
    part("key").title = review.key;
    part("source").textContent = review.source === "Human Sampling" ? "human sample" : "unsure";
    for (const button of desk.querySelectorAll("[data-label]")) {
      button.classList.toggle("guessed", button.dataset.label === review.label);
    }
    part("status").textContent = `${review.key}: the model says ${review.label || "nothing"} at ${review.confidence} percent`;
  };

  // ----------------------------------------------------------------- taking

  const take = async () => {
    const answer = await labelLoop.ask("POST", "review/take", { order, skipped: again, keep: waiting.map((review) => review.name) });
    const atHand = new Set(waiting.map((review) => review.name));
    const wasEmpty = waiting.length === 0;
    for (const review of answer.reviews) {
      if (!atHand.has(review.name) && !settled.has(review.name)) {
        waiting.push({ ...review, image: imageOf(review) });
      }
    }
    part("open").textContent = String(answer.open);
    if (wasEmpty) {
      show();
    }
    if (waiting.length === 0) {
      showEmpty("Nothing to review", "Every image that was waiting is answered, skipped by you, or others have it now. New ones appear here by themselves.");
      part("again").hidden = answer.open === 0;
    }
  };

  const takeMore = () => later(async () => {
    try {
      await take();
    } catch (error) {
      if (waiting.length === 0) {
        showEmpty("Reviews cannot be loaded", error.message);
      }
    }
  });

  // --------------------------------------------------------------- answering

  const isPassing = (error) => error.status === undefined || error.status >= 500;

  const send = async (review, label) => {
    for (let tried = 1; ; tried += 1) {
      try {
        return await labelLoop.ask("POST", "review/answer", { name: review.name, label });
      } catch (error) {
        if (!isPassing(error) || tried === TRIES) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 500 * tried));
      }
    }
  };

  const next = () => {
    const review = waiting.shift();
    settled.add(review.name);
    return review;
  };

  const forget = (review) => {
    const index = given.findIndex((one) => one.review === review);
    if (index >= 0) {
      given.splice(index, 1);
    }
  };

  const failed = (review, error) => {
    forget(review);
    done -= 1;
    labelLoop.notice(`${review.key.split("/").pop()}: ${error.message}`, "problem");
    if (error.status !== 409) {
      settled.delete(review.name);
      waiting.splice(1, 0, review); // never under the finger of somebody who looks at another one by now
    }
    show();
  };

  const answer = (label) => {
    if (!waiting.length || !mayReview) {
      return;
    }
    const review = next();
    given.push({ review, at: Date.now() });
    unsent.set(review, label);
    done += 1;
    show();
    later(async () => {
      try {
        await send(review, label);
      } catch (error) {
        failed(review, error);
      } finally {
        unsent.delete(review);
      }
    });
    takeMore();
  };

  const skip = () => {
    if (!waiting.length || !mayReview) {
      return;
    }
    const review = next();
    show();
    later(() => labelLoop.ask("POST", `review/skip/${review.name}`).catch((error) => labelLoop.notice(error.message, "problem")));
    takeMore();
  };

  const undo = () => {
    const last = given.pop();
    if (!last) {
      return;
    }
    unsent.delete(last.review);
    show();
    later(async () => {
      try {
        await labelLoop.ask("POST", `review/undo/${last.review.name}`);
        settled.delete(last.review.name);
        done -= 1;
        waiting.unshift(last.review);
      } catch (error) {
        labelLoop.notice(error.message, "problem");
        if (isPassing(error)) {
          given.push(last);
          given.sort((one, other) => one.at - other.at);
        }
      }
      show();
    });
  };

  const forgetOldAnswers = () => {
    while (given.length && Date.now() - given[0].at > undoSeconds * 1000) {
      given.shift();
    }
    part("undo").disabled = given.length === 0;
  };

  // ---------------------------------------------------------------- controls

  const visibleLabels = () => [...desk.querySelectorAll("[data-label]")].filter((button) => !button.hidden);

  // The keys 1 to 9 and 0 in the order of the labels; where each label is a digit, the digit itself.
  const number = () => {
    const labels = visibleLabels();
    const digits = labels.every((button) => /^[0-9]$/.test(button.dataset.label));
    for (const button of desk.querySelectorAll("[data-label]")) {
      const place = labels.indexOf(button);
      const key = digits ? button.dataset.label : String((place + 1) % 10);
      button.querySelector("kbd").textContent = place >= 0 && place < 10 ? key : "";
    }
  };

  const labelOfKey = (key) => visibleLabels().find((button) => button.querySelector("kbd").textContent === key);

  const words = () => part("search").value.trim().toLocaleLowerCase();
  const wordsOf = (button) => button.dataset.label.toLocaleLowerCase();

  const search = () => {
    for (const button of desk.querySelectorAll("[data-label]")) {
      button.hidden = !wordsOf(button).includes(words());
    }
    number();
  };

  /** The label that is searched for: the one that is so named, else the first whose name has the words in it. */
  const found = () => words() && (visibleLabels().find((button) => wordsOf(button) === words()) ?? visibleLabels()[0]);

  const endSearch = () => {
    part("search").value = "";
    search();
    part("search").blur();
  };

  const keys = {
    n: () => answer(null),
    s: skip,
    u: undo,
    z: () => part("picture").classList.toggle("enlarged"),
    "/": () => part("search").focus(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
      return;
    }
    if (event.target === part("search")) {
      if (event.key === "Enter") {
        const button = found();
        if (button) {
          endSearch();
          button.click();
        }
      } else if (event.key === "Escape") {
        endSearch();
      }
      return;
    }
    if (event.target.closest("input, textarea, select, dialog[open]")) {
      return;
    }
    const chosen = /^[0-9]$/.test(event.key) ? labelOfKey(event.key) : undefined;
    const action = chosen ? () => answer(chosen.dataset.label) : keys[event.key.toLowerCase()];
    if (action) {
      event.preventDefault();
      action();
    }
  });

  desk.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && event.detail > 1) {
      return; // the second click of a double one would answer an image that nobody has seen
    }
    if (button?.matches("[data-label]")) {
      answer(button.dataset.label);
    } else if (button?.matches("[data-none]")) {
      answer(null);
    } else if (button?.matches("[data-skip]")) {
      skip();
    } else if (button?.matches("[data-undo]")) {
      undo();
    } else if (event.target.closest("[data-picture]")) {
      keys.z();
    }
  });

  part("search").addEventListener("input", search);

  part("new-label")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("new-label");
    const label = field.value.trim();
    if (label) {
      answer(label);
      field.value = "";
      field.blur();
    }
  });

  part("again").addEventListener("click", () => {
    again = true;
    settled.clear();
    takeMore();
  });

  for (const button of document.querySelectorAll("[data-order]")) {
    button.addEventListener("click", () => {
      order = button.dataset.order;
      for (const other of document.querySelectorAll("[data-order]")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      const names = waiting.splice(0).map((review) => review.name);
      show();
      later(() => labelLoop.ask("POST", "review/release", { names }).catch(() => {}));
      takeMore();
    });
  }

  // ------------------------------------------------------------------- time

  /** Send what is to arrive although the page is left. What arrives twice is refused the second time. */
  const leave = (path, body) => fetch(`${labelLoop.base}/${encodeURIComponent(labelLoop.loop)}/review/${path}`, {
    method: "POST",
    keepalive: true,
    headers: { "X-Label-Loop": "console", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => {});

  number();
  show();
  if (mayReview) {
    takeMore();
    setInterval(() => {
      forgetOldAnswers();
      if (waiting.length === 0 && document.visibilityState === "visible") {
        takeMore();
      }
    }, LOOK_AGAIN_MS);
    setInterval(forgetOldAnswers, 1000);
    setInterval(() => document.visibilityState === "visible" && waiting.length && takeMore(), KEEP_MS);
    window.addEventListener("pagehide", () => {
      unsent.forEach((label, review) => leave("answer", { name: review.name, label }));
      leave("release", { names: waiting.map((review) => review.name) });
    });
  } else {
    showEmpty("Reviewing is for reviewers", "Ask for the permission to edit the DAG human_review.");
  }
})();
