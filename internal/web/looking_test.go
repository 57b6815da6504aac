package web_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"specter/internal/btc"
	"specter/internal/wallet"
	"specter/internal/web"
)

// lookingPages are the pages for looking at wallets.
func lookingPages() map[string]int {
	return map[string]int{
		"/overview?period=30d": 200, "/overview?period=all&q=%3E+0.1": 200, "/wallets/family_vault/balance": 200, "/wallets/family_vault/balance?period=all": 200, "/wallets/savings/balance": 200,
		"/wallets/family_vault/labels": 200, "/wallets/family_vault/labels?filter=xpub": 200, "/wallets/family_vault/labels?q=nothing": 200, "/wallets/nobody/labels": 404,
		"/wallets/family_vault/consolidate": 200, "/wallets/family_vault/consolidate?feerate=5": 200, "/wallets/savings/consolidate": 200, "/wallets/family_vault/consolidate?feerate=cheap": 422,
		"/wallets/family_vault/addresses?filter=unused&sort=label&dir=desc": 200, "/wallets/family_vault/addresses/nonsense": 404, "/wallets/family_vault/coins?filter=free": 200,
		"/wallets/family_vault/statement?from=yesterday": 422, "/wallets/family_vault/transactions.csv?prices=yes": 422, "/wallets/nobody/balance": 404, "/wallets/nobody/consolidate": 404,
		// files: what is refused is a page
		"/overview/transactions.csv?prices=yes": 422, "/overview/transactions.json?prices=yes": 422, "/overview/utxo.csv?prices=yes": 422, "/overview/utxo.json?prices=yes": 422, "/overview/statement?to=never": 422,
		"/wallets/nobody/transactions.json": 404, "/wallets/nobody/utxo.csv": 404, "/wallets/nobody/utxo.json": 404, "/wallets/nobody/addresses_list.csv": 404, "/wallets/nobody/addresses_list.json": 404,
		"/wallets/family_vault/tx/xyz/raw": 404, "/wallets/family_vault/labels/abacus": 422,
	}
}

func (a answer) links(test string) []string {
	var out []string
	for _, n := range a.all(test) {
		walk(n, func(n *html.Node) {
			if n.Data == "a" {
				out = append(out, attr(n, "href"))
			}
		})
	}
	return out
}

func TestListsCanBeHadAsFiles(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get("/wallets/family_vault/history?q=Bob&filter=receive&sort=amount&dir=desc&page=1").want(200)
	links := a.links("files")
	if len(links) != 2 || !strings.Contains(links[0], "/wallets/family_vault/transactions.csv?") {
		t.Fatalf("links %q", links)
	}
	f := c.get(links[0]).want(200)
	if got := f.header.Get("Content-Disposition"); !strings.Contains(got, `"transactions.csv"`) || f.header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%q, %q", got, f.header.Get("Content-Type"))
	}
	q := h.looked.table
	if q.Owner != "admin" || q.Alias != "family_vault" || q.Query.Search != "Bob" || q.Query.Filter != "receive" || q.Query.Sort != "amount" || !q.Query.Desc || q.JSON || q.Sat || q.Price != nil || q.Zone != time.Local {
		t.Errorf("asked for %+v", q)
	}
	for path, want := range map[string]string{
		"/wallets/family_vault/transactions.json": "transactions.json", "/wallets/family_vault/utxo.csv?filter=frozen": "utxo.csv", "/wallets/family_vault/utxo.json": "utxo.json",
		"/wallets/family_vault/addresses_list.csv?filter=change": "addresses_list.csv", "/wallets/family_vault/addresses_list.json": "addresses_list.json",
		"/overview/transactions.csv": "full_transactions.csv", "/overview/transactions.json": "full_transactions.json", "/overview/utxo.csv": "full_utxo.csv", "/overview/utxo.json": "full_utxo.json",
	} {
		f := c.get(path).want(200)
		if got := f.header.Get("Content-Disposition"); !strings.Contains(got, `"`+want+`"`) || h.looked.table.JSON != strings.HasSuffix(want, "json") {
			t.Errorf("%s is %q", path, got)
		}
	}
	if h.settings["admin/unit"] = "sat"; !strings.Contains(c.get("/wallets/family_vault/utxo.csv?filter=frozen").body, "coins,,frozen,true") {
		t.Error("the unit or the filter is forgotten")
	}
	c.get("/wallets/nobody/transactions.csv").want(404)
	if a := c.get("/wallets/family_vault/transactions.csv?prices=yes").want(422); !strings.Contains(a.one("message"), "provider of prices") {
		t.Errorf("says %q", a.one("message"))
	}
}

