package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/testkit/chromium"
	"specter/internal/wallet"
)

// poison is what a payer, a cosigner, a node or a file may smuggle into words that pages show.
const poison = `"'><img src=x onerror="window.owned=1"><script>window.owned=1</script><svg onload="window.owned=1"><a href="javascript:window.owned=1" data-owned>x</a>`

// plant puts the poison wherever the program stores words.
func plant(t *testing.T, h *house) {
	t.Helper()
	ctx := context.Background()
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	name := poison[:40]
	d, err := h.devices.CreateHot(ctx, demoOwner, name, device.Seed{Words: "test test test test test test test test test test test junk", Network: btc.Regtest})
	check("device", err)
	w, err := h.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: name, ScriptType: "wpkh", Keys: []string{d.KeysFor(btc.Regtest, "wpkh")[0].Expression()}})
	check("wallet", err)
	for _, ref := range []wallet.Ref{w.Ref(), walletRef("spending")} {
		a, err := h.wallets.NewAddress(ctx, ref)
		check("address", err)
		check("address label", h.wallets.SetLabel(ctx, ref, wallet.LabelAddress, a.Address, poison))
	}
	ref := walletRef("spending")
	page, err := h.wallets.History(ctx, ref, wallet.Query{})
	check("history", err)
	check("transaction label", h.wallets.SetLabel(ctx, ref, wallet.LabelTx, page.Rows[0].TxID.String(), poison))
	pay, err := h.wallets.NewAddress(ctx, walletRef("savings_2_of_3"))
	check("address", err)
	draft, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Note: poison,
		Recipients: []wallet.Recipient{{Address: pay.Address, Amount: 100_000, Label: poison}}})
	check("draft", err)
	check("note", h.wallets.SetNote(ctx, ref, draft.ID, poison))
}

// clean fails where the poison has become anything but text.
func (b *tab) clean(where string) {
	b.t.Helper()
	bad, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!window.owned || !!document.querySelector("[data-owned], img[src=x], [onerror], [onload], a[href^=javascript]")`))
	if err != nil {
		b.fail("look at "+where, err)
	}
	if bad {
		b.shot("owned")
		b.t.Errorf("foreign words became markup at %s", where)
	}
}

// crawl visits the pages that links lead to from here in the real browser: all kinds of page,
// of each kind some.
func (b *tab) crawl(from string, most int) (visited map[string]bool, poisoned int) {
	b.t.Helper()
	visited = map[string]bool{}
	kinds, seen := map[string]int{}, map[string]bool{}
	todo := []string{from}
	for len(todo) > 0 && len(visited) < most {
		at := todo[0]
		todo = todo[1:]
		kind, _, _ := strings.Cut(path.Dir(at), "?")
		if seen[at] || kinds[kind] >= 3 && (strings.HasSuffix(kind, "/addresses") || strings.HasSuffix(kind, "/tx")) {
			continue
		}
		kinds[kind]++
		seen[at] = true
		if !b.shown(at) {
			continue
		}
		visited[at] = true
		b.do("open "+at, chromium.Navigate(b.base+at), chromedp.WaitReady("body"))
		b.clean(at)
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.body.innerText.includes("<img src=x") || [...document.querySelectorAll("input,textarea")].some(e => e.value.includes("<img src=x"))`))
		if err != nil {
			b.fail("read "+at, err)
		}
		if text {
			poisoned++
		}
		links, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("a[href]:not([download])")].map(a => a.href)`))
		if err != nil {
			b.fail("links of "+at, err)
		}
		for _, l := range links {
			u, err := url.Parse(l)
			if err == nil && strings.HasPrefix(l, b.base+"/") && isPage(u) && !seen[u.RequestURI()] {
				todo = append(todo, u.RequestURI())
			}
		}
	}
	return visited, poisoned
}

// isPage leaves out the way out, and other orders of a list.
func isPage(u *url.URL) bool {
	return !strings.Contains(u.Path, "/logout") && !u.Query().Has("sort") && !u.Query().Has("page") && u.Query().Get("q") == ""
}

// shown reports whether a browser shows what is at an address, rather than saving it.
func (b *tab) shown(at string) bool {
	b.t.Helper()
	resp, err := http.Get(b.base + at)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	return strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && resp.Header.Get("Content-Disposition") == ""
}

// TestForeignWordsStayWordsOnEveryPage stores markup as every name, label and note, then walks
// all pages in a real browser, also with the words that come by link, file and node.
func TestForeignWordsStayWordsOnEveryPage(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	plant(t, h)
	b := openTab(t, h.URL(), 1280, 900)
	visited, poisoned := b.crawl("/overview", 300)
	if len(visited) < 25 || poisoned < 6 {
		t.Errorf("%d pages were visited, %d showed the foreign words: the walk is too short to prove anything", len(visited), poisoned)
	}
	t.Logf("%d pages visited, %d of them show the foreign words", len(visited), poisoned)

	q := url.QueryEscape(poison)
	pay := url.QueryEscape("bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080?label=" + q + "&message=" + q)
	for _, at := range []string{"/wallets/spending/send?uri=" + pay, "/wallets/spending/history?q=" + q, "/overview?q=" + q, "/wallets/" + q, "/" + q,
		"/wallets/spending/tx/" + q, "/auth/login?next=" + q, "/setup?secret=" + q, "/auth/register?otp=" + q} {
		b.do("open "+at, chromium.Navigate(b.base+at), chromedp.WaitReady("body"))
		b.clean(at)
	}
	b.nodeError()
}

// nodeError lets a hostile node answer with markup, and tests it on the node form.
func (b *tab) nodeError() {
	b.t.Helper()
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"result":null,"error":{"code":-1,"message":` + jsonText(poison) + `},"id":1}`))
	}))
	defer liar.Close()
	u := mustURL(b.t, liar.URL)
	b.visit("/new-node")
	b.set(`input[name="name"]`, poison[:30])
	b.set(`input[name="host"]`, u.Hostname())
	b.set(`input[name="port"]`, u.Port())
	b.set(`input[name="user"]`, "u")
	b.set(`input[name="password"]`, "p")
	b.submit(`button[value="test"]`)
	b.clean("the answer of a hostile node")
}

func jsonText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
