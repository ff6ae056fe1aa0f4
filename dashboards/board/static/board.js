// Live parts, search without tone marks, arrows in the grid. The pages read without any of it.
"use strict";
(() => {
  const POLL_LOST_MS = 15000;
  const $ = (id) => document.getElementById(id);
  let heardAt = Date.now();
  let heardClock = "";

  // --- live ---------------------------------------------------------------------------------------------------------
  const isPoll = (event) => event.detail.elt && event.detail.elt.id === "poll";

  document.addEventListener("htmx:configRequest", (event) => {
    const live = $("live");
    if (isPoll(event) && live) event.detail.headers["If-None-Match"] = live.dataset.etag;
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isPoll(event) && document.hidden) event.preventDefault();
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (!isPoll(event)) return;
    const status = event.detail.xhr.status;
    if (status !== 200 && status !== 304) return;
    heardAt = Date.now();
    heardClock = serverClock(event.detail.xhr.getResponseHeader("Date"));
    showLost(false);
  });

  document.addEventListener("htmx:afterSwap", () => {
    const live = $("live");
    if (live && $("clock")) $("clock").textContent = live.dataset.clock;
    filter();
  });

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    heardAt = Date.now(); // a sleeping tab did not ask; it has not lost the board
    if ($("poll")) htmx.trigger(document.body, "refresh");
  });

  // The clock of the data: seven hours ahead of what the server calls GMT, whatever this browser believes.
  function serverClock(date) {
    const at = Date.parse(date || "");
    return isNaN(at) ? "" : new Date(at + 7 * 3600000).toISOString().slice(11, 19);
  }

  function showLost(lost) {
    if (!$("lost") || $("lost").hidden === !lost) return;
    $("lost-at").textContent = heardClock || $("clock").textContent;
    $("lost").hidden = !lost;
    document.body.classList.toggle("stale", lost);
  }

  if ($("poll")) setInterval(() => { if (!document.hidden) showLost(Date.now() - heardAt > POLL_LOST_MS); }, 1000);

  // What a reader opened stays open, and the chart keeps itself up to date.
  if (window.Idiomorph) {
    Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !(node.hasAttribute && node.hasAttribute("data-keep"));
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");
  }

  // --- search -------------------------------------------------------------------------------------------------------
  const fold = (text) => text.toLowerCase().replace(/đ/g, "d").normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/\s+/g, " ").trim();
  const findable = () => document.querySelectorAll("#tiles > .t, tr[data-find]");

  function filter() {
    const box = $("q");
    if (!box || !$("nothing")) return;
    const wanted = fold(box.value);
    let shown = 0;
    for (const item of findable()) {
      const text = item.dataset.find || item.title + " " + item.id.slice(1);
      item.hidden = wanted !== "" && !fold(text).includes(wanted);
      if (!item.hidden) shown += 1;
    }
    $("nothing").hidden = shown > 0 || wanted === "";
    if (!$("nothing").hidden) $("nothing").textContent = $("nothing").textContent.replace(/“.*”/, "“" + box.value + "”");
  }

  const box = $("q");
  if (box) {
    box.addEventListener("input", filter);
    box.form.addEventListener("submit", (event) => {
      const left = [...findable()].filter((item) => !item.hidden);
      if (left.length !== 1) return;
      event.preventDefault();
      location.href = (left[0].matches("a") ? left[0] : left[0].querySelector("a")).href;
    });
  }

  // --- keys ---------------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && box) { event.preventDefault(); box.focus(); box.select(); return; }
    if (event.key === "Escape" && event.target === box) { box.value = ""; filter(); return; }
    if (event.key === "ArrowDown" && event.target === box) { const first = visible()[0]; if (first) { event.preventDefault(); first.focus(); } return; }
    if (!typing && event.key.startsWith("Arrow")) move(event);
  });

  const visible = () => [...document.querySelectorAll("#tiles > .t")].filter((tile) => !tile.hidden);

  function move(event) {
    const tiles = visible();
    const at = tiles.indexOf(document.activeElement);
    if (at < 0) return;
    const top = tiles[0].offsetTop;
    const columns = Math.max(1, tiles.findIndex((tile) => tile.offsetTop !== top)) || tiles.length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const next = tiles[at + step];
    if (next) { event.preventDefault(); next.focus(); }
  }
})();