func TestFilesHaveValuesWhereAPriceIsTied(t *testing.T) {
	h := newHouse("")
	c := openWith(t, h, func(cfg *web.Config) {
		cfg.PastPrices = func(_ context.Context, o wallet.Owner) (string, func(context.Context, time.Time) (btc.Price, error)) {
			if o != "admin" {
				t.Errorf("asked for %q", o)
			}
			return "EUR", func(context.Context, time.Time) (btc.Price, error) { return 90_000 * btc.PriceUnit, nil }
		}
	})
	a := c.get("/wallets/family_vault/history?q=Bob").want(200)
	links := a.links("files")
	if len(links) != 3 || !strings.Contains(links[2], "q=Bob&prices=yes") || !strings.Contains(a.one("files"), "values in EUR") {
		t.Fatalf("links %q: %s", links, a.one("files"))
	}
	c.get(links[2]).want(200)
	if q := h.looked.table; q.Currency != "EUR" || q.Price == nil {
		t.Errorf("asked for %+v", q)
	}
}

func TestStatementsAreOfWholeDays(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	for _, base := range []string{"/wallets/family_vault", "/overview"} {
		a := c.get(base + "/statement?from=2026-01-05&to=2026-01-31").want(200)
		if a.header.Get("Content-Type") != "application/pdf" || h.looked.from.Format("2006-01-02") != "2026-01-05" || h.looked.to.Format("2006-01-02") != "2026-02-01" {
			t.Errorf("%s: %s from %v to %v", base, a.header.Get("Content-Type"), h.looked.from, h.looked.to)
		}
	}
	for _, bad := range []string{"from=5.1.2026", "to=2026-13-01", "from=0001-01-01"} {
		c.get("/wallets/family_vault/statement?" + bad).want(422)
	}
	for page, action := range map[string]string{"/wallets/family_vault/balance": "/wallets/family_vault/statement", "/overview": "/overview/statement"} {
		form := c.get(page).want(200).all("statement")
		if len(form) != 1 || attr(form[0], "action") != action {
			t.Errorf("%s has %d forms", page, len(form))
		}
	}
}

func TestTheBalanceIsDrawn(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	for path, days := range map[string]int{"/overview?period=30d": 31, "/wallets/family_vault/balance?period=30d": 31, "/wallets/family_vault/balance": 122, "/wallets/family_vault/balance?period=all": 122, "/wallets/family_vault/balance?period=bogus": 122} {
		a := c.get(path).want(200)
		charts := a.all("chart")
		if len(charts) != 1 {
			t.Fatalf("%s has %d charts", path, len(charts))
		}
		var hits, titles int
		line := ""
		walk(charts[0], func(n *html.Node) {
			switch {
			case attr(n, "class") == "chart-hit":
				hits++
			case n.Data == "title":
				titles++
			case attr(n, "class") == "chart-line":
				line = attr(n, "d")
			}
		})
		if hits != days || titles != days || !strings.HasPrefix(line, "M0 ") || strings.Count(line, "H") != days-1 {
			t.Errorf("%s: %d points, %d titles, line %.60s", path, hits, titles, line)
		}
		if rows := a.all("chart-row"); len(rows) != 31 || !strings.Contains(text(rows[30]), "1.56000000") {
			t.Errorf("%s: the table has %d rows, the last %q", path, len(rows), text(rows[len(rows)-1]))
		}
	}
	if a := c.get("/wallets/savings/balance").want(200); len(a.all("chart")) != 0 || !strings.Contains(text(a.doc), "appears with the first transaction") {
		t.Error("a wallet without transactions has a chart")
	}
	h.settings["admin/hide-amounts"] = "yes"
	for _, path := range []string{"/overview", "/wallets/family_vault/balance"} {
		if a := c.get(path).want(200); len(a.all("chart")) != 0 || strings.Contains(a.body, "1.56") {
			t.Errorf("%s shows a chart while amounts are hidden", path)
		}
	}
}

