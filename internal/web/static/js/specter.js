// Small helps for pages that work without them: copying, live refresh, and a menu that closes.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // copy buttons
  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const words = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const area = document.createElement("textarea"); // no clipboard on plain http
      area.value = button.dataset.copy;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    if (words.dataset.was) return;
    words.dataset.was = words.textContent;
    words.textContent = document.body.dataset.copied;
    setTimeout(() => { words.textContent = words.dataset.was; delete words.dataset.was; }, 1600);
  });

  // a field beside a radio button chooses that button
  document.addEventListener("input", (e) => {
    const radio = e.target.dataset && document.getElementById(e.target.dataset.checks || "");
    if (radio) radio.checked = true;
  });

  // the drawer on phones and small menus close with Escape
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    if (location.hash === "#sidebar") {
      location.hash = "#main";
      document.querySelector(".menu-button").focus(); // where the hands were before
    }
    document.querySelectorAll("details.confirm[open]").forEach((d) => {
      if (d.contains(document.activeElement)) d.querySelector("summary").focus();
      d.open = false;
    });
  });

  // a form that was sent is not sent twice by an impatient finger
  document.addEventListener("submit", (e) => {
    if (e.target.hasAttribute("hx-post") || e.target.method !== "post") return;
    if (e.target.dataset.sent) { e.preventDefault(); return; }
    e.target.dataset.sent = "yes";
    setTimeout(() => { delete e.target.dataset.sent; }, 4000);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((f) => { delete f.dataset.sent; }));

  // Ctrl+K leads to the search
  document.addEventListener("keydown", (e) => {
    if (e.key.toLowerCase() !== "k" || !(e.ctrlKey || e.metaKey) || e.altKey || e.shiftKey) return;
    const search = document.querySelector("[data-search]");
    if (!search) return;
    e.preventDefault();
    search.focus();
    search.select();
  });

  // ticked coins are added up; amounts are whole sat, so no number is rounded
  const money = (sat, unit) => unit === "sat" ? String(sat) : Math.floor(sat / 1e8) + "." + String(sat % 1e8).padStart(8, "0");
  const addUp = () => document.querySelectorAll("[data-sum]").forEach((out) => {
    const ticked = [...document.querySelectorAll("input[type=checkbox]:checked")].filter((box) => box.name === out.dataset.sum);
    const known = ticked.filter((box) => box.dataset.sat);
    const sum = known.reduce((all, box) => all + Number(box.dataset.sat), 0);
    out.textContent = ticked.length === 0 ? "" : known.length ? ticked.length + " × = " + money(sum, out.dataset.unit) + " " + out.dataset.name : ticked.length + " ×";
  });
  document.addEventListener("change", addUp);
  document.body.addEventListener("htmx:afterSettle", addUp);
  document.addEventListener("click", (e) => {
    const all = e.target.closest("[data-tick-all]");
    if (!all) return;
    const boxes = [...document.querySelectorAll("input[type=checkbox]:not(:disabled)")].filter((box) => box.name === all.dataset.tickAll);
    const tick = boxes.some((box) => !box.checked);
    boxes.forEach((box) => { box.checked = tick; });
    addUp();
  });
  if (document.querySelector("input[type=checkbox][data-sat]:checked")) addUp();

  // live refresh: the server says that something changed, the page asks for its fragments again,
  // but never under the hands of someone who is typing, choosing or reading an open box there
  const url = document.body.dataset.events;
  if (!url || !window.EventSource) return;
  let source = null, timer = 0, waiting = false;
  const busy = () => {
    const live = document.getElementById("live");
    if (!live) return false;
    const at = document.activeElement;
    if (at && live.contains(at) && at.matches("input, textarea, select")) return true;
    if (live.querySelector("details.confirm[open], input[type=checkbox]:checked")) return true;
    for (const field of live.querySelectorAll("textarea:not([readonly]), input[type=file], input[type=password]")) if (field.value) return true;
    const chosen = document.getSelection();
    return chosen && !chosen.isCollapsed && live.contains(chosen.anchorNode);
  };
  const refresh = () => {
    timer = 0;
    if (busy()) { waiting = true; return; }
    waiting = false;
    document.body.dispatchEvent(new CustomEvent("specter-change"));
  };
  // boxes that were open stay open when their fragment is drawn again
  let opened = [];
  const boxes = (root) => [...root.querySelectorAll("details > summary")];
  document.body.addEventListener("htmx:beforeSwap", (e) => {
    if (e.detail.target.id === "live") opened = boxes(e.detail.target).filter((s) => s.parentNode.open).map((s) => s.textContent);
  });
  document.body.addEventListener("htmx:afterSettle", () => {
    const live = document.getElementById("live");
    if (live) boxes(live).filter((s) => opened.includes(s.textContent)).forEach((s) => { s.parentNode.open = true; });
    opened = [];
  });
  const changed = () => { if (!timer) timer = setTimeout(refresh, 250); };
  setInterval(() => { if (waiting) refresh(); }, 2000);
  // a tab in the background keeps no connection open: browsers have six for a server
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(url);
    source.addEventListener("change", changed);
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      if (source) source.close();
      source = null;
    } else {
      open();
      changed();
    }
  });
  window.addEventListener("pagehide", () => { if (source) source.close(); source = null; });
  open();
})();
