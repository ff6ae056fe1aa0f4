// What stands behind the # never travels to a server by itself: it is put into the form, and the form is sent.
"use strict";
addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.carry");
  const blob = location.hash.slice(1);
  if (!form || !blob) return;
  form.elements.blob.value = blob;
  history.replaceState(null, "", location.pathname + location.search);
  form.requestSubmit();
});
