// The end of a login, seen from the page: it ends by itself when nobody is there, and what was
// typed by then is never thrown away. The server decides; this only asks and shows.
"use strict";
(() => {
  const { session, login, left, ended } = document.body.dataset;
  if (!session) return;

  // a form with something typed or chosen that has not been sent
  const dirty = () => [...document.querySelectorAll("main form[method=post]")].find((form) =>
    [...form.elements].some((f) => f.matches("textarea:not([readonly])") ? f.value !== f.defaultValue && f.value :
      f.type === "file" ? f.files.length > 0 : f.matches("input:not([type=hidden], [type=checkbox], [type=radio])") && f.value !== f.defaultValue));

  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    const form = dirty();
    if (!form) { location.replace(login + "?timeout=yes&next=" + encodeURIComponent(document.body.dataset.self)); return; }
    // hide everything but the form: whoever finds the screen learns nothing more from it
    const main = document.getElementById("main");
    document.querySelectorAll(".sidebar, .topbar-tools, .scrim").forEach((e) => { e.hidden = true; });
    for (let e = form; e && e !== main; e = e.parentElement) {
      for (const other of e.parentElement.children) if (other !== e && other.id !== "flashes") other.hidden = true;
    }
    const note = document.createElement("p");
    note.className = "flash flash-warn";
    note.role = "alert";
    note.dataset.test = "ended";
    note.textContent = ended;
    document.getElementById("flashes").replaceChildren(note);
  };

  let timer = 0, asked = Date.now();
  const ask = async (how) => {
    clearTimeout(timer);
    asked = Date.now();
    try {
      const answer = await fetch(session + how, { redirect: "manual", cache: "no-store", headers: { "HX-Request": "true" } });
      if (answer.status === 401) { end(); return; }
      if (answer.ok) arm(Number(await answer.text()));
    } catch {
      arm(60); // the server is away: ask again later
    }
  };
  // timers stop while a computer sleeps, so a long wait is cut into minutes
  const arm = (seconds) => {
    clearTimeout(timer);
    if (seconds > 0) timer = setTimeout(() => ask("?passive=yes"), Math.min(seconds, 600) * 1000 + 500);
  };
  arm(Number(left));

  // somebody is there: tell the server, once a minute at most
  const here = () => { if (!over && Date.now() - asked > 60000) ask(""); };
  for (const kind of ["keydown", "pointerdown", "input"]) document.addEventListener(kind, here, { passive: true });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !over) ask("?passive=yes"); });

  // a refresh of the page's parts that finds the login ended must not lead away from typed words
  document.body.addEventListener("htmx:beforeOnLoad", (e) => {
    if (e.detail.xhr.status !== 401) return;
    e.preventDefault();
    end();
  });
})();
