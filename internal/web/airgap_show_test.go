package web_test

import (
	"encoding/json"
	"fmt"
	"image"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"specter/internal/airgap"
	"specter/internal/btc/psbt"
	"specter/internal/raced"
	"specter/internal/testkit/chromium"
	"specter/internal/testkit/codes"
)

// film is what a page's script is given to draw.
type film struct {
	Total, From int
	Endless     bool
	Frames      []struct {
		N    int
		Bits string
	}
}

func (c *client) film(path string) film {
	c.t.Helper()
	var f film
	a := c.get(path).want(200)
	if err := json.Unmarshal([]byte(a.body), &f); err != nil {
		c.t.Fatalf("%s: %v: %.200s", path, err, a.body)
	}
	return f
}

// look reads code i of a film with another program's reader, module by module.
func (f film) look(t *testing.T, i int) string {
	t.Helper()
	return codes.Read(t, f.Frames[i].N, f.Frames[i].Bits)
}

// Each device gets its encoding and its variant of the PSBT, at every density.
func TestEachDeviceGetsItsPSBT(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	whole, err := psbt.Parse(h.drafts[7].PSBT)
	if err != nil {
		t.Fatal(err)
	}
	txid, _ := whole.TxID()
	for typ, want := range map[string]struct {
		begins       string
		xpubs, slim  bool
		oneCodeAlone bool
	}{
		"cobo": {begins: "UR:BYTES/1OF"}, "coldcard": {begins: "B$ZP", xpubs: true}, "electrum": {oneCodeAlone: true},
		"jade": {begins: "UR:CRYPTO-PSBT/1-"}, "keycardshell": {begins: "UR:CRYPTO-PSBT/1-"}, "keystone": {begins: "UR:CRYPTO-PSBT/1-"}, "passport": {begins: "UR:CRYPTO-PSBT/1-"},
		"krux": {begins: "p1of", xpubs: true}, "seedsigner": {begins: "p1of", xpubs: true}, "other": {begins: "p1of", xpubs: true}, "specter": {begins: "p1of", slim: true},
	} {
		for _, density := range raced.Sample(typ, 2, []string{"", "100", "150", "300", "600", "1200", "1500"}) {
			path := "/wallets/family_vault/drafts/7/qr?type=" + typ + "&density=" + density
			var s airgap.Scanner
			total := 1
			for from := 0; from < total; {
				f := c.film(path + "&frames=" + itoa(from))
				total = f.Total
				for i := range f.Frames {
					text := f.look(t, i)
					if from+i == 0 && !strings.HasPrefix(text, want.begins) && total > 1 {
						t.Errorf("%s begins %.20s", typ, text)
					}
					if err := s.Add(text); err != nil {
						t.Fatalf("%s at %s: %v", typ, density, err)
					}
				}
				from += len(f.Frames)
			}
			p, ok := s.Payload()
			if !ok || p.Kind != airgap.KindPSBT || want.oneCodeAlone && total != 1 {
				t.Fatalf("%s at %s: %d codes give %v", typ, density, total, p.Kind)
			}
			got, err := psbt.Parse(p.Data)
			if err != nil {
				t.Fatal(err)
			}
			if id, _ := got.TxID(); id != txid {
				t.Errorf("%s gets another transaction", typ)
			}
			in, out := got.Inputs[0], got.Outputs[1]
			if in.NonWitnessUTXO != nil || in.WitnessUTXO == nil || in.WitnessScript == nil || (len(got.XPubs) > 0) != want.xpubs {
				t.Errorf("%s: previous %v, xpubs %d", typ, in.NonWitnessUTXO != nil, len(got.XPubs))
			}
			if slim := len(in.Derivations) == 1 && len(out.Derivations) == 1 && out.WitnessScript == nil; slim != want.slim {
				t.Errorf("%s: slim is %v", typ, slim)
			}
		}
	}
}

