// What pages ask of signing devices: keys, signatures, addresses on their screens, registrations.
// A button says what and for which device; the dialog leads through it.
import { Bridge, Cancelled, Refusal, pause } from "./usb-bridge.js";
import { Panel } from "./usb-dialog.js";

const box = document.getElementById("usb");
const coin = box.dataset.coin, chain = box.dataset.chain;
const panel = new Panel(box);
const slowAfter = 5; // looks without a device until the page offers help

// Job is what one button asks, until it is done or its person closes the dialog.
class Job {
  constructor(button) {
    this.button = button;
    this.d = button.dataset;
    this.prints = (this.d.prints || "").split(",").filter(Boolean);
    this.passphrase = "";
    this.passed = false; // the person was asked for the passphrase
    this.path = ""; // the device that was chosen
    this.bridge = new Bridge(box.dataset.bridge, box.dataset.forwarded === "yes", chain);
  }

  get at() { return { device_type: this.device.type, path: this.device.path, passphrase: this.passphrase }; }

  // ask is a call to the chosen device while a screen says what it shows.
  async ask(method, params, word, content) {
    if (word) panel.confirm(word, content()); else panel.talk();
    return this.bridge.call(method, { ...params, ...this.at }, (n) => {
      if (n.kind === "register") {
        this.introduced = true;
        panel.confirm("register", copy("usb-policy"), n.text);
      } else if (n.kind === "confirm") {
        if (!word) return;
        const shows = document.createDocumentFragment();
        shows.append(content());
        if (this.introduced && word !== "register") shows.append(copy("usb-policy")); // which of the two it asks is not told
        panel.confirm(word, shows, n.text);
      } else panel.notice(n);
    });
  }

  // find looks once a second until the wanted device is there and open.
  async find() {
    for (let tries = 1; ; tries++) {
      const list = await this.bridge.call("enumerate", { passphrase: this.passphrase, ...(this.bridge.has("pair") && { pair: false }) });
      const all = (Array.isArray(list) ? list : []).map(plain);
      const ours = this.d.type ? all.filter((d) => d.type === this.d.type) : all;
      const found = ours.find((d) => this.prints.includes(d.fingerprint)) || ours.find((d) => d.path === this.path) || (ours.length === 1 && ours[0]);
      let because = ours.map((d) => d.error).filter(Boolean).join(" ");
      if (found || ours.length) {
        this.device = found || await panel.choose(ours);
        this.path = this.device.path;
        because = await this.open();
        if (because === "") return;
        if (because === "again") { tries = 0; continue; }
        this.path = "";
      }
      const others = ours.length ? "" : all.map((d) => d.model || d.type).join(", ");
      panel.detect(this.d.name || "", because, others, tries >= slowAfter);
      await pause(1000, this.bridge.ends.signal);
    }
  }

