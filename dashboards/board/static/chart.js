// Curves of one span on one time axis, gaps left open, refreshed once a minute.
"use strict";
(() => {
  const plot = document.getElementById("plot");
  if (!plot || !window.uPlot) return;
  const ZONE = "Asia/Ho_Chi_Minh";
  const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [1, 2], [4, 4]];
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const comma = plot.dataset.comma === "1";
  const figure = (value, unit) => value == null ? "–" : String(value < 1 ? Math.round(value * 100) / 100 : Math.round(value * 10) / 10).replace(".", comma ? "," : ".") + "\u00a0" + unit;
  let drawn = [];

  // A measurement without neighbours has no line to stand on: it is drawn as a point.
  function lone(u, series) {
    const values = u.data[series];
    return values.flatMap((value, i) => value != null && values[i - 1] == null && values[i + 1] == null ? [i] : []);
  }

  const two = (n) => String(n).padStart(2, "0");
  const local = (s) => uPlot.tzDate(new Date(s * 1000), ZONE);
  const hour = (d) => two(d.getHours()) + ":" + two(d.getMinutes());
  const day = (d) => two(d.getDate()) + "/" + two(d.getMonth() + 1);

  function draw(data) {
    drawn.forEach((chart) => chart.destroy());
    drawn = data.panels.map((panel, n) => one(panel, data, n ? 130 : 200)).filter(Boolean);
  }

  function one(panel, data, height) {
    const lines = panel.lines, unit = panel.unit;
    if (!lines.length) return null;
    const inks = [token("accent"), token("ok"), token("degraded"), token("planned"), token("down"), token("unknown")];
    const axis = { stroke: token("muted"), grid: { stroke: token("edge"), width: 1 }, ticks: { stroke: token("edge") }, font: "11px Noto Sans, Segoe UI, system-ui" };
    const options = {
      title: panel.title, height, width: plot.clientWidth,
      tzDate: local,
      cursor: { sync: { key: "day" }, drag: { x: false, y: false } },
      scales: { x: { range: [data.from, data.to] }, y: { range: (u, low, high) => [0, Math.max(panel.least, (high || 0) * 1.1)] } },
      axes: [
        { ...axis, values: (u, at) => at.map((s) => (data.days ? day : hour)(local(s))) },
        { ...axis, size: 60, values: (u, at) => at.map((value) => figure(value, unit)) },
      ],
      series: [
        { value: (u, s) => s == null ? "–" : (data.days ? day(local(s)) + " " : "") + hour(local(s)), label: plot.dataset.time },
        ...lines.map((line, n) => ({ label: line.label, stroke: inks[n], width: 1.5, dash: DASHES[n], spanGaps: false, points: { show: true, size: 5, fill: inks[n], filter: lone }, value: (u, value) => figure(value, unit) })),
      ],
    };
    return new uPlot(options, uPlot.join(lines.map((line) => line.data), lines.map((line) => line.data.map(() => 2))), plot);
  }

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(plot.dataset.src, { headers: { accept: "application/json" } });
      if (answer.ok) draw(await answer.json());
    } catch (error) {
      // The bar at the top tells of a lost board; the chart keeps what it has.
    }
  }

  let width = plot.clientWidth;
  new ResizeObserver(() => {
    if (plot.clientWidth === width) return;
    width = plot.clientWidth;
    drawn.forEach((chart) => chart.setSize({ width, height: chart.height }));
  }).observe(plot);
  refresh();
  setInterval(refresh, 60000);
})();
