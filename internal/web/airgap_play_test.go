package web_test

import (
	"context"
	"html"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"specter/internal/airgap"
	"specter/internal/device"
	"specter/internal/testkit/chromium"
)

// What is around a code on show: size, speed and density, full screen, copy and save; in dark
// colours it stays black on white.
func TestTheCodesAreFittedToTheDevicesCamera(t *testing.T) {
	t.Parallel()
	c := &camera{openBrowser(t), ""}
	c.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		return err
	}))
	c.run(chromium.Navigate(c.base + "/wallets/family_vault/drafts/7/qr?type=seedsigner"))
	c.until(`document.querySelector(".show.playing") && Number(document.querySelector("[data-show]").dataset.at) >= 1`)
	if got := c.js(`(() => { const c = document.querySelector(".show canvas"), p = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, seen = new Set();
		for (let i = 0; i < p.length; i += 4) seen.add([p[i], p[i + 1], p[i + 2], p[i + 3]].join());
		return [...seen].sort().join(" ") + " on " + getComputedStyle(document.querySelector("[data-show-code]")).filter + " " + (matchMedia("(prefers-color-scheme: dark)").matches && p[0]) })()`); got != "0,0,0,255 255,255,255,255 on none 255" {
		t.Errorf("in dark colours the code is drawn in %s", got)
	}
	slide := func(name, value string) {
		t.Helper()
		c.js(`(() => { const s = document.querySelector("[data-show-` + name + `]"); s.value = "` + value + `"; s.dispatchEvent(new Event("input", { bubbles: true })) })(); ""`)
	}
	for _, size := range []string{"240", "500"} {
		slide("size", size)
		c.until(`document.querySelector(".show canvas").style.width === "` + size + `px"`)
	}
	slide("rate", "12")
	c.until(`Number(document.querySelector("[data-show]").dataset.at) >= 6`)
	before := c.js(`document.querySelector("[data-show]").dataset.total`)
	slide("density", "1000")
	c.until(`Number(document.querySelector("[data-show]").dataset.total) < ` + before)
	c.run(chromedp.Click(`[data-show-pause]`))
	held := c.js(`String(document.querySelector("[data-show]").dataset.at)`)

	c.js(`window.written = ""; window.saved = ""; navigator.clipboard.writeText = async t => { written = t };
		HTMLAnchorElement.prototype.click = function () { saved = this.download + " " + this.href }; ""`)
	c.run(chromedp.Click(`.show [data-copy]`))
	c.until(`written.startsWith("cHNidP8B")`)
	c.run(chromedp.Click(`[data-show-save]`))
	c.until(`saved.startsWith("qr.png blob:")`)
	c.run(chromedp.Click(`[data-show-full]`))
	c.until(`document.fullscreenElement === document.querySelector("[data-show]")`)
	c.until(`Math.abs(document.querySelector(".show canvas").getBoundingClientRect().width - Math.min(0.96 * innerWidth, 0.88 * innerHeight)) < 2`)
	c.run(chromedp.Click(`.show canvas`)) // who has no Escape key leaves by a touch
	c.until(`document.fullscreenElement === null`)
	if at := c.js(`String(document.querySelector("[data-show]").dataset.at)`); at != held {
		t.Errorf("held still at code %s, it went on to %s", held, at)
	}
	c.quiet("the codes on show")
}

// Every type has a guide that tells what its profile says it can do, and what it cannot.
func TestEveryTypeOfDeviceHasAGuide(t *testing.T) {
	c := open(t, newHouse(""))
	list := c.get("/guides").want(200)
	for _, typ := range device.Types() {
		if len(list.all("guide-"+typ.ID)) != 1 {
			t.Errorf("the list of guides does not lead to %s", typ.ID)
		}
		body := html.UnescapeString(c.get("/guides/" + typ.ID).want(200).body)
		p := airgap.ProfileOf(typ.ID)
		if typ.Hot {
			p = airgap.Profile{} // a seed of our own reads no codes
		}
		for part, want := range map[string]bool{
			"Bring its keys here": true, "Sign a payment": true, "Limits": true, "Tell it of a wallet": p.Register != "",
			"Check an address on it": p.Address, "Sign a message": p.Message,
		} {
			if want && !strings.Contains(body, "<h2>"+part+"</h2>") {
				t.Errorf("the guide of %s says nothing under %q", typ.ID, part)
			}
		}
		if !strings.Contains(strings.ToLower(body), "taproot") && !typ.Hot {
			t.Errorf("the guide of %s is silent about taproot", typ.ID)
		}
	}
}
