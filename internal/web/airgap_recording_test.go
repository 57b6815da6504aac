package web_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/airgap"
	"specter/internal/testkit/chromium"
)

// elsewhere is the same Specter as another computer reaches it over plain http.
func elsewhere(t *testing.T, base string) string {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		if r.In.Header.Get("Origin") != "" {
			r.Out.Header.Set("Origin", base)
		}
	}})
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() }) // streams of events do not end by themselves
	return strings.Replace(srv.URL, "127.0.0.1", "specter.example", 1)
}

// chooses puts a file that script makes into the scanner's field for pictures and recordings.
func (c *camera) chooses(script string) {
	c.t.Helper()
	c.js(`window.filmed = ""; (async () => { let blob; ` + script + `
		const files = new DataTransfer(); files.items.add(new File([blob], "x", { type: blob.type }));
		const input = document.querySelector("[data-scan-file]"); input.files = files.files; input.dispatchEvent(new Event("change", { bubbles: true })); })().catch(e => complaints.push("the file: " + e)); ""`)
}

// listen opens a page with a scanner and keeps what comes into its field.
func (c *camera) listen(path string) {
	c.t.Helper()
	c.run(chromium.Navigate(c.base + path))
	c.js(`window.got = ""; document.querySelector("[data-press]").removeAttribute("data-press");
		document.addEventListener("change", e => { if (e.target.id === "psbt") window.got = e.target.value }); ""`)
}

// recording films the codes on the page, one after the other: each is on the film before the next
// is shown, however long that takes.
const recording = `const box = document.querySelector("[data-show]"), pause = document.querySelector("[data-show-pause]");
	const sleep = ms => new Promise(d => setTimeout(d, ms)), stream = canvas.captureStream(0), track = stream.getVideoTracks()[0];
	const r = new MediaRecorder(stream, { mimeType: "video/webm", videoBitsPerSecond: 8e6 }), parts = [];
	let bytes = 0;
	r.ondataavailable = e => { parts.push(e.data); bytes += e.data.size };
	r.start(10);
	for (let code = 0; code < 2 + Number(box.dataset.total); code++) {
		const before = bytes, at = box.dataset.at;
		pause.click();
		while (box.dataset.at === at) await sleep(10);
		pause.click();
		for (let i = 0; i < 60 && (i < 3 || bytes === before); i++) { track.requestFrame(); await sleep(50); }
	}
	await new Promise(d => { r.onstop = d; r.stop(); });
	blob = new Blob(parts, { type: "video/webm" });`

// Pictures and screen recordings that are chosen, and files that are dropped, take the camera's
// place; where the browser gives no camera, the panel says why.
func TestPicturesAndRecordingsTakeTheCamerasPlace(t *testing.T) {
	t.Parallel()
	b := &camera{openBrowser(t, chromedp.Flag("host-resolver-rules", "MAP specter.example 127.0.0.1")), ""}
	b.base = elsewhere(t, b.base)
	choose := func(record string) {
		t.Helper()
		b.listen("/wallets/family_vault/drafts/7/qr?type=keystone&density=900")
		b.until(`document.querySelector(".show.playing")`)
		b.js(`document.querySelector("[data-show-pause]").click(); ""`)
		b.run(chromedp.Click(`[data-test=scan-psbt]`))
		b.until(`!document.querySelector("[data-test=scan-insecure]").hidden && document.querySelector("[data-test=scan-insecure] a").pathname === "/help/camera"`)
		b.chooses(`const canvas = document.querySelector(".show canvas"); ` + record)
	}
	choose(recording + `
		new MutationObserver(() => (window.told ||= []).push(document.querySelector("[data-scan-words]").textContent)).observe(document.querySelector("[data-scan-words]"), { childList: true });`)
	if got := b.wait(); !strings.HasPrefix(got, "cHNidP8B") {
		t.Errorf("%.40s came in", got)
	}
	if said := b.js(`told.join("\n")`); !strings.Contains(said, "Looking through the recording… (0 %)") || !strings.Contains(said, "parts (") {
		t.Errorf("while it was looked through the panel said %q", said)
	}
	b.quiet("the recording")
	choose(`blob = await new Promise(d => canvas.toBlob(d));`)
	b.until(`document.querySelector(".scan progress").dataset.known === "1"`)
	choose(`const c = document.createElement("canvas"); c.width = c.height = 200; c.getContext("2d"); blob = await new Promise(d => c.toBlob(d));`)
	b.until(`document.querySelector("[data-scan-words]").textContent.startsWith("No QR code")`)
	b.run(chromedp.Click(`[data-scan-close]`))
	b.js(`(() => { const files = new DataTransfer(); files.items.add(new File(["a"], "a.psbt")); files.items.add(new File(["b"], "b.psbt"));
		document.getElementById("psbt").dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true })); })(); ""`)
	b.until(`document.getElementById("file").files.length === 2`)
	b.quiet("pictures and files")
}

