"use strict";
// The QR scanner: camera, pictures and recordings in, the joined message into a field of the page.
// Pictures go to a worker that finds codes; the codes go to the server, which joins them.
(() => {
  const panel = document.getElementById("scan");
  if (!panel) return;
  const $ = (s) => panel.querySelector(s);
  const video = $("video"), words = $("[data-scan-words]"), bar = $("progress"), map = $(".scan-map"), problem = $(".scan-problem");
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const largest = 1600; // pixels of a side that are looked at

  let button = null; // that opened the panel
  let round = 0; // grows with every start, so that late answers are dropped

  // --- the worker

  let worker = null, ready = null, waiting = new Map(), next = 0;
  const startWorker = () => {
    if (ready) return ready;
    const d = panel.dataset;
    ready = new Promise((done, failed) => {
      worker = new Worker(d.worker);
      worker.onerror = () => failed(new Error("worker"));
      worker.onmessage = ({ data }) => {
        if (data.ready) { panel.dataset.reader = data.ready; done(); return; }
        waiting.get(data.id)?.(data.codes);
        waiting.delete(data.id);
      };
      worker.postMessage({ files: { zxing: d.zxing, wasm: d.wasm, jsqr: d.jsqr, plain: d.plain === "yes" } });
    });
    return ready;
  };
  const find = async (image, patient) => {
    await startWorker();
    return new Promise((done) => {
      const id = next++;
      waiting.set(id, done);
      worker.postMessage({ id, image, patient }, [image.data.buffer]);
    });
  };

  // picture draws a source into the canvas, no larger than is useful.
  const picture = (source, width, height, scale = 1) => {
    const shrink = Math.min(1, largest / Math.max(width, height)) * scale;
    canvas.width = Math.max(1, Math.round(width * shrink));
    canvas.height = Math.max(1, Math.round(height * shrink));
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    return pen.getImageData(0, 0, canvas.width, canvas.height);
  };

  // --- the message

  let session = "", seen = new Set(), queue = [], sending = false, over = false, total = 0, progress = "";
  let share = null; // per cent of a film that was looked through
  const tell = () => { words.textContent = (total > 0 ? progress : words.dataset.film) + (share === null ? "" : ` (${share} %)`); };
  const forget = () => {
    round++;
    session = ""; seen = new Set(); queue = []; over = false; total = 0; progress = ""; share = null;
    bar.value = 0; bar.removeAttribute("data-known"); map.replaceChildren(); problem.hidden = true;
    words.textContent = words.dataset.look;
  };
  const say = (text) => { problem.querySelector("p").textContent = text; problem.hidden = !text; };

  const take = (codes) => {
    for (const c of codes) {
      const name = c.text !== undefined ? "t" + c.text : "b" + c.bytes;
      if (over || seen.has(name)) continue;
      if (seen.size >= 20000) seen.clear();
      seen.add(name);
      queue.push(c);
    }
    send();
  };

  const send = async () => {
    if (sending || over || queue.length === 0) return;
    sending = true;
    const mine = round, batch = queue.splice(0, 64);
    const form = new URLSearchParams({ session, for: button ? button.dataset.scan : "" });
    for (const c of batch) c.text !== undefined ? form.append("part", c.text) : form.append("bytes", c.bytes);
    try {
      const answer = await fetch(panel.dataset.url, { method: "POST", body: form, headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const told = await answer.json();
      if (mine === round) hear(told);
    } catch {
      if (mine === round) {
        queue.unshift(...batch);
        words.textContent = words.dataset.away;
        setTimeout(() => { sending = false; send(); }, 1500);
        return;
      }
    }
    sending = false;
    send();
  };

  const hear = (told) => {
    session = told.session;
    total = told.total;
    say(told.problem);
    if (told.total > 0) {
      progress = told.progress;
      tell();
      bar.value = 100 * told.known / told.total;
      bar.dataset.known = told.known;
      draw(told.map);
    }
    if (told.failed) { over = true; return; }
    if (told.done) { over = true; deliver(told.text); }
  };

  const draw = (digits) => {
    while (map.childElementCount > digits.length) map.lastChild.remove();
    while (map.childElementCount < digits.length) map.append(document.createElement("i"));
    [...map.children].forEach((box, i) => box.classList.toggle("known", digits[i] === "1"));
  };

  const deliver = (text) => {
    const field = document.getElementById(button.dataset.into);
    const press = button.dataset.press && document.querySelector(button.dataset.press);
    shut();
    if (!field) return;
    const lines = field.tagName === "TEXTAREA" && button.dataset.scan === "keys" && field.value.trim();
    field.value = lines ? field.value.trimEnd() + "\n" + text : text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    if (press) press.click(); else field.focus();
  };

  // --- the camera

  let stream = null;
  const stopCamera = () => {
    stream?.getTracks().forEach((t) => t.stop());
    stream = null;
    video.srcObject = null;
  };
  const track = () => stream?.getVideoTracks()[0];

  const startCamera = async () => {
    stopCamera();
    const mine = ++round;
    $(".scan-refused").hidden = true;
    const view = $(".scan-view");
    view.hidden = false;
    if (!navigator.mediaDevices?.getUserMedia) {
      $(".scan-insecure").hidden = window.isSecureContext;
      $(".scan-refused").hidden = !window.isSecureContext;
      view.hidden = true;
      return;
    }
    const chosen = sessionStorage.getItem("specter-camera");
    const size = { width: { ideal: 1280 }, height: { ideal: 960 } };
    try {
      let got;
      try {
        got = await navigator.mediaDevices.getUserMedia({ video: chosen ? { deviceId: { exact: chosen }, ...size } : { facingMode: "environment", ...size } });
      } catch (e) {
        if (!chosen) throw e;
        sessionStorage.removeItem("specter-camera");
        got = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", ...size } });
      }
      if (mine !== round || !panel.open) { got.getTracks().forEach((t) => t.stop()); return; }
      stream = got;
      video.srcObject = got;
      await video.play();
    } catch {
      if (mine !== round) return;
      $(".scan-refused").hidden = false;
      view.hidden = true;
      return;
    }
    view.classList.add("live");
    $("[data-scan-torch]").setAttribute("aria-pressed", "false"); // it went out with the last camera
    $("[data-scan-torch]").hidden = !(track().getCapabilities && track().getCapabilities().torch);
    listCameras();
    look(mine);
  };

  const listCameras = async () => {
    const all = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput" && d.deviceId);
    const select = $("[data-scan-camera]");
    select.replaceChildren(...all.map((d, i) => new Option(d.label || select.dataset.words.replace("%s", i + 1), d.deviceId, false, d.deviceId === track()?.getSettings().deviceId)));
    $(".scan-camera").hidden = all.length < 2;
  };

  // look reads one picture after the other, each as soon as the worker is free.
  const look = async (mine) => {
    let n = 0;
    while (mine === round && stream && panel.open) {
      if (video.videoWidth && !over) {
        // now and then with more patience, for small and blurred codes
        take(await find(picture(video, video.videoWidth, video.videoHeight), n++ % 4 === 3));
      }
      await new Promise((done) => video.requestVideoFrameCallback ? video.requestVideoFrameCallback(done) : setTimeout(done, 50));
    }
  };

  // --- pictures and recordings

  const readPicture = async (file) => {
    const image = await createImageBitmap(file);
    for (const scale of [1, 0.5, 0.25]) {
      const codes = await find(picture(image, image.width, image.height, scale), true);
      if (codes.length) return take(codes);
    }
    words.textContent = words.dataset.none;
  };

  const event = (target, name, patience = 30000) => new Promise((done, failed) => {
    const stop = setTimeout(() => failed(new Error(name)), patience);
    target.addEventListener(name, () => { clearTimeout(stop); done(); }, { once: true });
    target.addEventListener("error", () => { clearTimeout(stop); failed(new Error(name)); }, { once: true });
  });

  // places are the times of a film that are looked at. A film is gone through by seeking, not by
  // playing, so that it does not matter how fast this computer is: first in steps that find every
  // code of a screen at its usual speed, then between them.
  const places = (end) => [[0, 1 / 6], [1 / 12, 1 / 6], [1 / 24, 1 / 12]].flatMap(([from, step]) =>
    Array.from({ length: Math.max(0, Math.ceil((end - from) / step)) }, (_, i) => from + i * step));

  // mark tells pictures apart without keeping them: a sum over some of their dots.
  const mark = ({ data }) => {
    let a = 0x811c9dc5, b = 5381;
    for (let i = 0; i < data.length; i += 4 * 37) {
      a = Math.imul(a ^ data[i], 0x01000193);
      b = Math.imul(b, 33) + data[i] | 0;
    }
    return a + " " + b;
  };

  const readFilm = async (file) => {
    const mine = round, film = document.createElement("video"), at = URL.createObjectURL(file);
    film.muted = true;
    film.preload = "auto";
    film.src = at;
    share = 0;
    tell();
    try {
      await event(film, "loadeddata");
      if (!Number.isFinite(film.duration)) { // what browsers record does not say how long it is
        film.currentTime = 1e7;
        await event(film, "seeked");
      }
      const end = Math.min(Number.isFinite(film.duration) ? film.duration : film.currentTime, 600);
      const all = places(end), looked = new Set();
      let any = false;
      for (let i = 0; i < all.length && mine === round && !over; i++) {
        film.currentTime = all[i];
        await event(film, "seeked");
        const image = picture(film, film.videoWidth, film.videoHeight), name = mark(image);
        if (!looked.has(name)) {
          looked.add(name);
          const codes = await find(image, false);
          any = any || codes.length > 0;
          if (mine === round) take(codes);
        }
        const now = Math.floor(20 * (i + 1) / all.length) * 5;
        if (now !== share && mine === round) { share = now; tell(); }
      }
      while (sending && mine === round) await new Promise((done) => setTimeout(done, 50));
      if (mine === round && !over) any ? say(words.dataset.missing) : words.textContent = words.dataset.none;
    } catch {
      if (mine === round) words.textContent = words.dataset.none;
    } finally {
      if (mine === round) share = null;
      film.removeAttribute("src");
      URL.revokeObjectURL(at);
    }
  };

  $("[data-scan-file]").addEventListener("change", async (e) => {
    const file = e.target.files[0];
    e.target.value = "";
    if (!file) return;
    const wasOver = over;
    stopCamera();
    $(".scan-view").hidden = true;
    if (wasOver) forget(); else round++;
    share = null;
    try {
      await (file.type.startsWith("video/") ? readFilm(file) : readPicture(file));
    } catch {
      words.textContent = words.dataset.none;
    }
  });

  // --- the panel

  const shut = () => { stopCamera(); round++; if (panel.open) panel.close(); };
  document.addEventListener("click", (e) => {
    const opener = e.target.closest("[data-scan]");
    if (!opener) return;
    button = opener;
    forget();
    panel.showModal();
    startWorker().catch(() => { $(".scan-refused").hidden = false; });
    startCamera();
  });
  $("[data-scan-close]").addEventListener("click", shut);
  panel.addEventListener("close", () => { stopCamera(); round++; });
  $("[data-scan-again]").addEventListener("click", () => { forget(); startCamera(); });
  $("[data-scan-camera]").addEventListener("change", (e) => { sessionStorage.setItem("specter-camera", e.target.value); startCamera(); });
  $("[data-scan-torch]").addEventListener("click", async (e) => {
    const on = e.currentTarget.getAttribute("aria-pressed") !== "true";
    e.currentTarget.setAttribute("aria-pressed", on);
    try { await track().applyConstraints({ advanced: [{ torch: on }] }); } catch { e.target.closest("button").hidden = true; }
  });

  // --- files dropped onto a form that takes files

  const inputOf = (target) => target.closest && target.closest("form")?.querySelector("input[type=file]:not([data-scan-file])");
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (e) => {
      const input = inputOf(e.target);
      if (!input || !e.dataTransfer?.types.includes("Files")) return;
      e.preventDefault();
      input.form.classList.toggle("dropping", name === "dragover");
      if (name !== "drop") return;
      const files = new DataTransfer();
      const list = [...e.dataTransfer.files];
      (input.multiple ? list : list.slice(0, 1)).forEach((f) => files.items.add(f));
      input.files = files.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
})();
