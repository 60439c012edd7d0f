// Charts are drawn from the data beside them, in the colours of the theme, and again when either changes.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { openPage } from "./page.js";

let drawn;

class Chart {
  constructor(canvas, config) {
    Object.assign(this, { canvas, ...config, isGone: false });
    drawn.push(this);
  }

  destroy() {
    this.isGone = true;
  }
}

const draw = (spec) => openPage({
  template: "models_versions.html",
  script: "charts.js",
  values: { "chart | tojson": JSON.stringify({ labels: ["one", "two"], ...spec }) },
  prepare: (document) => {
    document.defaultView.Chart = Chart;
    document.documentElement.style.setProperty("--accent", "#123456");
    document.documentElement.style.setProperty("--bad", "#abcdef");
  },
});

const ticks = (chart) => chart.options.scales.y.ticks;

beforeEach(() => {
  drawn = [];
});

test("lines have their tone, and a dashed one has points only where it is no line", async () => {
  const limit = { name: "Minimum", values: [0.8, 0.8], tone: "bad", dashed: true };
  await draw({ type: "line", series: [{ name: "F1", values: [0.5, null] }, limit, { ...limit, values: [0.8] }] });
  const [{ canvas, type, data, options }] = drawn;
  assert.equal(canvas.dataset.chart, "f1-chart");
  assert.equal(type, "line");
  assert.deepEqual(data.datasets.map((one) => one.borderColor), ["#123456", "#abcdef", "#abcdef"]);
  assert.deepEqual(data.datasets.map((one) => one.pointRadius), [3, 0, 3]);
  assert.equal(options.plugins.legend.display, true);
});

test("counts have whole numbers on their axis, and other values do not", async () => {
  await draw({ type: "bar", series: [{ name: "Detections", values: [1, 2] }], stacked: true });
  await draw({ type: "line", series: [{ name: "F1", values: [0.1, 0.2] }], decimals: true, min: 0, max: 1 });
  assert.deepEqual(drawn.map((chart) => ticks(chart).precision), [0, undefined]);
  assert.deepEqual(drawn.map((chart) => chart.options.scales.x.stacked), [true, false]);
  assert.deepEqual(drawn.map((chart) => "max" in chart.options.scales.y), [false, true]);
});

test("shares are told in percent, on the axis and on a point", async () => {
  await draw({ type: "line", series: [{ name: "Reviewed", values: [0.1234, null] }], percent: true });
  const [chart] = drawn;
  assert.equal(ticks(chart).callback(0.25), "25 %");
  const item = { dataset: { label: "Reviewed" }, parsed: { y: 0.1234 } };
  assert.equal(chart.options.plugins.tooltip.callbacks.label(item), "Reviewed: 12.3 %");
});

test("what is drawn is drawn again in another theme, and with other data", async () => {
  const page = await draw({ type: "line", series: [{ name: "F1", values: [0.5] }] });
  page.document.dispatchEvent(new page.window.CustomEvent("label-loop:theme"));
  const swapped = new page.window.CustomEvent("htmx:afterSettle", { bubbles: true });
  page.document.body.dispatchEvent(swapped);
  page.document.getElementById("notices").dispatchEvent(swapped);
  assert.deepEqual(drawn.map((chart) => chart.isGone), [true, true, false]);
});
