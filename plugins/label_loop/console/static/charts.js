// Draws each <canvas data-chart="id"> from the JSON in the script element of that id, in the colours of the theme.

/** @import { Chart, ChartConfiguration, ChartDataset, TooltipItem } from "chart.js" */

/**
 * A chart. Values are shown in percent where `percent` is set, otherwise as whole numbers unless `decimals` is set.
 *
 * @typedef {"accent" | "warn" | "good" | "bad" | "violet" | "muted"} Tone
 * @typedef {{name: string, values: (number | null)[], tone?: Tone, dashed?: boolean}} Series
 *
 * @typedef {object} Spec
 * @property {"line" | "bar"} type
 * @property {string[]} labels
 * @property {Series[]} series
 * @property {boolean} [stacked]
 * @property {boolean} [percent]
 * @property {boolean} [decimals]
 * @property {number} [min]
 * @property {number} [max]
 */

/** @type {Tone[]} */
const TONES = ["accent", "warn", "good", "bad", "violet", "muted"];
/** @type {Chart[]} */
const charts = [];

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** @param {number | null} value */
const percent = (value) => `${Math.round((value ?? 0) * 1000) / 10} %`;

/**
 * @param {Spec["type"]} type
 * @param {Series} series
 * @param {number} index
 * @returns {ChartDataset<"line" | "bar", (number | null)[]>}
 */
function dataset(type, series, index) {
  const line = colour(series.tone ?? TONES[index % TONES.length] ?? "accent");
  // Clipped a little outside, so that a point at the very top is whole.
  const common = { label: series.name, data: series.values, borderColor: line, clip: 6 };
  if (type === "bar") {
    return { ...common, type, backgroundColor: line, borderWidth: 0, maxBarThickness: 40 };
  }
  return {
    ...common,
    type,
    backgroundColor: "transparent",
    borderDash: series.dashed ? [6, 4] : [],
    borderWidth: 2,
    pointRadius: series.dashed && series.values.length > 1 ? 0 : 3, // a line of one point is no line
    pointBackgroundColor: line,
    tension: 0,
    spanGaps: true,
  };
}

/**
 * @param {Spec} spec
 * @returns {ChartConfiguration<"line" | "bar", (number | null)[], string>["options"]}
 */
function options(spec) {
  const axis = { grid: { color: colour("line") }, ticks: { color: colour("muted") }, border: { display: false } };
  const stacked = Boolean(spec.stacked);
  const isWhole = !spec.percent && !spec.decimals;
  /** @param {TooltipItem<"line" | "bar">} item */
  const label = (item) => `${item.dataset.label}: ${percent(item.parsed.y)}`;
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: {
      legend: { display: spec.series.length > 1, labels: { color: colour("text"), boxWidth: 12, boxHeight: 12 } },
      tooltip: spec.percent ? { callbacks: { label } } : {},
    },
    scales: {
      x: { ...axis, stacked, grid: { display: false } },
      y: {
        ...axis,
        stacked,
        beginAtZero: true,
        ...(spec.min === undefined ? {} : { min: spec.min }),
        ...(spec.max === undefined ? {} : { max: spec.max }),
        ticks: {
          ...axis.ticks,
          ...(isWhole ? { precision: 0 } : {}),
          ...(spec.percent ? { callback: (/** @type {string | number} */ value) => percent(Number(value)) } : {}),
        },
      },
    },
  };
}

function draw() {
  const library = /** @type {typeof window & {Chart: typeof Chart}} */ (window);
  charts.splice(0).forEach((chart) => chart.destroy());
  for (const canvas of /** @type {NodeListOf<HTMLCanvasElement>} */ (document.querySelectorAll("canvas[data-chart]"))) {
    /** @type {Spec} */
    const spec = JSON.parse(document.getElementById(canvas.dataset.chart ?? "")?.textContent ?? "{}");
    const { type, labels } = spec;
    const datasets = spec.series.map((series, index) => dataset(type, series, index));
    charts.push(new library.Chart(canvas, { type, data: { labels, datasets }, options: options(spec) }));
  }
}

draw();
document.addEventListener("label-loop:theme", draw);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target instanceof Element && event.target.querySelector("canvas[data-chart]")) {
    draw();
  }
});
