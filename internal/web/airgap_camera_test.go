package web_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/airgap"
	"specter/internal/airgap/qr"
	"specter/internal/airgap/ur"
	"specter/internal/btc"
	"specter/internal/interop"
	"specter/internal/testkit"
	"specter/internal/testkit/chromium"
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

// until waits for a condition written in JavaScript, and tells what the scanner said meanwhile.
func (c *camera) until(js string) {
	c.t.Helper()
	testkit.Soon(c.t, js, func() (bool, string) {
		if c.js(`String(!!(`+js+`))`) == "true" {
			return true, ""
		}
		return false, "the panel says " + c.said()
	})
}

// said is what the scanner's panel tells, for a test that failed.
func (c *camera) said() string {
	return c.js(`document.getElementById("scan").innerText + " " + document.querySelector(".scan progress").value + " " + document.querySelector(".scan-view video").videoWidth + complaints.join("; ")`)
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
	return picture(code.Size(), code.Black)
}

// picture draws a code of n modules a side.
func picture(n int, black func(x, y int) bool) *frame {
	f := &frame{}
	for i := range f {
		f[i] = 160
	}
	modules := n + 8
	side := filmSide * 92 / 100
	at := (filmSide - side) / 2
	last := -1
	for y := range side {
		row := f[(y+at)*filmSide:][:filmSide]
		module := y * modules / side
		if module == last { // as the row above
			copy(row, f[(y+at-1)*filmSide:][:filmSide])
			continue
		}
		last = module
		for x := range side {
			v := byte(235)
			if black(x*modules/side-4, last-4) {
				v = 25
			}
			row[x+at] = v
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

// inverted is white on black, as some screens show it.
func (f *frame) inverted() *frame {
	out := &frame{}
	for i, v := range f {
		out[i] = 255 - v
	}
	return out
}

// blurred is out of focus: every pixel is the mean of n by n around it.
func (f *frame) blurred(n int) *frame {
	return f.smeared(n, 1, filmSide).smeared(n, filmSide, 1)
}

// smeared is blurred along one direction: step leads to the next pixel, across to the next row.
func (f *frame) smeared(n, step, across int) *frame {
	out := &frame{}
	for row := range filmSide {
		sum, count := 0, 0
		for i := -n / 2; i < filmSide; i++ {
			if ahead := i + n/2; ahead < filmSide {
				sum += int(f[row*across+ahead*step])
				count++
			}
			if behind := i - n/2 - 1; behind >= 0 {
				sum -= int(f[row*across+behind*step])
				count--
			}
			if i >= 0 {
				out[row*across+i*step] = byte(sum / count)
			}
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
	c.run(chromium.Navigate(c.base + path))
	c.js(`window.got = ""; document.addEventListener("change", e => { if (e.target.id === "` + field + `") window.got = e.target.value }); ""`)
	// the page's own buttons would lead on to another page
	c.js(`document.querySelectorAll("[data-press]").forEach(b => b.removeAttribute("data-press")); ""`)
	c.run(chromedp.Click(`[data-test=scan-` + field + `]`))
	return c.wait()
}

func (c *camera) wait() string {
	c.t.Helper()
	c.until(`window.got`)
	return c.js(`window.got`)
}

const pasteField = "/wallets/family_vault/import"

func TestTheCameraReadsEveryEncoding(t *testing.T) {
	t.Parallel() // most of it is waiting for the film
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

// What a hand and a cheap camera do: pictures twice, lost, blurred, in a mirror, white on
// black, and codes of another message in between.
func TestTheCameraForgivesAHand(t *testing.T) {
	t.Parallel() // most of it is waiting for the film
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
		case i%10 == 3:
			f = f.mirrored()
		case i%10 == 8:
			f = f.inverted()
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
	t.Parallel() // most of it is waiting for the film
	c := openCamera(t)
	p := somePSBT(500)
	a, err := airgap.NewEncoder(p, airgap.Options{Format: airgap.FormatSpecter})
	if err != nil {
		t.Fatal(err)
	}
	c.show(a, a.Len(), 5)
	c.run(chromium.Navigate(c.base + pasteField))
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

// Key exports and wallets of other programs, as they show them, come in by camera.
func TestTheCameraReadsTheExportsOfOthers(t *testing.T) {
	t.Parallel() // most of it is waiting for the film
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
	c.quiet("the scanner")
}

// Keys and wallets come in by every encoding that carries them.
func TestTheCameraReadsKeysAndWallets(t *testing.T) {
	t.Parallel() // most of it is waiting for the film
	c := openCamera(t)
	key := "[73c5da0a/48h/1h/0h/2h]" + testXPub
	account, _ := json.Marshal(map[string]any{"label": "Vault", "blockheight": 0, "descriptor": "wsh(sortedmulti(1," + key + "/0/*))", "devices": []any{}})
	bsms, err := interop.WriteWallet(interop.Wallet{Name: "Vault", Descriptor: "wsh(sortedmulti(2," + key + "/<0;1>/*," + secondKey() + "/<0;1>/*))"}, "bsms", btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	output, err := ur.NewOutput("wsh(sortedmulti(1,"+key+"/0/*))", ur.Old)
	if err != nil {
		t.Fatal(err)
	}
	exported, err := ur.NewAccount(btc.Fingerprint{0x73, 0xc5, 0xda, 0x0a}, []string{"wsh(" + key + ")"}, ur.Old)
	if err != nil {
		t.Fatal(err)
	}
	text := func(data string) airgap.Payload { return airgap.Payload{Kind: airgap.KindText, Data: []byte(data)} }
	all := []airgap.Format{airgap.FormatSpecter, airgap.FormatUR, airgap.FormatURLegacy, airgap.FormatBBQr}
	for name, w := range map[string]struct {
		path, field string
		p           airgap.Payload
		formats     []airgap.Format
	}{
		"key as text":       {"/new-device/keystone", "keys", text(key), append(all, airgap.FormatText)},
		"account of keys":   {"/new-device/keystone", "keys", airgap.Payload{UR: &exported}, all[1:2]},
		"account map":       {"/new-wallet/import", "descriptor", text(string(account)), all},
		"BSMS":              {"/new-wallet/import", "descriptor", text(string(bsms)), all[:2]},
		"output descriptor": {"/new-wallet/import", "descriptor", airgap.Payload{UR: &output}, all[1:2]},
	} {
		for _, f := range w.formats {
			a, err := airgap.NewEncoder(w.p, airgap.Options{Format: f, Density: airgap.Sparse})
			if err != nil {
				t.Fatalf("%s as %s: %v", name, f, err)
			}
			c.show(a, a.Len(), 15)
			if got := c.scan(w.path, w.field); !strings.Contains(got, "73c5da0a") || !strings.Contains(got, testXPub) {
				t.Errorf("%s as %s came in as %.80s", name, f, got)
			}
		}
	}
	c.quiet("the scanner")
}
