package coldcard_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/signertest"
)

var allVersions = []string{"5.6.1", "1.5.1Q", "6.6.0X", "6.6.0QX", "5.2.0", "4.1.8"}

func TestMultisigsAreEnrolledShownAndSigned(t *testing.T) {
	for _, version := range allVersions {
		for _, kind := range []string{"sh", "sh-wsh", "wsh"} {
			t.Run(version+" "+kind, func(t *testing.T) {
				person := &signertest.Person{}
				b := newBench(t, signertest.Device{Person: person}, coldcardtest.Model{Version: version})
				s, ctx := b.open(), context.Background()
				w := signertest.Wallet(t, kind, masters(t)...)
				w.Name = "Ersparnisse für später €, \"und\" mehr"
				if !s.NeedsRegistration(w) {
					t.Fatal("it needs no registration")
				}
				_, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)
				if err == nil {
					t.Error("an address of an unknown wallet was shown")
				}
				_, err = s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 2))
				signertest.WantCode(t, err, signer.CodeNotRegistered)
				r := signertest.Must[signer.Registration](t)(s.Register(ctx, w))
				if r.Name == "" || !person.Saw(signertest.ShowPolicy, w.Descriptor.Keys()[1].XKey.String()) {
					t.Errorf("it is registered as %+v, the person saw %v", r, person.Seen())
				}
				for branch := range uint32(2) {
					want := signertest.Coin{Wallet: w, Branch: int(branch), Index: 7}.Address(t, btc.Regtest)
					if got := signertest.Must[string](t)(s.ShowAddress(ctx, w, r, branch, 7)); got != want {
						t.Errorf("it shows %s, not %s", got, want)
					}
				}
				signed := signertest.Must[*psbt.Packet](t)(s.Sign(ctx, w, r, signertest.SpendOf(t, w, 3)))
				if n := signertest.CountSignatures(t, signed); n != 3 {
					t.Errorf("there are %d signatures", n)
				}
				if len(person.Seen()) == 0 || person.Saw(signertest.ShowOutput, signertest.Coin{Wallet: w, Branch: 1, Index: 3}.Address(t, btc.Regtest)) || !person.Saw(signertest.ShowOutput, signertest.Stranger(btc.Regtest)) {
					t.Errorf("the person saw %v", person.Seen())
				}
			})
		}
	}
}

func TestSinglesAreSigned(t *testing.T) {
	for _, version := range []string{"5.6.1", "6.6.0X", "4.1.8"} {
		for _, kind := range signertest.SingleKinds {
			t.Run(version+" "+kind, func(t *testing.T) {
				b := newBench(t, signertest.Device{}, coldcardtest.Model{Version: version})
				w := signertest.Wallet(t, kind, masters(t)...)
				tx := signertest.SpendOf(t, w, 2)
				before, _ := tx.Base64()
				signed, err := b.open().Sign(context.Background(), w, signer.Registration{}, tx)
				if kind == "tr" && version != "6.6.0X" {
					signertest.WantCode(t, err, signer.CodeUnavailable)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if n := signertest.CountSignatures(t, signed); n != 2 {
					t.Errorf("there are %d signatures", n)
				}
				if after, _ := tx.Base64(); after != before {
					t.Error("the transaction that was given is changed")
				}
			})
		}
	}
}

func TestEdgeKnowsMiniscriptAndTrees(t *testing.T) {
	for _, kind := range []string{"miniscript", "tr-tree"} {
		w := signertest.Wallet(t, kind, masters(t)...)
		b := newBench(t, signertest.Device{}, coldcardtest.Model{Version: "6.6.0X"})
		s, ctx := b.open(), context.Background()
		_, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)
		signertest.WantCode(t, err, signer.CodeNotRegistered)
		r := signertest.Must[signer.Registration](t)(s.Register(ctx, w))
		want := signertest.Coin{Wallet: w, Branch: 1, Index: 2}.Address(t, btc.Regtest)
		if got := signertest.Must[string](t)(s.ShowAddress(ctx, w, r, 1, 2)); got != want {
			t.Errorf("it shows %s, not %s", got, want)
		}
		if n := signertest.CountSignatures(t, signertest.Must[*psbt.Packet](t)(s.Sign(ctx, w, r, signertest.SpendOf(t, w, 2)))); n < 2 {
			t.Errorf("there are %d signatures", n)
		}
		other := signertest.Wallet(t, kind, masters(t)[0], masters(t)[2], masters(t)[1])
		other.Name = w.Name
		_, err = s.Register(ctx, other)
		signertest.WantCode(t, err, signer.CodeBadArgument) // the name is taken

		plain := newBench(t, signertest.Device{}, coldcardtest.Model{}).open()
		_, err = plain.Register(ctx, w)
		signertest.WantCode(t, err, signer.CodeUnavailable)
		_, err = plain.ShowAddress(ctx, w, signer.Registration{}, 0, 0)
		signertest.WantCode(t, err, signer.CodeUnavailable)
	}
}