func TestTheRowsAPageAreRemembered(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	c.get("/wallets/family_vault/history?size=50").want(200) // a link: not remembered
	if got := h.settings["admin/page-size"]; got != "" {
		t.Fatalf("a link changed the setting to %q", got)
	}
	c.get("/wallets/family_vault/history?keep=yes&size=25&q=x").want(200) // the usual size
	c.get("/wallets/family_vault/history?keep=yes&size=33").want(200)     // no choice
	if got := h.settings["admin/page-size"]; got != "" {
		t.Fatalf("the setting is %q", got)
	}
	c.get("/wallets/family_vault/history?keep=yes&size=10").want(200)
	if got := h.settings["admin/page-size"]; got != "10" {
		t.Fatalf("the setting is %q", got)
	}
	for _, path := range []string{"/overview", "/wallets/family_vault/coins", "/wallets/family_vault/addresses", "/wallets/family_vault/labels"} {
		a := c.get(path).want(200)
		if chosen := selected(a, "size"); chosen != "10" {
			t.Errorf("%s has %q rows a page", path, chosen)
		}
	}
	h.settings["admin/page-size"] = "a million"
	if chosen := selected(c.get("/wallets/family_vault/history").want(200), "size"); chosen != "25" {
		t.Errorf("a broken setting gives %q", chosen)
	}
}

func selected(a answer, name string) (value string) {
	walk(a.field(name), func(n *html.Node) {
		if n.Data == "option" && hasAttr(n, "selected") {
			value = attr(n, "value")
		}
	})
	return value
}

func TestTheSearchSaysWhatItUnderstands(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get("/wallets/family_vault/history?filter=send").want(200)
	help := a.links("search-help")
	if !slices.Contains(help, "/wallets/family_vault/history?filter=send&q=2026-11") || !strings.Contains(a.one("search-help"), "> 0.1") {
		t.Errorf("the help leads to %q", help)
	}
	if a := c.get("/wallets/family_vault/addresses").want(200); strings.Contains(a.one("search-help"), "a month") {
		t.Error("addresses have no date, but the help says so")
	}
}

func TestProofsAreMarked(t *testing.T) {
	c := open(t, newHouse(""))
	for _, path := range []string{"/wallets/family_vault/history", "/overview"} {
		a := c.get(path).want(200)
		if len(a.all("proved")) != 1 || len(a.all("unproved")) != 1 {
			t.Errorf("%s: %d proved, %d not", path, len(a.all("proved")), len(a.all("unproved")))
		}
	}
	c.get("/wallets/family_vault/tx/"+hashOf(1).String()).want(200).says("proved", "Proved to be in its block")
	c.get("/wallets/family_vault/tx/"+hashOf(2).String()).want(200).says("unproved", "Not proved")
}

