package specterdiy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
	"specter/internal/signer/specterdiy"
)

func TestKnownAnswers(t *testing.T) {
	b := newBench(t, signertest.Device{})
	s, ctx := b.open(), context.Background()
	if i := s.Info(); i.Kind != "specter" || i.Model != "specter-diy" || i.Fingerprint.String() != "73c5da0a" || !i.Known {
		t.Errorf("it presents itself as %+v", i)
	}
	key := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h")))
	w := signertest.WalletOf(t, "wpkh", signertest.Expression(s.Info().Fingerprint, signertest.PathOf(t, "84h/1h/0h"), key))
	if s.NeedsRegistration(w) {
		t.Error("the device's own wallet needs registration")
	}
	if got := signertest.Must[string](t)(s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)); got != "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk" {
		t.Errorf("the address is %s", got)
	}
}

func TestADeviceOnTheMainNetworkIsTold(t *testing.T) {
	b := newBench(t, signertest.Device{Network: btc.Testnet3})
	b.options.Network = btc.Mainnet
	s, ctx := b.open(), context.Background()
	if key := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, "m/84h/0h/0h"))); !key.Main {
		t.Error("the key is written for the network of the device")
	}
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	_, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)
	signertest.WantCode(t, err, signer.CodeNotReady)
	_, err = s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1))
	signertest.WantCode(t, err, signer.CodeNotReady)
	_, err = s.Register(ctx, signertest.Wallet(t, "wsh", masters(t)...))
	signertest.WantCode(t, err, signer.CodeNotReady)
	if !strings.Contains(err.Error(), "set to a test network, but this wallet is on mainnet") {
		t.Error(err)
	}
}

func TestTestNetworksAreToldByTheirAddresses(t *testing.T) {
	b := newBench(t, signertest.Device{Network: btc.Testnet3})
	b.options.Network = btc.Regtest
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	_, err := b.open().ShowAddress(context.Background(), w, signer.Registration{}, 0, 0)
	signertest.WantCode(t, err, signer.CodeNotReady)
	if !strings.Contains(err.Error(), "this wallet is on regtest") {
		t.Error(err)
	}
}

func TestALockedDeviceOpensAndSaysSo(t *testing.T) {
	b := newBench(t, signertest.Device{})
	b.device.Locked = true
	s := b.open()
	signertest.WantCode(t, s.Info().Err, signer.CodeNotReady)
	_, err := s.Fingerprint(context.Background())
	signertest.WantCode(t, err, signer.CodeNotReady)
}

func TestAPassphraseIsNotTakenSilently(t *testing.T) {
	b := newBench(t, signertest.Device{})
	b.options.Passphrase = "secret"
	if w := b.open().Info().Warnings; len(w) != 1 || strings.Contains(w[0], "secret") {
		t.Errorf("it warns %q", w)
	}
}

// TestALateAnswerIsNotTakenForAnother: a call is given up while the person decides, who then
// approves. The next call gets its own answer.
func TestALateAnswerIsNotTakenForAnother(t *testing.T) {
	asked, decide := make(chan struct{}, 9), make(chan bool)
	person := &signertest.Person{Decide: func(s signertest.Screen) signertest.Decision {
		if s.Kind != signertest.ShowMessage {
			return signertest.Decision{Approve: true}
		}
		asked <- struct{}{}
		return signertest.Decision{Approve: <-decide}
	}}
	b := newBench(t, signertest.Device{Person: person})
	s := b.open()
	for _, approve := range []bool{true, false} {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() {
			_, err := s.SignMessage(ctx, signertest.PathOf(t, "m/84h/1h/0h/0/0"), []byte("first"))
			ended <- err
		}()
		<-asked
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		// While the device still asks, it says nothing.
		short, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if _, err := s.XPub(short, signertest.PathOf(t, "m/84h/1h/0h")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it answered: %v", err)
		}
		stop()
		decide <- approve
		want := signertest.Must[btc.XKey](t)(masters(t)[0].Derive(signertest.PathOf(t, "m/49h/1h/0h")))
		if got := signertest.Must[btc.XKey](t)(s.XPub(context.Background(), signertest.PathOf(t, "m/49h/1h/0h"))); got.String() != want.Public().String() {
			t.Errorf("%s was taken for another key", got)
		}
	}
	w := signertest.Wallet(t, "wpkh", masters(t)[0])
	if n := signertest.CountSignatures(t, signertest.Must[*psbt.Packet](t)(s.Sign(context.Background(), w, signer.Registration{}, signertest.SpendOf(t, w, 1)))); n != 1 {
		t.Errorf("there are %d signatures", n)
	}
}

