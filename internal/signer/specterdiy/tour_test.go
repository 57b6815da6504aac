package specterdiy_test

import (
	"context"
	"encoding/base64"
	"os"
	"sync/atomic"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
	"specter/internal/signer/specterdiy"
)

// tour is what is done with the simulator, with a recording of it and with the device in software.
type tour struct {
	conn   signer.Conn
	refuse func() // the person refuses what is asked next
}

const tourSeed = "tour"

func (v tour) run(t *testing.T) {
	o := signertest.Options(t)
	o.Rand = signertest.Chance(tourSeed)
	ctx, all := context.Background(), masters(t)
	s, err := specterdiy.Driver{}.Open(ctx, v.conn, port, o)
	if err != nil {
		t.Fatal(err)
	}
	if i := s.Info(); i.Fingerprint.String() != "73c5da0a" || !i.Known {
		t.Errorf("it presents itself as %+v", i)
	}
	if fp := signertest.Must[btc.Fingerprint](t)(s.Fingerprint(ctx)); fp.String() != "73c5da0a" {
		t.Errorf("the fingerprint is %s", fp)
	}
	for _, at := range []string{"m", "m/84h/1h/0h", "m/48h/1h/0h/2h/1/7"} {
		want := signertest.Must[btc.XKey](t)(all[0].Derive(signertest.PathOf(t, at)))
		if got := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, at))); got.String() != want.Public().String() {
			t.Errorf("%s is %s, not %s", at, got, want.Public())
		}
	}
	for _, kind := range []string{"wpkh", "pkh", "sh-wpkh", "wsh", "sh-wsh", "sh", "miniscript"} {
		v.wallet(t, s, kind, signertest.Wallet(t, kind, all...))
	}
	v.taproot(t, s, all[0])
	v.messages(t, s)
	v.refuse()
	w := signertest.Wallet(t, "wpkh", all[0])
	_, err = s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1))
	signertest.WantCode(t, err, signer.CodeCancelled)
	v.refuse()
	_, err = s.Register(ctx, signertest.Wallet(t, "wsh", all[0], all[2], signertest.Master(t, signertest.Alcohol, "")))
	signertest.WantCode(t, err, signer.CodeCancelled)
}

// wallet adds a wallet, shows an address of each branch and signs for two coins.
func (v tour) wallet(t *testing.T, s signer.Signer, kind string, w signer.Wallet) {
	ctx := context.Background()
	w.Name = "Käse & " + kind
	if s.NeedsRegistration(w) {
		_, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, 4)
		signertest.WantCode(t, err, signer.CodeNotRegistered)
		for range 2 { // the second time it is there
			if r := signertest.Must[signer.Registration](t)(s.Register(ctx, w)); r.Name != "Käse + "+kind {
				t.Errorf("it is registered as %q", r.Name)
			}
		}
	} else if kind != "wpkh" {
		t.Errorf("%s needs no registration", kind)
	}
	for branch := range uint32(2) {
		want := signertest.Coin{Wallet: w, Branch: int(branch), Index: 4}.Address(t, btc.Regtest)
		if got, err := s.ShowAddress(ctx, w, signer.Registration{}, branch, 4); err != nil || got != want {
			t.Errorf("%s: it shows %q, not %s: %v", kind, got, want, err)
		}
	}
	if n := signertest.CountSignatures(t, signertest.Must[*psbt.Packet](t)(s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 2)))); n < 2 {
		t.Errorf("%s: there are %d signatures", kind, n)
	}
}

func (v tour) taproot(t *testing.T, s signer.Signer, master btc.XKey) {
	ctx, w := context.Background(), signertest.Wallet(t, "tr", master)
	signertest.Must[signer.Registration](t)(s.Register(ctx, w))
	want := signertest.Coin{Wallet: w, Index: 4}.Address(t, btc.Regtest)
	if got := signertest.Must[string](t)(s.ShowAddress(ctx, w, signer.Registration{}, 0, 4)); got != want {
		t.Errorf("it shows %s, not %s", got, want)
	}
	_, err := s.ShowAddress(ctx, w, signer.Registration{}, 1, 4)
	signertest.WantCode(t, err, signer.CodeUnavailable)
	if n := signertest.CountSignatures(t, signertest.Must[*psbt.Packet](t)(s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 2)))); n != 2 {
		t.Errorf("there are %d signatures", n)
	}
}

func (v tour) messages(t *testing.T, s signer.Signer) {
	for text, want := range map[string]string{
		"hello": "H3hRi71h5IzqGGFheYmyd9Ejyy9O9Uyi+Z8udS5GoXODKnU62rD4H03UQOAHNCsgdoGfotNbcKNBERF1VYBNshM=",
	} {
		sig := signertest.Must[[]byte](t)(s.SignMessage(context.Background(), signertest.PathOf(t, "m/84h/1h/0h/0/0"), []byte(text)))
		if got := base64.StdEncoding.EncodeToString(sig); got != want {
			t.Errorf("the signature is %s, not %s", got, want)
		}
	}
	signertest.Must[[]byte](t)(s.SignMessage(context.Background(), signertest.PathOf(t, "m/44h/1h/0h/0/0"), []byte(" zwei\r\nZeilen, für später\n")))
	v.refuse()
	_, err := s.SignMessage(context.Background(), signertest.PathOf(t, "m/84h/1h/0h/0/0"), []byte("never"))
	signertest.WantCode(t, err, signer.CodeCancelled)
}

// TestTheSimulatorsRecording goes through the tour with what the simulator of specter-diy
// answered.
func TestTheSimulatorsRecording(t *testing.T) {
	data, err := os.ReadFile("testdata/simulator.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	record, err := signertest.ReadRecording(data)
	if err != nil || len(record.Lines) < 80 {
		t.Fatalf("%d lines: %v", len(record.Lines), err)
	}
	tour{record.Replay(t), func() {}}.run(t)
}

// TestTheTourOfTheSoftwareDevice is the same tour with the device of specterdiytest.
func TestTheTourOfTheSoftwareDevice(t *testing.T) {
	var refuse atomic.Bool
	person := &signertest.Person{Decide: func(signertest.Screen) signertest.Decision {
		return signertest.Decision{Approve: !refuse.Swap(false)}
	}}
	b := newBench(t, signertest.Device{Person: person})
	tour{b.cable.Host(), func() { refuse.Store(true) }}.run(t)
}