func TestATransactionLeadsToTheChosenExplorer(t *testing.T) {
	h := newHouse("")
	path := "/wallets/family_vault/tx/" + hashOf(1).String()
	if a := open(t, h).get(path).want(200); len(a.all("explorer")) != 0 {
		t.Error("a link out without a choice")
	}
	c := openWith(t, h, func(cfg *web.Config) {
		cfg.Explorer = func(_ context.Context, o wallet.Owner, n btc.Network) string {
			if o != "admin" || n != btc.Regtest {
				t.Errorf("asked for %q on %s", o, n)
			}
			return "http://explorer.onion"
		}
	})
	if a := c.get(path).want(200); attr(a.all("explorer")[0], "href") != "http://explorer.onion/tx/"+hashOf(1).String() || attr(a.all("explorer")[0], "rel") != "noopener noreferrer" {
		t.Errorf("leads to %v", a.all("explorer")[0].Attr)
	}
	if a := c.get("/wallets/family_vault/addresses/" + testAddress).want(200); attr(a.all("explorer")[0], "href") != "http://explorer.onion/address/"+testAddress {
		t.Errorf("leads to %v", a.all("explorer")[0].Attr)
	}
	raw := c.get(path + "/raw").want(200)
	if raw.body != "0102\n" || !strings.Contains(raw.header.Get("Content-Disposition"), hashOf(1).String()+".txn") {
		t.Errorf("the raw file is %q", raw.body)
	}
}

func TestAnAddressHasAPageOfItsOwn(t *testing.T) {
	h := newHouse("")
	h.labels[testAddress] = "rent of May"
	a := open(t, h).get("/wallets/family_vault/addresses/" + testAddress).want(200)
	a.says("paths", "m/48h/1h/0h/2h/0/11").says("plain", "wsh(plain)").says("whole", "wsh(whole").says("reuse", "more than once").says("holds", "0.00005000")
	if len(a.all("qr")) != 1 || len(a.all("coin")) == 0 || attr(a.field("label"), "value") != "rent of May" {
		t.Errorf("%d codes, %d coins, label %q", len(a.all("qr")), len(a.all("coin")), attr(a.field("label"), "value"))
	}
}

func TestCoinsAreMarkedAndAddedUp(t *testing.T) {
	h := newHouse("")
	h.coins[0].Suspect, h.coins[1].Dust, h.coins[2].Reused = wallet.Poisoned, true, true
	c := open(t, h)
	a := c.get("/wallets/family_vault/coins?sort=amount").want(200)
	rows := a.all("coin")
	for i, want := range []string{"Look-alike", "Dust", "Reused address", "Frozen", "In draft 7"} {
		if !strings.Contains(text(rows[i]), want) {
			t.Errorf("coin %d says %q, want %q", i, text(rows[i]), want)
		}
	}
	form := url.Values{"coin": {h.coins[0].OutPoint.String(), h.coins[1].OutPoint.String()}, "action": {"sum"}, "next": {"/wallets/family_vault/coins?sort=amount"}}
	a = c.post("/wallets/family_vault/coins", form).want(200).says("sum", "2 coins: 0.65000000 tBTC")
	if !strings.Contains(a.body, `aria-sort="ascending"`) {
		t.Error("the list that was added up has forgotten its order")
	}
	ticked := 0
	walk(a.doc, func(n *html.Node) {
		if attr(n, "name") == "coin" && hasAttr(n, "checked") {
			ticked++
		}
	})
	if ticked != 2 {
		t.Errorf("%d coins stay ticked", ticked)
	}
	form.Set("next", "/wallets/savings/coins?sort=amount") // another page's query is nothing to this one
	c.post("/wallets/family_vault/coins", form).want(200).says("sum", "2 coins")
	h.settings["admin/hide-amounts"] = "yes"
	if a := c.get("/wallets/family_vault/coins"); strings.Contains(a.body, "data-sat") {
		t.Error("hidden amounts are in the page for the script")
	}
	many := url.Values{"action": {"spend"}}
	for i := range 401 {
		many.Add("coin", fmt.Sprintf("%s:%d", hashOf(1), i))
	}
	c.post("/wallets/family_vault/coins", many).want(422)
}

