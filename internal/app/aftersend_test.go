package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// senders makes a wallet of every kind with two confirmed coins each.
func (h *house) senders(n *coretest.Node) []actor {
	h.t.Helper()
	var out []actor
	for _, a := range h.makeAll(h.keys("Red", "Green", "Blue")) {
		out = append(out, a)
		for range 2 {
			h.receive(n, a, "0.5")
		}
	}
	n.Mine(1)
	for _, a := range out {
		h.sync(a.ref)
	}
	return out
}

func (h *house) receive(n *coretest.Node, a actor, amount string) {
	h.t.Helper()
	address, err := h.wallets.NewAddress(context.Background(), a.ref)
	if err != nil {
		h.t.Fatal(err)
	}
	n.Send(address.Address, amount)
}

// out signs and broadcasts a draft.
func (h *house) out(a actor, d wallet.Draft, err error) chainhash.Hash {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("%s: %v", a.kind, err)
	}
	d = h.sign(a.ref, d, a.devices[:a.m]...)
	id, err := h.wallets.Broadcast(context.Background(), a.ref, d.ID)
	if err != nil {
		h.t.Fatalf("%s: broadcast: %v", a.kind, err)
	}
	return id
}

func (h *house) payTo(a actor, address string, amount btcutil.Amount, rate btc.FeeRate) chainhash.Hash {
	h.t.Helper()
	d, err := h.wallets.NewDraft(context.Background(), a.ref, wallet.SpendRequest{FeeRate: rate, Recipients: []wallet.Recipient{{Address: address, Amount: amount}}})
	return h.out(a, d, err)
}

// sameCoins holds our utxos against the node's own. Its list of transactions leaves out those that
// pay nothing but change, and is not compared here.
func (h *house) sameCoins(n *coretest.Node, a actor, when string) {
	h.t.Helper()
	h.sync(a.ref)
	if got, want := h.ourCoins(a.ref), coreCoins(h.t, n, h.record(a.ref).NodeName); !slices.Equal(got, want) {
		h.t.Errorf("%s, %s: coins %q, the node has %q", a.kind, when, got, want)
	}
}

// poolFacts is what the node says of a transaction of its mempool.
type poolFacts struct {
	there         bool
	VSize         int64
	AncestorCount int
	AncestorSize  int64
	Fees          struct{ Base, Ancestor json.Number }
}

func pooled(t *testing.T, n *coretest.Node, id chainhash.Hash) poolFacts {
	t.Helper()
	var e poolFacts
	e.there = n.RPC("", "getmempoolentry", &e, id.String()) == nil
	return e
}

// rate is a fee in BTC over a size, in sat/kvB.
func rate(t *testing.T, fee json.Number, size int64) btc.FeeRate {
	t.Helper()
	a, err := btc.ParseBTC(fee.String())
	if err != nil {
		t.Fatal(err)
	}
	return btc.RateOf(a, btc.VSize(size))
}

