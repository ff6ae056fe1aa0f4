// Pan and zoom for the map that the page already holds: Leaflet moves the drawing, points keep their size.
"use strict";
(() => {
  const box = document.getElementById("map");
  const drawing = document.getElementById("drawing");
  if (!box || !drawing || !window.L) return;
  const [, , width, height] = drawing.getAttribute("viewBox").split(" ").map(Number);
  const bounds = [[-height, 0], [0, width]];
  const tall = Math.round(Math.min(680, Math.max(320, box.clientWidth * height / width)));
  box.style.height = tall + "px";
  box.classList.add("alive");

  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(box, { crs: L.CRS.Simple, attributionControl: false, zoomControl: false, keyboard: false, zoomSnap: 0.05, zoomDelta: 1, maxZoom: 5, minZoom: -4, zoomAnimation: !still, fadeAnimation: false, inertia: !still, maxBoundsViscosity: 0.8 });
  L.svgOverlay(drawing, bounds, { interactive: true }).addTo(map);
  map.fitBounds(bounds, { animate: false });
  map.setMinZoom(map.getZoom());
  map.setMaxBounds(bounds);

  // Of the drawing's own units one is so many pixels now: points and names are drawn against it.
  const keepSize = () => drawing.style.setProperty("--k", width / drawing.getBoundingClientRect().width);
  map.on("zoomend viewreset resize", () => requestAnimationFrame(keepSize));
  keepSize();

  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.hidden = false;
    button.addEventListener("click", () => ({ in: () => map.zoomIn(1), out: () => map.zoomOut(1), all: () => map.fitBounds(bounds) })[button.dataset.zoom]());
  }

  // The wheel belongs to the page until the map was touched.
  map.scrollWheelZoom.disable();
  map.on("focus click dragstart", () => map.scrollWheelZoom.enable());
  document.addEventListener("pointerdown", (event) => { if (!box.contains(event.target)) map.scrollWheelZoom.disable(); });

  // What was dragged was not pressed.
  let moved = 0;
  map.on("dragend", () => { moved = Date.now(); });
  box.addEventListener("click", (event) => { if (Date.now() - moved < 80) { event.preventDefault(); event.stopPropagation(); } }, true);

  // A point reached with the keyboard is brought into sight.
  box.addEventListener("focusin", (event) => {
    const point = event.target.closest && event.target.closest(".pt");
    if (!point) return;
    const at = point.getBoundingClientRect(), frame = box.getBoundingClientRect();
    if (at.left < frame.left || at.right > frame.right || at.top < frame.top || at.bottom > frame.bottom) {
      map.panBy([at.left - frame.left - frame.width / 2, at.top - frame.top - frame.height / 2], { animate: false });
    }
  });
})();
