// Tries the bridge on the computer that the browser runs on, and names the step that fails. The
// sentences stand in the page, in its language; here they are only shown.
(function () {
  "use strict";
  const button = document.getElementById("usb-test");
  const result = document.getElementById("usb-result");
  if (!button || !result) return;
  const url = button.dataset.bridge;
  let refusedByPolicy = false;
  document.addEventListener("securitypolicyviolation", function (e) {
    if (e.effectiveDirective === "connect-src") refusedByPolicy = true;
  });

  function say(word, text) {
    for (const p of result.querySelectorAll("[data-say]")) {
      p.hidden = p.dataset.say !== word;
      const slot = p.querySelector("[data-count]");
      if (slot) slot.textContent = text || "";
    }
    result.dataset.outcome = word;
  }

  function call(method) {
    return fetch(url, {
      method: "POST",
      credentials: "omit",
      headers: { "Accept": "application/json", "Content-Type": "application/json" },
      signal: AbortSignal.timeout(60000),
      body: JSON.stringify({ jsonrpc: "2.0", id: method, method: method, params: {}, forwarded_request: true }),
    }).then(function (r) { return r.json(); });
  }

  async function denied() {
    for (const name of ["loopback-network", "local-network-access", "local-network"]) {
      try {
        if ((await navigator.permissions.query({ name: name })).state === "denied") return true;
      } catch (e) { /* a browser that does not know the permission has no such bar */ }
    }
    return false;
  }

  // why finds out what kept the answer away: a page is only told that there was none.
  async function why() {
    if (refusedByPolicy) return "policy";
    try {
      await fetch(url, { mode: "no-cors", credentials: "omit", signal: AbortSignal.timeout(10000) });
      return "list"; // somebody answers, and did not let this page read it
    } catch (e) { /* nobody does */ }
    if (refusedByPolicy) return "policy";
    if (await denied()) return "blocked";
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    if (!window.isSecureContext && !local) return "insecure";
    if (location.protocol === "https:" && /^((?!chrome|android).)*safari/i.test(navigator.userAgent)) return "mixed";
    if (navigator.brave) return "shield";
    return "off";
  }

  async function test() {
    button.disabled = true;
    refusedByPolicy = false;
    say("trying");
    try {
      const first = await call("version");
      if (first && first.error && first.error.code === -32001) return say("list");
      if (!first || !(first.result || first.error && first.error.code === -32601)) return say("strange", "");
      const list = await call("enumerate");
      if (list.error) return say("strange", String(list.error.message));
      if (list.result.length === 0) return say("none");
      say("ok", list.result.map(function (d) { return String(d.model || d.type); }).join(", "));
    } catch (e) {
      say(e instanceof SyntaxError ? "strange" : await why());
    } finally {
      button.disabled = false;
    }
  }

  button.hidden = false;
  button.addEventListener("click", test);
})();
