package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"specter/internal/auth"
	"specter/internal/raced"
	"specter/internal/testkit"
	"specter/internal/testkit/chromium"
	"specter/internal/wallet"
	"specter/internal/web"
)

// browser is Chromium on a house.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string
	h    *house
}

// watch collects what goes wrong in a page: exceptions, refused styles and scripts, lost promises.
const watch = `window.complaints = [];
addEventListener("error", e => complaints.push("error: " + e.message), true);
addEventListener("unhandledrejection", e => complaints.push("rejection: " + e.reason));
addEventListener("securitypolicyviolation", e => complaints.push("refused: " + e.violatedDirective + " " + e.blockedURI + " " + e.sourceFile + ":" + e.lineNumber));`

func openBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	return openBrowserWith(t, nil, more...)
}

// openBrowserWith opens one on a house that is set up another way.
func openBrowserWith(t *testing.T, change func(*web.Config), more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	b := &browser{t: t, h: newHouse("")}
	c := web.Config{Wallets: wallets{b.h}, Devices: devices{b.h}, Nodes: nodes{b.h}, Settings: b.h, Program: &steward{h: b.h}, Auth: newGatehouse(auth.MethodNone), Demo: b.h}
	if change != nil {
		change(&c)
	}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	door := guard(s)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// One request at a time, so that the test may change the house between two; streams are let in
		// alike, and then run beside the rest.
		b.h.serving.Lock()
		in := &admitted{ResponseWriter: w, served: sync.OnceFunc(b.h.serving.Unlock)}
		defer in.served()
		if r.URL.Path == "/events" {
			w = in
		}
		door.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { s.Close(); srv.Close() })
	b.base = srv.URL
	b.ctx = chromium.Start(t, more...)
	b.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
		return err
	}))
	return b
}

// admitted is the answer to a request that has been served, as far as the house is concerned, as
// soon as anything is said.
type admitted struct {
	http.ResponseWriter
	served func()
}

func (a *admitted) Write(p []byte) (int, error) { a.served(); return a.ResponseWriter.Write(p) }
func (a *admitted) WriteHeader(status int)      { a.served(); a.ResponseWriter.WriteHeader(status) }
func (a *admitted) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// change does something to the house between two requests.
func (b *browser) change(do func(h *house)) {
	b.h.serving.Lock()
	defer b.h.serving.Unlock()
	do(b.h)
}

// quiet fails the test if anything went wrong in the page.
func (b *browser) quiet(where string) {
	b.t.Helper()
	if said := b.js(`complaints.join("; ")`); said != "" {
		b.t.Errorf("%s: the browser complains: %s", where, said)
	}
}

// until waits for a condition written in JavaScript.
func (b *browser) until(js string) {
	b.t.Helper()
	testkit.Soon(b.t, js, func() (bool, string) { return chromium.True(b.ctx, js) })
}

func (b *browser) js(code string) string {
	b.t.Helper()
	result, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](code))
	if err != nil {
		b.t.Fatalf("%s: %v", code, err)
	}
	return result
}

// Every page fits a phone and a desk without scrolling sideways, and the browser has nothing to
// complain about: no refused style or script, no exception.
func TestEveryPageFitsAndRunsQuietly(t *testing.T) {
	b := openBrowser(t)
	for _, width := range raced.Sample("", 1, []int64{390, 1280}) {
		b.run(chromedp.EmulateViewport(width, 900))
		for path, status := range everyPage() {
			if status != 200 || strings.HasPrefix(path, "/nav") {
				continue
			}
			b.run(chromium.Navigate(b.base + path))
			if over := b.js(`(() => { const w = document.documentElement; if (w.scrollWidth <= w.clientWidth) return "";
				const wide = [...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > w.clientWidth + 1 && !e.closest(".table-box, .tabs, .sr")).map(e => e.tagName + "." + e.className);
				return w.scrollWidth + " px wide: " + wide.slice(0, 5).join(", "); })()`); over != "" {
				t.Errorf("%s at %d px: %s", path, width, over)
			}
			b.quiet(fmt.Sprintf("%s at %d px", path, width))
		}
	}
}