func (h *house) state(a actor, id chainhash.Hash) wallet.TxState {
	h.t.Helper()
	d, err := h.wallets.Transaction(context.Background(), a.ref, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return d.State
}

// TestReplacementsOnARealNode: speed up, edit and cancel, each taken by the node in place of the
// one before, for each kind of wallet.
func TestReplacementsOnARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	for _, a := range h.senders(n) {
		first := h.payTo(a, n.NewAddress(), 10_000_000, btc.SatPerVB(2))
		d, err := h.wallets.Replace(ctx, a.ref, wallet.ReplaceRequest{TxID: first})
		least := h.out(a, d, err) // the least that replaces is taken by the node
		if pooled(t, n, first).there || !pooled(t, n, least).there {
			t.Fatalf("%s: the node holds the original, not the least replacement", a.kind)
		}
		d, err = h.wallets.Replace(ctx, a.ref, wallet.ReplaceRequest{TxID: least, FeeRate: btc.SatPerVB(12)})
		second := h.out(a, d, err)
		e := pooled(t, n, second)
		if got := rate(t, e.Fees.Base, e.VSize); got < btc.SatPerVB(12) || got > btc.SatPerVB(12)*102/100 {
			t.Errorf("%s: sped up to %s sat/vB, want 12", a.kind, got)
		}

		q, err := h.wallets.EditRequest(ctx, a.ref, second)
		if err != nil {
			t.Fatal(err)
		}
		q.FeeRate = btc.SatPerVB(20)
		q.Recipients = append(q.Recipients, wallet.Recipient{Address: n.NewAddress(), Amount: 60_000_000}) // takes the other coin too
		d, err = h.wallets.NewDraft(ctx, a.ref, q)
		third := h.out(a, d, err)
		if pooled(t, n, second).there || !pooled(t, n, third).there || len(d.Inputs) != 2 {
			t.Errorf("%s: edited with %d inputs; the node holds the old one %v", a.kind, len(d.Inputs), pooled(t, n, second).there)
		}

		d, err = h.wallets.Replace(ctx, a.ref, wallet.ReplaceRequest{TxID: third, Cancel: true, FeeRate: btc.SatPerVB(60)})
		last := h.out(a, d, err)
		n.Mine(1)
		h.sync(a.ref)
		for _, id := range []chainhash.Hash{first, least, second, third} {
			if got := h.state(a, id); got != wallet.Conflicted {
				t.Errorf("%s: %s is %s", a.kind, id, got)
			}
		}
		if got := h.state(a, last); got != wallet.Confirmed {
			t.Errorf("%s: the cancellation is %s", a.kind, got)
		}
		if b := h.record(a.ref).Balance; b.Confirmed != 100_000_000-d.Fee || b.Pending != 0 || b.Reserved != 0 {
			t.Errorf("%s: after the cancellation %+v, fee %d", a.kind, b, d.Fee)
		}
		h.sameCoins(n, a, "cancelled")
	}
}

// TestChildrenOnARealNode: incoming and outgoing payments, and chains of them, reach the wished
// feerate as the node counts it, within one per cent.
func TestChildrenOnARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	for _, a := range h.senders(n) {
		h.receive(n, a, "0.2")
		var page wallet.HistoryPage
		eventually(t, "the payment is seen", func() (bool, string) { // the node tells its wallets a moment later
			h.sync(a.ref)
			var err error
			page, err = h.wallets.History(ctx, a.ref, wallet.Query{Filter: "unconfirmed"})
			return err == nil && len(page.Rows) == 1, fmt.Sprintf("%s: %d unconfirmed, %v", a.kind, len(page.Rows), err)
		})
		incoming := page.Rows[0].TxID
		outgoing := h.payTo(a, n.NewAddress(), 10_000_000, btc.SatPerVB(1))
		for name, parent := range map[string]chainhash.Hash{"incoming": incoming, "outgoing": outgoing} {
			want := btc.SatPerVB(31)
			d, err := h.wallets.Child(ctx, a.ref, wallet.ChildRequest{TxID: parent, FeeRate: want})
			child := h.out(a, d, err)
			e := pooled(t, n, child)
			got := rate(t, e.Fees.Ancestor, e.AncestorSize)
			t.Logf("%s %s: %d transactions of %d vB pay %s sat/vB together", a.kind, name, e.AncestorCount, e.AncestorSize, got)
			if e.AncestorCount < 2 || got < want*99/100 || got > want*101/100 {
				t.Errorf("%s %s: the package pays %s sat/vB, want %s", a.kind, name, got, want)
			}
			up := btc.SatPerVB(50) // and the child's child
			d, err = h.wallets.Child(ctx, a.ref, wallet.ChildRequest{TxID: child, FeeRate: up})
			e = pooled(t, n, h.out(a, d, err))
			if got := rate(t, e.Fees.Ancestor, e.AncestorSize); e.AncestorCount < 3 || got < up*99/100 || got > up*101/100 {
				t.Errorf("%s %s: the chain of %d pays %s sat/vB, want %s", a.kind, name, e.AncestorCount, got, up)
			}
		}
		n.Mine(1)
		h.sameCoins(n, a, "children confirmed")
	}
}

