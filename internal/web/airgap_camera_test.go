package web_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"specter/internal/airgap"
	"specter/internal/airgap/qr"
	"specter/internal/airgap/ur"
	"specter/internal/vectors"
)

// camera is a browser whose camera shows a film that the test draws.
type camera struct {
	*browser
	film string
}

func openCamera(t *testing.T) *camera {
	film := filepath.Join(t.TempDir(), "film.y4m")
	b := openBrowser(t, chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film))
	return &camera{b, film}
}

// A picture of the film, in grey.
const filmSide = 480

type frame [filmSide * filmSide]byte

// photograph draws a code as a camera sees it: not quite straight in the middle of a grey table.
func photograph(t *testing.T, text string) *frame {
	t.Helper()
	code, err := qr.New(text, qr.Low)
	if err != nil {
		t.Fatal(err)
	}
	return picture(code)
}

func picture(code *qr.Code) *frame {
	f := &frame{}
	for i := range f {
		f[i] = 160
	}
	modules := code.Size() + 8
	side := filmSide * 92 / 100
	at := (filmSide - side) / 2
	for y := range side {
		for x := range side {
			v := byte(235)
			if code.Black(x*modules/side-4, y*modules/side-4) {
				v = 25
			}
			f[(y+at)*filmSide+x+at] = v
		}
	}
	return f
}

func (f *frame) mirrored() *frame {
	out := &frame{}
	for y := range filmSide {
		for x := range filmSide {
			out[y*filmSide+x] = f[y*filmSide+filmSide-1-x]
		}
	}
	return out
}

// blurred is out of focus: every pixel is the mean of n by n around it.
func (f *frame) blurred(n int) *frame {
	out := &frame{}
	for y := range filmSide {
		for x := range filmSide {
			sum, count := 0, 0
			for dy := -n / 2; dy <= n/2; dy++ {
				for dx := -n / 2; dx <= n/2; dx++ {
					if yy, xx := y+dy, x+dx; yy >= 0 && yy < filmSide && xx >= 0 && xx < filmSide {
						sum += int(f[yy*filmSide+xx])
						count++
					}
				}
			}
			out[y*filmSide+x] = byte(sum / count)
		}
	}
	return out
}

