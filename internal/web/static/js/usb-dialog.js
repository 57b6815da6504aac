// The one dialog of signing devices: its screens stand in the page, in its language; here they are
// shown, announced and answered. Foreign text comes in as text alone.
import { Cancelled } from "./usb-bridge.js";

const $ = (root, s) => root.querySelector(s);
const fill = (root, selector, text) => {
  const e = $(root, selector);
  e.textContent = text;
  e.hidden = !text;
};

export class Panel {
  constructor(box) {
    this.box = box;
    this.status = $(box, "[data-usb-status]");
    this.active = false; // a dialog was opened and not finished yet
    this.answer = null; // of the screen that waits for one
    this.ended = null; // what to do when the person closes the dialog
    box.addEventListener("close", () => this.closed());
    box.addEventListener("click", (e) => this.clicked(e));
    box.addEventListener("keydown", (e) => this.typed(e));
    $(box, "[data-usb-form]").addEventListener("submit", (e) => { e.preventDefault(); this.give($(box, "#usb-passphrase").value); });
    $(box, "[data-usb-show]").addEventListener("change", (e) => { $(box, "#usb-passphrase").type = e.target.checked ? "text" : "password"; });
    for (const e of box.querySelectorAll("[data-own-origin]")) e.textContent = location.origin + "/";
    this.places = "";
  }

  // open begins a dialog under a title; ended is called when it is closed before its end.
  open(title, opener, ended) {
    this.finish(); // of the dialog before, whose close event may still be on its way
    this.active = true;
    this.opener = opener;
    this.ended = ended;
    this.screen = this.box.dataset.at = "";
    $(this.box, "#usb-title").textContent = title;
    if (!this.box.open) this.box.showModal();
  }

  close() {
    if (this.box.open) this.box.close();
  }

  // closed hears the browser's event, which comes a moment after the dialog is gone: another may be
  // open by then, and its job must not be ended for the first one's sake.
  closed() {
    if (!this.box.open) this.finish();
  }

  finish() {
    if (!this.active) return;
    this.active = false;
    $(this.box, "#usb-passphrase").value = "";
    this.places = "";
    $(this.box, "[data-usb-shows]").replaceChildren();
    const waits = this.answer;
    this.answer = null;
    if (this.ended) this.ended();
    this.ended = null;
    if (waits) waits.no(new Cancelled());
    // the page may have drawn the button anew meanwhile
    const back = this.opener && (this.opener.isConnected ? this.opener : this.opener.id && document.getElementById(this.opener.id));
    if (back) back.focus();
  }

  // show puts up a screen, tells screen readers, and puts the focus where hands go next.
  show(screen, focus) {
    const changed = this.screen !== screen;
    this.screen = screen;
    this.box.dataset.at = screen;
    for (const s of this.box.querySelectorAll("[data-screen]")) s.hidden = s.dataset.screen !== screen;
    $(this.box, "[data-usb-foot]").hidden = screen === "done";
    const at = this.at();
    const words = $(at, "[data-status]").innerText.trim();
    if (this.status.textContent !== words) this.status.textContent = words;
    const first = focus ? $(at, focus) : $(at, "[data-answer], .button:not([hidden])");
    if (changed || !this.box.contains(document.activeElement) || document.activeElement.closest("[hidden]")) (first || $(this.box, "#usb-title")).focus();
  }

  at() { return $(this.box, `[data-screen="${this.screen}"]`); }

  // word chooses among the sentences of a screen.
  word(screen, word) {
    for (const e of this.box.querySelectorAll(`[data-screen="${screen}"] [data-word]`)) e.hidden = e.dataset.word !== word;
  }

  // wait shows a screen until its person answers.
  wait(screen, focus) {
    this.show(screen, focus);
    return new Promise((yes, no) => { this.answer = { yes, no }; });
  }

  give(value) {
    const a = this.answer;
    this.answer = null;
    if (a) a.yes(value);
  }

  clicked(e) {
    const b = e.target.closest("button, a");
    if (!b) return;
    if ("usbClose" in b.dataset) this.close();
    else if (b.dataset.answer) this.give(b.dataset.answer);
    else if (b.dataset.place) this.press(b.dataset.place);
    else if ("usbBack" in b.dataset) this.press("");
    else if ("usbSend" in b.dataset) this.sendPlaces();
    else if (b.dataset.device) this.give(Number(b.dataset.device));
  }

  typed(e) {
    if (this.screen !== "pin" || !this.answer || e.ctrlKey || e.metaKey || e.altKey) return;
    if (/^[1-9]$/.test(e.key)) this.press(e.key);
    else if (e.key === "Backspace" || e.key === "Delete") this.press("");
    else if (e.key === "Enter" && !("usbBack" in e.target.dataset || "usbClose" in e.target.dataset)) this.sendPlaces();
    else return;
    e.preventDefault();
  }

