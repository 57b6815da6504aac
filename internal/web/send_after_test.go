package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/spend"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/wallet"
)

const vault = "/wallets/family_vault"

func payForm(more ...string) url.Values {
	v := url.Values{"address": {testAddress}, "amount": {"0.1"}, "action": {"create"}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Add(more[i], more[i+1])
	}
	return v
}

func TestFeeratesAreATableAndTheirSourceIsTold(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	a := c.get(sendPath).want(200).says("fee-source", "mempool.space")
	var rows []string
	for _, n := range a.all("fee-rate") {
		rows = append(rows, text(n))
	}
	if got := strings.Join(rows, ", "); got != "12.5 sat/vB, 8 sat/vB, 2 sat/vB, 0.1 sat/vB" {
		t.Errorf("rates: %s", got)
	}
	if a.fields(sendPath).Get("fee") != "6" {
		t.Errorf("begins with %q", a.fields(sendPath).Get("fee"))
	}
	c.post(sendPath, payForm("fee", "144")).want(200)
	if h.asked.FeeRate != 100 || h.asked.Blocks != 0 {
		t.Errorf("a day asks for %+v", h.asked)
	}
	h.send.table.Fallback, h.send.table.Reason = true, "mempool.space does not answer"
	c.get(sendPath).says("fee-source", "Fallback").says("fee-source", "does not answer")
	h.send.table = rates.Table{Choices: []rates.Choice{{Blocks: 1}, {Blocks: 6}}, Reason: "there is no node"}
	a = c.get(sendPath).says("fee-source", "Nobody knows").says("fee-source", "there is no node")
	if a.fields(sendPath).Get("fee") != "manual" {
		t.Error("without rates the form begins with a rate by hand")
	}
	c.post(sendPath, payForm("fee", "6")).want(200)
	if h.asked.Blocks != 6 || h.asked.FeeRate != 0 {
		t.Errorf("without rates the target itself is asked for: %+v", h.asked)
	}
}

// What may cost money has to be agreed to, remark by remark, before a draft is made.
func TestGraveRemarksBlockUntilAgreedTo(t *testing.T) {
	h := newHouse("")
	h.send.remarks = append(h.send.remarks, spend.NewRemark(spend.FeePercent, 42), spend.NewRemark(spend.UnitMixUp, 1, 5))
	c := open(t, h)
	a := c.post(sendPath, payForm()).want(422).says("error", "Read what is marked")
	if len(a.all("grave")) != 2 || h.send.made != 0 {
		t.Fatalf("%d to agree to, %d drafts made", len(a.all("grave")), h.send.made)
	}
	c.post(sendPath, payForm("confirm", "fee-percent")).want(422)
	c.post(sendPath, payForm("confirm", "fee-percent", "confirm", "round-amount", "confirm", "made-up")).want(422)
	if h.send.made != 0 {
		t.Fatal("half an agreement made a draft")
	}
	if a := c.post(sendPath, payForm("confirm", "fee-percent", "confirm", "unit-mix-up")).want(200); a.path != draft || h.send.made != 1 {
		t.Errorf("leads to %s", a.path)
	}
	p := c.post(vault+"/preview", payForm("confirm", "unit-mix-up")).want(200)
	if n := p.all("agree"); len(n) != 2 || hasAttr(n[0], "checked") || !hasAttr(n[1], "checked") {
		t.Error("the preview forgets what was agreed to")
	}
}

func TestAFeeAboveTheCapIsAskedFor(t *testing.T) {
	h := newHouse("")
	h.fail = errs.E(errs.Invalid, "%w", &spend.FeeError{Fee: 15_000_000, Max: 10_000_000})
	c := open(t, h)
	a := c.post(sendPath, payForm()).want(422).says("error", "more than the most allowed").says("grave", "0.15000000")
	if h.asked.MaxFee != 0 {
		t.Error("the cap was raised unasked")
	}
	if got := attr(a.all("agree-cap")[0], "value"); got != "15000000" {
		t.Fatalf("the cap is asked for as %q", got)
	}
	c.post(sendPath, payForm("fee-cap", "15000000")).want(422)
	if h.asked.MaxFee != 15_000_000 {
		t.Errorf("agreed to, the wallet is asked with %d", h.asked.MaxFee)
	}
}

