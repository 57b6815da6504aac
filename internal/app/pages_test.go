package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/testkit"
	"specter/internal/testkit/chromium"
	"specter/internal/wallet"
)

// noPages are the GET routes that show no page of their own: files, fragments, streams, and ways
// that only lead on.
var noPages = map[string]bool{
	"/{$}": true, "/static/{file...}": true, "/events": true, "/nav": true, "/auth/session": true, "/wallets/{alias}": true,
	"/wallets/{alias}/export/{format}": true, "/wallets/{alias}/files/{format}": true, "/wallets/{alias}/labels/{format}": true, "/wallets/{alias}/drafts/{id}/psbt": true,
	"/wallets/{alias}/tx/{txid}/raw": true, "/settings/program/log": true, "/hwi/{$}": true,
}

// fileRoute tells the routes that hand out files.
func fileRoute(path string) bool {
	for _, end := range []string{".csv", ".json", ".pdf", ".zip", "/statement", "/sheet", "/backup"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return noPages[path]
}

// strangers is an address of BIP173's vectors, in the words of the demo chain.
const strangers = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"

// tour is a house with something on every page: the demo's story, a login, a member, a payment
// that waits, a draft that one key has signed, a second draft.
type tour struct {
	*house
	values map[string][]string // what may stand for a part of a path
}

func newTour(t *testing.T) *tour {
	t.Helper()
	ctx := context.Background()
	h := owned(t, Config{Demo: &Demo{}, API: yes()})
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	spending, savings := walletRef("spending"), walletRef("savings_2_of_3")
	admin, err := h.auth.User(ctx, auth.OwnerID)
	check(err)
	bob, err := h.auth.AddUser(ctx, auth.Identity{User: admin}, "Bob", "letter advice cage")
	check(err)
	h.newAgent(admin, "Desk at home")
	red, err := h.devices.Get(ctx, demoOwner, "red_key")
	check(err)
	pay := func(ref wallet.Ref, amount int64, label string) wallet.Draft {
		t.Helper()
		d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: strangers, Amount: btcutil.Amount(amount), Label: label}}})
		check(err)
		return d
	}
	sent := h.sign(spending, pay(spending, 300_000, "Bicycle repair"), red)
	txid, err := h.wallets.Broadcast(ctx, spending, sent.ID)
	check(err)
	h.sync(spending)
	first, second := pay(savings, 31_000_000, "New roof"), pay(savings, 2_500_000, "Gift for Bob")
	first = h.sign(savings, first, red)
	a, err := h.wallets.NewAddress(ctx, savings)
	check(err)
	return &tour{h, map[string][]string{
		"/wallets/{alias}": {"/wallets/savings_2_of_3"}, "/devices/{alias}": {"/devices/red_key"}, "/nodes/{alias}": {"/nodes/demo_chain"},
		"tx": {"/wallets/spending/tx/" + txid.String()}, "{address}": {a.Address}, "{id}": {fmt.Sprint(first.ID)}, "second": {fmt.Sprint(second.ID)}, "user": {bob.ID}, "xpub": {red.Keys[0].XPub},
	}}
}

// paths gives the addresses of a route's page; a page with faces has one address for each.
func (h *tour) paths(pattern string) []string {
	v := func(name string) string { return h.values[name][0] }
	switch pattern {
	case "/new-node":
		return []string{pattern, pattern + "?look=yes"}
	case "/new-device/{type}":
		return []string{"/new-device/coldcard", "/new-device/seedsigner", "/new-device/other"}
	case "/new-wallet/{kind}":
		return []string{"/new-wallet/single", "/new-wallet/multisig", "/new-wallet/import", "/new-wallet/multisig?step=setup&device=red_key&device=green_key"}
	case "/devices/{alias}/key":
		return []string{"/devices/red_key/key?xpub=" + v("xpub"), "/devices/red_key/key?form=slip132&xpub=" + v("xpub")}
	case "/guides/{type}":
		return []string{"/guides/seedsigner", "/guides/coldcard"}
	case "/settings/users/{id}/delete":
		return []string{"/settings/users/" + v("user") + "/delete"}
	case "/auth/register", "/setup", "/setup/restore", "/auth/restored": // of those who have no login: see anonymous
		return nil
	case "/wallets/{alias}/send":
		return []string{v("/wallets/{alias}") + "/send", v("/wallets/{alias}") + "/send?draft=" + v("second")}
	case "/wallets/{alias}/drafts/compare":
		return []string{v("/wallets/{alias}") + "/drafts/compare?draft=" + v("{id}") + "&draft=" + v("second")}
	case "/wallets/{alias}/addresses":
		return []string{v("/wallets/{alias}") + "/addresses", v("/wallets/{alias}") + "/addresses?filter=change"}
	case "/wallets/{alias}/history":
		return []string{v("/wallets/{alias}") + "/history", "/wallets/spending/history", "/wallets/spending/history?q=nothing+like+it"}
	}
	if rest, of := strings.CutPrefix(pattern, "/wallets/{alias}/tx/{txid}"); of {
		if way, bump := strings.CutSuffix(rest, "{way}"); bump {
			return []string{v("tx") + way + "speed-up", v("tx") + way + "cancel", v("tx") + way + "child"}
		}
		return []string{v("tx") + rest}
	}
	pattern = strings.TrimSuffix(pattern, "{$}")
	for _, part := range []string{"/wallets/{alias}", "/devices/{alias}", "/nodes/{alias}", "{address}", "{id}"} {
		pattern = strings.ReplaceAll(pattern, part, v(part))
	}
	return []string{pattern}
}

