package web_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/auth"
	"specter/internal/setting"
	"specter/internal/testkit/chromium"
	"specter/internal/web"
)

// later turns the page's clock forward, as if nobody had touched it for so many minutes.
func (b *browser) later(minutes string) {
	b.js(`(() => { const now = Date.now.bind(Date); Date.now = () => now() + ` + minutes + ` * 60000; document.dispatchEvent(new Event("visibilitychange")); return "" })()`)
}

func TestTheScreenThatNobodyTouchesIsCovered(t *testing.T) {
	b := openBrowserWith(t, func(c *web.Config) {})
	if _, err := setting.New(b.h).ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error { u.HideAfter = 10; return nil }); err != nil {
		t.Fatal(err)
	}
	hidden := func() bool {
		u, err := setting.New(b.h).User(t.Context(), auth.OwnerID)
		return err == nil && u.Hide
	}
	b.run(chromium.Navigate(b.base+"/settings"), chromedp.WaitReady("main")) // somebody is there
	b.run(chromium.Navigate(b.base+"/overview"), chromedp.WaitReady("main"))
	show := url.Values{"hide-amounts": {"no"}}
	b.js(`fetch("/settings", {method: "POST", body: new URLSearchParams("` + show.Encode() + `&next=/overview")}).then(() => { window.shown = true }) && ""`)
	b.until("window.shown")
	b.run(chromium.Navigate(b.base+"/overview"), chromedp.WaitReady("main"))
	if at := b.js(`document.querySelector("[data-test=balance]").textContent`); strings.Contains(at, "•") {
		t.Fatalf("the amounts are hidden from the start: %s", at)
	}
	b.later("9")
	if hidden() {
		t.Error("after nine of ten minutes the amounts are hidden")
	}
	b.later("2")
	b.until(`document.querySelector("[data-test=balance]") && document.querySelector("[data-test=balance]").textContent.includes("•")`)
	b.until(`!document.body.dataset.hideAfter`) // the page was loaded again, hidden by the server
	if !hidden() {
		t.Error("the server does not know that the amounts are hidden")
	}
	b.quiet("the overview")
}