// record writes the film that the camera shows from its next start, at some pictures a second.
func (c *camera) record(rate int, frames ...*frame) {
	c.t.Helper()
	out, err := os.Create(c.film)
	if err != nil {
		c.t.Fatal(err)
	}
	w := bufio.NewWriterSize(out, 1<<20)
	fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420\n", filmSide, filmSide, rate)
	grey := bytes.Repeat([]byte{128}, filmSide*filmSide/2)
	for _, f := range frames {
		_, _ = w.WriteString("FRAME\n")
		_, _ = w.Write(f[:])
		_, _ = w.Write(grey)
	}
	if err := w.Flush(); err != nil {
		c.t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// show films an animation, n codes of it.
func (c *camera) show(a airgap.Encoder, n, rate int) {
	c.t.Helper()
	var frames []*frame
	for i := range n {
		frames = append(frames, photograph(c.t, a.Part(i)))
	}
	c.record(rate, frames...)
}

// scan presses the scanner's button on a page and waits until the field is filled.
func (c *camera) scan(path, field string) string {
	c.t.Helper()
	c.run(chromedp.Navigate(c.base + path))
	c.js(`window.got = ""; document.addEventListener("change", e => { if (e.target.id === "` + field + `") window.got = e.target.value }); ""`)
	// the page's own buttons would lead on to another page
	c.js(`document.querySelectorAll("[data-press]").forEach(b => b.removeAttribute("data-press")); ""`)
	c.run(chromedp.Click(`[data-test=scan-` + field + `]`))
	return c.wait()
}

func (c *camera) wait() string {
	c.t.Helper()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got := c.js(`window.got`); got != "" {
			return got
		}
	}
	c.t.Fatalf("nothing was read: %s", c.js(`document.getElementById("scan").innerText + " " + document.querySelector(".scan progress").value + " " + document.querySelector(".scan-view video").videoWidth + complaints.join("; ")`))
	return ""
}

const pasteField = "/wallets/family_vault/import"

func TestTheCameraReadsEveryEncoding(t *testing.T) {
	c := openCamera(t)
	p := somePSBT(1500)
	want := base64.StdEncoding.EncodeToString(p.Data)
	for _, f := range []airgap.Format{airgap.FormatUR, airgap.FormatURLegacy, airgap.FormatSpecter, airgap.FormatBBQr} {
		a, err := airgap.NewEncoder(p, airgap.Options{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		c.show(a, a.Len(), 10)
		if got := c.scan(pasteField, "psbt"); got != want {
			t.Errorf("%s: %.60s came in", f, got)
		}
	}
	if got := c.js(`document.getElementById("scan").dataset.reader`); got != "zxing" {
		t.Errorf("the codes were found by %s", got)
	}
	c.quiet("the scanner")
	small := somePSBT(400)
	for _, f := range []airgap.Format{airgap.FormatBase43, airgap.FormatBase64} {
		a, err := airgap.NewEncoder(small, airgap.Options{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		c.show(a, 1, 10)
		if got := c.scan(pasteField, "psbt"); got != base64.StdEncoding.EncodeToString(small.Data) {
			t.Errorf("%s: %.60s came in", f, got)
		}
	}
	c.record(10, photograph(t, "bitcoin:"+testAddress+"?amount=0.1&label=Luke"))
	if got := c.scan("/wallets/family_vault/send", "address-0"); got != "bitcoin:"+testAddress+"?amount=0.1&label=Luke" {
		t.Errorf("the address is %s", got)
	}
	c.quiet("the send form")
}

// What a hand and a cheap camera do: pictures twice, lost, blurred, in a mirror, and codes of
// another message in between.
func TestTheCameraForgivesAHand(t *testing.T) {
	c := openCamera(t)
	p := somePSBT(1200)
	a, err := airgap.NewEncoder(p, airgap.Options{Format: airgap.FormatUR})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := airgap.NewEncoder(somePSBT(1300), airgap.Options{Format: airgap.FormatUR})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 5))
	var film []*frame
	for i := range 4 * a.Len() {
		f := photograph(t, a.Part(i))
		switch {
		case i == 0: // so that the scan is of this message
		case i%5 == 1:
			continue // lost
		case i%5 == 2:
			film = append(film, f.blurred(9)) // beyond reading, or not
			continue
		case i%5 == 3:
			f = f.mirrored()
		case i%5 == 4:
			film = append(film, photograph(t, foreign.Part(r.IntN(foreign.Len()))))
		}
		film = append(film, f, f)
	}
	c.record(10, film...)
	if got := c.scan(pasteField, "psbt"); got != base64.StdEncoding.EncodeToString(p.Data) {
		t.Errorf("%.60s came in", got)
	}
	c.quiet("the scanner")
}

// Where compiled code is refused, plain script reads the codes.
func TestTheCameraReadsWithoutCompiledCode(t *testing.T) {
	c := openCamera(t)
	p := somePSBT(500)
	a, err := airgap.NewEncoder(p, airgap.Options{Format: airgap.FormatSpecter})
	if err != nil {
		t.Fatal(err)
	}
	c.show(a, a.Len(), 5)
	c.run(chromedp.Navigate(c.base + pasteField))
	c.js(`document.getElementById("scan").dataset.plain = "yes"; window.got = ""; document.querySelector("[data-press]").removeAttribute("data-press");
		document.addEventListener("change", e => { if (e.target.id === "psbt") window.got = e.target.value }); ""`)
	c.run(chromedp.Click(`[data-test=scan-psbt]`))
	if got := c.wait(); got != base64.StdEncoding.EncodeToString(p.Data) {
		t.Errorf("%.60s came in", got)
	}
	if got := c.js(`document.getElementById("scan").dataset.reader`); got != "jsqr" {
		t.Errorf("the codes were found by %s", got)
	}
	c.quiet("the scanner")
}

// A payment of 60 coins, as the page of another Specter shows it, is read in under 20 seconds.
func TestTheCameraReadsALargePayment(t *testing.T) {
	c := openCamera(t)
	p := somePSBT(23_700) // what docs/airgap.md says of 60 coins of a 2-of-3
	a, err := airgap.ProfileOf("keystone").Show(p, airgap.FormatUR, 0, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	c.show(a, a.Len()*3/2, 10)
	began := time.Now()
	if got := c.scan(pasteField, "psbt"); got != base64.StdEncoding.EncodeToString(p.Data) {
		t.Errorf("%.60s came in", got)
	}
	took := time.Since(began)
	t.Logf("%d bytes in %d codes at 10 a second: %.1f s from opening the page", len(p.Data), a.Len(), took.Seconds())
	if took > 20*time.Second {
		t.Errorf("that took %v", took)
	}
}

// Key exports and wallets of other programs, as they show them, come in by camera.
func TestTheCameraReadsTheExportsOfOthers(t *testing.T) {
	c := openCamera(t)
	done := map[string]bool{}
	vectors.Each(t, "ur/wallet_samples.json", nil, func(v vectors.Case) error {
		var sample struct {
			Parts    []string
			Type     string
			Complete bool
		}
		v.Decode(&sample)
		if !sample.Complete || done[sample.Type] || len(sample.Parts) > 40 {
			return nil
		}
		path, field := "/new-device/keystone", "keys"
		switch sample.Type {
		case "crypto-psbt":
			path, field = pasteField, "psbt"
		case "crypto-output":
			path, field = "/new-wallet/import", "descriptor"
		}
		var film []*frame
		for _, part := range sample.Parts {
			film = append(film, photograph(t, part))
		}
		c.record(10, film...)
		got := c.scan(path, field)
		p, err := airgap.Decode(sample.Parts...)
		if err != nil {
			return err
		}
		if text, err := p.FieldText(); err != nil || strings.TrimSpace(text) != strings.TrimSpace(got) {
			return fmt.Errorf("%s came in as %.80s", sample.Type, got)
		}
		done[sample.Type] = true
		return nil
	})
	if len(done) < 4 {
		t.Errorf("only %v were among the samples", done)
	}
	key := "[73c5da0a/48h/1h/0h/2h]" + testXPub
	account, _ := json.Marshal(map[string]any{"label": "Vault", "blockheight": 0, "descriptor": "wsh(sortedmulti(1," + key + "/0/*))", "devices": []any{}})
	output, err := ur.NewOutput("wsh(sortedmulti(1,"+key+"/0/*))", ur.Old)
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]struct {
		p airgap.Payload
		f airgap.Format
	}{
		"account map":       {airgap.Payload{Kind: airgap.KindText, Data: account}, airgap.FormatSpecter},
		"BBQr":              {airgap.Payload{Kind: airgap.KindText, Data: account}, airgap.FormatBBQr},
		"output descriptor": {airgap.Payload{UR: &output}, airgap.FormatUR},
	} {
		a, err := airgap.NewEncoder(w.p, airgap.Options{Format: w.f, Density: airgap.Sparse})
		if err != nil {
			t.Fatal(err)
		}
		c.show(a, a.Len(), 10)
		if got := c.scan("/new-wallet/import", "descriptor"); !strings.Contains(got, testXPub) {
			t.Errorf("%s came in as %.80s", name, got)
		}
	}
	c.quiet("the scanner")
}

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

// Pictures and screen recordings that are chosen, and files that are dropped, take the camera's
// place; where the browser gives no camera, the panel says why.
func TestPicturesAndRecordingsTakeTheCamerasPlace(t *testing.T) {
	b := openBrowser(t, chromedp.Flag("host-resolver-rules", "MAP specter.example 127.0.0.1"))
	b.base = elsewhere(t, b.base)
	choose := func(record string) {
		t.Helper()
		b.run(chromedp.Navigate(b.base + "/wallets/family_vault/drafts/7/qr?type=keystone&density=900"))
		b.until(`document.querySelector(".show.playing")`)
		b.js(`window.got = ""; document.querySelector("[data-press]").removeAttribute("data-press");
			document.addEventListener("change", e => { if (e.target.id === "psbt") window.got = e.target.value }); ""`)
		b.run(chromedp.Click(`[data-test=scan-psbt]`))
		b.until(`!document.querySelector("[data-test=scan-insecure]").hidden && document.querySelector("[data-test=scan-insecure] a").pathname === "/help/camera"`)
		b.js(`(async () => { const canvas = document.querySelector(".show canvas"); let blob; ` + record + `
			const files = new DataTransfer(); files.items.add(new File([blob], "x", { type: blob.type }));
			const input = document.querySelector("[data-scan-file]"); input.files = files.files; input.dispatchEvent(new Event("change", { bubbles: true })); })(); ""`)
	}
	choose(`document.querySelector("[data-show-rate]").value = 12;
		const r = new MediaRecorder(canvas.captureStream(12), { mimeType: "video/webm", videoBitsPerSecond: 8e6 }), parts = [];
		r.ondataavailable = e => parts.push(e.data); r.start(); await new Promise(d => setTimeout(d, 2500)); await new Promise(d => { r.onstop = d; r.stop(); });
		blob = new Blob(parts, { type: "video/webm" });`)
	if got := (&camera{browser: b}).wait(); !strings.HasPrefix(got, "cHNidP8B") {
		t.Errorf("%.40s came in", got)
	}
	b.quiet("the recording")
	choose(`document.querySelector("[data-show-pause]").click(); blob = await new Promise(d => canvas.toBlob(d));`)
	b.until(`document.querySelector(".scan progress").dataset.known === "1"`)
	choose(`const c = document.createElement("canvas"); c.width = c.height = 200; c.getContext("2d"); blob = await new Promise(d => c.toBlob(d));`)
	b.until(`document.querySelector("[data-scan-words]").textContent.startsWith("No QR code")`)
	b.run(chromedp.Click(`[data-scan-close]`))
	b.js(`(() => { const files = new DataTransfer(); files.items.add(new File(["a"], "a.psbt")); files.items.add(new File(["b"], "b.psbt"));
		document.getElementById("psbt").dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true })); })(); ""`)
	b.until(`document.getElementById("file").files.length === 2`)
	b.quiet("pictures and files")
}
