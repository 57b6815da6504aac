package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/chromedp/chromedp"

	"specter/internal/chain"
	"specter/internal/wallet"
)

// where is the path that the tab shows.
func (b *tab) where() string {
	b.t.Helper()
	path, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.pathname`))
	if err != nil {
		b.t.Fatal(err)
	}
	return path
}

// follow clicks a link and waits for its page.
func (b *tab) follow(selector string) { b.t.Helper(); b.submit(selector) }

// signAndSend signs the draft that the tab shows with the one key, sends it and returns its txid.
func (b *tab) signAndSend() string {
	b.t.Helper()
	b.submit("[data-test=sign]")
	b.submit("[data-test=broadcast]")
	b.until("the page of the transaction", `location.pathname.includes("/tx/")`)
	path := b.where()
	return path[strings.LastIndex(path, "/")+1:]
}

// TestAfterSendingInABrowser makes a payment faster, cancels it, and lets a child pay for one that
// comes in, by clicks alone.
func TestAfterSendingInABrowser(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	b := openTab(t, h.URL(), 1280, 1900)
	ref := walletRef("spending")
	before := h.record(ref).Balance.Total()

	b.visit("/wallets/spending/send")
	b.set("input[name=address]", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
	b.set("input[name=amount]", "0.02")
	b.set("input[name=label]", "Bicycle")
	b.set("#fee-manual", "")
	b.set("input[name=feerate]", "1")
	b.until("the live preview", `document.querySelector("[data-test=preview-fee]")`)
	b.shot("sending-form")
	b.submit("[data-test=create]")
	b.sees("Bicycle")
	first := b.signAndSend()

	b.visit("/wallets/spending/history")
	b.until("the row's way to be faster", `document.querySelector("[data-test=row-act]")`)
	b.shot("sending-history")
	b.follow("[data-test=row-act]")
	b.shot("sending-tx")
	b.follow("[data-test=speed-up]")
	b.set("#fee-manual", "")
	b.set("input[name=feerate]", "9")
	b.until("the preview at nine", `document.querySelector("[data-test=preview-rate]").textContent.startsWith("9")`)
	b.shot("sending-speed-up")
	b.submit("[data-test=create]")
	b.until("what it replaces", `document.querySelector("[data-test=replaces]")`)
	b.shot("sending-draft")
	second := b.signAndSend()
	if second == first {
		t.Fatal("the replacement is the same transaction")
	}
	b.visit("/wallets/spending/tx/" + first)
	b.sees("Another transaction took its place")

	b.visit("/wallets/spending/tx/" + second)
	b.follow("[data-test=cancel]")
	b.shot("sending-cancel")
	b.submit("[data-test=create]")
	third := b.signAndSend()
	mine(t, h)
	eventually(t, "the cancellation confirms", func() (bool, string) {
		r := h.record(ref)
		return r.Balance.Pending == 0 && r.Balance.Total() < before && r.Balance.Total() > before-20_000, fmt.Sprintf("%+v before %d", r.Balance, before)
	})
	if p := h.detail(ref, third); p.State != wallet.Confirmed || len(p.Tx.TxOut) != 1 {
		t.Errorf("the cancellation is %s with %d outputs", p.State, len(p.Tx.TxOut))
	}
	for _, old := range []string{first, second} {
		if p := h.detail(ref, old); p.State != wallet.Conflicted {
			t.Errorf("%s is %s", old, p.State)
		}
	}

	b.visit("/wallets/spending/receive")
	b.set("form[action$='/demo/faucet'] input[name=amount]", "0.5")
	b.submit("[data-test=faucet]")
	b.visit("/wallets/spending/history")
	b.follow("[data-test=row-act]")
	parent := b.where()
	parent = parent[strings.LastIndex(parent, "/")+1:]
	b.follow("[data-test=child]")
	b.set("#fee-manual", "")
	b.set("input[name=feerate]", "20")
	b.until("the child's preview", `document.querySelector("[data-test=preview-rate]")`)
	b.shot("sending-child")
	b.submit("[data-test=create]")
	child := b.signAndSend()
	within(t, h, parent, child, 20)
	mine(t, h)
	eventually(t, "parent and child confirm", func() (bool, string) {
		return h.detail(ref, parent).State == wallet.Confirmed && h.detail(ref, child).State == wallet.Confirmed, h.record(ref).SyncError
	})
}

// within fails unless parent and child together pay a feerate in sat/vB, to one per cent.
func within(t *testing.T, h *house, parent, child string, rate int64) {
	t.Helper()
	src, err := h.nodes.Source(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	pool, ok := src.(chain.Pool)
	if !ok {
		t.Skip("the chain does not tell about its mempool")
	}
	e, err := pool.PoolEntry(context.Background(), *hashFrom(t, child))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := int64(e.AncestorFee), rate*int64(e.AncestorVSize); got < want || got > want+want/100+1 {
		t.Errorf("%s and its child pay %d sat for %d vB, want %d", parent, got, e.AncestorVSize, want)
	}
}

// TestDraftsInABrowser: a list of payments, an edit in place, two drafts compared, and a grave
// remark that blocks until it is agreed to.
func TestDraftsInABrowser(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	b := openTab(t, h.URL(), 390, 844)
	b.do("a phone's width", chromedp.EmulateViewport(390, 2000))
	ref := walletRef("savings_2_of_3")
	b.visit("/wallets/savings_2_of_3/send")
	b.submit("header button[name=theme]") // dark

	b.visit("/wallets/savings_2_of_3/send")
	b.run("open the list", `document.getElementById("list-box").open = true`)
	b.set("#list", "address,amount,label\nbcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk,0.1,one\nbcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080,0.2,two")
	b.shot("drafts-list-390")
	b.submit("[data-test=list-add]")
	b.until("two recipients", `document.querySelectorAll("[data-test=recipient]").length === 2`)
	b.shot("drafts-form-390")
	b.submit("[data-test=create]")
	b.sees("one")
	first := h.drafts(ref)[0]
	b.follow("[data-test=edit-draft]")
	b.set("#amount-0", "0.15")
	b.submit("[data-test=create]")
	edited := h.drafts(ref)
	if len(edited) != 1 || edited[0].ID == first.ID || edited[0].Recipients[0].Amount != 15_000_000 || edited[0].Inputs[0].OutPoint != first.Inputs[0].OutPoint {
		t.Fatalf("after the edit there are %d drafts: %+v", len(edited), edited)
	}

	b.visit("/wallets/savings_2_of_3/send")
	b.set("input[name=address]", "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk")
	b.set("input[name=amount]", "0.00001")
	b.set("#fee-manual", "")
	b.set("input[name=feerate]", "900")
	b.until("the grave remark", `document.querySelector("[data-test=grave]")`)
	b.shot("drafts-grave-390")
	b.submit("[data-test=create]")
	b.until("the block", `document.querySelector("[data-test=error]")`)
	if n := len(h.drafts(ref)); n != 1 {
		t.Fatalf("a draft was made against a grave remark: %d", n)
	}
	b.run("agree", `document.querySelectorAll("[data-test=agree]").forEach(e => { e.checked = true })`)
	b.submit("[data-test=create]")
	if n := len(h.drafts(ref)); n != 2 {
		t.Fatalf("agreed to, and %d drafts", n)
	}
	b.visit("/wallets/savings_2_of_3/drafts")
	b.run("tick two", `document.querySelectorAll("input[name=draft]").forEach(e => { e.checked = true })`)
	b.shot("drafts-390")
	b.submit("button[data-test=compare]")
	b.until("the comparison", `document.querySelector("table[data-test=compare]")`)
	b.shot("drafts-compare-390")
}

func (h *house) drafts(ref wallet.Ref) []wallet.Draft {
	h.t.Helper()
	list, err := h.wallets.Drafts(context.Background(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func (h *house) detail(ref wallet.Ref, txid string) wallet.TxDetail {
	h.t.Helper()
	d, err := h.wallets.Transaction(context.Background(), ref, *hashFrom(h.t, txid))
	if err != nil {
		h.t.Fatal(err)
	}
	return d
}

func hashFrom(t *testing.T, txid string) *chainhash.Hash {
	t.Helper()
	id, err := chainhash.NewHashFromStr(txid)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