func TestAmountsInAnotherUnitAreTheSameMoney(t *testing.T) {
	h := newHouse("")
	h.send.quote = &rates.Quote{Price: 100_000 * btc.PriceUnit, Currency: "EUR"} // 1 sat is 0.001 EUR
	c := open(t, h)
	form := c.get(sendPath).want(200).fields(sendPath)
	step := func(action string) url.Values {
		form.Set("address", testAddress)
		form.Set("action", action)
		form = c.post(sendPath, form).want(200).fields(sendPath)
		return form
	}
	form.Set("amount", "0.00123456")
	if got := step("unit-sat").Get("amount"); got != "123456" || form.Get("unit") != "sat" {
		t.Fatalf("in sat: %q %q", got, form.Get("unit"))
	}
	if got := step("unit-fiat").Get("amount"); got != "123.46" || form.Get("unit") != "fiat" {
		t.Fatalf("in EUR: %q %q", got, form.Get("unit"))
	}
	form.Set("amount", "50.55")
	form.Set("action", "preview")
	c.post(sendPath, form).want(200).says("preview-sum", "0.00050550").says("preview-fiat", "50.55 EUR")
	if h.asked.Recipients[0].Amount != 50_550 {
		t.Errorf("50.55 EUR are %d sat", h.asked.Recipients[0].Amount)
	}
	h.send.quote = &rates.Quote{Price: 100_500 * btc.PriceUnit, Currency: "EUR"} // half a per cent: the form's own price counts
	form.Set("action", "create")
	c.post(sendPath, form).want(200)
	if h.asked.Recipients[0].Amount != 50_550 || h.send.made != 1 {
		t.Errorf("at the price that was shown: %d sat", h.asked.Recipients[0].Amount)
	}
	h.send.quote = &rates.Quote{Price: 120_000 * btc.PriceUnit, Currency: "EUR"}
	form = c.post(sendPath, form).want(422).says("error", "price has changed").fields(sendPath)
	if h.send.made != 1 {
		t.Error("a draft at a price that nobody saw")
	}
	form.Set("action", "create")
	c.post(sendPath, form).want(200)
	if h.asked.Recipients[0].Amount != 42_125 || h.send.made != 2 {
		t.Errorf("after looking again: %d sat", h.asked.Recipients[0].Amount)
	}
	form.Set("address", "bitcoin:"+testAddress+"?amount=0.00012345")
	form.Set("amount", "")
	form.Set("action", "create")
	c.post(sendPath, form).want(200)
	if h.asked.Recipients[0].Amount != 12_345 {
		t.Errorf("an invoice in a form of EUR: %d sat, want exactly 12345", h.asked.Recipients[0].Amount)
	}
	form.Set("amount", "0.00012345 BTC")
	if got := step("unit-btc").Get("amount"); got != "0.00012345" {
		t.Errorf("back in BTC: %q", got)
	}
	h.send.quote = nil
	if a := c.get(sendPath); len(a.all("unit-fiat")) != 0 {
		t.Error("without a price amounts of money are on offer")
	}
	form.Set("unit", "fiat")
	form.Set("amount", "5")
	form.Set("action", "create")
	c.post(sendPath, form).want(422)
}

