package wallet_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// What a device answered is kept with the wallet, for each device alone, over restarts of nothing
// but the service, and goes with the wallet.
func TestRegistrationsAreKeptWithTheWallet(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	rec := h.create("Vault", "wsh", 2, "alice", "bob", "carol")
	ref := rec.Ref()
	alice, bob := rec.Cosigners[0].Fingerprint, rec.Cosigners[1].Fingerprint
	first := wallet.Registration{Fingerprint: alice, Kind: "ledger", Name: "Vault", ID: bytes.Repeat([]byte{1}, 32), Proof: bytes.Repeat([]byte{2}, 32)}
	second := wallet.Registration{Fingerprint: bob, Kind: "bitbox02", Name: "Vault"}
	for _, r := range []wallet.Registration{first, second} {
		if err := h.s.KeepRegistration(ctx, ref, r); err != nil {
			t.Fatal(err)
		}
	}
	first.Name, first.Proof = "Family", bytes.Repeat([]byte{3}, 32)
	if err := h.s.KeepRegistration(ctx, ref, first); err != nil {
		t.Fatal(err)
	}
	list, err := h.s.Registrations(ctx, ref)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, r := range list {
		want := second
		if r.Fingerprint == alice {
			want = first
		}
		if r.Kind != want.Kind || r.Name != want.Name || !bytes.Equal(r.ID, want.ID) || !bytes.Equal(r.Proof, want.Proof) || r.At.IsZero() {
			t.Errorf("kept %+v, told %+v", r, want)
		}
	}
	if err := h.s.ForgetRegistration(ctx, ref, alice, "ledger"); err != nil {
		t.Fatal(err)
	}
	if list, err := h.s.Registrations(ctx, ref); err != nil || len(list) != 1 || list[0].Fingerprint != bob {
		t.Errorf("after one is forgotten: %+v, %v", list, err)
	}
	if err := h.s.Delete(ctx, ref); err != nil {
		t.Fatal(err)
	}
	again := h.create("Vault", "wsh", 2, "alice", "bob", "carol")
	if list, err := h.s.Registrations(ctx, again.Ref()); err != nil || len(list) != 0 {
		t.Errorf("a new wallet has the old one's: %+v, %v", list, err)
	}
}

// A registration that no device of the wallet can have given is refused, and other people's
// wallets are not there.
func TestForeignRegistrationsAreRefused(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	rec := h.create("Vault", "wsh", 2, "alice", "bob", "carol")
	good := wallet.Registration{Fingerprint: rec.Cosigners[0].Fingerprint, Kind: "ledger", Name: "Vault"}
	for name, change := range map[string]func(*wallet.Registration){
		"of a stranger's device": func(r *wallet.Registration) { r.Fingerprint = btc.Fingerprint{1, 2, 3, 4} },
		"of no device":           func(r *wallet.Registration) { r.Fingerprint = btc.Fingerprint{} },
		"without a kind":         func(r *wallet.Registration) { r.Kind = "" },
		"of a strange kind":      func(r *wallet.Registration) { r.Kind = "led ger" },
		"without a name":         func(r *wallet.Registration) { r.Name = "" },
		"with a long name":       func(r *wallet.Registration) { r.Name = strings.Repeat("n", 101) },
		"with a broken name":     func(r *wallet.Registration) { r.Name = "a\nb" },
		"with a long id":         func(r *wallet.Registration) { r.ID = make([]byte, 65) },
		"with a long proof":      func(r *wallet.Registration) { r.Proof = make([]byte, 129) },
	} {
		r := good
		change(&r)
		if err := h.s.KeepRegistration(ctx, rec.Ref(), r); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	theirs := rec.Ref()
	theirs.Owner = "somebody"
	if err := h.s.KeepRegistration(ctx, theirs, good); !errs.Is(err, errs.NotFound) {
		t.Errorf("another's wallet: %v", err)
	}
	if _, err := h.s.Registrations(ctx, theirs); !errs.Is(err, errs.NotFound) {
		t.Errorf("another's list: %v", err)
	}
}
