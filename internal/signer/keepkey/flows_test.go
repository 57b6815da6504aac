package keepkey_test

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/keepkey/keepkeytest"
	"specter/internal/signer/signertest"
)

// connect opens the driver at a device.
func connect(t *testing.T, d signertest.Device, m codec1test.Model, o signer.Options) (signer.Signer, context.Context) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	cable, ended := signertest.NewCable(codec1.Packet), make(chan struct{})
	go func() { defer close(ended); _ = codec1test.Serve(ctx, cable.Device(), d, m) }()
	t.Cleanup(func() { stop(); cable.Unplug(); <-ended })
	s, err := keepkey.Driver{}.Open(ctx, cable.Host(), port, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, ctx
}

func device(t *testing.T) signertest.Device {
	return signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Regtest, Person: &signertest.Person{}}
}

// TestKnownAnswers are those of the real emulator with the same phrase.
func TestKnownAnswers(t *testing.T) {
	d, o := device(t), signertest.Options(t)
	o.Network = btc.Testnet3
	s, ctx := connect(t, d, keepkeytest.KeepKey(), o)
	if i := s.Info(); i.Model != "keepkey" || i.Fingerprint.String() != "95d8f670" || !i.Known || i.Firmware != "7.10.0" {
		t.Errorf("found as %+v", i)
	}
	got, err := s.ShowAddress(ctx, signertest.Wallet(t, "wpkh", d.Master), signer.Registration{}, 0, 0)
	if err != nil || got != "tb1qnspxpr2xj9s2jt6qlhuvdnxw6q55jvygcf89r2" {
		t.Errorf("the first address is %s %v", got, err)
	}
	sig, err := s.SignMessage(ctx, btc.Path{btc.Hardened | 84, btc.Hardened | 1, btc.Hardened, 0, 0}, []byte("hello"))
	if text := base64.StdEncoding.EncodeToString(sig); err != nil || text != "JwN714GuPBoJVp14tTjicJZXcqTSQW5BhGk8ptQOJIFobCq/gDhgbJTi81FJ5Jlw46vyp4mX6P2ksCwAuTO6x1E=" {
		t.Errorf("the signature is %s %v", text, err)
	}
}

func TestPINAndPassphrase(t *testing.T) {
	d, o, m := device(t), signertest.Options(t), keepkeytest.KeepKey()
	d.PIN, d.Passphrase, o.Passphrase = "8642", "hidden", "hidden"
	s, ctx := connect(t, d, m, o)
	if i := s.Info(); !i.NeedsPIN || i.Known || signer.CodeOf(i.Err) != signer.CodeNotReady {
		t.Errorf("locked, it is %+v", i)
	}
	u := s.(signer.Unlocker)
	if err := u.AskPIN(ctx); err != nil {
		t.Fatal(err)
	}
	if err := u.SendPIN(ctx, codec1test.Places("8642")); err != nil {
		t.Fatal(err)
	}
	if fp, err := s.Fingerprint(ctx); err != nil || fp != d.Master.Fingerprint() || s.Info().NeedsPIN {
		t.Errorf("unlocked, it is %s %v", fp, err)
	}
	m.Blank = true
	s, _ = connect(t, device(t), m, o)
	if i := s.Info(); signer.CodeOf(i.Err) != signer.CodeNotInitialized || !strings.Contains(i.Err.Error(), "KeepKey") {
		t.Errorf("without a seed it is %+v", i)
	}
}

func TestNoTaproot(t *testing.T) {
	d := device(t)
	s, ctx := connect(t, d, keepkeytest.KeepKey(), signertest.Options(t))
	w := signertest.Wallet(t, "tr", d.Master)
	if _, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, 0); signer.CodeOf(err) != signer.CodeUnavailable || !strings.Contains(err.Error(), "taproot") {
		t.Errorf("a taproot address: %v", err)
	}
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Sat: 9_000}}, Pay: 8_000}.Packet(t, btc.Regtest)
	if _, err := s.Sign(ctx, w, signer.Registration{}, tx); err == nil || !strings.Contains(err.Error(), "taproot") {
		t.Errorf("a taproot transaction: %v", err)
	}
}

