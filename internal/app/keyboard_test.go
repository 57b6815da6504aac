package app

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press strikes keys, wherever the focus is; every text is typed as it is.
func (b *tab) press(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		b.do("press a key", chromedp.KeyEvent(text))
	}
}

// stop is where the focus is: whether it is what was looked for, and whether a person can see it.
type stop struct {
	Here, Seen bool
	What       string
}

// focused looks at the focus.
func (b *tab) focused(selector string) stop {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[stop](`(() => {
		const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
		const ring = e => { const s = getComputedStyle(e); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 };
		const inside = r.bottom > 0 && r.right > 0 && r.top < innerHeight && r.left < innerWidth;
		const around = e.closest("label, .card, .pick-item");
		return {Here: e.matches(`+quote(selector)+`), Seen: inside && s.visibility === "visible" && (ring(e) || !!around && ring(around) || e.matches("input[type^=date]")), // the parts of a date have the browser's own ring
			What: e.outerHTML.slice(0, 160) + " at " + [r.left, r.top, r.width, r.height].map(Math.round) + " outline " + s.outline};
	})()`))
	if err != nil {
		b.fail("look at the focus", err)
	}
	return s
}

// tabTo presses Tab until the focus is on an element, as somebody without a mouse does. Every
// stop on the way must be on the screen with a ring around it.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	b.until("an element "+selector, `document.readyState === "complete" && document.querySelector(`+quote(selector)+`)`)
	for range 150 {
		b.press(kb.Tab)
		s := b.focused(selector)
		if !s.Seen && !strings.HasPrefix(s.What, "<body") {
			b.t.Errorf("%s: the focus cannot be seen: %s", b.words(`location.pathname`), s.What)
		}
		if s.Here {
			return
		}
	}
	b.t.Fatalf("%s: no way to %s with the Tab key", b.words(`location.pathname`), selector)
}

// choose walks a group of radio buttons with the arrow keys.
func (b *tab) choose(group, selector string) {
	b.t.Helper()
	b.tabTo(group)
	for range 20 {
		if b.focused(selector).Here {
			b.press(" ")
			return
		}
		b.press(kb.ArrowDown)
	}
	b.t.Fatalf("no way to %s with the arrow keys", selector)
}

// enter presses Enter on an element and waits for the page that follows.
func (b *tab) enter(selector, path string) {
	b.t.Helper()
	b.tabTo(selector)
	b.run("mark the old page", `window.old = true`)
	b.press(kb.Enter)
	b.until("the page after "+selector, `!window.old && document.readyState === "complete" && document.querySelector("main") && location.pathname.startsWith(`+quote(path)+`)`)
}