// The derivation that a slim PSBT keeps is the device's own.
func TestASlimPSBTKeepsTheDevicesOwnKey(t *testing.T) {
	h := newHouse("")
	h.devices[0].Type = "specter"
	c := open(t, h)
	f := c.film("/wallets/family_vault/drafts/7/qr?device=1&density=1500&frames=0")
	var s airgap.Scanner
	for i := range f.Frames {
		if err := s.Add(f.look(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := s.Payload()
	got, err := psbt.Parse(p.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(got.Inputs[0].Derivations, got.Outputs[1].Derivations...) {
		if d.Origin.Fingerprint.String() != "73c5da0a" {
			t.Errorf("the key of %s is kept", d.Origin.Fingerprint)
		}
	}
}

func TestPSBTFilesAreNamedAndCutForTheDevice(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	for query, want := range map[string]struct {
		name     string
		previous bool
		base64   bool
	}{
		"": {"binary_", true, false}, "?format=base64": {"base64_", true, true}, "?device=1": {"binary_", false, false}, "?device=2&format=base64": {"base64_", true, true}, "?type=keystone": {"binary_", false, false},
	} {
		a := c.get("/wallets/family_vault/drafts/7/psbt" + query).want(200)
		if name := want.name + hashOf(1).String() + ".psbt"; !strings.Contains(a.header.Get("Content-Disposition"), name) {
			t.Errorf("%s is named %s", query, a.header.Get("Content-Disposition"))
		}
		p, err := psbt.Decode(a.body)
		if err != nil || strings.HasPrefix(a.body, "cHNi") != want.base64 || (p.Inputs[0].NonWitnessUTXO != nil) != want.previous || len(p.XPubs) != 1 {
			t.Errorf("%s: %v", query, err)
		}
	}
	c.get("/wallets/family_vault/drafts/7/psbt?device=99").want(404)
}

func TestCodesAreThereWithoutScript(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get("/wallets/family_vault/drafts/7/qr?type=seedsigner").want(200)
	if len(a.all("show")) != 1 || !strings.Contains(a.body, "<svg") {
		t.Error("no code is shown")
	}
	next, seen := attr(a.all("list")[0], "href"), 0
	for range 20 {
		a = c.get(next).want(200)
		seen += strings.Count(a.body, "<figure>")
		at := strings.Index(a.body, `<a class="button" href="/wallets/family_vault/drafts/7/qr?`)
		next = strings.ReplaceAll(strings.SplitN(a.body[at+len(`<a class="button" href="`):], `"`, 2)[0], "&amp;", "&")
		if u, err := url.Parse(next); err != nil || u.Query().Get("list") == "" {
			break
		}
	}
	if f := c.film("/wallets/family_vault/drafts/7/qr?type=seedsigner&frames=0"); seen != f.Total || f.Total < 10 {
		t.Errorf("%d of %d codes are listed", seen, f.Total)
	}
	c.get("/wallets/family_vault/drafts/7/qr?type=seedsigner&frames=-1").want(422)
	c.get("/wallets/family_vault/drafts/7/qr?type=trezor").want(200).says("error", "has no camera")
}

// shot keeps a picture of the page where SPECTER_SCREENSHOTS names a folder.
func (b *browser) shot(name string) {
	dir := os.Getenv("SPECTER_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// What the page draws on its canvas is what another reader sees, code after code, and the sliders
// change it.
func TestTheBrowserPlaysTheCodes(t *testing.T) {
	b := openBrowser(t)
	b.run(chromedp.EmulateViewport(1280, 1000), chromium.Navigate(b.base+"/wallets/family_vault/drafts/7/qr?type=keystone"))
	b.until(`document.querySelector(".show.playing") && Number(document.querySelector("[data-show]").dataset.at) >= 2`)
	first := b.js(`String(document.querySelector("[data-show]").dataset.total)`)
	b.shot("draft-qr")
	b.js(`const s = document.querySelector("[data-show-density]"); s.value = 600; s.dispatchEvent(new Event("input", {bubbles: true})); ""`)
	b.until(`document.querySelector("[data-show]").dataset.total !== "` + first + `"`)
	b.js(`document.querySelector("[data-show-rate]").value = 12; document.querySelector("[data-show-pause]").click(); ""`)
	var s airgap.Scanner
	for done := false; !done; {
		data := b.js(`(() => { const c = document.querySelector(".show canvas"), p = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let o = ""; for (let i = 0; i < p.length; i += 4) o += p[i] > 128 ? "1" : "0"; return c.width + " " + o; })()`)
		var side int
		var dots string
		if _, err := fmt.Sscan(data, &side, &dots); err != nil {
			t.Fatal(err)
		}
		img := image.NewGray(image.Rect(0, 0, side, side))
		for i, d := range dots {
			if d == '1' {
				img.Pix[i] = 255
			}
		}
		bmp, err := gozxing.NewBinaryBitmapFromImage(img)
		if err != nil {
			t.Fatal(err)
		}
		r, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Add(r.GetText()); err != nil {
			t.Fatal(err)
		}
		if _, done = s.Payload(); !done { // one code further
			at := b.js(`document.querySelector("[data-show]").dataset.at`)
			b.js(`document.querySelector("[data-show-pause]").click(); ""`)
			b.until(`document.querySelector("[data-show]").dataset.at !== "` + at + `"`)
			b.js(`document.querySelector("[data-show-pause]").click(); ""`)
		}
	}
	b.quiet("the codes")
	b.run(chromedp.EmulateViewport(390, 900), chromium.Navigate(b.base+"/wallets/family_vault/drafts/7/qr?type=seedsigner"))
	b.until(`document.querySelector(".show.playing") !== null`)
	b.shot("draft-qr-phone")
	b.quiet("the codes on a phone")
}
