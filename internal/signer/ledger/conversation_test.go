package ledger

import (
	"encoding/hex"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
)

// conversation is what is said to real apps when a recording is made, and again when it is
// replayed. Its answers are checked here: keys by our own derivation, signatures by merging.
func conversation(t *testing.T, s signer.Signer) {
	t.Helper()
	ctx := t.Context()
	if fp := s.Info().Fingerprint.String(); fp != "f5acc2fd" {
		t.Fatalf("fingerprint %s: start the emulator with its default phrase", fp)
	}
	p, _ := btc.ParsePath("84h/1h/0h")
	single := walletOf(t, "", "wpkh(%A)", "84h/1h/0h")
	key, err := s.XPub(ctx, p)
	if err != nil || key.String() != single.Descriptor.Keys()[0].XKey.String() {
		t.Errorf("xpub %v, %v", key, err)
	}
	for _, k := range kinds {
		w := walletOf(t, "Cold storage", k.text, k.path)
		r, err := s.Register(ctx, w)
		if err != nil {
			t.Errorf("%s: registering: %v", k.name, err)
			continue
		}
		out := derive(t, w, 0, 3)
		want, _ := out.Address(btc.Testnet3)
		if got, err := s.ShowAddress(ctx, w, r, 0, 3); err != nil || got != want {
			t.Errorf("%s: address %s, %v; want %s", k.name, got, err, want)
		}
		tx := spend(t, coinOf{w, 0, 3, 50_000}, coinOf{w, 1, 4, 70_000})
		got, err := s.Sign(ctx, w, r, tx)
		if err != nil {
			t.Errorf("%s: signing: %v", k.name, err)
			continue
		}
		checkSigned(t, k.name, tx, got, 2*k.sigs)
	}
	sig, err := s.SignMessage(ctx, p.Child(0, 0), []byte("hello, device; a message of more than one chunk of sixty-four bytes"))
	if err != nil || len(sig) != 65 {
		t.Errorf("message: %s, %v", hex.EncodeToString(sig), err)
	}
}

func checkSigned(t *testing.T, what string, tx, got *psbt.Packet, want int) {
	t.Helper()
	_, sigs, err := tx.Merge(got)
	if err != nil || len(sigs) != want {
		t.Errorf("%s: %d signatures, want %d: %v", what, len(sigs), want, err)
	}
}

func TestTheConversationOfRecordings(t *testing.T) { conversation(t, testnet(t)) }