func TestSignaturesOfVersion2AreMerged(t *testing.T) {
	b := newBench(t, signertest.Device{})
	w := signertest.Wallet(t, "wpkh", masters(t)[0])
	tx := signertest.Must[*psbt.Packet](t)(signertest.SpendOf(t, w, 2).Convert(2))
	signed := signertest.Must[*psbt.Packet](t)(b.open().Sign(context.Background(), w, signer.Registration{}, tx))
	if signed.Version != 2 || signertest.CountSignatures(t, signed) != 2 || len(signed.Inputs[0].Derivations) == 0 {
		t.Error("the answer's poverty reached the transaction")
	}
}

func TestVeryLongLines(t *testing.T) {
	b := newBench(t, signertest.Device{})
	w := signertest.Wallet(t, "wpkh", masters(t)[0])
	p := signertest.Payment{Pay: 900_000}
	for i := range uint32(400) {
		p.Coins = append(p.Coins, signertest.Coin{Wallet: w, Index: i, Sat: 10_000})
	}
	signed := signertest.Must[*psbt.Packet](t)(b.open().Sign(context.Background(), w, signer.Registration{}, p.Packet(t, btc.Regtest)))
	if n := signertest.CountSignatures(t, signed); n != 400 {
		t.Errorf("there are %d signatures", n)
	}
}

func TestNamesOfWalletsAreMadeSafe(t *testing.T) {
	for name, want := range map[string]string{
		"a&b": "a+b", "one\r\ntwo": "one two", "": "Specter", "  ": "Specter",
		"x\r\nsign cHNi": "x sign cHNi", strings.Repeat("ü", 50): strings.Repeat("ü", 40),
	} {
		person := &signertest.Person{}
		b := newBench(t, signertest.Device{Person: person})
		w := signertest.Wallet(t, "wsh", masters(t)...)
		w.Name = name
		r := signertest.Must[signer.Registration](t)(b.open().Register(context.Background(), w))
		if r.Name != want || !person.Saw(signertest.ShowPolicy, want+": wsh(") {
			t.Errorf("%q became %q, shown as %v", name, r.Name, person.Seen())
		}
	}
}

func TestAStrangersWalletHasNoAddressHere(t *testing.T) {
	b := newBench(t, signertest.Device{})
	_, err := b.open().ShowAddress(context.Background(), signertest.Wallet(t, "wpkh", masters(t)[1]), signer.Registration{}, 0, 0)
	signertest.WantCode(t, err, signer.CodeBadArgument)
}

func TestMatchLooksAtIdsAlone(t *testing.T) {
	for _, c := range []struct {
		port signer.Port
		want bool
	}{
		{signer.Port{Way: signer.Serial, Vendor: 0xf055}, true},
		{signer.Port{Way: signer.Serial, Vendor: 0x10c4}, false},
		{signer.Port{Way: signer.HID, Vendor: 0xf055}, false},
		{signer.Port{Way: signer.TCP, Kind: "specter"}, true},
		{signer.Port{Way: signer.TCP, Kind: "ledger"}, false},
	} {
		if got := (specterdiy.Driver{}).Match(c.port); got != c.want {
			t.Errorf("%+v: %v", c.port, got)
		}
	}
}
