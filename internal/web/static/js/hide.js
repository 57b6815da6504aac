// Amounts that were left on show are hidden. The server does the same when somebody asks for a
// page later; this is for the screen that nobody touches.
"use strict";
(() => {
  const { hide, here, hideAfter } = document.body.dataset;
  const after = Number(hideAfter) * 60_000;
  if (!after) return;
  let last = Date.now(), told = Date.now(), hidden = false;

  const cover = async () => {
    hidden = true;
    document.querySelectorAll(".amt, .worth, .price span:not(.sr)").forEach((e) => { e.textContent = "••••••"; });
    document.querySelectorAll(".chart").forEach((e) => { e.hidden = true; });
    const typed = [...document.querySelectorAll("main form[method=post]")].some((form) =>
      [...form.elements].some((f) => f.type === "file" ? f.files.length > 0 : f.matches("textarea:not([readonly]), input:not([type=hidden], [type=checkbox], [type=radio])") && f.value !== f.defaultValue));
    try {
      await fetch(hide, { method: "POST", redirect: "manual", body: new URLSearchParams({ "hide-amounts": "yes", next: "/settings" }) });
    } catch {
      return; // the server is away; the screen is covered all the same
    }
    if (!typed) location.reload();
  };

  const look = () => { if (!hidden && Date.now() - last >= after) cover(); };
  // timers stop while a computer sleeps, so look often rather than once
  setInterval(look, Math.min(5_000, after));
  document.addEventListener("visibilitychange", look);

  // somebody is there: tell the server, once a minute at most
  const active = () => {
    last = Date.now();
    if (hidden || last - told < 60_000) return;
    told = last;
    fetch(here, { cache: "no-store", headers: { "HX-Request": "true" } }).catch(() => {});
  };
  for (const kind of ["keydown", "pointerdown", "pointermove", "input", "wheel"]) document.addEventListener(kind, active, { passive: true });
})();