func TestWalletsOfOthersAreNotEnrolled(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	s := b.open()
	before := len(b.device.Person.Seen())
	_, err := s.Register(context.Background(), signertest.Wallet(t, "wsh", masters(t)[1], masters(t)[2], signertest.Master(t, signertest.Abandon, "")))
	signertest.WantCode(t, err, signer.CodeBadArgument)
	if len(b.device.Person.Seen()) != before {
		t.Error("the person was bothered")
	}
	if r, err := s.Register(context.Background(), signertest.Wallet(t, "wpkh", masters(t)...)); err != nil || !r.IsZero() {
		t.Errorf("a wallet of one key is registered: %v, %v", r, err)
	}
}

func TestRefusalsAreTold(t *testing.T) {
	ctx := context.Background()
	for _, version := range []string{"5.6.1", "6.6.0X"} {
		w := signertest.Wallet(t, "wsh", masters(t)...)
		b := newBench(t, signertest.Device{Person: signertest.Refuse(signertest.ShowPolicy)}, coldcardtest.Model{Version: version})
		_, err := b.open().Register(ctx, w)
		signertest.WantCode(t, err, signer.CodeCancelled)
	}
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	for _, screen := range []string{signertest.ShowOutput, signertest.ShowFee} {
		b := newBench(t, signertest.Device{Person: signertest.Refuse(screen)}, coldcardtest.Model{})
		_, err := b.open().Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1))
		signertest.WantCode(t, err, signer.CodeCancelled)
	}
	b := newBench(t, signertest.Device{Person: signertest.Refuse(signertest.ShowMessage)}, coldcardtest.Model{})
	_, err := b.open().SignMessage(ctx, signertest.PathOf(t, "m/84h/1h/0h/0/0"), []byte("hello"))
	signertest.WantCode(t, err, signer.CodeCancelled)
}

// own2 is a multisig in which the device has two of three keys.
func own2(t testing.TB) signer.Wallet {
	m := masters(t)
	return signertest.WalletOf(t, "wsh",
		signertest.Account(t, m[0], signertest.PathOf(t, "48h/1h/0h/2h")), signertest.Account(t, m[0], signertest.PathOf(t, "48h/1h/1h/2h")), signertest.Account(t, m[1], signertest.PathOf(t, "48h/1h/0h/2h")))
}