// Pictures from a mirror and in white on black are read, by compiled code and by plain script.
func TestPicturesAreReadMirroredAndInverted(t *testing.T) {
	t.Parallel()
	c := &camera{openBrowser(t), ""}
	p := somePSBT(300)
	a, err := airgap.NewEncoder(p, airgap.Options{Format: airgap.FormatBase64})
	if err != nil {
		t.Fatal(err)
	}
	code := photograph(t, a.Part(0))
	for _, reader := range []string{"zxing", "jsqr"} {
		c.listen(pasteField)
		if reader == "jsqr" {
			c.js(`document.getElementById("scan").dataset.plain = "yes"; ""`)
		}
		for name, f := range map[string]*frame{"upright": code, "mirrored": code.mirrored(), "inverted": code.inverted(), "both": code.mirrored().inverted()} {
			var picture bytes.Buffer
			if err := png.Encode(&picture, &image.Gray{Pix: f[:], Stride: filmSide, Rect: image.Rect(0, 0, filmSide, filmSide)}); err != nil {
				t.Fatal(err)
			}
			c.js(`window.got = ""; ""`)
			c.run(chromedp.Click(`[data-test=scan-psbt]`))
			c.chooses(`blob = new Blob([Uint8Array.from(atob("` + base64.StdEncoding.EncodeToString(picture.Bytes()) + `"), c => c.charCodeAt(0))], { type: "image/png" });`)
			if got := c.wait(); got != base64.StdEncoding.EncodeToString(p.Data) {
				t.Errorf("%s, %s: %.60s came in", reader, name, got)
			}
		}
		if got := c.js(`document.getElementById("scan").dataset.reader`); got != reader {
			t.Errorf("the codes were found by %s, not %s", got, reader)
		}
	}
	c.quiet("the pictures")
}

// Of several cameras one is chosen and remembered; one that is gone gives way to another; the
// light is offered where the camera has one.
func TestTheCameraIsChosenAndItsLightTurnedOn(t *testing.T) {
	t.Parallel()
	c := &camera{openBrowser(t, chromedp.Flag("use-fake-device-for-media-stream", "device-count=2"), chromedp.Flag("use-fake-ui-for-media-stream", true)), ""}
	const track = `document.querySelector(".scan-view video").srcObject?.getVideoTracks()[0]`
	start := func() {
		t.Helper()
		c.listen(pasteField)
		c.run(chromedp.Click(`[data-test=scan-psbt]`))
		c.until(`document.querySelector(".scan-view.live") && document.querySelector("[data-scan-camera]").options.length === 2 && !document.querySelector(".scan-camera").hidden`)
	}
	uses := func(option string) string {
		return track + `?.readyState === "live" && ` + track + `.getSettings().deviceId === ` + option
	}
	start()
	c.until(uses(`document.querySelector("[data-scan-camera]").value`) + ` && document.querySelector("[data-scan-torch]").hidden`)
	first := c.js(`document.querySelector("[data-scan-camera]").value`)
	second := c.js(`(() => { const s = document.querySelector("[data-scan-camera]"); window.before = ` + track + `; s.selectedIndex = 1 - s.selectedIndex; const v = s.value; s.dispatchEvent(new Event("change", { bubbles: true })); return v })()`)
	if second == first || second == "" {
		t.Fatalf("the cameras are %q and %q", first, second)
	}
	c.until(uses(`"`+second+`"`) + ` && before.readyState === "ended"`)

	start() // another visit
	c.until(uses(`"` + second + `"`))
	c.js(`sessionStorage.setItem("specter-camera", "a camera that was unplugged"); ""`)
	start()
	c.until(uses(`document.querySelector("[data-scan-camera]").value`) + ` && sessionStorage.getItem("specter-camera") === null`)

	// the browser's own test camera has no light: it is given one
	c.listen(pasteField)
	c.js(`window.lit = []; window.broken = false;
		const able = MediaStreamTrack.prototype.getCapabilities;
		MediaStreamTrack.prototype.getCapabilities = function () { return { ...able.call(this), torch: true } };
		MediaStreamTrack.prototype.applyConstraints = async c => { if (broken) throw new Error("no light"); lit.push(c.advanced[0].torch) }; ""`)
	c.run(chromedp.Click(`[data-test=scan-psbt]`))
	c.until(`!document.querySelector("[data-scan-torch]").hidden`)
	for _, want := range []string{"true", "true,false", "true,false,true"} {
		c.run(chromedp.Click(`[data-scan-torch]`))
		c.until(`lit.join() === "` + want + `" && "` + want + `".endsWith(document.querySelector("[data-scan-torch]").getAttribute("aria-pressed"))`)
	}
	c.run(chromedp.Click(`[data-scan-again]`)) // the light goes out with the camera
	c.until(`document.querySelector("[data-scan-torch]").getAttribute("aria-pressed") === "false"`)
	c.js(`broken = true; ""`)
	c.run(chromedp.Click(`[data-scan-torch]`))
	c.until(`document.querySelector("[data-scan-torch]").hidden`)
	c.run(chromedp.Click(`[data-scan-close]`))
	c.until(`document.querySelector(".scan-view video").srcObject === null`)
	c.quiet("the cameras")
}
