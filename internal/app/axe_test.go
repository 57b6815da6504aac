package app

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"specter/internal/testkit"
	"specter/internal/testkit/chromium"
)

// axeScript reads the accessibility checker axe-core: the file that SPECTER_AXE names, or what
// scripts/axe has put into .cache.
func axeScript(t *testing.T) string {
	t.Helper()
	path := os.Getenv("SPECTER_AXE")
	if path == "" {
		found, _ := filepath.Glob("../../.cache/axe/*.min.js")
		if len(found) == 0 {
			t.Skip("SKIPPED WITHOUT AXE-CORE: run `make axe`, or set SPECTER_AXE to an axe.min.js, to check every page for people who hear, magnify or type their way through it")
		}
		slices.Sort(found)
		path = found[len(found)-1]
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// finding is a rule of axe that a page breaks, and where.
type finding struct {
	ID, Impact, Help string
	Nodes            []string
}

// axe asks for the rules of WCAG 2.2 A and AA and for good practice; with a choice, for these
// rules only. Findings that axe calls minor or moderate are not counted.
func (b *tab) axe(rules ...string) []finding {
	b.t.Helper()
	only := `{type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}`
	if len(rules) > 0 {
		only = `{type: "rule", values: ["` + strings.Join(rules, `", "`) + `"]}`
	}
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]finding](`axe.run(document, {resultTypes: ["violations"], runOnly: `+only+`}).then(r =>
		r.violations.map(v =>
			({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 4).map(n => n.target.join(" ") + " <" + n.any.map(a => a.message).join("; ").slice(0, 160) + ">")})))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.fail("axe", err)
	}
	return found
}

// settle waits until the page is drawn as it was last told to be; who asks for less movement gets
// no transitions.
func (b *tab) settle() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`, chromedp.EvalAwaitPromise)); err != nil {
		b.fail("draw the page", err)
	}
}

// ofColours are the rules whose outcome may differ between dark and light.
var ofColours = []string{"color-contrast", "link-in-text-block"}

// judge checks the page that the tab shows, at both widths, dark and light. A page's light colours
// are looked at in one of the widths, half of the pages in either; with SPECTER_AXE_WHOLE, which
// make axe sets, in both.
func (b *tab) judge(name string) {
	b.t.Helper()
	once := []int64{1280, 390}[crc32.ChecksumIEEE([]byte(name))%2]
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"dark", "light"} {
			if scheme == "light" && width != once && os.Getenv("SPECTER_AXE_WHOLE") == "" {
				continue
			}
			b.look(width, scheme)
			b.settle()
			var rules []string
			if scheme == "light" {
				rules = ofColours
			}
			for _, f := range b.axe(rules...) {
				b.t.Errorf("%s at %d px, %s: %s (%s): %s\n\t%s", name, width, scheme, f.Help, f.ID, f.Impact, strings.Join(f.Nodes, "\n\t"))
			}
			if over := b.number(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
				b.t.Errorf("%s at %d px is %v px too wide", name, width, over)
			}
		}
	}
	b.look(1280, "dark")
}

// openBoxes opens every box that hides something, so that it is checked too; the small boxes that
// ask "really?" lie over each other when all are open, and take their turn in asks.
const openBoxes = `document.querySelectorAll("main details:not(.confirm)").forEach(d => { d.open = true })`

// asks checks the first box of the page that asks once more before something is done.
func (b *tab) asks(name string) {
	b.t.Helper()
	if b.number(`document.querySelectorAll("main details.confirm").length`) == 0 {
		return
	}
	b.run("open a question", `document.querySelector("main details.confirm").open = true`)
	b.judge(name + ", asked once more")
}

// TestEveryPageIsForEverybody holds every page of the route table, and those that come after a
// form, against axe-core: no finding, not even a minor one.
func TestEveryPageIsForEverybody(t *testing.T) {
	script := axeScript(t)
	if testing.Short() {
		t.Skip("a long browser run")
	}
	h := newTour(t)
	b := openTab(t, h.URL(), 1280, 900)
	b.early(script)
	b.visit("/auth/login")
	b.judge("login")
	b.set("#username", "admin")
	b.set("#password", "wrong")
	b.submit("main form button.primary")
	b.judge("login refused")
	b.logIn()
	pages := h.everyPage()
	for _, path := range pages {
		b.do("open "+path, chromium.Navigate(b.base+path), chromedp.WaitReady("main"))
		b.run("open boxes", openBoxes)
		b.judge(path)
		b.asks(path)
	}
	b.look(390, "dark")
	b.visit("/overview")
	b.run("open the menu", `location.hash = "#sidebar"`)
	b.judge("the menu on a phone")
	for name, steps := range h.afterForms() {
		steps(b)
		b.run("open boxes", openBoxes)
		b.judge(name)
	}
	b.visit("/nothing-here")
	b.judge("an error")
	b.blind()
	t.Logf("%d pages of the route table, and %d after forms", len(pages), len(h.afterForms())+3)
}

// blind makes sure that axe would have said something.
func (b *tab) blind() {
	b.t.Helper()
	b.run("spoil the page", `const e = document.createElement("button"); document.querySelector("main").append(e)`)
	if found := b.axe(); len(found) == 0 || found[0].ID != "button-name" {
		b.t.Errorf("axe does not see a button without words: %v", found)
	}
}

// afterForms are the pages that have no address of their own.
func (h *tour) afterForms() map[string]func(b *tab) {
	w := "/wallets/savings_2_of_3"
	return map[string]func(b *tab){
		"wallet to confirm": func(b *tab) {
			b.visit("/new-wallet/multisig?step=setup&device=red_key&device=green_key")
			b.set("#name", "Vault")
			b.submit("[data-test=check]")
		},
		"wallet refused": func(b *tab) {
			b.visit("/new-wallet/import")
			b.set("#descriptor", "nonsense")
			b.submit("[data-test=check]")
		},
		"words of a software key": func(b *tab) {
			b.visit("/new-device/hot")
			b.set("#name", "New key")
			b.submit("[data-test=continue]")
		},
		"words to repeat": func(b *tab) {
			b.visit("/new-device/hot")
			b.set("#name", "New key")
			b.submit("[data-test=continue]")
			b.submit("[data-test=written]")
		},
		"payment refused": func(b *tab) {
			b.visit(w + "/send")
			b.set("#address-0", "nonsense")
			b.set("#amount-0", "x")
			b.submit("[data-test=create]")
		},
		"payment previewed": func(b *tab) {
			b.visit(w + "/send")
			b.set("#address-0", nobodys)
			b.set("#amount-0", "0.2")
			b.until("a preview", `document.querySelector("[data-test=preview-fee]")`)
		},
		"device refused": func(b *tab) {
			b.visit("/new-device/coldcard")
			b.set("#name", "Cold")
			b.set("#keys", "no key")
			b.submit("main form button.primary")
		},
		"token once": func(b *tab) {
			b.visit("/settings/tokens")
			b.set("#description", fmt.Sprint("watchtower ", time.Now().UnixNano()))
			b.submit("main form button.primary")
		},
	}
}
