package wallet_test

import (
	"context"
	"errors"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/store"
	"specter/internal/wallet"
)

// A draft that is edited gives its coins to the new one, and a refused edit leaves it as it was.
func TestAnEditedDraftTakesThePlaceOfTheOldOne(t *testing.T) {
	ctx := context.Background()
	h, ref := funded(t, 100_000)
	old := h.send(ref, stranger(1), 30_000, "old")
	if h.get(ref).Balance.Available() != 0 {
		t.Fatal("the draft holds the only coin")
	}
	q, err := h.s.DraftRequest(ctx, ref, old.ID)
	if err != nil {
		t.Fatal(err)
	}
	if q.Instead != old.ID || len(q.Recipients) != 1 || q.Recipients[0].Amount != 30_000 || len(q.Coins) != 1 || q.FeeRate < 2_900 || q.FeeRate > 3_100 || q.LockTime != nil {
		t.Fatalf("the draft as a request: %+v", q)
	}
	q.Recipients[0].Amount = 200_000
	_, err = h.s.NewDraft(ctx, ref, q)
	wantKind(t, err, errs.Invalid, "more than there is")
	if d, err := h.s.Draft(ctx, ref, old.ID); err != nil || d.State != wallet.Unsigned || h.get(ref).Balance.Reserved != 100_000 {
		t.Fatalf("after a refused edit: %v %v", d.State, err)
	}
	q.Recipients[0].Amount, q.Token = 40_000, "edit"
	p, err := h.s.Preview(ctx, ref, q)
	if err != nil || p.Inputs[0].OutPoint != old.Inputs[0].OutPoint {
		t.Fatalf("preview: %v", err)
	}
	for range 2 { // the form sent twice is one edit
		d, err := h.s.NewDraft(ctx, ref, q)
		if err != nil || d.Recipients[0].Amount != 40_000 || d.ID == old.ID {
			t.Fatalf("edited: %+v %v", d, err)
		}
	}
	all, err := h.s.Drafts(ctx, ref)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d drafts after the edit, %v", len(all), err)
	}
	if b := h.get(ref).Balance; b.Reserved != 100_000 || b.Available() != 0 {
		t.Errorf("held after the edit: %+v", b)
	}
	h.check(ref)
	_, err = h.s.DraftRequest(ctx, ref, old.ID)
	wantKind(t, err, errs.NotFound, "the old draft")
}

func TestASentDraftIsNotEdited(t *testing.T) {
	ctx := context.Background()
	h, ref := funded(t, 100_000)
	d := h.sign(ref, h.send(ref, stranger(1), 30_000, ""), 1, 2)
	if _, err := h.s.Broadcast(ctx, ref, d.ID); err != nil {
		t.Fatal(err)
	}
	_, err := h.s.DraftRequest(ctx, ref, d.ID)
	wantKind(t, err, errs.Conflict, "editing what was sent")
	q := request(stranger(2), 1_000)
	q.Instead = d.ID
	_, err = h.s.NewDraft(ctx, ref, q)
	wantKind(t, err, errs.Conflict, "a payment instead of what was sent")
}

// What somebody outside takes is in the history at once; what they refuse changes nothing, and a
// draft that is not complete reaches nobody.
func TestSendingByAnExplorer(t *testing.T) {
	ctx := context.Background()
	h, ref := funded(t, 100_000)
	var posted []*wire.MsgTx
	refusal := errors.New("min relay fee not met")
	h.db.Close()
	db, err := store.Open(ctx, h.path)
	if err != nil {
		t.Fatal(err)
	}
	h.db = db
	h.s = wallet.New(wallet.Config{Store: db, Sources: h.src, UID: "0011", FeeRate: h.chain.FeeRate, SignHot: signHot, Devices: devices,
		Post: func(_ context.Context, o wallet.Owner, n btc.Network, via string, tx *wire.MsgTx) error {
			if o != admin || n != btc.Regtest || via != "explorer" {
				t.Errorf("asked for %q on %s by %s", via, n, o)
			}
			posted = append(posted, tx)
			return refusal
		}})
	d := h.send(ref, stranger(1), 30_000, "")
	if _, err := h.s.BroadcastVia(ctx, ref, d.ID, "explorer"); err == nil || len(posted) != 0 {
		t.Fatalf("an unsigned draft: %v, %d posted", err, len(posted))
	}
	d = h.sign(ref, d, 1, 2)
	h.src.setAway(true) // the node is not needed
	if _, err := h.s.BroadcastVia(ctx, ref, d.ID, "explorer"); !errors.Is(err, refusal) {
		t.Fatalf("refused: %v", err)
	}
	if d, _ := h.s.Draft(ctx, ref, d.ID); d.State != wallet.Complete {
		t.Errorf("after a refusal the draft is %s", d.State)
	}
	refusal = nil
	id, err := h.s.BroadcastVia(ctx, ref, d.ID, "explorer")
	if err != nil || len(posted) != 2 || posted[1].TxHash() != id {
		t.Fatalf("%v, %d posted", err, len(posted))
	}
	if d, _ := h.s.Draft(ctx, ref, d.ID); d.State != wallet.Broadcast {
		t.Errorf("the draft is %s", d.State)
	}
	if p := h.history(ref, wallet.Query{Filter: "unconfirmed"}); len(p.Rows) != 1 || p.Rows[0].TxID != id {
		t.Errorf("history %+v", p.Rows)
	}
	if err := h.s.RebroadcastVia(ctx, ref, id, "explorer"); err != nil || len(posted) != 3 {
		t.Errorf("again: %v, %d posted", err, len(posted))
	}
	_, err = wallet.New(wallet.Config{Store: db, Sources: h.src}).BroadcastVia(ctx, ref, d.ID, "explorer")
	wantKind(t, err, errs.Unavailable, "nobody outside")
}