// TestEverythingByKeyboard is a newcomer's whole way without a mouse: a key, a wallet, coins, a
// payment, its signature, sending it, and the settings.
func TestEverythingByKeyboard(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	b := openTab(t, h.URL(), 1280, 900)

	b.visit("/overview")
	b.press(kb.Tab)
	if s := b.focused(".skip"); !s.Here || !s.Seen {
		t.Errorf("the first stop is not the way to skip the menu: %s", s.What)
	}
	b.press(kb.Enter)
	b.until("the page itself has the focus", `document.activeElement.id === "main"`)
	b.press(kb.Tab)
	if !b.focused("main *").Here {
		t.Error("after skipping, Tab does not go on in the page")
	}

	b.visit("/overview")
	b.enter(`.sidebar a[href="/new-device"]`, "/new-device")
	b.enter(`[data-test=type-hot]`, "/new-device/hot")
	b.tabTo("#name")
	b.press("Travel key")
	b.tabTo("#words")
	b.press("letter advice cage absurd amount doctor acoustic avoid letter advice cage above")
	b.enter("[data-test=continue]", "/devices/travel_key")

	b.enter(`.sidebar a[href="/new-wallet"]`, "/new-wallet")
	b.enter(`main a[href="/new-wallet/single"]`, "/new-wallet/single")
	b.choose("input[name=device]", "input[value=travel_key]")
	b.enter("main form .buttons button.primary", "/new-wallet/single")
	b.tabTo("#name")
	b.press("Travel")
	b.enter("[data-test=check]", "/new-wallet/single")
	b.enter("[data-test=create-wallet]", "/wallets/travel/next")
	b.enter(`main a[href="/wallets/travel/receive"]`, "/wallets/travel/receive")
	b.enter("[data-test=faucet]", "/wallets/travel/receive")
	mine(t, h)
	h.sync(walletRef("travel"))

	b.enter(`main a[href="/wallets/travel/send"]`, "/wallets/travel/send")
	b.tabTo("#address-0")
	b.press(nobodys)
	b.tabTo("#amount-0")
	b.press("0.125")
	b.tabTo("#label-0")
	b.press("Harbour fee")
	b.tabTo("#coins-box > summary")
	b.press(kb.Enter)
	b.until("the coins are shown", `document.querySelector("#coins-box").open`)
	b.tabTo("input[name=coin]")
	b.press(" ")
	b.until("a coin is chosen", `document.querySelector("input[name=coin]:checked")`)
	b.enter("[data-test=create]", "/wallets/travel/drafts/")
	b.sees("Harbour fee")
	b.enter("[data-test=sign]", "/wallets/travel/drafts/")
	b.enter("[data-test=broadcast]", "/wallets/travel/")
	mine(t, h)
	b.visit("/wallets/travel/history")
	b.sees("Harbour fee")
	b.menus()
	b.settings()
}

// menus: what opens is closed by Escape, and the focus is where it was; a dialog holds it.
func (b *tab) menus() {
	b.t.Helper()
	b.visit("/devices/red_key")
	b.tabTo("main details.confirm > summary")
	b.press(kb.Enter)
	b.until("the question is open", `document.querySelector("details.confirm[open]")`)
	b.press(kb.Tab)
	if !b.focused("details.confirm[open] button").Here {
		b.t.Error("the question's button is not the next stop")
	}
	b.press(kb.Escape)
	b.until("the question is closed and the focus back", `!document.querySelector("details.confirm[open]") && document.activeElement.matches("details.confirm > summary")`)

	b.visit("/wallets/travel/send")
	b.tabTo("[data-scan=address]")
	b.press(kb.Enter)
	b.until("the scanner is open", `document.querySelector("dialog.scan").open`)
	for range 12 { // round and round
		b.press(kb.Tab)
		if s := b.focused("dialog.scan *, body"); !s.Here {
			b.t.Errorf("the focus leaves the open dialog: %s", s.What)
		}
	}
	b.press(kb.Escape)
	b.until("the scanner is closed and the focus back", `!document.querySelector("dialog.scan").open && document.activeElement.matches("[data-scan=address]")`)

	b.look(390, "dark")
	b.visit("/overview")
	b.tabTo(".menu-button")
	b.press(kb.Enter)
	b.until("the menu is open", `getComputedStyle(document.querySelector(".sidebar")).visibility === "visible"`)
	b.press(kb.Tab)
	if !b.focused(".sidebar *").Here {
		b.t.Error("Tab does not go into the open menu")
	}
	b.press(kb.Escape)
	b.until("the menu is closed and the focus back", `location.hash === "#main" && document.activeElement.matches(".menu-button")`)
	b.look(1280, "dark")
}

// settings: the unit of amounts, from the menu to the saved form.
func (b *tab) settings() {
	b.t.Helper()
	b.visit("/overview")
	b.enter(`.sidebar a[href="/settings"]`, "/settings")
	b.tabTo("#unit")
	b.press(kb.ArrowDown)
	b.until("satoshis are chosen", `document.querySelector("#unit").value === "sat"`)
	b.enter("[data-test=save]", "/settings")
	b.until("it is said that it was saved", `document.querySelector("[data-test=flash]")`)
	b.visit("/settings")
	if v := b.words(`document.querySelector("#unit").value`); v != "sat" {
		b.t.Errorf("the unit is %q", v)
	}
}
