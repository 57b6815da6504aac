package wallet_test

import (
	"context"
	"testing"

	"specter/internal/btc"
	"specter/internal/wallet"
)

// Every kind of wallet receives, sends, signs, broadcasts and sees it confirmed; the program is
// killed and started again between any two steps.
func TestMoneyComesAndGoesInEveryKindOfWallet(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	for _, k := range []struct {
		typ       string
		threshold int
		who       []string
		signers   []int64
	}{
		{"wpkh", 0, people[:1], []int64{1}}, {"sh-wpkh", 0, people[:1], []int64{1}}, {"tr", 0, people[:1], []int64{1}}, {"pkh", 0, people[:1], []int64{1}},
		{"wsh", 2, people, []int64{1, 3}}, {"sh-wsh", 2, people, []int64{2, 3}}, {"sh", 1, people[:2], []int64{2}},
	} {
		t.Run(k.typ, func(t *testing.T) {
			h.t = t
			ref := h.create("Kind "+k.typ, k.typ, k.threshold, k.who...).Ref()
			h.reopen()
			h.sync(ref)
			h.pay(ref, 1_000_000)
			if b := h.sync(ref).Balance; b.Pending != 1_000_000 {
				t.Fatalf("balance after the faucet: %+v", b)
			}
			h.reopen()
			h.mine(1)
			if b := h.sync(ref).Balance; b.Confirmed != 1_000_000 {
				t.Fatalf("balance after a block: %+v", b)
			}
			d := h.send(ref, stranger(1), 300_000, "t")
			if b := h.get(ref).Balance; b.Reserved != 1_000_000 || b.Available() != 0 {
				t.Fatalf("the draft holds %+v", b)
			}
			h.reopen()
			if d.State != wallet.Unsigned || d.Change != 700_000-d.Fee || len(d.Signers) != len(k.who) {
				t.Fatalf("draft %+v", d)
			}
			for i, id := range k.signers {
				d = h.sign(ref, d, id)
				h.reopen()
				if d.Have != i+1 {
					t.Fatalf("after signature %d there are %d: %+v", i+1, d.Have, d.Signers)
				}
			}
			if d.State != wallet.Complete || d.Have != max(k.threshold, 1) || d.Need != max(k.threshold, 1) {
				t.Fatalf("draft is %s, %d of %d", d.State, d.Have, d.Need)
			}
			txid, err := h.s.Broadcast(ctx, ref, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			if txid != d.TxID {
				t.Errorf("broadcast %s, the draft said %s", txid, d.TxID)
			}
			h.reopen()
			h.check(ref)
			if b := h.get(ref).Balance; b.Pending != d.Change || b.Confirmed != 0 {
				t.Fatalf("balance after broadcast: %+v", b)
			}
			if again, err := h.s.Broadcast(ctx, ref, d.ID); err != nil || again != txid {
				t.Errorf("broadcast again: %v", err)
			}
			h.sync(ref)
			h.mine(1)
			r := h.sync(ref)
			if r.Balance.Confirmed != d.Change || r.TxCount != 2 {
				t.Fatalf("balance at the end %+v, %d rows", r.Balance, r.TxCount)
			}
			row := h.history(ref, wallet.Query{}).Rows[0]
			if row.Category != wallet.Send || row.Amount != -300_000-d.Fee || row.Fee == nil || *row.Fee != d.Fee || row.Address != stranger(1) || row.Confirmations != 1 {
				t.Errorf("history row %+v", row)
			}
			if d, err = h.s.Draft(ctx, ref, d.ID); err != nil || d.State != wallet.Broadcast {
				t.Errorf("the draft is %s at the end: %v", d.State, err)
			}
			estimate := btc.RateOf(d.Fee, d.VSize)
			if estimate < btc.SatPerVB(3)-100 || estimate > btc.SatPerVB(3)+200 {
				t.Errorf("feerate of the final transaction is %s sat/vB", estimate)
			}
		})
	}
}
