"use strict";
// QR codes that follow each other: fetched as bits, drawn on a canvas, at the speed and size that
// the device's camera likes. Without script the first code and a list of all are there.
(() => {
  const play = (box) => {
    const $ = (s) => box.querySelector(s);
    const canvas = $("canvas"), pen = canvas.getContext("2d"), bar = $("[data-show-bar]");
    const density = $("[data-show-density]"), rate = $("[data-show-rate]"), size = $("[data-show-size]"), pause = $("[data-show-pause]");
    let frames = [], total = 1, endless = false, at = 0, timer = 0, fetching = false, run = 0, awake = null;

    const address = (from) => {
      const u = new URL(box.dataset.show, location.href);
      u.searchParams.set("density", density ? density.value : box.dataset.density);
      u.searchParams.set("frames", from);
      return u;
    };
    const load = async (from) => {
      if (fetching) return;
      fetching = true;
      const mine = run;
      try {
        const answer = await fetch(address(from), { headers: { Accept: "application/json" }, redirect: "error" });
        if (!answer.ok) throw new Error(String(answer.status));
        const got = await answer.json();
        if (mine === run && got.from === frames.length) {
          total = got.total;
          endless = got.endless;
          frames.push(...got.frames);
          box.dataset.total = total;
          box.querySelectorAll("[data-show-moving]").forEach((e) => { e.hidden = total < 2; });
        }
      } catch {
        if (mine === run) bar.textContent = bar.dataset.lost;
      }
      fetching = false;
      if (mine !== run) load(0);
    };

    // all are the codes that are shown before the first comes again
    const all = () => endless ? Math.min(3 * total, 4000) : total;

    const draw = (frame) => {
      const bits = atob(frame.bits), side = frame.n + 8, scale = Math.max(1, Math.floor(1100 / side));
      canvas.width = canvas.height = side * scale;
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.fillStyle = "#000";
      for (let i = 0; i < frame.n * frame.n; i++) {
        if (bits.charCodeAt(i >> 3) & (0x80 >> (i & 7))) pen.fillRect((i % frame.n + 4) * scale, (Math.floor(i / frame.n) + 4) * scale, scale, scale);
      }
    };
    const fit = () => { canvas.style.width = size.value + "px"; };

    const step = () => {
      timer = 0;
      if (!box.isConnected) return stop();
      if (at >= frames.length && at >= all()) at = 0;
      const frame = frames[at];
      if (frame) {
        draw(frame);
        box.classList.add("playing");
        box.dataset.at = at;
        bar.textContent = total < 2 ? "" : at < total ? bar.dataset.words.replace("%s", at + 1).replace("%s", total) : bar.dataset.more.replace("%s", at + 1 - total);
        at++;
      }
      if (frames.length < all() && at + 20 > frames.length) load(frames.length);
      if (total > 1 && pause.getAttribute("aria-pressed") !== "true" || !frame) timer = setTimeout(step, 1000 / (rate ? Number(rate.value) : 3));
    };
    const stop = () => { clearTimeout(timer); timer = 0; awake?.release?.().catch(() => {}); awake = null; };

    const restart = async () => {
      stop();
      run++;
      frames = []; at = 0; total = 1;
      await load(0);
      step();
      try { awake = await navigator.wakeLock?.request("screen"); } catch { /* the screen may sleep */ }
    };

    let soon = 0;
    density?.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(restart, 200); });
    size.addEventListener("input", fit);
    pause.addEventListener("click", () => {
      const held = pause.getAttribute("aria-pressed") !== "true";
      pause.setAttribute("aria-pressed", held);
      if (held) { clearTimeout(timer); timer = 0; } else if (!timer) step();
    });
    $("[data-show-full]").addEventListener("click", () => {
      if (document.fullscreenElement) document.exitFullscreen(); else box.requestFullscreen().catch(() => {});
    });
    canvas.addEventListener("click", () => { if (document.fullscreenElement) document.exitFullscreen(); });
    $("[data-show-save]").addEventListener("click", () => canvas.toBlob((blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = "qr.png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }));
    document.addEventListener("visibilitychange", () => { if (!document.hidden && !timer && total > 1) step(); });
    fit();
    restart();
  };
  document.querySelectorAll("[data-show]").forEach(play);
})();