  press(place) {
    this.places = place ? (this.places + place).slice(0, 50) : this.places.slice(0, -1);
    const out = $(this.box, "[data-usb-places]");
    const count = document.createElement("span");
    count.className = "sr";
    count.textContent = out.dataset.words.replace("%s", String(this.places.length));
    const dots = document.createElement("span");
    dots.ariaHidden = "true";
    dots.textContent = "• ".repeat(this.places.length);
    out.replaceChildren(dots, count);
  }

  sendPlaces() {
    if (!this.places) return;
    const places = this.places;
    this.places = "";
    this.give(places);
  }

  question(other) {
    const link = $(this.box, "[data-usb-other]");
    link.hidden = !other;
    if (other) link.href = other;
    return this.wait("question");
  }

  // detect shows that devices are looked for: why one that is there cannot be used yet, what
  // others are there, and after a while where to look for help.
  detect(name, because, others, slow) {
    this.word("detect", name ? "name" : "look");
    $(this.box, '[data-screen="detect"] [data-slot]').textContent = name;
    const why = $(this.box, "[data-usb-because]"), there = $(this.box, "[data-usb-others]");
    why.hidden = !because;
    $(why, "span").textContent = because;
    there.hidden = !others;
    $(there, "span").textContent = others;
    $(this.box, "[data-usb-slow]").hidden = !slow;
    this.show("detect", "#none");
  }

  choose(devices) {
    const list = $(this.box, "[data-usb-list]");
    list.replaceChildren(...devices.map((d, i) => {
      const item = document.createElement("li"), button = document.createElement("button"), name = document.createElement("strong"), rest = document.createElement("span");
      button.type = "button";
      button.className = "button";
      button.dataset.device = String(i);
      name.textContent = d.label ? `${d.label} (${d.model || d.type})` : d.model || d.type;
      rest.className = "mono dim";
      rest.textContent = `${d.fingerprint || list.dataset.locked} · ${d.path}`;
      button.append(name, rest);
      item.append(button);
      return item;
    }));
    return this.wait("choose", "[data-device]").then((i) => devices[i]);
  }

  pin(wrong) {
    this.places = "";
    $(this.box, "[data-usb-places]").replaceChildren();
    $(this.box, "[data-usb-wrong]").hidden = !wrong;
    return this.wait("pin", '[data-place="7"]');
  }

  async passphrase() {
    const field = $(this.box, "#usb-passphrase");
    field.value = "";
    field.type = "password";
    $(this.box, "[data-usb-show]").checked = false;
    try {
      return await this.wait("passphrase", "#usb-passphrase");
    } finally {
      field.value = "";
    }
  }

  talk() { this.show("talk", "#none"); }

  // notice shows what a device asks; confirm shows what it must show meanwhile.
  notice(n) {
    if (n.kind === "pairing") {
      $(this.box, "[data-usb-code]").textContent = n.code;
      this.show("pairing", "#none");
      this.status.textContent += " " + n.code;
      return;
    }
    const screen = { unlock: "unlock", passphrase: "typed" }[n.kind];
    if (!screen) return;
    fill($(this.box, `[data-screen="${screen}"]`), "[data-usb-text]", n.text);
    this.show(screen, "#none");
  }

  confirm(word, content, text) {
    this.word("confirm", word);
    const shows = $(this.box, "[data-usb-shows]");
    shows.replaceChildren(...(content ? [content] : []));
    shows.hidden = !content;
    fill($(this.box, '[data-screen="confirm"]'), "[data-usb-text]", text || "");
    this.show("confirm", "#none");
  }

  wrong(is, wants, passphrase) {
    $(this.box, "[data-usb-is]").textContent = is;
    $(this.box, "[data-usb-wants]").textContent = wants;
    $(this.box, "[data-usb-can-passphrase]").hidden = !passphrase;
    return this.wait("wrong");
  }

  // trouble says what went wrong until the person wants to try again.
  trouble(word, detail, settings) {
    const box = $(this.box, '[data-screen="trouble"]');
    let known = false;
    for (const p of box.querySelectorAll("[data-say]")) {
      p.hidden = p.dataset.say !== word;
      known = known || !p.hidden;
    }
    if (!known) $(box, '[data-say="failed"]').hidden = false;
    fill(box, "[data-usb-detail]", detail.charAt(0).toUpperCase() + detail.slice(1));
    $(box, "[data-usb-settings]").hidden = !settings;
    return this.wait("trouble");
  }

  done(word, shown, theirs, form) {
    this.ended = null; // nothing is left to end
    this.word("done", word);
    const bad = word === "mismatch";
    $(this.box, "[data-usb-good]").hidden = bad;
    $(this.box, "[data-usb-bad]").hidden = !bad;
    $(this.box, "[data-usb-theirs]").textContent = bad ? theirs : "";
    $(this.box, "[data-usb-ours]").textContent = bad ? shown : "";
    fill(this.box, "[data-usb-shown]", bad ? "" : shown || "");
    const note = $(this.box, "[data-usb-form-note]");
    note.hidden = !form;
    $(note, "span").textContent = form || "";
    this.show("done", "[data-usb-close]");
  }
}
