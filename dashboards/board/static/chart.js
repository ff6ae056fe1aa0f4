// Curves of one span on one time axis, gaps left open, refreshed once a minute. They come after the page.
"use strict";
(() => {
  if (!window.uPlot) return;
  const ZONE = "Asia/Ho_Chi_Minh";
  const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [1, 2], [4, 4]];
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const figure = (value, unit) => value == null ? "–" : String(value < 1 ? Math.round(value * 100) / 100 : Math.round(value * 10) / 10).replace(".", plot.dataset.comma === "1" ? "," : ".") + "\u00a0" + unit;
  const $ = (id) => document.getElementById(id);
  let plot = null;
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
    drawn = data.panels.map((panel, n) => one(panel, data, n ? 130 : 200, $("panel-" + n))).filter(Boolean);
  }

  // A mark tells by its shape whether a measurement counts: disc and triangles do, a cross does not.
  const SHAPES = {
    disc: (c, x, y, r) => { c.arc(x, y, r, 0, 7); c.fill(); },
    cross: (c, x, y, r) => { c.moveTo(x - r, y - r); c.lineTo(x + r, y + r); c.moveTo(x + r, y - r); c.lineTo(x - r, y + r); c.stroke(); },
    up: (c, x, y, r) => { c.moveTo(x, y - r); c.lineTo(x + r, y + r); c.lineTo(x - r, y + r); c.fill(); },
    down: (c, x, y, r) => { c.moveTo(x, y + r); c.lineTo(x + r, y - r); c.lineTo(x - r, y - r); c.fill(); },
  };

  // How far figures are to be trusted, marks, and the levels that they are held against.
  function over(u, panel, inks) {
    const c = u.ctx, px = devicePixelRatio, at = (x, y) => [u.valToPos(x, "x", true), u.valToPos(y, "y", true)];
    const { left, top, width, height } = u.bbox;
    c.save();
    c.beginPath(); c.rect(left, top, width, height); c.clip();
    panel.lines.forEach((line, n) => {
      c.strokeStyle = c.fillStyle = inks[n];
      c.lineWidth = 1.5 * px;
      c.globalAlpha = 0.35;
      for (const [x, low, high] of line.between || []) { c.beginPath(); c.moveTo(...at(x, low)); c.lineTo(...at(x, high)); c.stroke(); }
      c.globalAlpha = 1;
      if (SHAPES[line.shape]) line.data[0].forEach((x, i) => { if (line.data[1][i] != null) { c.beginPath(); SHAPES[line.shape](c, ...at(x, line.data[1][i]), 3.5 * px); } });
    });
    c.font = 11 * px + "px Noto Sans, Segoe UI, system-ui";
    c.lineWidth = px;
    (panel.limits || []).forEach((limit, n) => {
      const y = at(u.scales.x.min, limit.value)[1], said = limit.label + " " + figure(limit.value, panel.unit);
      c.strokeStyle = c.fillStyle = token(n ? "degraded" : "ink");
      c.setLineDash(n ? [6 * px, 4 * px] : []);
      c.beginPath(); c.moveTo(left, y); c.lineTo(left + width, y); c.stroke();
      c.textAlign = n ? "left" : "right";
      c.textBaseline = "bottom";
      c.fillText(said, n ? left + 4 * px : left + width - 4 * px, y - 2 * px);
    });
    c.restore();
  }

  function one(panel, data, height, place) {
    const lines = panel.lines, unit = panel.unit;
    if (!lines.length) return null;
    const top = Math.max(0, ...(panel.limits || []).map((limit) => limit.value), ...lines.flatMap((line) => (line.between || []).map((one) => one[2]))); // a level that nothing reaches is seen all the same
    const inks = [token("accent"), token("ok"), token("degraded"), token("planned"), token("down"), token("unknown")];
    const axis = { stroke: token("muted"), grid: { stroke: token("edge"), width: 1 }, ticks: { stroke: token("edge") }, font: "11px Noto Sans, Segoe UI, system-ui" };
    const options = {
      title: panel.title, height: place ? 170 : height, width: (place || plot).clientWidth,
      hooks: { draw: [(u) => over(u, panel, inks)] },
      tzDate: local,
      cursor: { sync: { key: "day" }, drag: { x: false, y: false } },
      scales: { x: { range: [data.from, data.to] }, y: { range: (u, low, high) => [0, Math.max(panel.least, (high || 0) * 1.1, top * 1.15)] } },
      axes: [
        { ...axis, values: (u, at) => at.map((s) => (data.days ? day : hour)(local(s))) },
        { ...axis, size: place ? 70 : 60, values: (u, at) => at.map((value) => figure(value, unit)) },
      ],
      series: [
        { value: (u, s) => s == null ? "–" : (data.days ? day(local(s)) + " " : "") + hour(local(s)), label: plot.dataset.time },
        ...lines.map((line, n) => ({ label: line.label, stroke: inks[n], width: line.shape && line.shape !== "line" ? 1 : 1.5, dash: line.shape && line.shape !== "line" ? [] : DASHES[n], spanGaps: !!line.joined, ...(line.shape === "cross" ? { paths: () => null } : {}), points: SHAPES[line.shape] ? { show: false } : { show: true, size: 5, fill: inks[n], filter: lone }, value: (u, value) => figure(value, unit) })),
      ],
    };
    return new uPlot(options, uPlot.join(lines.map((line) => line.data), lines.map((line) => line.data.map(() => (line.joined ? 1 : 2)))), place || plot);
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

  // What the part brought is drawn as it is; from then on the board is asked for news.
  function arrive() {
    if (plot || !$("plot") || !$("plotted")) return;
    plot = $("plot");
    draw(JSON.parse($("plotted").textContent));
    let width = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth === width) return;
      width = plot.clientWidth;
      drawn.forEach((chart) => chart.setSize({ width: chart.root.parentNode.clientWidth, height: chart.height }));
    }).observe(plot);
    setInterval(refresh, 60000);
  }

  const awaited = (event) => event.detail.elt && event.detail.elt.id === "awaited";
  for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, (event) => { if (awaited(event)) $("awaited").querySelector(".failed").hidden = false; });
  }
  document.addEventListener("htmx:afterSettle", arrive);
  arrive();
})();
