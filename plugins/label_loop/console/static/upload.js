// Uploads chosen images, three at a time and each by itself, and tells what became of them as they are logged.
"use strict";
(() => {
  const form = document.getElementById("upload");
  if (!form) {
    return;
  }
  const AT_ONCE = 3;
  const BUSY_TRIES = 5;
  const BUSY_SECONDS = 3;
  const POLL_SECONDS = [2, 15]; // soon at first, then rarely: a model may not serve for hours
  const limits = JSON.parse(form.dataset.limits);
  const mostResults = Number(form.dataset.mostResults);
  const byId = (id) => document.getElementById(id);
  const items = new Set();
  const queue = [];
  const awaited = new Map(); // items by the id of their detection
  let active = 0;

  const LABELS = {
    waiting: ["waits", ""],
    sending: ["uploading", ""],
    uploaded: ["uploaded, waits for its detection", ""],
    stored: ["added to the images that train", "good"],
    repeated: ["was there already", ""],
    unknown: ["uploaded; this loop's log will have its result", ""],
    cancelled: ["cancelled", ""],
    refused: ["not uploaded", "bad"], // no other try would change it
    failed: ["not uploaded", "bad"],
  };

  class Item {
    constructor(file, purpose, label) {
      Object.assign(this, { file, purpose, label, state: "waiting", tries: 0, run: 0 });
      this.row = byId("image-row").content.firstElementChild.cloneNode(true);
      this.find = (selector) => this.row.querySelector(selector);
      this.find(".name").textContent = label === null ? file.name : `${file.name} → ${label}`;
      this.find(".retry").setAttribute("aria-label", `Retry ${file.name}`);
      this.find(".cancel").setAttribute("aria-label", `Cancel ${file.name}`);
      this.find(".retry").addEventListener("click", () => this.retry());
      this.find(".cancel").addEventListener("click", () => this.cancel());
      this.set("waiting");
    }

    set(state, detail = "") {
      const [text, tone] = LABELS[state];
      this.state = state;
      this.tell(detail ? `${text}: ${detail}` : text, tone);
      this.find("progress").hidden = state !== "sending";
      this.find(".retry").hidden = state !== "failed" && state !== "cancelled";
      this.find(".cancel").hidden = state !== "waiting" && state !== "sending";
    }

    tell(text, tone) {
      const shown = this.find(".state");
      shown.textContent = text;
      shown.className = `state small ${tone || "muted"}`;
    }

    retry() {
      this.tries = 0;
      this.set("waiting");
      queue.push(this);
      pump();
    }

    cancel() {
      const waits = queue.indexOf(this);
      if (waits >= 0) {
        queue.splice(waits, 1);
      }
      this.run++;
      this.set("cancelled");
      this.request?.abort();
      summarize();
    }

    async work() {
      const run = ++this.run; // another one after a cancellation is another's to settle
      const problem = await problemOf(this.file);
      if (run !== this.run) {
        return;
      }
      if (problem) {
        this.set("refused", problem);
        return;
      }
      this.showImage();
      const [status, answer] = await this.send();
      if (run === this.run) {
        this.settle(status, answer);
      }
    }

    showImage() {
      const image = this.find("img");
      const url = URL.createObjectURL(this.file);
      image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
      image.src = url;
      image.hidden = false;
    }

    /** Send the file; resolves to the status and the answer, status 0 where there is none. */
    send() {
      this.set("sending");
      const query = new URLSearchParams({ name: this.file.name });
      if (this.label !== null) {
        query.set("label", this.label);
      }
      const request = new XMLHttpRequest();
      this.request = request;
      request.open("POST", `${labelLoop.base}/${encodeURIComponent(labelLoop.loop)}/upload/${this.purpose}?${query}`);
      request.setRequestHeader("X-Label-Loop", "console");
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", (event) => {
        this.find("progress").value = event.lengthComputable ? event.loaded / event.total : 0;
      });
      return new Promise((resolve) => {
        request.addEventListener("loadend", () => {
          let answer = {};
          try {
            answer = JSON.parse(request.responseText);
          } catch {
            // Not ours, for example a proxy's page.
          }
          resolve([request.status, answer]);
        });
        request.send(this.file);
      });
    }

    settle(status, answer) {
      this.request = null;
      if (status === 503 && ++this.tries < BUSY_TRIES) {
        this.set("waiting");
        setTimeout(() => {
          if (this.state === "waiting") {
            queue.push(this);
            pump();
          }
        }, BUSY_SECONDS * 1000);
      } else if (status === 413 || status === 422) {
        this.set("refused", labelLoop.detail(answer) ?? "");
      } else if (status !== 200) {
        const unreachable = "Airflow cannot be reached. Check the connection and try again.";
        this.set("failed", status ? labelLoop.problem(status, answer) : unreachable);
      } else if (this.purpose === "training") {
        this.set(answer.repeated ? "repeated" : "stored");
      } else if (answer.id) {
        this.set("uploaded");
        awaited.set(answer.id, [...(awaited.get(answer.id) ?? []), this]);
        poll.soon();
      } else {
        this.set("unknown");
      }
    }

    showOutcome(outcome) {
      const seen = outcome.label || "no label";
      const text = `${seen}, ${outcome.confidence_percent.toFixed(1)} %`;
      const detail = outcome.detail ? `: ${outcome.detail}` : "";
      this.state = "logged";
      if (outcome.state === "failed") {
        this.tell(`not detected${detail}`, "bad");
      } else if (outcome.state === "reviewed") {
        this.tell(`${text}; people say${detail}`, "good");
      } else {
        this.tell(`${text} – ${outcome.state}${detail}`, outcome.state === "accepted" ? "good" : "warn");
      }
    }
  }

  /** Tell why a file cannot be used, or null. The server looks again: this only spares the upload. */
  async function problemOf(file) {
    if (file.size === 0) {
      return "an empty file";
    }
    if (file.size > limits.largest_bytes) {
      return "larger than 15 MB";
    }
    let head;
    try {
      head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
    } catch {
      return "not readable any more; choose it again";
    }
    const begins = (...bytes) => bytes.every((byte, n) => head[n] === byte);
    if (!begins(0x89, 0x50, 0x4e, 0x47) && !begins(0xff, 0xd8, 0xff)) {
      return "not a PNG or JPEG";
    }
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch {
      return null; // what this browser cannot read the server may
    }
    const { width, height } = bitmap;
    bitmap.close();
    const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
    if (shorter < limits.shortest_side_px || longer > limits.longest_side_px) {
      return `${width} x ${height} px: each side must be ${limits.shortest_side_px} to ${limits.longest_side_px} px`;
    }
    if (longer > limits.largest_aspect_ratio * shorter) {
      return `${width} x ${height} px: the sides differ by more than ${limits.largest_aspect_ratio} to 1`;
    }
    return null;
  }

  function pump() {
    while (active < AT_ONCE && queue.length) {
      const item = queue.shift();
      active++;
      item
        .work()
        .catch((error) => item.set("failed", error.message))
        .finally(() => {
          active--;
          pump();
        });
    }
    summarize();
  }

  function summarize() {
    const count = (...states) => [...items].filter((item) => states.includes(item.state)).length;
    const open = count("waiting", "sending");
    const failed = count("failed");
    const parts = [`${count("uploaded", "unknown", "stored", "repeated", "logged")} of ${items.size} uploaded`];
    const others = { detected: count("logged"), refused: count("refused"), failed, cancelled: count("cancelled") };
    parts.push(...Object.entries(others).filter(([, number]) => number).map(([what, number]) => `${number} ${what}`));
    byId("summary").textContent = parts.join(", ");
    byId("progress").hidden = items.size === 0;
    byId("retry-all").hidden = failed === 0;
    byId("cancel-all").hidden = open === 0;
    byId("clear").hidden = open > 0;
  }

  const poll = {
    timer: null,
    seconds: POLL_SECONDS[0],
    soon() {
      this.seconds = POLL_SECONDS[0];
      this.timer ??= setTimeout(() => this.look(), this.seconds * 1000);
    },
    async look() {
      const some = [...awaited.keys()].slice(0, mostResults);
      try {
        const answer = await labelLoop.ask("GET", `upload/results?${some.map((id) => `id=${id}`).join("&")}`);
        this.show(some, answer);
      } catch {
        this.seconds = POLL_SECONDS[1]; // the next look tells; nothing is lost
      }
      this.timer = null;
      if (awaited.size) {
        this.timer = setTimeout(() => this.look(), this.seconds * 1000);
        this.seconds = Math.min(this.seconds * 1.3, POLL_SECONDS[1]);
      }
    },
    show(some, { results, serves }) {
      byId("no-model").hidden = serves !== false;
      for (const id of some) {
        const waiting = awaited.get(id);
        awaited.delete(id);
        if (Object.hasOwn(results, id)) {
          waiting.forEach((item) => item.showOutcome(results[id]));
          this.seconds = POLL_SECONDS[0];
        } else {
          awaited.set(id, waiting); // at the end: where there are many, each gets its turn
        }
      }
      summarize();
    },
  };

  function labelProblem(label) {
    if (label === "") {
      return "Name the label first.";
    }
    if (/[/\\]/.test(label) || label === "." || label === "..") {
      return "A label names a folder: it has no slashes, and more than dots.";
    }
    return label.toLowerCase() === "none of the above" ? "That is what reviewers answer where no label fits." : "";
  }

  function add(files) {
    const purpose = form.elements.purpose.value;
    const label = purpose === "training" ? byId("label").value.trim() : null;
    const problem = label === null ? "" : labelProblem(label);
    byId("label-problem").textContent = problem;
    if (problem) {
      byId("label").focus();
      return;
    }
    for (const file of files) {
      const item = new Item(file, purpose, label);
      items.add(item);
      queue.push(item);
      byId("images").append(item.row);
    }
    pump();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target.name === "purpose") {
      byId("label-choice").hidden = form.elements.purpose.value !== "training";
    }
    if (event.target.id === "files") {
      add(event.target.files);
      event.target.value = ""; // so that the same file can be chosen again
    }
  });

  const zone = byId("drop-zone");
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    // Beside the zone, too: a browser would leave the page and open the file.
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind !== "drop" && kind !== "dragleave" && zone.contains(event.target));
      if (kind === "drop" && event.dataTransfer) {
        add(event.dataTransfer.files);
      }
    });
  }

  byId("retry-all").addEventListener("click", () => {
    [...items].filter((item) => item.state === "failed").forEach((item) => item.retry());
  });
  byId("cancel-all").addEventListener("click", () => {
    [...items].filter((item) => ["waiting", "sending"].includes(item.state)).forEach((item) => item.cancel());
  });
  byId("clear").addEventListener("click", () => {
    items.forEach((item) => item.row.remove());
    items.clear();
    awaited.clear();
    byId("no-model").hidden = true;
    summarize();
  });
  window.addEventListener("beforeunload", (event) => {
    if (active || queue.length) {
      event.preventDefault();
    }
  });
})();