func TestSmallCoinsAreJoinedThroughTheSendForm(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get("/wallets/family_vault/consolidate?feerate=3.5").want(200).says("advice", "3 coins").says("saves", "saves about 0.00001200")
	if h.looked.rate != 3_500 || len(a.all("coin")) != 4 || len(a.all("warning")) != 1 {
		t.Errorf("asked at %v; %d coins, %d remarks", h.looked.rate, len(a.all("coin")), len(a.all("warning")))
	}
	form := a.fields("/wallets/family_vault/send")
	if len(form["coin"]) != 3 || form.Get("address") != testAddress || form.Get("max") != "0" || form.Get("feerate") != "3.5" || form.Get("fee") != "manual" {
		t.Fatalf("the form is %v", form)
	}
	form.Set("action", "preview")
	sent := c.post("/wallets/family_vault/send", form).want(200)
	if len(h.asked.Coins) != 3 || !h.asked.Recipients[0].Max || h.asked.FeeRate != 3_500 || h.asked.NoRBF {
		t.Errorf("the preview asked for %+v", h.asked)
	}
	if attr(sent.field("address"), "value") != testAddress {
		t.Error("the send form is not filled in")
	}
	if a := c.get("/wallets/savings/consolidate").want(200); !strings.Contains(a.one("empty"), "Nothing to join") {
		t.Errorf("says %q", a.one("empty"))
	}
	c.get("/wallets/family_vault/consolidate?feerate=99999").want(422).says("error", "above what anybody pays")
}

func TestALabelFileIsShownBeforeItIsTaken(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	const file = `{"conflict": "from Robert"}`
	a := c.upload("/wallets/family_vault/labels/preview", "file", map[string]string{"labels.json": file}).want(200)
	a.says("counts", "New: 1").says("counts", "Strangers: 1").says("bad", "Line 9")
	lines := a.all("line")
	if len(lines) != 4 || !strings.Contains(text(lines[0]), "Other than yours") || !strings.Contains(text(lines[0]), "from Robert") || !strings.Contains(text(lines[1]), "Freeze") {
		t.Fatalf("%d lines: %s", len(lines), text(lines[0]))
	}
	form := a.fields("/wallets/family_vault/labels/import")
	if form.Get("waiting") == "" {
		t.Fatal("the file does not wait")
	}
	form["row"] = []string{"", "take|addr " + testAddress, "keep|addr bcrt1qnew"}
	form["conflicts"], form["strangers"] = []string{"take"}, []string{"yes"}
	done := c.post("/wallets/family_vault/labels/import", form).want(200).says("flash", "2 labels were taken. 1 of yours stayed. 1 stranger was left out. 1 coin was frozen.")
	if done.path != "/wallets/family_vault/labels" {
		t.Errorf("leads to %s", done.path)
	}
	got := h.looked.choice
	if h.looked.file != file || !got.Overwrite || !got.Strangers || len(got.Rows) != 2 || !got.Rows["addr "+testAddress] || got.Rows["addr bcrt1qnew"] {
		t.Errorf("%q was taken with %+v", h.looked.file, got)
	}
	// once taken, it is gone
	c.post("/wallets/family_vault/labels/import", form).want(422).says("error", "choose it again")
}

func TestALabelFileWaitsForItsOwnWalletAlone(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	form := c.upload("/wallets/family_vault/labels/preview", "file", map[string]string{"labels.json": `{}`}).want(200).fields("/wallets/family_vault/labels/import")
	c.post("/wallets/savings/labels/import", form).want(422)
	c.post("/wallets/family_vault/labels/import", url.Values{"waiting": {form.Get("waiting")}, "row": {"drop|everything"}}).want(422)
	second := c.upload("/wallets/family_vault/labels/preview", "file", map[string]string{"labels.json": `{"conflict":"b"}`}).want(200).fields("/wallets/family_vault/labels/import")
	c.post("/wallets/family_vault/labels/import", form).want(422) // the newer file took its place
	c.post("/wallets/family_vault/labels/import", second).want(200)
	if h.looked.choice.NoFreeze || h.looked.choice.Overwrite || h.looked.choice.Strangers {
		t.Errorf("the form as it came: %+v", h.looked.choice)
	}
	third := c.upload("/wallets/family_vault/labels/preview", "file", map[string]string{"labels.json": `{}`}).want(200).fields("/wallets/family_vault/labels/import")
	third.Del("freeze")
	if c.post("/wallets/family_vault/labels/import", third).want(200); !h.looked.choice.NoFreeze {
		t.Error("coins are frozen against the choice")
	}
	c.upload("/wallets/family_vault/labels/preview", "file", map[string]string{"labels.json": "no labels"}).want(422).says("error", "no label file")
	c.post("/wallets/family_vault/labels/preview", url.Values{}).want(422).says("error", "one file of labels")
	pasted := c.post("/wallets/family_vault/labels/preview", url.Values{"labels": {`not json`}}).want(422)
	if f := pasted.field("labels"); f == nil || !strings.Contains(text(f), "not json") {
		t.Error("what was pasted is gone")
	}
	c.upload("/wallets/nobody/labels/preview", "file", map[string]string{"labels.json": `{}`}).want(404)
}

