package coldcard_test

import (
	"context"
	"encoding/base64"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/coldcard"
	"specter/internal/signer/signertest"
)

// tour is what is done with the simulator, with a recording of it and with the device in
// software: the same calls with the same answers. press answers what the screen asks, last
// leaves an address that is shown. Taproot and miniscript are asked of Edge firmware.
type tour struct {
	conn        signer.Conn
	seed        string // of the host's chance
	press, last func()
	refuse      func() // presses the other key for the next question
	edge        bool
}

func (v tour) options(t testing.TB) signer.Options {
	o := signertest.Options(t)
	o.Network, o.Rand = btc.Testnet3, signertest.Chance(v.seed)
	o.Notify = func(n signer.Notice) {
		if n.Text == "" {
			v.press()
		}
	}
	return o
}

func (v tour) run(t *testing.T) {
	master, _, err := btc.ParseXKey(simulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	ctx, all := context.Background(), []btc.XKey{master, signertest.Master(t, signertest.Zoo, ""), signertest.Master(t, signertest.Legal, "")}
	s, err := coldcard.Driver{}.Open(ctx, v.conn, port, v.options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("firmware %q, %q", s.Info().Firmware, s.Info().Model)
	if fp := signertest.Must[btc.Fingerprint](t)(s.Fingerprint(ctx)); fp != master.Fingerprint() {
		t.Errorf("the fingerprint is %s", fp)
	}
	for _, at := range []string{"m", "m/84h/1h/0h", "m/48h/1h/0h/2h/1/7"} {
		want := signertest.Must[btc.XKey](t)(master.Derive(signertest.PathOf(t, at)))
		if got := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, at))); got.String() != want.Public().String() {
			t.Errorf("%s is %s, not %s", at, got, want.Public())
		}
	}
	singles, multis := []string{"pkh", "sh-wpkh", "wpkh"}, []string{"wsh", "sh-wsh", "sh"}
	if v.edge {
		singles, multis = append(singles, "tr"), append(multis, "miniscript", "tr-tree")
	}
	for _, kind := range singles {
		v.wallet(t, s, signertest.Wallet(t, kind, all...), signer.Registration{})
	}
	for _, kind := range multis {
		w := signertest.Wallet(t, kind, all...)
		r, err := s.Register(ctx, w)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		v.wallet(t, s, w, r)
	}
	v.messages(t, s, master)
}

// wallet shows an address of each branch and signs for two coins.
func (v tour) wallet(t *testing.T, s signer.Signer, w signer.Wallet, r signer.Registration) {
	for branch := range uint32(2) {
		want := signertest.Coin{Wallet: w, Branch: int(branch), Index: 4}.Address(t, btc.Testnet3)
		got, err := s.ShowAddress(context.Background(), w, r, branch, 4)
		if err != nil || got != want {
			t.Errorf("%s: it shows %q, not %s: %v", w.Name, got, want, err)
		}
		v.last()
	}
	signed, err := s.Sign(context.Background(), w, r, signertest.SpendOf(t, w, 2))
	if err != nil {
		t.Errorf("%s: %v", w.Name, err)
		return
	}
	if n := signertest.CountSignatures(t, signed); n < 2 {
		t.Errorf("%s: there are %d signatures", w.Name, n)
	}
}

// messages signs one for each kind of address and has another refused, and a transaction.
func (v tour) messages(t *testing.T, s signer.Signer, master btc.XKey) {
	ctx := context.Background()
	for kind, at := range map[string]string{"wpkh": "m/84h/1h/0h/0/0"} {
		sig := signertest.Must[[]byte](t)(s.SignMessage(ctx, signertest.PathOf(t, at), []byte("hello")))
		key := signertest.Must[btc.XKey](t)(master.Derive(signertest.PathOf(t, at)))
		address, _ := btc.AddressOf(signertest.SingleScripts(key)[kind], btc.Testnet3)
		if _, err := message.Verify(address, btc.Testnet3, "hello", base64.StdEncoding.EncodeToString(sig)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	v.refuse()
	_, err := s.SignMessage(ctx, signertest.PathOf(t, "m/44h/1h/0h/0/0"), []byte("never"))
	signertest.WantCode(t, err, signer.CodeCancelled)
	v.refuse()
	w := signertest.Wallet(t, "wpkh", master)
	_, err = s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1))
	signertest.WantCode(t, err, signer.CodeCancelled)
	if n := signertest.CountSignatures(t, signertest.Must[*psbt.Packet](t)(s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1)))); n != 1 {
		t.Errorf("after a refusal there are %d signatures", n)
	}
}
