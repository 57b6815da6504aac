package bitbox02_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/signertest"
)

func TestOnlyTheWalletInterfaceIsMatched(t *testing.T) {
	for name, c := range map[string]struct {
		port signer.Port
		want bool
	}{
		"the wallet's interface":             {usbPort, true},
		"by interface number":                {signer.Port{Way: signer.HID, Vendor: 0x03eb, Product: 0x2403, Interface: 0}, true},
		"its U2F interface":                  {signer.Port{Way: signer.HID, Vendor: 0x03eb, Product: 0x2403, Interface: 1}, false},
		"U2F by usage page":                  {signer.Port{Way: signer.HID, Vendor: 0x03eb, Product: 0x2403, UsagePage: 0xf1d0}, false},
		"a simulator":                        {simPort, true},
		"another family's simulator":         {signer.Port{Kind: "jade", Way: signer.TCP}, false},
		"a Digital Bitbox of the old kind":   {signer.Port{Way: signer.HID, Vendor: 0x03eb, Product: 0x2402, ProductName: "Digital Bitbox"}, false},
		"a developer's device":               {signer.Port{Way: signer.HID, Vendor: 0x03eb, Product: 0x2402, ProductName: "BitBox02BTC"}, true},
		"another vendor":                     {signer.Port{Way: signer.HID, Vendor: 0x2c97, Product: 0x2403}, false},
		"a serial port with the same number": {signer.Port{Way: signer.Serial, Vendor: 0x03eb, Product: 0x2403}, false},
	} {
		if got := (bitbox02.Driver{}).Match(c.port); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestEnumeratingAsksNobody(t *testing.T) {
	person := &signertest.Person{}
	s := open(t, box(t, person), signertest.Options(t))
	if info := s.Info(); info.Known || signer.CodeOf(info.Err) != signer.CodeNotReady || !strings.Contains(info.Err.Error(), "pair") {
		t.Errorf("an unpaired device: %+v", info)
	}
	d := device(t, person)
	d.PIN = "1234"
	s = open(t, bitbox02test.New(d), signertest.Options(t))
	if info := s.Info(); info.Known || signer.CodeOf(info.Err) != signer.CodeNotReady || !strings.Contains(info.Err.Error(), "locked") {
		t.Errorf("a locked device: %+v", info)
	}
	if seen := person.Seen(); len(seen) > 0 {
		t.Errorf("the person was asked: %v", seen)
	}
}

func TestPairingIsAskedForOnce(t *testing.T) {
	person := &signertest.Person{}
	b := box(t, person)
	var codes []string
	o := pairing(t)
	o.Notify = func(n signer.Notice) {
		if n.Kind == signer.NoticePairing {
			codes = append(codes, n.Code)
		}
	}
	info := open(t, b, o).Info()
	if !info.Known || info.Fingerprint.String() != "73c5da0a" || info.Err != nil || info.Label != "My BitBox" || info.Firmware != "9.27.0" {
		t.Errorf("after pairing: %+v", info)
	}
	if len(codes) != 1 || !person.Saw(signertest.ShowPairing, codes[0]) {
		t.Errorf("codes told %q, shown %v", codes, person.Seen())
	}
	lines := strings.Split(codes[0], "\n")
	if len(lines) != 2 || len(lines[0]) != 11 || len(lines[1]) != 11 {
		t.Errorf("the code has another form: %q", codes[0])
	}
	o.Pair = false
	if info := open(t, b, o).Info(); !info.Known || info.Err != nil {
		t.Errorf("plugged in again: %+v", info)
	}
	if len(person.Seen()) != 1 {
		t.Errorf("the person was asked again: %v", person.Seen())
	}
	b.Forget() // the device forgot us: it must ask again
	if info := open(t, b, o).Info(); info.Known || info.Err == nil {
		t.Errorf("after the device forgot: %+v", info)
	}
	o.Memory, o.Pair = &signertest.Drawer{}, false // we forgot the device
	if info := open(t, b, o).Info(); info.Known || info.Err == nil {
		t.Errorf("with an empty memory: %+v", info)
	}
}

func TestARefusedPairingIsARefusal(t *testing.T) {
	_, err := bitbox02.Driver{}.Open(limited(t), plug(t, box(t, signertest.Refuse(signertest.ShowPairing))).Host(), simPort, pairing(t))
	if signer.CodeOf(err) != signer.CodeCancelled || errs.KindOf(err) != errs.Declined {
		t.Errorf("got %v", err)
	}
}

func TestADeviceIsUnlockedOnItsScreen(t *testing.T) {
	tries := 0
	person := &signertest.Person{Decide: func(s signertest.Screen) signertest.Decision {
		if s.Kind == signertest.ShowPIN {
			if tries++; tries == 1 {
				return signertest.Decision{Approve: true, Text: "wrong"}
			}
			return signertest.Decision{Approve: true, Text: "1234"}
		}
		return signertest.Decision{Approve: true}
	}}
	d := device(t, person)
	d.PIN = "1234"
	var notices []signer.NoticeKind
	o := pairing(t)
	o.Notify = func(n signer.Notice) { notices = append(notices, n.Kind) }
	if info := open(t, bitbox02test.New(d), o).Info(); !info.Known {
		t.Errorf("%+v", info)
	}
	if !slices.Equal(notices, []signer.NoticeKind{signer.NoticeUnlock, signer.NoticePairing}) {
		t.Errorf("notices %v", notices)
	}
}

func TestDevicesThatCannotBeUsedSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*bitbox02test.Box)
		port signer.Port
		want string
	}{
		"without a wallet":            {func(b *bitbox02test.Box) { b.Empty = true }, usbPort, "no wallet yet"},
		"in the bootloader":           {func(b *bitbox02test.Box) { b.Bootloader = true }, usbPort, "bootloader"},
		"a bootloader by its name":    {func(*bitbox02test.Box) {}, signer.Port{Way: signer.HID, Vendor: 0x03eb, Product: 0x2403, ProductName: "BitBox02 Nova Multi bl"}, "bootloader"},
		"with firmware of old times":  {func(b *bitbox02test.Box) { b.Firmware = "v8.0.0" }, usbPort, "too old"},
		"with firmware of the future": {func(b *bitbox02test.Box) { b.Firmware = "v10.0.1" }, usbPort, "newer than"},
	} {
		b := box(t, nil)
		c.set(b)
		s, err := bitbox02.Driver{}.Open(limited(t), plug(t, b).Host(), c.port, pairing(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info := s.Info(); info.Err == nil || !strings.Contains(info.Err.Error(), c.want) || signer.CodeOf(info.Err) != signer.CodeNotReady {
			t.Errorf("%s: %v", name, info.Err)
		}
		if _, err := s.Fingerprint(limited(t)); err == nil {
			t.Errorf("%s: it told a fingerprint", name)
		}
	}
	b := box(t, nil)
	b.Empty = true
	if _, err := open(t, b, pairing(t)).XPub(limited(t), btc.Path{btc.Hardened + 84}); signer.CodeOf(err) != signer.CodeNotInitialized {
		t.Errorf("a call on an empty device: %v", err)
	}
}

func TestModelsHaveHWIsNames(t *testing.T) {
	for _, c := range []struct {
		nova, only bool
		want       string
	}{{false, false, "bitbox02_multi"}, {false, true, "bitbox02_btconly"}, {true, false, "bitbox02_nova_multi"}, {true, true, "bitbox02_nova_btconly"}} {
		b := box(t, nil)
		b.Nova, b.BTCOnly = c.nova, c.only
		if got := open(t, b, pairing(t)).Info().Model; got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestExtendedKeys(t *testing.T) {
	person := &signertest.Person{}
	s := open(t, box(t, person), pairing(t))
	master := signertest.Master(t, signertest.Abandon, "")
	for _, text := range []string{"m/84h/1h/0h", "m/49h/1h/99h", "m/86h/1h/2h", "m/48h/1h/0h/2h", "m/48h/1h/0h/1h", "m/48h/1h/0h"} {
		p, _ := btc.ParsePath(text)
		got, err := s.XPub(limited(t), p)
		want, _ := master.Derive(p)
		if err != nil || got.String() != want.Public().String() {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	if len(person.Seen()) != 1 { // the pairing
		t.Errorf("usual paths were asked about: %v", person.Seen())
	}
	odd, _ := btc.ParsePath("m/44h/1h/0h/0/5")
	if _, err := s.XPub(limited(t), odd); err != nil || !person.Saw(signertest.ShowXPub, "44h") {
		t.Errorf("an unusual path: %v %v", err, person.Seen())
	}
	b := box(t, signertest.Refuse(signertest.ShowXPub))
	if _, err := open(t, b, pairing(t)).XPub(limited(t), odd); signer.CodeOf(err) != signer.CodeCancelled {
		t.Errorf("refused: %v", err)
	}
	b.Firmware = "v9.14.1"
	if _, err := open(t, b, pairing(t)).XPub(limited(t), odd); err == nil || !strings.Contains(err.Error(), "9.15.0") {
		t.Errorf("old firmware: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	person := &signertest.Person{}
	s := open(t, box(t, person), pairing(t))
	for name, w := range wallets(t) {
		for branch := range uint32(2) {
			got, err := s.ShowAddress(limited(t), w, signer.Registration{}, branch, 11)
			want, _ := derive(t, w.Descriptor.Expand()[branch], 11).Address(btc.Regtest)
			if err != nil || got != want {
				t.Errorf("%s: %s, want %s (%v)", name, got, want, err)
			}
		}
	}
	if _, err := s.ShowAddress(limited(t), wallets(t)["wpkh"], signer.Registration{}, 0, 10_000); err == nil {
		t.Error("address number 10000 was shown")
	}
}

func TestAWalletIsRegisteredOnce(t *testing.T) {
	person := &signertest.Person{}
	b := box(t, person)
	s := open(t, b, pairing(t))
	for _, name := range []string{"wsh", "sh-wsh", "policy", "tr tree", "nunchuk"} {
		w := wallets(t)[name]
		if !s.NeedsRegistration(w) {
			t.Errorf("%s needs no registration", name)
		}
		r, err := s.Register(limited(t), w)
		if err != nil || r.Name != "My "+name {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		before := len(person.Seen())
		if r, err := s.Register(limited(t), w); err != nil || r.Name == "" || len(person.Seen()) != before {
			t.Errorf("%s again: %+v %v %v", name, r, err, person.Seen()[before:])
		}
	}
	if b.Registered() != 5 {
		t.Errorf("%d wallets are kept", b.Registered())
	}
	if s.NeedsRegistration(wallets(t)["wpkh"]) {
		t.Error("a wallet of one key needs registration")
	}
	taken := wallets(t)["two times"]
	taken.Name = "My wsh"
	if _, err := s.Register(limited(t), taken); err == nil || !strings.Contains(err.Error(), "another name") {
		t.Errorf("a name that is taken: %v", err)
	}
	refusing := open(t, box(t, signertest.Refuse(signertest.ShowPolicy)), pairing(t))
	if _, err := refusing.Register(limited(t), wallets(t)["wsh"]); signer.CodeOf(err) != signer.CodeCancelled {
		t.Errorf("refused: %v", err)
	}
}

func TestNamesAreCutToWhatTheDeviceShows(t *testing.T) {
	for name, want := range map[string]string{
		"  Família & Söhne  ":                            "Famlia & Shne",
		"a name that is much longer than thirty letters": "a name that is much longer tha",
		"29 letters and then a space  x":                 "29 letters and then a space  x",
		"tab\tand\nline":                                 "tab and line",
		"貯金":                                             "", // the device asks its person
	} {
		s := open(t, box(t, nil), pairing(t))
		w := wallets(t)["wsh"]
		w.Name = name
		r, err := s.Register(limited(t), w)
		if err != nil || r.Name != want {
			t.Errorf("%q became %q (%v)", name, r.Name, err)
		}
	}
}

func TestWalletsThatTheDeviceDoesNotKnow(t *testing.T) {
	own := func(path string) string { return key(t, signertest.Abandon, path) }
	zoo := key(t, signertest.Zoo, "m/48h/1h/0h/2h")
	two := own("m/48h/1h/0h/2h") + "/" + ours + "," + zoo + "/" + ours
	for name, c := range map[string]struct{ text, want string }{
		"the oldest addresses":       {"pkh(" + own("m/44h/1h/0h") + "/" + ours + ")", "P2PKH"},
		"multisig without segwit":    {"sh(sortedmulti(1," + two + "))", "P2SH"},
		"a single key elsewhere":     {"wpkh(" + own("m/84h/1h/100h") + "/" + ours + ")", "standard paths"},
		"the purpose of another":     {"wpkh(" + own("m/49h/1h/0h") + "/" + ours + ")", "standard paths"},
		"mainnet's path on regtest":  {"wpkh(" + own("m/84h/0h/0h") + "/" + ours + ")", "standard paths"},
		"somebody else's wallet":     {"wpkh(" + key(t, signertest.Zoo, "m/84h/1h/0h") + "/" + ours + ")", "no key of this wallet"},
		"hash locks":                 {"wsh(and_v(v:pk(" + own("m/48h/1h/0h/2h") + "/" + ours + "),sha256(" + strings.Repeat("ab", 32) + ")))", "hash locks"},
		"MuSig2":                     {"tr(musig(" + own("m/48h/1h/0h/2h") + "," + zoo + ")/" + ours + ")", ""},
		"sorted multisig in taproot": {"tr(" + zoo + "/" + ours + ",sortedmulti_a(1," + own("m/48h/1h/0h/2h") + "/" + ours + "," + key(t, signertest.Legal, "m/48h/1h/0h/2h") + "/" + ours + "))", "sorted"},
		"odd branches of a multisig": {"wsh(sortedmulti(1," + own("m/48h/1h/0h/2h") + "/<2;3>/*," + zoo + "/<2;3>/*))", "<0;1>"},
	} {
		s := open(t, box(t, nil), pairing(t))
		_, err := s.ShowAddress(limited(t), walletOf(t, "W", c.text), signer.Registration{}, 0, 0)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOldFirmwareIsToldWhatItLacks(t *testing.T) {
	for _, c := range []struct{ firmware, wallet, want string }{
		{"v9.9.1", "tr", "9.10.0"}, {"v9.14.0", "policy", "9.15.0"}, {"v9.20.0", "tr tree", "9.21.0"}, {"v9.18.0", "", "9.19.0"}, {"v9.2.1", "nunchuk", "9.19.0"},
	} {
		b := box(t, nil)
		b.Firmware = c.firmware
		w := wallets(t)[c.wallet]
		if c.wallet == "" {
			w = walletOf(t, "W", "wsh(sortedmulti(1,"+key(t, signertest.Abandon, "m/45h")+"/"+ours+","+key(t, signertest.Zoo, "m/45h")+"/"+ours+"))")
		}
		if _, err := open(t, b, pairing(t)).ShowAddress(limited(t), w, signer.Registration{}, 0, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on %s: %v", c.wallet, c.firmware, err)
		}
	}
}

func TestMessages(t *testing.T) {
	person := &signertest.Person{}
	b := box(t, person)
	s := open(t, b, pairing(t))
	for _, c := range []struct{ path, wallet string }{{"m/84h/1h/0h/0/3", "wpkh"}, {"m/49h/1h/0h/0/3", "sh-wpkh"}} {
		p, _ := btc.ParsePath(c.path)
		sig, err := s.SignMessage(limited(t), p, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		addr, _ := derive(t, wallets(t)[c.wallet].Descriptor.Expand()[0], 3).Address(btc.Regtest)
		if _, err := message.Verify(addr, btc.Regtest, "hello", base64.StdEncoding.EncodeToString(sig)); err != nil || sig[0] < 31 || sig[0] > 34 {
			t.Errorf("%s: %x %v", c.path, sig, err)
		}
	}
	if !person.Saw(signertest.ShowMessage, "hello") {
		t.Error("the message was not shown")
	}
	for name, c := range map[string]struct{ path, text string }{
		"a taproot key": {"m/86h/1h/0h/0/0", "x"}, "an account": {"m/84h/1h/0h", "x"}, "nothing": {"m/84h/1h/0h/0/0", ""}, "too much": {"m/84h/1h/0h/0/0", strings.Repeat("x", 1025)},
	} {
		p, _ := btc.ParsePath(c.path)
		if _, err := s.SignMessage(limited(t), p, []byte(c.text)); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
	p, _ := btc.ParsePath("m/84h/1h/0h/0/3")
	if _, err := open(t, box(t, signertest.Refuse(signertest.ShowMessage)), pairing(t)).SignMessage(limited(t), p, []byte("x")); signer.CodeOf(err) != signer.CodeCancelled {
		t.Errorf("refused: %v", err)
	}
	b.Firmware = "v9.22.0"
	if _, err := open(t, b, pairing(t)).SignMessage(limited(t), p, []byte("x")); err == nil || !strings.Contains(err.Error(), "9.23.0") {
		t.Errorf("old firmware: %v", err)
	}
}

func TestACallThatIsGivenUpEndsOnTheDevice(t *testing.T) {
	asked := make(chan struct{}, 1)
	person := &signertest.Person{}
	person.Decide = func(s signertest.Screen) signertest.Decision {
		if s.Kind == signertest.ShowAddress {
			asked <- struct{}{}
			return signertest.Decision{Away: true}
		}
		return signertest.Decision{Approve: true}
	}
	s := open(t, box(t, person), pairing(t))
	ctx, stop := context.WithCancel(limited(t))
	go func() { <-asked; stop() }()
	if _, err := s.ShowAddress(ctx, wallets(t)["wpkh"], signer.Registration{}, 0, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	p, _ := btc.ParsePath("m/84h/1h/0h")
	if _, err := s.XPub(limited(t), p); err != nil {
		t.Errorf("the device is stuck: %v", err)
	}
	if n := len(person.Seen()); n != 2 {
		t.Errorf("the person was asked again: %v", person.Seen())
	}
}

func TestADeviceThatIsNeverReadyEndsWithTheCall(t *testing.T) {
	b := box(t, nil)
	b.Stubborn = true
	ctx, stop := context.WithTimeout(context.Background(), 50_000_000)
	defer stop()
	if _, err := (bitbox02.Driver{}).Open(ctx, plug(t, b).Host(), simPort, pairing(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestPassphrases(t *testing.T) {
	b := box(t, nil)
	s := open(t, b, pairing(t))
	u, ok := s.(signer.Unlocker)
	if !ok {
		t.Fatal("passphrases cannot be switched")
	}
	for _, want := range []bool{true, false} {
		if on, err := u.TogglePassphrase(limited(t)); err != nil || on != want {
			t.Errorf("switched to %v, want %v (%v)", on, want, err)
		}
	}
	if err := u.AskPIN(limited(t)); signer.CodeOf(err) != signer.CodeUnavailable {
		t.Errorf("a PIN: %v", err)
	}
	if err := u.SendPIN(limited(t), "123"); signer.CodeOf(err) != signer.CodeUnavailable {
		t.Errorf("a PIN: %v", err)
	}
	refusing, _ := open(t, box(t, signertest.Refuse(signertest.ShowWarning)), pairing(t)).(signer.Unlocker)
	if _, err := refusing.TogglePassphrase(limited(t)); signer.CodeOf(err) != signer.CodeCancelled {
		t.Errorf("refused: %v", err)
	}
	o := pairing(t)
	o.Passphrase = "secret"
	if _, err := open(t, b, o).Fingerprint(limited(t)); signer.CodeOf(err) != signer.CodeBadArgument || strings.Contains(err.Error(), "secret") {
		t.Errorf("a passphrase from here: %v", err)
	}
}