func TestLabelFilesDoNotFillTheMemory(t *testing.T) {
	now := testTime
	k := web.NewLabelFiles(func() time.Time { return now })
	first := k.Put("w0", 8<<20)
	for i := 1; i < 5; i++ {
		k.Put(fmt.Sprint("w", i), 8<<20)
	}
	if n, size := k.Kept(); n != 4 || size > 32<<20 || k.Has("w0", first) {
		t.Errorf("%d files of %d bytes", n, size)
	}
	name := k.Put("w9", 10)
	if !k.Has("w9", name) || k.Has("w9", "guess") || k.Has("w8", name) {
		t.Error("a file is found under a wrong name, or not under its own")
	}
	if now = now.Add(31 * time.Minute); k.Has("w9", name) {
		t.Error("a file waits for ever")
	}
}

func TestLabelsAreListedEditedAndExported(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get("/wallets/family_vault/labels?q=&size=10").want(200)
	if rows := a.all("label-row"); len(rows) != 5 || !strings.Contains(text(rows[3]), "Key") {
		t.Fatalf("%d rows", len(rows))
	}
	c.get("/wallets/family_vault/labels?filter=tx&q=salary&sort=label&dir=desc").want(200)
	if q := h.looked.labels; q.Filter != "tx" || q.Search != "salary" || q.Sort != "label" || !q.Desc || q.Size != 50 {
		t.Errorf("asked for %+v", q)
	}
	c.get("/wallets/family_vault/labels?filter=user").want(200)
	if h.looked.labels.Filter != "" {
		t.Error("an unknown filter went through")
	}
	c.post("/wallets/family_vault/labels", url.Values{"kind": {"xpub"}, "key": {testXPub}, "label": {"Alice's"}}).want(200)
	if h.labels[testXPub] != "Alice's" {
		t.Error("the label of a key was not stored")
	}
	for _, format := range []string{"bip329", "electrum", "specter", "csv"} {
		if f := c.get("/wallets/family_vault/labels/" + format).want(200); f.body != format {
			t.Errorf("%s is %q", format, f.body)
		}
	}
	c.get("/wallets/family_vault/labels/word").want(422)
}

func TestTheChainOfHeadersIsToldWhereProofsAreWanted(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	if len(c.get("/settings").want(200).all("headers")) > 0 {
		t.Error("headers are told of though nobody wants proofs")
	}
	c.post("/settings", url.Values{"proofs": {"yes"}}).want(200)
	for words, state := range map[string]wallet.HeaderState{
		"begins within half a minute":                   {Height: -1},
		"Block headers: 400000 of 900000":               {Height: 400_000, Target: 900_000},
		"complete up to block 900000 and takes 72.0 MB": {Height: 900_000, Target: 900_000, Enough: true, Bytes: 72_000_080},
		"has less work than this network":               {Height: 900_000, Target: 900_000},
		"header 7 does not carry the work":              {Height: 6, Trouble: "header 7 does not carry the work that it promises" + h.poison},
	} {
		h.looked.state = state
		c.get("/settings").want(200).says("headers", words)
	}
}