// fillPool makes the node throw out what pays little: large transactions that pay more, until
// its least feerate is above the given one.
func fillPool(t *testing.T, n *coretest.Node, above btc.FeeRate) {
	t.Helper()
	var utxos []struct {
		TxID string
		Vout int
	}
	if err := n.RPC(coretest.Counterparty, "listunspent", &utxos, 1); err != nil {
		t.Fatal(err)
	}
	outs := map[string]any{}
	for range 1_300 {
		outs[n.NewAddress()] = "0.0001"
	}
	for i, u := range utxos {
		var info struct{ MempoolMinFee json.Number }
		if err := n.RPC("", "getmempoolinfo", &info); err != nil {
			t.Fatal(err)
		}
		if least, err := btc.ParseBTC(plainNumber(info.MempoolMinFee)); err == nil && btc.FeeRate(least) > above {
			return
		}
		if err := fillOne(n, u.TxID, u.Vout, outs, 20+i); err != nil {
			t.Fatalf("fill the mempool: %v", err)
		}
	}
	t.Fatal("the mempool does not fill up")
}

// TestEvictionAndPackagesOnARealNode: in a small mempool that fills up a payment is thrown out,
// the wallet raises the alarm, a child brings it back as a package, and one that is given up
// lets its coins go and returns when it is sent again.
func TestEvictionAndPackagesOnARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{Args: []string{"-maxmempool=5", "-datacarriersize=90000", "-acceptnonstdtxn=1"}})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	actors := h.senders(n)
	events, stop := h.wallets.Subscribe(demoOwner)
	defer stop()
	var mu sync.Mutex
	dropped := map[string]bool{}
	go func() { // read as they come: news for a slow listener are left out
		for e := range events {
			if e.Kind == "dropped" {
				mu.Lock()
				dropped[e.TxID] = true
				mu.Unlock()
			}
		}
	}()
	saved, given := map[string]chainhash.Hash{}, map[string]chainhash.Hash{}
	for _, a := range actors {
		saved[a.kind] = h.payTo(a, n.NewAddress(), 10_000_000, btc.SatPerVB(1))
		given[a.kind] = h.payTo(a, n.NewAddress(), 11_000_000, btc.SatPerVB(1))
	}
	fillPool(t, n, btc.SatPerVB(2))
	for _, a := range actors {
		h.sync(a.ref)
		for _, id := range []chainhash.Hash{saved[a.kind], given[a.kind]} {
			if got := h.state(a, id); got != wallet.Dropped {
				t.Fatalf("%s: %s is %s in a full mempool", a.kind, id, got)
			}
		}
		alarms, err := h.wallets.Alarms(ctx, a.ref)
		if err != nil || len(alarms) != 2 {
			t.Errorf("%s: %d alarms, %v", a.kind, len(alarms), err)
		}
	}
	for _, a := range actors {
		eventually(t, a.kind+": somebody is told that a payment was thrown out", func() (bool, string) {
			mu.Lock()
			defer mu.Unlock()
			return dropped[saved[a.kind].String()], ""
		})
		if err := h.wallets.Rebroadcast(ctx, a.ref, saved[a.kind]); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: a full mempool took it back: %v", a.kind, err)
		}
		want := btc.SatPerVB(60)
		d, err := h.wallets.Child(ctx, a.ref, wallet.ChildRequest{TxID: saved[a.kind], FeeRate: want})
		child := h.out(a, d, err)
		e := pooled(t, n, child)
		got := rate(t, e.Fees.Ancestor, e.AncestorSize)
		t.Logf("%s: %d transactions of %d vB came back as a package at %s sat/vB", a.kind, e.AncestorCount, e.AncestorSize, got)
		if !pooled(t, n, saved[a.kind]).there || got < want*99/100 || got > want*101/100 {
			t.Errorf("%s: the package pays %s sat/vB, want %s; the parent is there: %v", a.kind, got, want, pooled(t, n, saved[a.kind]).there)
		}
		if err := h.wallets.Abandon(ctx, a.ref, given[a.kind]); err != nil {
			t.Fatalf("%s: give up: %v", a.kind, err)
		}
		if b := h.record(a.ref).Balance; b.Reserved != 0 {
			t.Errorf("%s: what was given up still holds %d", a.kind, b.Reserved)
		}
		if alarms, err := h.wallets.Alarms(ctx, a.ref); err != nil || len(alarms) != 0 {
			t.Errorf("%s: alarms about %v, %v", a.kind, alarms, err)
		}
	}
	n.Mine(8) // the mempool is empty, and its least feerate falls after a restart
	n.Restart()
	h.nodes.Look(ctx)
	for _, a := range actors {
		h.sync(a.ref)
		if got := h.state(a, saved[a.kind]); got != wallet.Confirmed {
			t.Errorf("%s: the payment that a child brought back is %s", a.kind, got)
		}
		if err := h.wallets.Rebroadcast(ctx, a.ref, given[a.kind]); err != nil {
			t.Fatalf("%s: sent again: %v", a.kind, err)
		}
		if !pooled(t, n, given[a.kind]).there || h.state(a, given[a.kind]) != wallet.Pending {
			t.Errorf("%s: what was given up does not return: %s", a.kind, h.state(a, given[a.kind]))
		}
		h.sameCoins(n, a, "sent again")
	}
}