func TestThePageIsDrawnAgainWhenSomethingChanges(t *testing.T) {
	b := openBrowser(t)
	b.run(chromium.Navigate(b.base+"/wallets/family_vault/history"), chromedp.WaitVisible(`[data-test=history]`))
	before := len(b.h.rows)
	row := b.h.rows[1] // nobody writes it
	row.TxID, row.Label = hashOf(77), "just arrived"
	b.change(func(h *house) { h.rows = append(h.rows, row); h.wallets[0].Balance.Confirmed++ })
	b.h.events <- wallet.Event{Alias: "family_vault", Kind: "wallet"}
	b.until(fmt.Sprintf(`document.querySelectorAll("[data-test=tx]").length === %d`, before+1))
	b.until(`document.querySelector("[data-test=balance]").textContent === "1.62500001"`)
	// under the hands of someone who types, nothing moves; afterwards it does
	b.run(chromedp.SendKeys(`[data-test=tx] [data-test=label]`, "mine "))
	row.TxID = hashOf(78)
	b.change(func(h *house) { h.rows = append(h.rows, row) })
	b.h.events <- wallet.Event{Alias: "family_vault", Kind: "wallet"}
	b.run(chromedp.Sleep(time.Second))
	if got := b.js(`String(document.querySelectorAll("[data-test=tx]").length)`); got != fmt.Sprint(before+1) {
		t.Errorf("%s rows while typing", got)
	}
	b.run(chromedp.SendKeys(`[data-test=tx] [data-test=label]`, kb.Enter))
	b.until(`document.querySelector(".saved") !== null`)
	b.js(`document.activeElement.blur(); ""`)
	b.until(fmt.Sprintf(`document.querySelectorAll("[data-test=tx]").length === %d`, before+2))
	b.change(func(h *house) {
		if got := h.labels[hashOf(0).String()]; !strings.Contains(got, "mine ") {
			t.Errorf("the label is %q", got)
		}
	})
	b.quiet("history")
}

func TestTheSendFormPreviewsWhileItIsFilledIn(t *testing.T) {
	b := openBrowser(t)
	b.run(chromium.Navigate(b.base+sendPath), chromedp.SendKeys(`#address-0`, testAddress), chromedp.SendKeys(`#amount-0`, "0.1"))
	b.until(`(document.querySelector("[data-test=preview-fee]")||{}).textContent?.startsWith("0.00000141")`)
	b.run(chromedp.SendKeys(`[name=feerate]`, "0"))
	b.until(`document.querySelector("#fee-manual").checked && document.querySelector("[data-test=preview-error]") !== null`)
	b.run(chromedp.SendKeys(`[name=feerate]`, "5"), chromedp.Click(`[data-test=create]`))
	b.until(`location.pathname === "/wallets/family_vault/drafts/7"`)
	b.change(func(h *house) {
		if h.asked.FeeRate != 5000 { // typed "05"
			t.Errorf("asked for %d sat/kvB", h.asked.FeeRate)
		}
	})
	b.quiet("send")
}

func TestSearchingKeepsTheHandsOnTheKeyboard(t *testing.T) {
	b := openBrowser(t)
	b.run(chromium.Navigate(b.base+"/wallets/family_vault/history"), chromedp.SendKeys(`input[type=search]`, "Bob"))
	b.until(`document.querySelectorAll("[data-test=tx]").length === 1 && document.activeElement.name === "q" && location.search.includes("q=Bob")`)
	b.quiet("search")
}

func TestTheMenuOnAPhoneWorksByKeyboard(t *testing.T) {
	b := openBrowser(t)
	visible := `getComputedStyle(document.querySelector(".sidebar")).visibility`
	b.run(chromedp.EmulateViewport(390, 800), chromium.Navigate(b.base+"/overview"))
	if got := b.js(visible); got != "hidden" {
		t.Fatalf("the menu is %s at first", got)
	}
	b.run(chromedp.Focus(`.menu-button`), chromedp.KeyEvent(kb.Enter))
	b.until(visible + ` === "visible"`)
	b.run(chromedp.KeyEvent(kb.Escape))
	b.until(visible + ` === "hidden"`)
	b.quiet("menu")
}
