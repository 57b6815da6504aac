package coldcard_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/signer"
	"specter/internal/signer/coldcard"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/signertest"
)

// The simulator's own key, from the constants of its firmware's tests, and what signing-devices.md
// measured of it.
const simulatorKey = "tprv8ZgxMBicQKsPeXJHL3vPPgTAEqQ5P2FD9qDeCQT4Cp1EMY5QkwMPWFxHdxHrxZhhcVRJ2m7BNWTz9Xre68y7mX5vCdMJ5qXMUfnrZ2si2X4"

func TestTheSimulatorsKnownAnswers(t *testing.T) {
	master, _, err := btc.ParseXKey(simulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, signertest.Device{Master: master, Network: btc.Testnet3}, coldcardtest.Model{})
	s, ctx := b.open(), context.Background()
	if i := s.Info(); i.Fingerprint.String() != "0f056943" || !i.Known || i.Model != "coldcard_simulator" || i.Firmware != "5.6.1" || len(i.Warnings) != 0 {
		t.Errorf("it presents itself as %+v", i)
	}
	key := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h")))
	if want := "tpubDC7jGaaSE66Pn4dgtbAAstde4bCyhSUs4r3P8WhMVvPByvcRrzrwqSvpF9Ghx83Z1LfVugGRrSBko5UEKELCz9HoMv5qKmGq3fqnnbS5E9r"; key.String() != want {
		t.Errorf("the key is %s, not %s", key, want)
	}
	w := signertest.WalletOf(t, "wpkh", signertest.Expression(master.Fingerprint(), signertest.PathOf(t, "84h/1h/0h"), key))
	if got := signertest.Must[string](t)(s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)); got != "tb1qupyd58ndsh7lut0et0vtrq432jvu9jtdyws9n9" {
		t.Errorf("the address is %s", got)
	}
}

func TestAlcoholsKnownAnswers(t *testing.T) {
	b := newBench(t, signertest.Device{Network: btc.Testnet3}, coldcardtest.Model{})
	s, ctx := b.open(), context.Background()
	if fp := signertest.Must[btc.Fingerprint](t)(s.Fingerprint(ctx)); fp.String() != "95d8f670" {
		t.Errorf("the fingerprint is %s", fp)
	}
	key := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h")))
	if want := "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno"; key.String() != want {
		t.Errorf("the key is %s", key)
	}
	w := signertest.WalletOf(t, "wpkh", signertest.Expression(btc.Fingerprint{0x95, 0xd8, 0xf6, 0x70}, signertest.PathOf(t, "84h/1h/0h"), key))
	if got := signertest.Must[string](t)(s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)); got != "tb1qnspxpr2xj9s2jt6qlhuvdnxw6q55jvygcf89r2" {
		t.Errorf("the address is %s", got)
	}
	sig := signertest.Must[[]byte](t)(s.SignMessage(ctx, signertest.PathOf(t, "m/84h/1h/0h/0/0"), []byte("hello")))
	if got := base64.StdEncoding.EncodeToString(sig); got != "JwN714GuPBoJVp14tTjicJZXcqTSQW5BhGk8ptQOJIFobCq/gDhgbJTi81FJ5Jlw46vyp4mX6P2ksCwAuTO6x1E=" {
		t.Errorf("the signature is %s", got)
	}
}

func TestSinglesShowTheirAddresses(t *testing.T) {
	for _, kind := range signertest.SingleKinds {
		for _, version := range []string{"5.6.1", "6.6.0X"} {
			t.Run(kind+" "+version, func(t *testing.T) {
				person := &signertest.Person{}
				b := newBench(t, signertest.Device{Person: person}, coldcardtest.Model{Version: version})
				w := signertest.Wallet(t, kind, masters(t)...)
				got, err := b.open().ShowAddress(context.Background(), w, signer.Registration{}, 1, 5)
				if kind == "tr" && version == "5.6.1" {
					signertest.WantCode(t, err, signer.CodeUnavailable)
					return
				}
				want := signertest.Coin{Wallet: w, Branch: 1, Index: 5}.Address(t, btc.Regtest)
				if err != nil || got != want || !person.Saw(signertest.ShowAddress, want) {
					t.Errorf("it showed %q (%v), not %s", got, err, want)
				}
			})
		}
	}
}

