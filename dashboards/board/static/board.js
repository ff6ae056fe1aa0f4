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
    if (!isPoll(event) || !live) return;
    event.detail.headers["If-None-Match"] = live.dataset.etag;
    if ($("tiles")) event.detail.headers["Motcua-Tiles"] = $("tiles").dataset.tiles; // not sent again while they hold
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
    rove();
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
    // Said only when it is so: an empty bar tells nothing to who reads the page as text.
    const at = document.createElement("strong");
    at.textContent = $("lost").dataset.lost + " " + (heardClock || $("clock").textContent);
    $("lost").replaceChildren(...(lost ? [at, ": " + $("lost").dataset.old] : []));
    $("lost").hidden = !lost;
    document.body.classList.toggle("stale", lost);
  }

  if ($("poll")) setInterval(() => { if (!document.hidden) showLost(Date.now() - heardAt > POLL_LOST_MS); }, 1000);

  // What a reader opened stays open, and the chart keeps itself up to date.
  if (window.Idiomorph) {
    const kept = (node, next) => node.hasAttribute && (node.hasAttribute("data-keep") || node.matches("details.zalo[open]") || (next.hasAttribute && next.hasAttribute("data-same")));
    // Leaflet has taken the drawing out of its place: its points are told the news where they are now.
    const drawn = (node, next) => {
      if (node.id !== "map" || !next.querySelector) return false;
      const points = next.querySelector("#tiles");
      if (points && $("tiles") && !points.hasAttribute("data-same")) Idiomorph.morph($("tiles"), points.cloneNode(true));
      return true;
    };
    Idiomorph.defaults.callbacks.beforeNodeMorphed = (node, next) => !kept(node, next) && !drawn(node, next);
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS") && !(name === "tabindex" && node.matches(".t, .pt"));
  }

  // --- search -------------------------------------------------------------------------------------------------------
  const folded = new WeakMap(); // 3,321 names are not folded anew at every key
  const fold = (text) => text.toLowerCase().replace(/đ/g, "d").normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/\s+/g, " ").trim();
  const findable = () => document.querySelectorAll("#tiles > .t, #tiles > .pt, tr[data-find]");

  function text(item) {
    const said = item.dataset.find || item.title + " " + item.id.slice(1);
    const known = folded.get(item);
    if (known && known[0] === said) return known[1];
    folded.set(item, [said, fold(said)]);
    return folded.get(item)[1];
  }

  function filter() {
    const box = $("q");
    if (!box || !$("nothing") || $("nothing").dataset.partial) return; // one page of a list: Enter asks the board
    const wanted = fold(box.value);
    let shown = 0;
    for (const item of findable()) {
      const out = wanted !== "" && !text(item).includes(wanted);
      if (item.hasAttribute("hidden") !== out) item.toggleAttribute("hidden", out); // points of a drawing know no `hidden`
      if (!out) shown += 1;
    }
    for (const head of document.querySelectorAll("#tiles > .group")) head.hidden = wanted !== "";
    $("nothing").hidden = shown > 0 || wanted === "";
    $("nothing").textContent = $("nothing").hidden ? "" : $("nothing").dataset.none.replace(/“.*”/, () => "“" + box.value + "”");
  }

  const box = $("q");
  if (box) {
    box.addEventListener("input", filter);
    box.form.addEventListener("submit", (event) => {
      if ($("nothing") && $("nothing").dataset.partial) return;
      const left = [...findable()].filter((item) => !item.hasAttribute("hidden"));
      if (left.length !== 1) return;
      event.preventDefault();
      location.href = (left[0].matches("a") ? left[0] : left[0].querySelector("a")).getAttribute("href");
    });
  }

  // --- keys ---------------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && box) { event.preventDefault(); box.focus(); box.select(); return; }
    if (event.key === "Escape" && event.target === box) { box.value = ""; filter(); return; }
    if (event.key === "ArrowDown" && event.target === box) { const first = visible()[0]; if (first) { event.preventDefault(); first.focus(); } return; }
    if (!typing && /^(Arrow|Home$|End$|Page)/.test(event.key)) move(event);
  });

  // One tile is reached with Tab, the others from it with arrows: nobody tabs past 3,321 tiles to what follows.
  function rove(to) {
    if (!$("tiles")) return;
    const held = $("tiles").querySelector('[tabindex="0"]');
    const at = to || (held && !held.hasAttribute("hidden") ? held : visible()[0]);
    for (const tile of $("tiles").querySelectorAll(":is(.t, .pt):not([tabindex])")) tile.setAttribute("tabindex", "-1");
    if (held && held !== at) held.setAttribute("tabindex", "-1");
    if (at) at.setAttribute("tabindex", "0");
  }

  document.addEventListener("focusin", (event) => { if (event.target.matches(".t, .pt")) rove(event.target); });

  // The worst come first among tiles; among points they are drawn last, to lie on top.
  const visible = () => {
    const found = [...document.querySelectorAll("#tiles > .t, #tiles > .pt")].filter((tile) => !tile.hasAttribute("hidden"));
    return found.length && found[0].matches(".pt") ? found.reverse() : found;
  };

  function move(event) {
    const tiles = visible();
    const at = tiles.indexOf(document.activeElement);
    if (at < 0) return;
    const next = { Home: tiles[0], End: tiles[tiles.length - 1] }[event.key] || (tiles[at].matches(".pt") ? towards : beside)(tiles, at, event.key);
    if (next) { event.preventDefault(); next.focus(); }
  }

  // On the map: the nearest point that lies in that direction.
  function towards(points, at, key) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
    const here = points[at].getBoundingClientRect();
    let best = null;
    for (const point of way ? points : []) {
      const box = point.getBoundingClientRect();
      const dx = box.x + box.width / 2 - here.x - here.width / 2, dy = box.y + box.height / 2 - here.y - here.height / 2;
      const ahead = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (ahead > 0.5 && ahead >= aside && (!best || ahead + 2 * aside < best.far)) best = { point, far: ahead + 2 * aside };
    }
    return best && best.point;
  }

  // Rows are found by where tiles stand: groups of states begin rows of their own.
  function beside(tiles, at, key) {
    if (key === "ArrowRight" || key === "ArrowLeft") return tiles[at + (key === "ArrowRight" ? 1 : -1)];
    const down = key === "ArrowDown" || key === "PageDown";
    const step = down ? 1 : -1;
    let rows = key.startsWith("Page") ? 10 : 1;
    const here = tiles[at].getBoundingClientRect();
    let top = here.top;
    let best = null;
    for (let n = at + step; n >= 0 && n < tiles.length; n += step) {
      const box = tiles[n].getBoundingClientRect();
      if (box.top !== top) {
        if (rows === 0) break;
        rows -= 1;
        top = box.top;
        best = null;
      }
      if (top !== here.top && (!best || Math.abs(box.left - here.left) < best.off)) best = { tile: tiles[n], off: Math.abs(box.left - here.left) };
    }
    return best && best.tile;
  }

  rove();

  // --- copy for Zalo ------------------------------------------------------------------------------------------------
  // Where there is no clipboard (a board on the LAN without TLS) the text is shown and selected.
  document.addEventListener("toggle", async (event) => {
    const details = event.target;
    if (!details.matches || !details.matches("details.zalo") || !details.open) return;
    const area = details.querySelector("textarea"), button = details.querySelector("summary");
    const name = button.textContent;
    area.focus({ preventScroll: true });
    area.select();
    let said = button.dataset.select;
    try {
      await navigator.clipboard.writeText(area.value);
      said = button.dataset.done;
    } catch (error) {
      // Selected is as far as a page may go here.
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = name; }, 3000);
  }, true);
})();
