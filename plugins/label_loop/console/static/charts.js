// Draws each <canvas data-chart="id"> from the JSON in the script element of that id, in the colours of the theme:
// {type: "line" | "bar", labels: [text], series: [{name, values, tone?, dashed?}], stacked?, percent?, decimals?, min?, max?}.
"use strict";
(() => {
  const charts = [];
  const tones = ["accent", "warn", "good", "bad", "violet", "muted"];
  const colour = (tone) => getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`).trim();

  const dataset = (type, series, index) => {
    const line = colour(series.tone ?? tones[index % tones.length]);
    return {
      label: series.name,
      data: series.values,
      borderColor: line,
      backgroundColor: type === "bar" ? line : "transparent",
      borderDash: series.dashed ? [6, 4] : [],
      borderWidth: type === "bar" ? 0 : 2,
      pointRadius: series.dashed && series.values.length > 1 ? 0 : 3, // a line of one point is no line
      pointBackgroundColor: line,
      tension: 0,
      spanGaps: true,
      clip: 6, // a point at the very top is whole
      maxBarThickness: 40,
    };
  };

  const options = (spec) => {
    const axis = { grid: { color: colour("line") }, ticks: { color: colour("muted") }, border: { display: false } };
    const percent = (value) => `${Math.round(value * 1000) / 10} %`;
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: spec.series.length > 1, labels: { color: colour("text"), boxWidth: 12, boxHeight: 12 } },
        tooltip: spec.percent
          ? { callbacks: { label: (item) => `${item.dataset.label}: ${percent(item.parsed.y)}` } }
          : {},
      },
      scales: {
        x: { ...axis, stacked: Boolean(spec.stacked), grid: { display: false } },
        y: {
          ...axis,
          stacked: Boolean(spec.stacked),
          beginAtZero: true,
          min: spec.min,
          max: spec.max,
          ticks: { ...axis.ticks, precision: spec.percent || spec.decimals ? undefined : 0, callback: spec.percent ? percent : undefined },
        },
      },
    };
  };

  const draw = () => {
    charts.splice(0).forEach((chart) => chart.destroy());
    for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
      const spec = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
      const datasets = spec.series.map((series, index) => dataset(spec.type, series, index));
      const config = options(spec);
      if (!spec.percent) {
        delete config.scales.y.ticks.callback;
      }
      charts.push(new Chart(canvas, { type: spec.type, data: { labels: spec.labels, datasets }, options: config }));
    }
  };

  document.addEventListener("DOMContentLoaded", draw);
  document.addEventListener("label-loop:theme", draw);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.querySelector?.("canvas[data-chart]")) {
      draw();
    }
  });
})();