func TestMessagesOfAllKindsVerify(t *testing.T) {
	for _, c := range []struct{ path, kind, version string }{
		{"m/44h/1h/0h/0/0", "pkh", "5.6.1"}, {"m/49h/1h/0h/0/0", "sh-wpkh", "5.6.1"},
		{"m/84h/1h/0h/0/0", "wpkh", "5.6.1"}, {"m/84h/1h/0h/0/0", "wpkh", "4.2.0"},
	} {
		b := newBench(t, signertest.Device{}, coldcardtest.Model{Version: c.version})
		sig := signertest.Must[[]byte](t)(b.open().SignMessage(context.Background(), signertest.PathOf(t, c.path), []byte("I was here")))
		key := signertest.Must[btc.XKey](t)(masters(t)[0].Derive(signertest.PathOf(t, c.path)))
		address, _ := btc.AddressOf(signertest.SingleScripts(key)[c.kind], btc.Regtest)
		if _, err := message.Verify(address, btc.Regtest, "I was here", base64.StdEncoding.EncodeToString(sig)); err != nil {
			t.Errorf("%s with %s: %v", c.path, c.version, err)
		}
	}
}

func TestMessagesThatTheDeviceWouldRefuseAreNotSent(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	s := b.open()
	before := b.cable.Passed()
	for _, text := range []string{"", "a", strings.Repeat("a", 241), "two\nlines", "Grüße", " early", "late "} {
		_, err := s.SignMessage(context.Background(), signertest.PathOf(t, "m/84h/1h/0h/0/0"), []byte(text))
		signertest.WantCode(t, err, signer.CodeBadArgument)
	}
	if _, err := s.SignMessage(context.Background(), make(btc.Path, 13), []byte("fine")); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Error(err)
	}
	if b.cable.Passed() != before {
		t.Error("something was sent")
	}
}

func TestSomebodyInTheMiddleIsFoundOut(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{Impostor: true})
	s, ctx := b.open(), context.Background()
	_, err := s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h"))
	signertest.WantCode(t, err, signer.CodeConnection)
	if !strings.Contains(err.Error(), "does not end at the device") {
		t.Error(err)
	}
	if _, err := s.Fingerprint(ctx); err == nil {
		t.Error("it is asked on")
	}
}

func TestAnotherMasterKeyOfTheSameFingerprintIsFoundOut(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	forged := append([]byte{2}, make([]byte, 32)...)
	if err := b.options.Memory.Put("coldcard/master-95d8f670", forged); err != nil {
		t.Fatal(err)
	}
	_, err := b.try(coldcard.Driver{})
	signertest.WantCode(t, err, signer.CodeConnection)
}

func TestTheMasterKeyIsKeptOnceVerified(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	s := b.open()
	if _, ok := b.options.Memory.Get("coldcard/master-95d8f670"); ok {
		t.Fatal("it is kept before it was verified")
	}
	signertest.Must[btc.Fingerprint](t)(s.Fingerprint(context.Background()))
	kept, _ := b.options.Memory.Get("coldcard/master-95d8f670")
	if master := masters(t)[0]; string(kept) != string(master.PublicKey[:]) {
		t.Errorf("%x is kept", kept)
	}
}

func TestABlankDeviceOpensAndSaysSo(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{Blank: true})
	s := b.open()
	signertest.WantCode(t, s.Info().Err, signer.CodeNotInitialized)
	_, err := s.XPub(context.Background(), nil)
	signertest.WantCode(t, err, signer.CodeNotInitialized)
}

func TestTheBoundLinkIsBoundUntilPowerIsCut(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{})
	s, err := b.try(coldcard.Driver{Bound: true})
	if err != nil {
		t.Fatal(err)
	}
	signertest.Must[btc.XKey](t)(s.XPub(context.Background(), signertest.PathOf(t, "m/84h/1h/0h")))
	_ = s.Close()
	start := time.Now()
	_, err = b.try(coldcard.Driver{}) // the device answers nothing in plain any more
	signertest.WantCode(t, err, signer.CodeBusy)
	if !strings.Contains(err.Error(), "unplug it") || time.Since(start) > time.Minute {
		t.Error(err)
	}
}