  // open unlocks the device and makes sure that it is the wanted one. It says why it cannot be
  // used yet; "again" asks for another look, "" is success.
  async open() {
    const d = this.device, matrix = d.type === "keepkey" || d.model === "trezor_1";
    if (this.prints.includes(d.fingerprint)) return "";
    if (d.needs_pin_sent && matrix) {
      await this.pin();
      return "again";
    }
    if (d.needs_passphrase_sent && !this.passed) {
      await this.askPassphrase();
      return "again";
    }
    if (!d.fingerprint) {
      try {
        const line = await this.ask("extract_xpub", { derivation: `m/84h/${coin}h/0h` });
        d.fingerprint = (/^\[([0-9a-f]{8})/.exec(String(line)) || [])[1] || "";
      } catch (e) {
        if (e instanceof Refusal && ["locked", "busy", "empty", "absent"].includes(e.word)) return e.message || d.error || " ";
        throw e;
      }
    }
    if (this.prints.length === 0 || this.prints.includes(d.fingerprint)) return "";
    const name = (d.label || d.model || d.type) + " " + d.fingerprint;
    const word = await panel.wrong(name, [this.d.name, this.prints.join(", ")].filter(Boolean).join(" "), ["trezor", "keepkey"].includes(d.type));
    this.path = "";
    if (word === "passphrase") await this.askPassphrase();
    return "again";
  }

  async askPassphrase() {
    this.passphrase = await panel.passphrase();
    this.passed = true;
    panel.talk();
  }

  async pin() {
    for (let wrong = false; ; wrong = true) {
      panel.talk();
      await this.bridge.call("prompt_pin", this.at);
      try {
        return await this.sendPIN(wrong);
      } catch (e) {
        if (!(e instanceof Refusal) || !["locked", "failed"].includes(e.word) || e.code === -3) throw e;
      }
    }
  }

  async sendPIN(wrong) {
    const pin = await panel.pin(wrong);
    panel.talk();
    const told = await this.bridge.call("send_pin", { ...this.at, pin });
    if (told && told.success === false) throw new Refusal("locked", "", -12); // HWI's word for a wrong PIN
  }

  // wallet is how the device is told which wallet is meant; old bridges know none of it.
  wallet() {
    if (!this.d.descriptor || !this.bridge.has("descriptor")) return {};
    const w = { wallet_name: this.known || this.d.known || this.d.wallet };
    const proof = this.proof || this.d.proof;
    if (proof) w.registration = proof;
    return w;
  }

  // register shows the wallet to a device that wants to know it, once for all times.
  async register() {
    const told = await this.ask("register_wallet", { descriptor: this.d.descriptor, wallet_name: this.d.wallet }, "register", () => copy("usb-policy"));
    if (!told.needed) return false;
    this.known = String(told.name || "") || this.d.wallet.slice(0, 60);
    this.proof = String(told.proof || "");
    await this.keep({ name: this.known, id: String(told.id || ""), proof: this.proof });
    return true;
  }

  async keep(fields) {
    const body = new URLSearchParams({ action: "keep", fingerprint: this.device.fingerprint, kind: this.device.type, ...fields });
    try {
      await fetch(this.d.keep, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
    } catch { /* the device knows the wallet all the same, and will be asked once more */ }
  }

  async introduce() {
    if (this.d.registers && !this.d.known && !this.known && this.bridge.has("register_wallet")) await this.register();
  }
}

// plain takes what we use of a device, as text.
const plain = (d) => ({ type: String(d.type || ""), model: String(d.model || ""), label: String(d.label || ""), path: String(d.path || ""), fingerprint: String(d.fingerprint || "").toLowerCase(),
  needs_pin_sent: !!d.needs_pin_sent, needs_passphrase_sent: !!d.needs_passphrase_sent, error: String(d.error || "") });

const copy = (id) => document.getElementById(id)?.content.cloneNode(true) || "";

const text = (words) => {
  const pre = document.createElement("pre");
  pre.textContent = words;
  return pre;
};

// send puts values into a form of its own and sends it, as the person would have: what the server
// says of it stands on the page that comes.
const send = (action, fields) => {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  form.hidden = true;
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("textarea");
    field.name = name;
    field.value = value;
    form.append(field);
  }
  document.body.append(form);
  form.submit();
};

// same compares an address with what a device says, which may know testnet's form alone.
const same = (ours, theirs) => {
  if (ours === theirs) return { match: true };
  if (chain === "main" || !/^(bcrt1|tb1)/.test(ours) || !/^(bcrt1|tb1)/.test(theirs)) return { match: false };
  const body = (a) => a.replace(/^(bcrt1|tb1)/, "").slice(0, -6); // the checksum is of the whole
  return { match: body(ours) === body(theirs), form: theirs };
};

const kinds = {
  async sign(job) {
    const answer = await fetch(job.d.psbt, { redirect: "error", signal: job.bridge.ends.signal }).catch(() => null);
    if (!answer || !answer.ok) throw new Refusal("login", "");
    const psbt = (await answer.text()).trim();
    await job.introduce();
    const wallet = job.wallet();
    if ("wallet_name" in wallet) wallet.descriptor = job.d.descriptor;
    const signed = String(await job.ask("sign_tx", { psbt, ...wallet }, "sign", () => copy("usb-payment"))).trim();
    if (signed === psbt) throw new Refusal("none", "");
    panel.done("signed");
    send(job.d.post, { psbt: signed });
  },

  async address(job) {
    await job.introduce();
    const params = { descriptor: job.d.at, xpubs_descriptor: job.d.at, ...job.wallet() };
    const theirs = String(await job.ask("display_address", params, "address", () => copy("usb-address") || text(job.d.address))).trim();
    const { match, form } = same(job.d.address, theirs);
    panel.done(match ? "match" : "mismatch", job.d.address, theirs, match && form);
  },

  async keys(job) {
    const lines = [], path = job.d.path && document.getElementById(job.d.path)?.value.trim();
    const one = async (derivation) => lines.push(String(await job.ask("extract_xpub", { derivation })).trim());
    if (path) await one(path);
    else {
      const account = Number(document.getElementById(job.d.account || "")?.value || 0) || 0;
      const all = String(await job.ask("extract_xpubs", { account })).split("\n");
      lines.push(...all.map((l) => l.trim()).filter((l) => new RegExp(`^\\[[0-9a-f]{8}/[0-9]+['h]/${coin}['h]`).test(l)));
      if (job.d.taproot) {
        try {
          await one(`m/86h/${coin}h/${account}h`);
        } catch (e) {
          if (!(e instanceof Refusal) || ["gone", "declined", "absent"].includes(e.word)) throw e;
        } // a firmware without taproot has no such key
      }
    }
    if (lines.length === 0) throw new Refusal("unfit", "");
    if (job.d.post) {
      panel.done("keys");
      send(job.d.post, { keys: lines.join("\n"), action: "save" });
      return;
    }
    const field = document.getElementById("keys"), name = document.getElementById("name");
    field.value = [field.value.trim(), ...lines].filter(Boolean).join("\n");
    if (name && !name.value.trim()) name.value = (job.device.label || name.placeholder).slice(0, 100);
    panel.done("keys");
    document.querySelector("[data-test=look]").click();
  },

  async message(job) {
    const message = document.getElementById("message").value.replaceAll("\r\n", "\n");
    const signature = String(await job.ask("sign_message", { message, derivation_path: job.d.derivation }, "message", () => text(message))).trim();
    document.getElementById("signature").value = signature;
    panel.done("message");
    document.querySelector("[data-test=verify]").click();
  },

  async register(job) {
    let needed = true;
    if (job.bridge.has("register_wallet")) needed = await job.register();
    else {
      await job.ask("register_multisig", { descriptor: job.d.descriptor }, "register", () => copy("usb-policy"));
      await job.keep({ name: job.d.wallet.slice(0, 60), id: "", proof: "" });
    }
    panel.done(needed ? "registered" : "needless");
    if (needed) panel.ended = () => location.reload();
  },

  async passphrase(job) {
    try {
      await job.ask("toggle_passphrase", {}, "passphrase", () => "");
    } catch (e) {
      if (!(e instanceof Refusal) || e.word !== "locked") throw e;
      await job.sendPIN(false); // a KeepKey asks for its PIN to switch it
    }
    panel.done("toggled");
  },
};

const failed = (e) => {
  if (!(e instanceof Refusal)) return ["failed", String(e && e.message || ""), false];
  if (/do not use this device/i.test(e.message)) return ["lie", e.message, false];
  const unreached = ["off", "list", "mixed", "insecure", "blocked", "shield", "policy", "strange"].includes(e.word);
  return [e.word === "strange" ? "bridge" : e.word, ["declined"].includes(e.word) ? "" : e.message, unreached];
};

const run = async (button) => {
  const job = new Job(button);
  panel.open(button.dataset.title || button.textContent.trim(), button, () => job.bridge.cancel());
  let sure = button.dataset.type !== "coldcard" || button.dataset.usb === "register";
  for (;;) {
    try {
      if (!sure) {
        await panel.question(button.dataset.other);
        sure = true;
      }
      panel.detect(button.dataset.name || "", "", "", false);
      await job.bridge.greet();
      await job.find();
      return await kinds[button.dataset.usb](job);
    } catch (e) {
      if (e instanceof Cancelled || !box.open) return;
      try {
        await panel.trouble(...failed(e));
      } catch {
        return; // closed
      }
      job.path = "";
    }
  }
};

document.addEventListener("click", (e) => {
  const button = e.target.closest("button[data-usb]");
  if (!button || box.open) return;
  e.preventDefault();
  run(button);
});
document.documentElement.dataset.usbReady = "yes";