// TestInputsOfOthers: KeepKey believes what it is told of them, and signs its own.
func TestInputsOfOthers(t *testing.T) {
	d := device(t)
	s, ctx := connect(t, d, keepkeytest.KeepKey(), signertest.Options(t))
	own, other := signertest.Wallet(t, "sh-wpkh", d.Master), signertest.Wallet(t, "pkh", signertest.Master(t, signertest.Zoo, ""))
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: other, Sat: 9_000}, {Wallet: own, Index: 2, Sat: 9_000}}, Pay: 16_000}.Packet(t, btc.Regtest)
	got, err := s.Sign(ctx, own, signer.Registration{}, tx)
	if err != nil {
		t.Fatal(err)
	}
	if _, fresh, err := tx.Merge(got); err != nil || len(fresh) != 1 || fresh[0].Input != 1 {
		t.Errorf("signed: %v %v", fresh, err)
	}
}

func TestMatchesItsOwnInterfaceAlone(t *testing.T) {
	for name, test := range map[string]struct {
		port signer.Port
		want bool
	}{
		"WebUSB":            {port, true},
		"old HID":           {signer.Port{Way: signer.HID, Vendor: 0x2b24, Product: 1, UsagePage: 0xff00}, true},
		"debugging":         {signer.Port{Way: signer.WebUSB, Vendor: 0x2b24, Product: 2, Interface: 1}, false},
		"HID for debugging": {signer.Port{Way: signer.HID, Vendor: 0x2b24, Product: 1, UsagePage: 0xff01, Interface: 1}, false},
		"a Trezor":          {signer.Port{Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c1}, false},
		"its emulator":      {signer.Port{Way: signer.UDP, Kind: "keepkey"}, true},
		"another emulator":  {signer.Port{Way: signer.UDP, Kind: "trezor"}, false},
	} {
		if got := (keepkey.Driver{}).Match(test.port); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestUnsortedMultisig: the keys of a script keep their order, sorted or not.
func TestUnsortedMultisig(t *testing.T) {
	d := device(t)
	s, ctx := connect(t, d, keepkeytest.KeepKey(), signertest.Options(t))
	sorted := signertest.Wallet(t, "wsh", signertest.Master(t, signertest.Zoo, ""), d.Master, signertest.Master(t, signertest.Abandon, ""))
	text, _, _ := strings.Cut(strings.Replace(sorted.Descriptor.String(), "sortedmulti(", "multi(", 1), "#")
	w := signer.Wallet{Name: "unsorted", Descriptor: signertest.Descriptor(t, text)}
	seen := map[string]bool{}
	for i := range uint32(4) {
		at := signertest.Coin{Wallet: w, Index: i, Sat: 9_000}
		got, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, i)
		if err != nil || got != at.Address(t, btc.Regtest) {
			t.Errorf("address %d is %s %v", i, got, err)
		}
		seen[got] = true
		tx := signertest.Payment{Coins: []signertest.Coin{at}, Pay: 4_000 + int64(i), Change: &signertest.Coin{Wallet: w, Branch: 1, Index: i, Sat: 3_000}}.Packet(t, btc.Regtest)
		signed, err := s.Sign(ctx, w, signer.Registration{}, tx)
		if err != nil {
			t.Fatal(err)
		}
		if _, fresh, err := tx.Merge(signed); err != nil || len(fresh) != 1 {
			t.Errorf("signed %d: %v %v", i, fresh, err)
		}
	}
	if len(seen) != 4 || slices.ContainsFunc(d.Person.Seen(), func(s signertest.Screen) bool { return strings.HasSuffix(s.Text, " 3000") }) {
		t.Errorf("the change was shown: %v", d.Person.Seen())
	}
}

// TestTheSamePaymentTwice: the firmware takes it for an attack, and the person is told what to do.
func TestTheSamePaymentTwice(t *testing.T) {
	d, m, o := device(t), keepkeytest.KeepKey(), signertest.Options(t)
	s, ctx := connect(t, d, m, o)
	w := signertest.Wallet(t, "wpkh", d.Master)
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Sat: 9_000}}, Pay: 8_000}.Packet(t, btc.Regtest)
	if _, err := s.Sign(ctx, w, signer.Registration{}, tx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(ctx, w, signer.Registration{}, tx); signer.CodeOf(err) != signer.CodeUnavailable || !strings.Contains(err.Error(), "unplug") {
		t.Errorf("the second time: %v", err)
	}
	d.Person = signertest.Refuse(signertest.ShowOutput)
	s, ctx = connect(t, d, m, o)
	if _, err := s.Sign(ctx, w, signer.Registration{}, tx); signer.CodeOf(err) != signer.CodeCancelled {
		t.Errorf("refused by the person: %v", err)
	}
}
