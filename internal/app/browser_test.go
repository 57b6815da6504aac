package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/testkit"
	"specter/internal/testkit/chromium"
)

// tab is a browser tab on the pages of an App.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// openTab starts a headless browser, or skips loudly where there is none.
func openTab(t *testing.T, base string, width, height int, more ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	ctx := chromium.Start(t, append(more, chromedp.WindowSize(width, height))...)
	return &tab{t, ctx, strings.TrimSuffix(base, "/")}
}

// do runs steps; a failure shows where the tab was and what it said.
func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fail(what, err)
	}
}

func (b *tab) fail(what string, err error) {
	b.t.Helper()
	where, _ := chromedp.Run(b.ctx, chromedp.Location())
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText.slice(0, 1500) : ""`))
	b.shot("failed")
	b.t.Fatalf("%s: %v\nat %s:\n%s", what, err, where, text)
}

// until waits for an expression to be true.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	eventually(b.t, what, func() (bool, string) { return chromium.True(b.ctx, expression) })
}

func (b *tab) visit(path string) {
	b.t.Helper()
	b.do("open "+path, chromium.Navigate(b.base+path), chromedp.WaitReady("main"))
}

// run evaluates a statement for its effect.
func (b *tab) run(what, statement string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`(() => { `+statement+`; return true })()`)); err != nil {
		b.fail(what, err)
	}
}

// submit presses a button that loads another page, and waits for that page.
func (b *tab) submit(selector string) {
	b.t.Helper()
	b.until("a button "+selector, `document.querySelector(`+quote(selector)+`)`)
	b.run("press "+selector, `window.old = true; document.querySelector(`+quote(selector)+`).click()`)
	b.until("the page after "+selector, `!window.old && document.readyState === "complete" && document.querySelector("main")`)
}

// set puts a value into a field as typing would.
func (b *tab) set(selector, value string) {
	b.t.Helper()
	b.until("a field "+selector, `document.querySelector(`+quote(selector)+`)`)
	b.run("fill "+selector, `const e = document.querySelector(`+quote(selector)+`);
		if (e.type === "checkbox" || e.type === "radio") { e.checked = true } else { e.value = `+quote(value)+` };
		e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true}))`)
}

func quote(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}

// sees waits until the page holds a text.
func (b *tab) sees(what string) {
	b.t.Helper()
	b.until("the text "+what, `document.body.innerText.toLowerCase().includes(`+quote(strings.ToLower(what))+`) ||
		[...document.querySelectorAll("input")].some(e => e.value.includes(`+quote(what)+`))`)
}

// shot saves a picture where SPECTER_SCREENSHOTS names a folder.
func (b *tab) shot(name string) {
	dir := os.Getenv("SPECTER_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Logf("picture %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Error(err)
	}
}

// TestTheDemoInABrowser is the newcomer's story: a 2-of-3 made of three keys, coins from the
// faucet, a payment, two signatures, broadcast, confirmed.
func TestTheDemoInABrowser(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	b := openTab(t, h.URL(), 1280, 900)

	b.visit("/overview")
	b.sees("Savings 2 of 3")
	b.shot("overview")
	b.visit("/wallets/savings_2_of_3/history")
	b.sees("Sold the bicycle")
	b.shot("history")

	b.visit("/new-wallet/multisig")
	for _, device := range []string{"red_key", "green_key", "blue_key"} {
		b.set("input[name=device][value="+device+"]", "")
	}
	b.submit("main form .buttons button.primary")
	b.set("input[name=name]", "Vault")
	b.set("[name=script][value=sh-wsh], select[name=script]", "sh-wsh") // the story's own 2-of-3 has the native form of these keys
	b.submit("[data-test=check]")
	b.sees("Vault")
	b.shot("wallet-confirm")
	b.submit("[data-test=create-wallet]")
	b.sees("tick the box") // three keys on one computer are no vault
	b.set("[data-test=sure]", "")
	b.submit("[data-test=create-wallet]")
	b.sees("Next steps")
	b.shot("wallet-next")
	b.submit("[data-test=to-receive]")
	b.sees("Faucet")
	b.shot("receive")

	b.set("form[action$='/demo/faucet'] input[name=amount]", "2")
	b.submit("[data-test=faucet]")
	mine(t, h)
	b.visit("/wallets/vault/send")
	b.set("input[name=address]", "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk")
	b.set("input[name=amount]", "0.75")
	b.set("input[name=label]", "New roof")
	b.shot("send")
	b.submit("[data-test=create]")
	b.sees("New roof")
	b.submit("[data-test=sign]")
	b.shot("draft")
	b.submit("[data-test=sign]")
	b.submit("[data-test=broadcast]")
	mine(t, h)
	b.visit("/wallets/vault/history")
	b.sees("New roof")
	b.shot("sent")

	eventually(t, "the payment confirms", func() (bool, string) {
		r := h.record(walletRef("vault"))
		return r.Balance.Pending == 0 && r.Balance.Confirmed > 124_000_000 && r.Balance.Confirmed < 125_000_000, fmt.Sprintf("%+v %q", r.Balance, r.SyncError)
	})
}

// mine adds a block to the demo chain.
func mine(t *testing.T, h *house) {
	t.Helper()
	if _, err := h.chain.Mine(1, nil); err != nil {
		t.Fatal(err)
	}
}
