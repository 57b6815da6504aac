package signertest

import (
	"fmt"
	"slices"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// payment spends two coins of a wallet to a stranger, with change.
func payment(w signer.Wallet) Payment {
	return Payment{
		Coins:  []Coin{{Wallet: w, Index: 3, Sat: 70_000}, {Wallet: w, Branch: 1, Index: 4, Sat: 50_000}},
		Pay:    81_234,
		Change: &Coin{Wallet: w, Branch: 1, Index: 7, Sat: 37_000},
	}
}

// signing gives, with the cosigners' signatures, a transaction that the script engine passes.
func signing(t *testing.T, f Family) {
	for _, kind := range f.Scripts {
		t.Run(kind, func(t *testing.T) {
			b := open(t, f, honest(t))
			w := b.wallet(t, kind)
			r := b.register(t, w)
			approved := b.count(ShowPolicy)
			tx := payment(w).Packet(t, btc.Regtest)
			before := text(t, tx)
			got, err := b.signer.Sign(b.ctx, w, r, tx)
			if err != nil {
				t.Fatal(err)
			}
			if text(t, tx) != before {
				t.Error("the transaction that was given has changed")
			}
			complete(t, kind, got)
			if !b.device.Person.Saw(ShowOutput, "81234") {
				t.Errorf("the person was not shown what is paid: %v", b.device.Person.Seen())
			}
			if n := b.count(ShowPolicy); n != approved {
				t.Errorf("the wallet was shown again: %d screens, then %d", approved, n)
			}
			again, err := b.signer.Sign(b.ctx, w, r, tx)
			if err != nil {
				t.Fatalf("a second time: %v", err)
			}
			complete(t, kind, again)
		})
	}
}

func text(t testing.TB, tx *psbt.Packet) string {
	t.Helper()
	s, err := tx.Base64()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// complete adds a cosigner's signatures where two are needed and runs the script engine.
func complete(t testing.TB, kind string, tx *psbt.Packet) {
	t.Helper()
	tx = tx.Clone()
	if slices.Contains([]string{"sh", "sh-wsh", "wsh"}, kind) {
		if tx.Complete() {
			t.Error("two signatures are needed and one device gave them")
		}
		if _, err := tx.Sign(psbt.ExtendedKey(cosigners(t)[0], btc.KeyOrigin{})); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Finalize(); err != nil {
		t.Fatalf("not signed: %v", err)
	}
	if err := tx.CheckScripts(); err != nil {
		t.Error(err)
	}
}

// signingZeroWallet signs without a wallet, as HWI does. A family that keeps registrations may
// answer that the wallet is not registered.
func signingZeroWallet(t *testing.T, f Family) {
	for _, kind := range f.Scripts {
		for _, v := range []uint32{0, 2} {
			t.Run(fmt.Sprintf("%s in version %d", kind, v), func(t *testing.T) {
				b := open(t, f, honest(t))
				w := b.wallet(t, kind)
				p := payment(w)
				p.NoXPubs = slices.Contains(SingleKinds, kind)
				tx, err := p.Packet(t, btc.Regtest).Convert(v)
				if err != nil {
					t.Fatal(err)
				}
				got, err := b.signer.Sign(b.ctx, signer.Wallet{}, signer.Registration{}, tx)
				if f.Registers && signer.CodeOf(err) == signer.CodeNotRegistered && b.signer.NeedsRegistration(w) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got.Version != v {
					t.Errorf("the answer is of version %d", got.Version)
				}
				complete(t, kind, got)
			})
		}
	}
}

// messages are signed by the key at the path and shown; CheckedOn recovers the key.
func messages(t *testing.T, f Family) {
	b := open(t, f, honest(t))
	p := messagePath(t, f)
	sig, err := b.signer.SignMessage(b.ctx, p, []byte("hello"))
	if !f.Messages {
		if err == nil {
			t.Error("the family signs messages and says that it does not")
		}
		return
	}
	if err != nil || len(sig) != 65 {
		t.Fatalf("%x, %v", sig, err)
	}
	if !b.device.Person.Saw(ShowMessage, "hello") {
		t.Errorf("the message was not shown: %v", b.device.Person.Seen())
	}
}

func messagePath(t testing.TB, f Family) btc.Path {
	for _, kind := range []string{"wpkh", "sh-wpkh", "pkh"} {
		if slices.Contains(f.Scripts, kind) {
			return AccountPath(t, kind).Child(0, 0)
		}
	}
	t.Fatal("the family has no single key that signs messages")
	return nil
}