// TestLockedOutpointThatTheNodeDoesNotTellOf: a coin that the node's wallet has locked or lost
// sight of fails no page, and its draft can be read and deleted.
func TestLockedOutpointThatTheNodeDoesNotTellOf(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	ctx := context.Background()
	h := open(t, Config{})
	h.connect(n)
	a := h.senders(n)[0]
	d, err := h.wallets.NewDraft(ctx, a.ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), Recipients: []wallet.Recipient{{Address: n.NewAddress(), Amount: 10_000_000}}})
	if err != nil {
		t.Fatal(err)
	}
	op := d.Inputs[0].OutPoint
	if err := n.RPC(h.record(a.ref).NodeName, "lockunspent", nil, false, []map[string]any{{"txid": op.Hash.String(), "vout": op.Index}}); err != nil {
		t.Fatal(err)
	}
	if got := len(coreCoins(t, n, h.record(a.ref).NodeName)); got != 1 {
		t.Fatalf("the node tells of %d coins, want 1", got)
	}
	h.sync(a.ref)
	if list, err := h.wallets.Drafts(ctx, a.ref); err != nil || len(list) != 1 || list[0].State != wallet.Unsigned {
		t.Errorf("drafts %+v, %v", list, err)
	}
	if page, err := h.wallets.Coins(ctx, a.ref, wallet.Query{Filter: "unspent"}); err != nil || page.Total != 2 {
		t.Errorf("coins %d, %v", page.Total, err)
	}
	h.out(a, d, nil)
	n.Mine(1)
	h.sync(a.ref)
	if b := h.record(a.ref).Balance; b.Reserved != 0 || b.Confirmed == 0 {
		t.Errorf("balance %+v", b)
	}
}

// plainNumber writes a decimal as the node prints it without an exponent.
func plainNumber(n json.Number) string {
	f, err := n.Float64()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%.8f", f)
}

// fillOne spends a coin of the counterparty into outputs at a feerate in sat/vB.
func fillOne(n *coretest.Node, txid string, vout int, outs map[string]any, feerate int) error {
	var funded, signed struct{ Hex string }
	var raw string
	if err := n.RPC("", "createrawtransaction", &raw, []map[string]any{{"txid": txid, "vout": vout}}, outs); err != nil {
		return err
	}
	if err := n.RPC(coretest.Counterparty, "fundrawtransaction", &funded, raw, map[string]any{"fee_rate": feerate, "add_inputs": false}); err != nil {
		return err
	}
	if err := n.RPC(coretest.Counterparty, "signrawtransactionwithwallet", &signed, funded.Hex); err != nil {
		return err
	}
	return n.RPC("", "sendrawtransaction", nil, signed.Hex, 0)
}