func TestTheDevicesNetworkIsCompared(t *testing.T) {
	b := newBench(t, signertest.Device{}, coldcardtest.Model{Chain: "BTC"})
	s, ctx := b.open(), context.Background()
	if w := s.Info().Warnings; len(w) != 1 || !strings.Contains(w[0], "set to Bitcoin's main network, but this wallet is on regtest") {
		t.Errorf("it warns %q", w)
	}
	if key := signertest.Must[btc.XKey](t)(s.XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h"))); key.Main {
		t.Error("a key of a test network is written as one of the main network")
	}
	w := signertest.Wallet(t, "wpkh", masters(t)...)
	_, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)
	signertest.WantCode(t, err, signer.CodeNotReady)
	_, err = s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1))
	signertest.WantCode(t, err, signer.CodeNotReady)
	_, err = s.Register(ctx, signertest.Wallet(t, "wsh", masters(t)...))
	signertest.WantCode(t, err, signer.CodeNotReady)

	// Testnet and regtest differ in addresses alone.
	b = newBench(t, signertest.Device{}, coldcardtest.Model{Chain: "XTN"})
	s = b.open()
	_, err = s.ShowAddress(ctx, w, signer.Registration{}, 0, 0)
	signertest.WantCode(t, err, signer.CodeNotReady)
	if _, err := s.Sign(ctx, w, signer.Registration{}, signertest.SpendOf(t, w, 1)); err != nil {
		t.Error(err)
	}
}

func TestNewerFirmwareIsMentioned(t *testing.T) {
	for version, want := range map[string]string{
		"5.6.1": "", "5.6.0": "5.6.1", "5.4.0": "5.6.1", "1.5.1Q": "", "1.3.0Q": "1.5.1Q", "4.2.0": "", "4.1.8": "4.2.0",
		"6.6.0X": "", "6.6.0QX": "", "6.3.5X": "6.6.0X", "6.3.5QX": "6.6.0QX", "?.??": "", "7.0.0": "",
	} {
		b := newBench(t, signertest.Device{}, coldcardtest.Model{Version: version})
		switch w := b.open().Info().Warnings; {
		case want == "" && len(w) > 0, want != "" && (len(w) != 1 || !strings.Contains(w[0], "newer firmware exists ("+want+" or later)")):
			t.Errorf("%s: %q", version, w)
		}
	}
}

func TestPassphrases(t *testing.T) {
	person := &signertest.Person{}
	b := newBench(t, signertest.Device{Passphrase: "correct horse", Person: person}, coldcardtest.Model{})
	b.options.Passphrase = "correct horse"
	ctx := context.Background()
	s := b.open()
	if s.Info().Known || person.Saw(signertest.ShowPassphrase, "") {
		t.Error("opening asked the person, or took the wallet without the passphrase for the one with it")
	}
	if fp := signertest.Must[btc.Fingerprint](t)(s.Fingerprint(ctx)); fp.String() != "95d8f670" {
		t.Errorf("the wallet is %s", fp)
	}
	if !s.Info().Known || !person.Saw(signertest.ShowPassphrase, "correct horse") {
		t.Error("the person was not asked")
	}
	// The device stays there; nobody is asked again.
	b.plug()
	if i := b.open().Info(); !i.Known || i.Fingerprint.String() != "95d8f670" || len(person.Seen()) != 1 {
		t.Errorf("a second connection is %+v", i)
	}
	// Another passphrase cannot be used now, and is not taken for this one.
	b.options.Passphrase = "battery staple"
	b.plug()
	_, err := b.open().Fingerprint(ctx)
	signertest.WantCode(t, err, signer.CodeUnavailable)

	b = newBench(t, signertest.Device{Passphrase: "correct horse", Person: signertest.Refuse(signertest.ShowPassphrase)}, coldcardtest.Model{})
	b.options.Passphrase = "correct horse"
	_, err = b.open().XPub(ctx, signertest.PathOf(t, "m/84h/1h/0h"))
	signertest.WantCode(t, err, signer.CodeCancelled)
}

func TestMatchLooksAtIdsAlone(t *testing.T) {
	for _, c := range []struct {
		port signer.Port
		want bool
	}{
		{signer.Port{Way: signer.HID, Vendor: 0xd13e, Product: 0xcc10}, true},
		{signer.Port{Way: signer.HID, Vendor: 0xd13e, Product: 0xcc11}, false},
		{signer.Port{Way: signer.WebUSB, Vendor: 0xd13e, Product: 0xcc10}, false},
		{signer.Port{Way: signer.Unix, Kind: "coldcard"}, true},
		{signer.Port{Way: signer.HID, Vendor: 0xd13e, Product: 0xcc10, Kind: "jade"}, false},
	} {
		if got := (coldcard.Driver{}).Match(c.port); got != c.want {
			t.Errorf("%+v: %v", c.port, got)
		}
	}
}
