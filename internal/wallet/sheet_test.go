package wallet_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

func TestEveryKindOfWalletHasASheet(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	var refs []wallet.Ref
	for _, typ := range []string{"wpkh", "sh-wpkh", "tr", "pkh"} {
		refs = append(refs, h.create("Single "+typ, typ, 0, "alice").Ref())
	}
	for _, typ := range []string{"wsh", "sh-wsh", "sh"} {
		refs = append(refs, h.create("Multi "+typ, typ, 2, "alice", "bob", "carol").Ref())
	}
	one, err := h.s.Create(ctx, admin, btc.Regtest, wallet.NewWallet{Name: "One address", Descriptor: "addr(" + stranger(4) + ")"})
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range append(refs, one.Ref()) {
		f, err := h.s.BackupSheet(ctx, ref)
		if err != nil || !bytes.HasPrefix(f.Data, []byte("%PDF-")) || f.Name != ref.Alias+"_backup.pdf" || f.Type != "application/pdf" {
			t.Errorf("%s: %q, %d bytes, %v", ref.Alias, f.Name, len(f.Data), err)
		}
	}
	_, err = h.s.BackupSheet(ctx, wallet.Ref{Owner: "bob", Network: btc.Regtest, Alias: refs[0].Alias})
	wantKind(t, err, errs.NotFound, "another user's wallet")
}

func TestStatementOfDays(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("Savings", "wpkh", 0, "alice").Ref()
	h.pay(ref, 500_000)
	h.mine(1)
	h.sync(ref)
	h.pay(ref, 70_000) // pending: not on a statement
	h.sync(ref)
	now := time.Now()
	for _, c := range []struct{ from, to time.Time }{{now.AddDate(-1, 0, 0), now.AddDate(0, 0, 1)}, {now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)}} {
		f, err := h.s.Statement(ctx, ref, c.from, c.to)
		if err != nil || !bytes.HasPrefix(f.Data, []byte("%PDF-")) {
			t.Errorf("%v: %d bytes, %v", c.from, len(f.Data), err)
		}
	}
	if sum, err := h.db.BalanceAt(ctx, h.get(ref).ID, now.AddDate(0, 0, 1)); err != nil || sum != 500_000 {
		t.Errorf("confirmed until tomorrow: %d, %v", sum, err)
	}
	if sum, err := h.db.BalanceAt(ctx, h.get(ref).ID, now.AddDate(-1, 0, 0)); err != nil || sum != 0 {
		t.Errorf("confirmed a year ago: %d, %v", sum, err)
	}
	_, err := h.s.Statement(ctx, ref, now, now)
	wantKind(t, err, errs.Invalid, "a statement of no time")
}