// everyPage lists the pages behind the route table, so that a new page cannot be forgotten.
func (h *tour) everyPage() []string {
	h.t.Helper()
	pages, err := h.pages(btc.Regtest)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, r := range pages.Routes() {
		path, get := strings.CutPrefix(r.Pattern, "GET ")
		if !get || fileRoute(path) {
			continue
		}
		for _, p := range h.paths(path) {
			if strings.ContainsAny(p, "{}") {
				h.t.Errorf("no page stands for %s: teach paths", path)
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// logIn logs a tab in as the owner.
func (b *tab) logIn() {
	b.t.Helper()
	b.visit("/auth/login")
	b.set("#username", "admin")
	b.set("#password", "correct horse battery")
	b.submit("main form button.primary")
}

// look sets how wide the window is, and what colours and movement the system asks for.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	b.do(fmt.Sprintf("%d px, %s", width, scheme), chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
}

// early runs a script in every page before the page's own, by the DevTools: no policy of the page
// holds it back, and none is loosened for it.
func (b *tab) early(source string) {
	b.t.Helper()
	b.do("prepare the pages", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
		return err
	}))
}

// shifts adds up how far things moved by themselves, as Chromium scores it (cumulative layout
// shift), and remembers what moved.
const shifts = `window.shifted = 0; window.movers = [];
new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) {
	shifted += e.value;
	movers.push(e.sources.map(s => s.node && s.node.nodeName + "." + s.node.className).join(" "));
} }).observe({type: "layout-shift", buffered: true});`

// calm waits until late things have come: fonts, and whatever the page asks for by itself, after
// which it asks for nothing for a while.
func (b *tab) calm() {
	b.t.Helper()
	const asked = `performance.getEntriesByType("resource").length`
	ctx, cancel := context.WithTimeout(b.ctx, testkit.Patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.fonts.ready.then(() => new Promise(done => {
		let before = -1;
		const look = () => {
			const now = `+asked+`;
			if (document.readyState === "complete" && now === before) requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
			else { before = now; setTimeout(look, 200) }
		};
		look();
	}))`, chromedp.EvalAwaitPromise)); err != nil {
		b.fail("let late things come", err)
	}
}

// TestNothingJumpsWhileAPageOpens: fonts, amounts, codes and fragments that come late must not
// move what somebody is about to press.
func TestNothingJumpsWhileAPageOpens(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves browser runs out")
	}
	h := newTour(t)
	b := openTab(t, h.URL(), 1280, 900)
	b.early(shifts)
	b.logIn()
	w := "/wallets/savings_2_of_3"
	for _, width := range []int64{1280, 390} {
		b.look(width, "dark")
		for _, path := range []string{"/welcome", "/overview", "/overview/coins", w + "/history", w + "/coins", w + "/addresses", w + "/receive", w + "/send", w + "/drafts",
			w + "/drafts/" + h.values["{id}"][0], w + "/drafts/" + h.values["{id}"][0] + "/qr", w + "/settings", h.values["tx"][0], "/devices/red_key", "/settings", "/settings/account"} {
			b.visit(path)
			b.calm()
			moved, who := b.number(`shifted`), b.words(`movers.join("; ")`)
			if moved >= 0.05 {
				t.Errorf("%s at %d px: things moved by %.3f, want less than 0.05: %s", path, width, moved, who)
			}
		}
	}
	b.run("push the page down", `const e = document.createElement("div"); e.setAttribute("class", "empty"); e.innerHTML = "<h1>x</h1><h1>x</h1><h1>x</h1><h1>x</h1><h1>x</h1>"; document.querySelector("main").prepend(e)`)
	b.until("the jump we made is seen: otherwise this test is blind", `shifted > 0.05`)
}

// TestEveryPageFitsInGerman: longer words than the English ones push nothing out of the window, on
// a phone and on a desk.
func TestEveryPageFitsInGerman(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves browser runs out")
	}
	h := newTour(t)
	b := openTab(t, h.URL(), 1280, 900)
	b.logIn()
	b.visit("/settings")
	b.set("#language", "de")
	b.submit("[data-test=save]")
	if lang := b.words(`document.documentElement.lang`); lang != "de" {
		t.Fatalf("the pages speak %q", lang)
	}
	for _, path := range h.everyPage() {
		b.do("open "+path, chromium.Navigate(b.base+path), chromedp.WaitReady("main"))
		for _, width := range []int64{1280, 390} {
			b.look(width, "dark")
			if over := b.number(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
				t.Errorf("%s at %d px is %v px too wide: %s", path, width, over, b.words(`[...document.querySelectorAll("main *, header *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".table-box, .tabs, .sr")).slice(0, 4).map(e => e.outerHTML.slice(0, 120)).join(" | ")`))
			}
		}
	}
}

func (b *tab) number(expression string) float64 {
	b.t.Helper()
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](expression))
	if err != nil {
		b.fail(expression, err)
	}
	return n
}

func (b *tab) words(expression string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.fail(expression, err)
	}
	return s
}
