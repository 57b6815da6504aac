// The bridge to signing devices, as pages ask it: JSON-RPC at the address that the page was given.
// Everything that comes back is foreign text; nothing here touches the page.

// Refusal is an answer that is none, in a word that the page has sentences for: off, list, mixed,
// insecure, blocked, shield, policy (no answer at all); login; strange; declined, gone, absent,
// locked, empty, busy, cannot, failed (a device's). The message is the bridge's own sentence.
export class Refusal extends Error {
  constructor(word, message, code) {
    super(message || "");
    this.word = word;
    this.code = code;
  }
}

// Cancelled ends a dialog that its person closed.
export class Cancelled extends Error {}

// words for the codes of devices, which are HWI's
const words = { "-3": "gone", "-4": "absent", "-8": "cannot", "-9": "cannot", "-12": "locked", "-14": "declined", "-15": "busy", "-18": "empty" };

let refusedByPolicy = false;
document.addEventListener("securitypolicyviolation", (e) => {
  if (e.effectiveDirective === "connect-src") refusedByPolicy = true;
});

const denied = async () => {
  for (const name of ["loopback-network", "local-network-access", "local-network"]) {
    try {
      if ((await navigator.permissions.query({ name })).state === "denied") return true;
    } catch { /* a browser that does not know the permission has no such bar */ }
  }
  return false;
};

// why finds out what kept an answer away: a page is only told that there was none.
export const why = async (url) => {
  if (refusedByPolicy) return "policy";
  try {
    await fetch(url, { mode: "no-cors", credentials: "omit", signal: AbortSignal.timeout(10000) });
    return "list"; // somebody answers, and did not let this page read it
  } catch { /* nobody does */ }
  if (refusedByPolicy) return "policy";
  if (await denied()) return "blocked";
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  if (!window.isSecureContext && !local) return "insecure";
  if (location.protocol === "https:" && /^((?!chrome|android).)*safari/i.test(navigator.userAgent)) return "mixed";
  if (navigator.brave) return "shield";
  return "off";
};

export const forgetPolicy = () => { refusedByPolicy = false; };

// Bridge is one dialog's way to the devices.
export class Bridge {
  constructor(url, forwarded, chain) {
    this.url = url;
    this.forwarded = forwarded;
    this.chain = chain;
    this.extras = [];
    this.session = "";
    this.since = 0;
    this.ends = new AbortController();
  }

  has(extra) { return this.extras.includes(extra); }

  // post makes one call and returns its result.
  async post(method, params, signal) {
    let response;
    const limits = [this.ends.signal];
    if (signal) limits.push(signal);
    if (method === "enumerate" || method === "version") limits.push(AbortSignal.timeout(60000));
    try {
      response = await fetch(this.url, {
        method: "POST",
        credentials: this.forwarded ? "omit" : "same-origin",
        headers: { "Accept": "application/json", "Content-Type": "application/json" },
        signal: AbortSignal.any(limits),
        body: JSON.stringify({ jsonrpc: "2.0", id: method, method, params, forwarded_request: this.forwarded }),
      });
    } catch (e) {
      if (this.ends.signal.aborted) throw new Cancelled();
      if (signal && signal.aborted) throw e;
      throw new Refusal(this.forwarded ? await why(this.url) : "away", "");
    }
    let answer;
    try {
      answer = await response.json();
    } catch {
      if (this.ends.signal.aborted) throw new Cancelled();
      throw new Refusal("strange", "HTTP " + response.status);
    }
    if (answer && answer.error) throw this.refusal(answer.error, response.status);
    if (!answer || typeof answer !== "object" || !("result" in answer)) throw new Refusal("strange", "HTTP " + response.status);
    return answer.result;
  }

  refusal(error, status) {
    const message = String(error.message || "").replace(/^Internal error: /, "");
    if (error.code === -32001) return new Refusal(status === 401 && !this.forwarded ? "login" : "list", message, error.code);
    if (error.code !== -32000) return new Refusal(error.code === -32601 ? "unknown" : "strange", message, error.code);
    const code = error.data && Number(error.data.code);
    if (code) return new Refusal(words[String(code)] || "failed", message, code);
    if (/could not be found/i.test(message)) return new Refusal("absent", message); // an old bridge tells in words alone
    if (/cancel|reject|refus|denied|declin/i.test(message)) return new Refusal("declined", message);
    return new Refusal("failed", message);
  }

  // greet asks what the bridge can; an old one can what its contract says.
  async greet() {
    this.extras = [];
    try {
      const told = await this.post("version", {});
      if (told && Array.isArray(told.extras)) this.extras = told.extras.map(String);
    } catch (e) {
      if (!(e instanceof Refusal) || e.word !== "unknown") throw e;
    }
    if (this.has("session") && !this.session) {
      this.session = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
    }
  }

  // call asks something of devices. heard is told what a device asks its person meanwhile.
  async call(method, params, heard) {
    const all = { ...params, chain: this.chain };
    if (this.session) all.session = this.session;
    const over = new AbortController();
    if (heard && this.session && this.has("notices")) this.listen(heard, over.signal);
    else if (heard && method !== "enumerate") this.pairing(heard, over.signal);
    try {
      return await this.post(method, all);
    } finally {
      over.abort();
    }
  }

  async listen(heard, signal) {
    while (!signal.aborted) {
      try {
        const told = await this.post("notices", { session: this.session, since: this.since, wait: 20 }, signal);
        if (signal.aborted) return;
        for (const n of told.notices || []) heard({ kind: String(n.kind), code: String(n.code || ""), text: String(n.text || "") });
        this.since = Number(told.next) || this.since;
        if (!(told.notices || []).length) await pause(200, signal);
      } catch {
        return; // the call itself tells what is wrong
      }
    }
  }

  // pairing asks an old bridge for the code that a BitBox02 shows.
  async pairing(heard, signal) {
    let last = "";
    while (!signal.aborted) {
      try {
        await pause(1000, signal);
        const told = await this.post("bitbox02_pairing", { chain: this.chain }, signal);
        const code = told && told.code ? String(told.code) : "";
        if (code && code !== last && !signal.aborted) heard({ kind: "pairing", code, text: "" });
        last = code;
      } catch {
        return;
      }
    }
  }

  // cancel ends every call, at the device too. The bridge cannot be used afterwards.
  cancel() {
    if (this.ends.signal.aborted) return;
    this.ends.abort(new Cancelled());
    if (!this.session || !this.has("cancel")) return;
    fetch(this.url, {
      method: "POST",
      credentials: this.forwarded ? "omit" : "same-origin",
      keepalive: true,
      headers: { "Accept": "application/json", "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: "cancel", method: "cancel", params: { session: this.session }, forwarded_request: this.forwarded }),
    }).catch(() => {}); // closing the connection has told the bridge already
  }
}

// pause waits, unless the signal ends it.
export const pause = (ms, signal) => new Promise((done, ended) => {
  const stop = () => { clearTimeout(timer); ended(new Cancelled()); };
  const timer = setTimeout(() => { signal.removeEventListener("abort", stop); done(); }, ms);
  if (signal.aborted) return stop();
  signal.addEventListener("abort", stop, { once: true });
});
