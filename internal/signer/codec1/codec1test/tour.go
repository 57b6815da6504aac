package codec1test

import (
	"context"
	"encoding/base64"
	"slices"
	"testing"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// Tour asks an open device with the phrase signertest.Alcohol, on testnet, for everything that a
// driver can, and holds the answers to what the phrase gives. It makes the same calls each time,
// so that what passed over the wire can be recorded and replayed.
func Tour(ctx context.Context, t *testing.T, s signer.Signer, kinds []string) {
	t.Helper()
	master := signertest.Master(t, signertest.Alcohol, "")
	if fp, err := s.Fingerprint(ctx); err != nil || fp != master.Fingerprint() {
		t.Fatalf("the fingerprint is %s %v", fp, err)
	}
	for i, kind := range kinds {
		w := signertest.Wallet(t, kind, master, signertest.Master(t, signertest.Abandon, ""), signertest.Master(t, signertest.Zoo, ""))
		p := signertest.AccountPath(t, kind)
		want, err := master.Derive(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.XPub(ctx, p); err != nil || got.String() != want.Public().String() {
			t.Errorf("%s is %s %v", p.Full(), got, err)
		}
		at := signertest.Coin{Wallet: w, Branch: 1, Index: 4, Sat: 50_000}
		if got, err := s.ShowAddress(ctx, w, signer.Registration{}, 1, 4); err != nil || got != at.Address(t, btc.Testnet3) {
			t.Errorf("%s: the address is %s %v", kind, got, err)
		}
		tx := signertest.Payment{
			Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 70_000}, at}, Pay: 81_234 + int64(i), // KeepKey refuses the same payment twice in a row
			Change: &signertest.Coin{Wallet: w, Branch: 1, Index: 7, Sat: 37_000},
		}.Packet(t, btc.Testnet3)
		got, err := s.Sign(ctx, w, signer.Registration{}, tx)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if _, fresh, err := tx.Merge(got); err != nil || len(fresh) != 2 {
			t.Errorf("%s: %d signatures verify: %v", kind, len(fresh), err)
		}
	}
	if slices.Contains(kinds, "wpkh") {
		sig, err := s.SignMessage(ctx, btc.Path{btc.Hardened | 84, btc.Hardened | 1, btc.Hardened, 0, 0}, []byte("hello"))
		const want = "JwN714GuPBoJVp14tTjicJZXcqTSQW5BhGk8ptQOJIFobCq/gDhgbJTi81FJ5Jlw46vyp4mX6P2ksCwAuTO6x1E="
		if text := base64.StdEncoding.EncodeToString(sig); err != nil || text != want {
			t.Errorf("the message's signature is %s %v", text, err)
		}
	}
}