func TestTwoKeysInOneInputTakeTwoPasses(t *testing.T) {
	for version, asked := range map[string]int{"5.4.0": 2, "6.6.0X": 1} {
		person := &signertest.Person{}
		b := newBench(t, signertest.Device{Person: person}, coldcardtest.Model{Version: version})
		s, ctx, w := b.open(), context.Background(), own2(t)
		r := signertest.Must[signer.Registration](t)(s.Register(ctx, w))
		signed := signertest.Must[*psbt.Packet](t)(s.Sign(ctx, w, r, signertest.SpendOf(t, w, 2)))
		if n := signertest.CountSignatures(t, signed); n != 4 {
			t.Errorf("%s: there are %d signatures", version, n)
		}
		fees := 0
		for _, screen := range person.Seen() {
			if screen.Kind == signertest.ShowFee {
				fees++
			}
		}
		if fees != asked {
			t.Errorf("%s: the person was asked %d times, not %d", version, fees, asked)
		}
		if err := signed.Finalize(); err != nil {
			t.Error(err)
		}
	}
}

func TestVersion2IsWrittenAsTheFirmwareReadsIt(t *testing.T) {
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	for _, version := range []string{"5.6.1", "5.1.4", "4.1.8", "1.0.0Q"} {
		tx := signertest.Must[*psbt.Packet](t)(signertest.SpendOf(t, w, 2).Convert(2))
		b := newBench(t, signertest.Device{}, coldcardtest.Model{Version: version})
		signed, err := b.open().Sign(context.Background(), w, signer.Registration{}, tx)
		if err != nil || signed.Version != 2 {
			t.Fatalf("%s: %v", version, err)
		}
		if n := signertest.CountSignatures(t, signed); n != 2 {
			t.Errorf("%s: there are %d signatures", version, n)
		}
	}
}

func TestATransactionTooLargeIsNotSent(t *testing.T) {
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	tx := signertest.SpendOf(t, w, 1)
	tx.Unknown = append(tx.Unknown, psbt.KeyValue{Key: []byte{0xf0, 1}, Value: make([]byte, 400<<10)})
	b := newBench(t, signertest.Device{}, coldcardtest.Model{Version: "4.2.0"})
	_, err := b.open().Sign(context.Background(), w, signer.Registration{}, tx)
	signertest.WantCode(t, err, signer.CodeBadTransaction)
	if !strings.Contains(err.Error(), "at most 384") {
		t.Error(err)
	}
	if b.cable.Passed() > 10_000 {
		t.Error("it was sent")
	}
}

func TestLiesDoNotPass(t *testing.T) {
	ctx := context.Background()
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	for name, lie := range map[string]signertest.Lie{"signature": {Signature: true}, "amount": {Amount: true}} {
		b := newBench(t, signertest.Device{Lie: lie}, coldcardtest.Model{})
		if _, err := b.open().Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1)); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, lie := range map[string]signertest.Lie{"xpub": {XPub: true}, "address": {Address: true}} {
		b := newBench(t, signertest.Device{Lie: lie}, coldcardtest.Model{})
		s := b.open()
		key := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h")))
		address := signertest.Must[string](t)(s.ShowAddress(ctx, w, signer.Registration{}, 0, 0))
		told := map[string]bool{"xpub": key.String() != w.Descriptor.Keys()[0].XKey.String(), "address": address != signertest.Coin{Wallet: w}.Address(t, btc.Regtest)}
		if !told[name] {
			t.Errorf("the software device tells the truth of its %s", name) // Checked is to find it out
		}
	}
}

func TestUnsortedMultisigIsLeftToTheDevice(t *testing.T) {
	m := masters(t)
	text := fmt.Sprintf("wsh(multi(2,%s/<0;1>/*,%s/<0;1>/*))", signertest.Account(t, m[0], signertest.PathOf(t, "48h/1h/0h/2h")), signertest.Account(t, m[1], signertest.PathOf(t, "48h/1h/0h/2h")))
	w := signer.Wallet{Name: "Unsorted", Descriptor: signertest.Descriptor(t, text)}
	for version, want := range map[string]string{"5.6.1": "Unsorted multisig", "4.1.8": "sortedmulti"} {
		b := newBench(t, signertest.Device{}, coldcardtest.Model{Version: version})
		if _, err := b.open().Register(context.Background(), w); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", version, err)
		}
	}
}
