package app

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/wallet"
)

// sent is a payment as the node took it into its mempool.
type sent struct {
	tx   *wire.MsgTx
	rate btc.FeeRate
	fee  btcutil.Amount
}

// pay makes a draft, has it signed, broadcasts it and reads back what the node says of it.
func (h *house) pay(n *coretest.Node, a actor, q wallet.SpendRequest) sent {
	h.t.Helper()
	ctx := context.Background()
	d, err := h.wallets.NewDraft(ctx, a.ref, q)
	if err != nil {
		h.t.Fatalf("%s: %v", a.kind, err)
	}
	id := h.out(a, d, nil)
	e := pooled(h.t, n, id)
	if !e.there {
		h.t.Fatalf("%s: %s is not in the node's mempool", a.kind, id)
	}
	done, err := h.wallets.Draft(ctx, a.ref, d.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	tx := wire.NewMsgTx(2)
	if err := tx.Deserialize(bytes.NewReader(done.Final)); err != nil {
		h.t.Fatal(err)
	}
	return sent{tx, rate(h.t, e.Fees.Base, e.VSize), done.Fee}
}

// pays reports whether an output of an amount goes to an address.
func (s sent) pays(t *testing.T, address string, amount btcutil.Amount) bool {
	t.Helper()
	a, err := btc.ParseAddress(address, btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(s.tx.TxOut, func(o *wire.TxOut) bool { return o.Value == int64(amount) && bytes.Equal(o.PkScript, a.Script) })
}

// TestEveryWayOfSendingOnARealNode pays in each way that the send form offers, from every kind of
// wallet, and holds what the node took against what was asked.
func TestEveryWayOfSendingOnARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{Args: []string{"-minrelaytxfee=0.000001", "-incrementalrelayfee=0.000001"}})
	h := open(t, Config{})
	h.connect(n)
	actors := h.makeAll(h.keys("Red", "Green", "Blue"))
	for _, a := range actors {
		for range 6 {
			h.receive(n, a, "0.1")
		}
	}
	n.Mine(1)
	to := []string{n.NewAddress(), n.NewAddress(), n.NewAddress()}
	for _, a := range actors {
		h.sync(a.ref)
		h.everyWay(n, a, to)
	}
	n.Mine(1)
	for _, a := range actors {
		h.sameCoins(n, a, "in the end")
	}
}

func (h *house) everyWay(n *coretest.Node, a actor, to []string) {
	h.t.Helper()
	ctx, t := context.Background(), h.t
	fail := func(what string, s sent) {
		t.Helper()
		t.Errorf("%s, %s: %d inputs, %d outputs, %s sat/vB, fee %d, locktime %d", a.kind, what, len(s.tx.TxIn), len(s.tx.TxOut), s.rate, s.fee, s.tx.LockTime)
	}
	close := func(got, want btc.FeeRate) bool { return got >= want && got <= want+want/50+30 } // signatures may be a byte shorter

	s := h.pay(n, a, wallet.SpendRequest{FeeRate: btc.SatPerVB(3), Recipients: []wallet.Recipient{{Address: to[0], Amount: 1_000_000}, {Address: to[1], Amount: 1_234_567}, {Address: to[2], Amount: 2_000_001}}})
	if !s.pays(t, to[0], 1_000_000) || !s.pays(t, to[1], 1_234_567) || !s.pays(t, to[2], 2_000_001) || len(s.tx.TxOut) != 4 || !close(s.rate, btc.SatPerVB(3)) {
		fail("three recipients", s)
	}
	s = h.pay(n, a, wallet.SpendRequest{FeeRate: btc.SatPerVB(5), SubtractFee: []int{0}, Recipients: []wallet.Recipient{{Address: to[0], Amount: 1_000_000}, {Address: to[1], Amount: 500_000}}})
	if !s.pays(t, to[0], 1_000_000-s.fee) || !s.pays(t, to[1], 500_000) || !close(s.rate, btc.SatPerVB(5)) {
		fail("the first recipient pays the fee", s)
	}
	coins, err := h.wallets.Coins(ctx, a.ref, wallet.Query{Filter: "free", Sort: "amount"})
	if err != nil {
		t.Fatal(err)
	}
	chosen := []wire.OutPoint{coins.Rows[0].OutPoint, coins.Rows[1].OutPoint}
	sum := coins.Rows[0].Amount + coins.Rows[1].Amount
	s = h.pay(n, a, wallet.SpendRequest{FeeRate: btc.SatPerVB(1), Coins: chosen, Recipients: []wallet.Recipient{{Address: to[0], Max: true}}})
	if len(s.tx.TxIn) != 2 || len(s.tx.TxOut) != 1 || !s.pays(t, to[0], sum-s.fee) || slices.ContainsFunc(s.tx.TxIn, func(in *wire.TxIn) bool { return !slices.Contains(chosen, in.PreviousOutPoint) }) {
		fail("all of two chosen coins", s)
	}
	height := uint32(n.Height())
	s = h.pay(n, a, wallet.SpendRequest{FeeRate: btc.SatPerVB(2), LockTime: &height, NoRBF: true, Recipients: []wallet.Recipient{{Address: to[1], Amount: 300_000}}})
	if s.tx.LockTime != height || slices.ContainsFunc(s.tx.TxIn, func(in *wire.TxIn) bool { return in.Sequence < math.MaxUint32-1 }) {
		fail("locktime, not replaceable", s)
	}
	s = h.pay(n, a, wallet.SpendRequest{FeeRate: 100, Recipients: []wallet.Recipient{{Address: to[2], Amount: 200_000}}}) // 0.1 sat/vB
	if !s.pays(t, to[2], 200_000) || s.rate < 100 || s.rate > 120 {
		fail("0.1 sat/vB by hand", s)
	}
}