func TestLockTimes(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	day := time.Date(2031, 5, 1, 12, 30, 0, 0, time.Local)
	for name, x := range map[string]struct {
		form []string
		want string
	}{
		"tip":    {nil, "nil"},
		"none":   {[]string{"lock", "none"}, "0"},
		"height": {[]string{"lock", "height", "height", "900001"}, "900001"},
		"date":   {[]string{"lock", "date", "date", "2031-05-01T12:30"}, fmt.Sprint(day.Unix())},
	} {
		c.post(sendPath, payForm(x.form...)).want(200)
		got := "nil"
		if h.asked.LockTime != nil {
			got = fmt.Sprint(*h.asked.LockTime)
		}
		if got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
	for _, bad := range [][]string{{"lock", "height"}, {"lock", "height", "height", "500000000"}, {"lock", "height", "height", "-1"}, {"lock", "date"}, {"lock", "date", "date", "1970-01-01"}, {"lock", "date", "date", "2200-01-01"}} {
		a := c.post(sendPath, payForm(bad...)).want(422)
		if !strings.Contains(a.one("error"), "Write the") {
			t.Errorf("%v: %s", bad, a.one("error"))
		}
	}
}

func TestADraftAndATransactionAreEditedInTheSendForm(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	form := c.get(sendPath+"?draft=7").want(200).says("editing", "draft 7").fields(sendPath)
	if form.Get("address") != testAddress || form.Get("amount") != "0.40000000" || form.Get("label") != "carpenter" || form.Get("feerate") != "5.2" || form.Get("note") != "for the roof" ||
		form.Get("lock") != "none" || form.Get("rbf") != "" || len(form["coin"]) != 1 {
		t.Fatalf("filled with %v", form)
	}
	form.Set("action", "create")
	c.post(sendPath, form).want(200)
	if h.asked.Instead != 7 || h.asked.FeeRate != 5_200 || len(h.asked.Coins) != 1 || h.asked.Replaces != nil || h.asked.LockTime == nil {
		t.Errorf("asked for %+v", h.asked)
	}
	form = c.get(sendPath+"?replace="+hashOf(0).String()).want(200).says("replacing", "takes the place").fields(sendPath)
	form.Set("action", "create")
	c.post(sendPath, form).want(200)
	if h.asked.Instead != 0 || h.asked.Replaces == nil || *h.asked.Replaces != hashOf(0) || h.asked.FeeRate != 2_500 {
		t.Errorf("asked for %+v", h.asked)
	}
	form.Set("replace", "zz")
	c.post(sendPath, form).want(422)
}

func TestCoinsStayTickedWhileOthersAreSearched(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	far := hashOf(200).String() + ":0"
	form := c.post(sendPath, url.Values{"address": {testAddress}, "coin": {far, h.coins[0].OutPoint.String()}, "find": {"bob"}, "action": {"find"}}).want(200).fields(sendPath)
	if len(form["coin"]) != 2 {
		t.Errorf("ticked after a search: %v", form["coin"])
	}
	form.Set("action", "coins-none")
	if form = c.post(sendPath, form).want(200).fields(sendPath); len(form["coin"]) != 0 {
		t.Errorf("ticked after ticking none: %v", form["coin"])
	}
	form.Set("action", "coins-all")
	if form = c.post(sendPath, form).want(200).fields(sendPath); len(form["coin"]) != 3 {
		t.Errorf("ticked of five coins of which one is frozen and one in a draft: %v", form["coin"])
	}
}

func TestSpeedUpCancelAndChild(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	tx := vault + "/tx/" + hashOf(0).String()
	a := c.get(tx).want(200).says("mempool", "waits in the node's mempool").says("mempool", "1 sat/vB")
	for _, way := range []string{"speed-up", "cancel", "edit", "child"} {
		if len(a.all(way)) != 1 {
			t.Errorf("the page offers %s %d times", way, len(a.all(way)))
		}
	}
	a = c.get(tx+"/bump/speed-up").want(200).says("now-rate", "1").says("least-rate", "3")
	form := a.fields(tx + "/bump/speed-up")
	if form.Get("fee") != "1" {
		t.Errorf("begins with %q", form.Get("fee"))
	}
	form.Set("action", "create")
	form.Set("payer", "0")
	form.Set("note", "hurry")
	if a := c.post(tx+"/bump/speed-up", form).want(200); a.path != draft {
		t.Fatalf("leads to %s", a.path)
	}
	if q := h.send.replaced; q.TxID != hashOf(0) || q.Cancel || q.FeeRate != 12_500 || len(q.SubtractFee) != 1 || q.Note != "hurry" || q.Token == "" {
		t.Errorf("asked for %+v", q)
	}
	form.Set("fee", "6") // 2 sat/vB: less than what replaces
	c.post(tx+"/bump/cancel", form).want(200)
	if q := h.send.replaced; !q.Cancel || q.FeeRate != 0 || q.Blocks != 0 || len(q.SubtractFee) != 0 {
		t.Errorf("cancel asked for %+v", q)
	}
	form.Set("fee", "manual")
	form.Set("feerate", "0.5")
	form.Set("coin", hashOf(0).String()+":0")
	c.post(tx+"/bump/child", form).want(200)
	if q := h.send.child; q.TxID != hashOf(0) || q.FeeRate != 500 || len(q.Coins) != 1 {
		t.Errorf("child asked for %+v", q)
	}
	if h.send.made != 3 {
		t.Errorf("%d drafts made", h.send.made)
	}
	form.Set("feerate", "fast")
	c.post(tx+"/bump/child", form).want(422)
	p := c.post(tx+"/bump/cancel/preview", url.Values{"fee": {"least"}}, "HX-Request", "true").want(200).says("preview-fee", "0.00000141")
	if strings.Contains(p.body, "<h1") {
		t.Error("the preview is a whole page")
	}
	h.send.remarks = append(h.send.remarks, spend.NewRemark(spend.DoubleSign, 3), spend.NewRemark(spend.FeeRateHigh, "900", "9"))
	c.post(tx+"/bump/speed-up", url.Values{"fee": {"1"}, "action": {"create"}}).want(422)
	if h.send.made != 3 {
		t.Error("a grave remark was passed over")
	}
	c.post(tx+"/bump/speed-up", url.Values{"fee": {"1"}, "action": {"create"}, "confirm": {"feerate-high"}}).want(200)
	h.send.remarks = h.send.remarks[len(h.send.remarks)-1:]
	c.post(tx+"/bump/child", url.Values{"fee": {"manual"}, "feerate": {"37"}, "action": {"create"}}).want(200) // the child's own feerate is what lifts its parent
	c.post(tx+"/bump/child", url.Values{"fee": {"manual"}, "feerate": {"38"}, "action": {"create"}}).want(422)
	h.send.choices = wallet.Choices{Why: "the transaction is confirmed"}
	c.get(tx + "/bump/cancel").want(409)
	if a := c.get(tx).want(200).says("why", "confirmed"); len(a.all("actions")) != 0 {
		t.Error("nothing can be done, and something is on offer")
	}
}

func TestDroppedTransactionsRaiseAnAlarm(t *testing.T) {
	h := newHouse("")
	row := h.rows[2]
	row.State, row.TxID = wallet.Dropped, hashOf(77)
	h.rows = append(h.rows, row)
	h.send.dropped = []wallet.HistoryRow{row}
	h.send.choices = wallet.Choices{Rebroadcast: true, Abandon: true}
	c := open(t, h)
	for _, path := range []string{"/history", "/send", "/receive", "/drafts"} {
		c.get(vault+path).want(200).says("alarm", "1 transaction has left the mempool")
	}
	if got := c.get("/nav?wallet=family_vault").want(200).one("alarm"); !strings.Contains(got, "left the mempool") {
		t.Error("an open page does not hear of it")
	}
	if len(c.get("/wallets/savings/history").all("alarm")) != 0 {
		t.Error("another wallet is alarmed")
	}
	tx := vault + "/tx/" + row.TxID.String()
	a := c.get(tx).want(200)
	if len(a.all("via")) != 1 || !strings.Contains(text(a.all("via")[0]), "mempool.space over Tor") {
		t.Error("who else could send it is not told")
	}
	c.post(tx+"/rebroadcast", url.Values{"via": {"mempool-tor"}}).want(200).says("flash", "Sent again")
	if !h.send.resent || h.send.via != "mempool-tor" {
		t.Errorf("sent again by %q", h.send.via)
	}
	c.post(tx+"/abandon", nil).want(200).says("flash", "Given up")
	if !h.send.abandoned {
		t.Error("not given up")
	}
	h.fail = errs.E(errs.Conflict, "only a transaction that has left the mempool can be given up")
	c.post(tx+"/abandon", nil).want(409).says("error", "Only a transaction")
}

func TestDraftsAreListedComparedAndRenewed(t *testing.T) {
	h := newHouse("")
	d := h.drafts[7]
	d.Expires = testTime.Add(30 * 24 * time.Hour)
	h.drafts[7] = d
	c := open(t, h)
	a := c.get(vault+"/drafts").want(200).says("holding", "0.50000000")
	if len(a.all("draft-card")) != 3 || len(a.all("delete-draft")) != 3 || len(a.all("renew")) != 1 || len(a.all("edit-draft")) != 2 {
		t.Errorf("%d drafts, %d to delete, %d to renew, %d to edit", len(a.all("draft-card")), len(a.all("delete-draft")), len(a.all("renew")), len(a.all("edit-draft")))
	}
	if !strings.Contains(text(a.doc), "lets go on 2026-12-20") || !strings.Contains(text(a.doc), "The PSBT is cut short.") {
		t.Error("expiry or trouble is not told")
	}
	c.get(vault+"/drafts/compare?draft=7&draft=9").want(200).says("compare-output", "–").says("compare-input", "spent")
	c.get(vault+"/drafts/compare?draft=7").want(200).says("flash", "Tick exactly two")
	c.get(vault+"/drafts/compare?draft=7&draft=7&draft=9").want(200).says("flash", "Tick exactly two")
	c.post(vault+"/drafts/9/renew", nil).want(200).says("flash", "holds its coins again").says("draft-state", "Not signed")
	c.post(vault+"/drafts/8/delete", nil).want(200).says("flash", "deleted")
	if _, there := h.drafts[8]; there {
		t.Error("the broken draft is still there")
	}
}

func TestADraftIsSentBySomebodyElseWhenAsked(t *testing.T) {
	h := newHouse("")
	d := h.drafts[7]
	d.State, d.Have = wallet.Complete, 2
	h.drafts[7] = d
	c := open(t, h)
	a := c.get(draft).want(200)
	if got := text(a.all("via")[0]); got != "your nodenode Othermempool.space over Tor" {
		t.Errorf("on offer: %q", got)
	}
	c.post(draft+"/broadcast", url.Values{"via": {"node:other"}}).want(http.StatusOK).says("flash", "Sent")
	if h.send.via != "node:other" {
		t.Errorf("sent by %q", h.send.via)
	}
}
