package ledger

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

func TestOnlyTheRightAppServes(t *testing.T) {
	for _, c := range []struct {
		app, version string
		network      btc.Network
		code         signer.Code
		say          string
	}{
		{"Bitcoin Test", "2.1.0", btc.Regtest, 0, ""},
		{"Bitcoin", "2.4.6-rc", btc.Mainnet, 0, ""},
		{"Bitcoin Recovery", "2.4.6", btc.Mainnet, 0, ""},
		{"Bitcoin", "2.4.6", btc.Testnet4, signer.CodeNotReady, `open the app "Bitcoin Test"`},
		{"Bitcoin Test", "2.4.6", btc.Mainnet, signer.CodeNotReady, `open the app "Bitcoin"`},
		{"Bitcoin Recovery", "2.4.6", btc.Signet, signer.CodeNotReady, "mainnet"},
		{"BOLOS", "2.2.3", btc.Mainnet, signer.CodeNotReady, `open the app "Bitcoin"`},
		{"Ethereum", "1.10.0", btc.Regtest, signer.CodeNotReady, `the app "Ethereum" is open`},
		{"Bitcoin", "2.0.6", btc.Mainnet, signer.CodeUnavailable, "too old"},
		{"Bitcoin", "1.6.5", btc.Mainnet, signer.CodeUnavailable, "too old"},
		{"Bitcoin", "two", btc.Mainnet, signer.CodeUnavailable, "too old"},
		{"Bitcoin Legacy", "2.1.3", btc.Mainnet, signer.CodeUnavailable, "old protocol"},
		{"app", "2.4.6", btc.Mainnet, signer.CodeNotReady, `open the app "Bitcoin"`},
	} {
		a := newApp(t)
		a.Name, a.Version, a.Device.Network = c.app, c.version, c.network
		o := signertest.Options(t)
		o.Network = c.network
		s := open(t, a, o)
		info := s.Info()
		if c.say == "" {
			if info.Err != nil || !info.Known || info.Firmware != c.version || info.Model != "ledger_nano_s_plus" || info.Path != "/dev/hidraw9" {
				t.Errorf("%s %s for %s: %+v", c.app, c.version, c.network, info)
			}
			continue
		}
		if info.Known || info.Err == nil || signer.CodeOf(info.Err) != c.code || !strings.Contains(info.Err.Error(), c.say) {
			t.Errorf("%s %s for %s: %v", c.app, c.version, c.network, info.Err)
		}
		if _, err := s.XPub(t.Context(), btc.Path{}); signer.CodeOf(err) != c.code {
			t.Errorf("%s serves all the same: %v", c.app, err)
		}
	}
}

func TestALockedDeviceOpensAndServesOnceItIsUnlocked(t *testing.T) {
	a := newApp(t)
	typed := ""
	a.Device.PIN, a.Device.Person = "1234", &signertest.Person{Decide: func(signertest.Screen) signertest.Decision {
		return signertest.Decision{Approve: true, Text: typed}
	}}
	s := open(t, a, signertest.Options(t))
	if err := s.Info().Err; signer.CodeOf(err) != signer.CodeNotReady || !strings.Contains(err.Error(), "locked") || s.Info().Known {
		t.Fatalf("a locked device: %+v", s.Info())
	}
	typed = "1234"
	if fp, err := s.Fingerprint(t.Context()); err != nil || fp != a.Device.Master.Fingerprint() || s.Info().Err != nil {
		t.Errorf("after the PIN: %v, %v", fp, err)
	}
}

func TestWhatIsNoLedgerIsAnotherKind(t *testing.T) {
	answers := map[string][]byte{
		"another tag":       {1: 9, 2: 0x41, 63: 0},
		"a later packet":    {2: 5, 4: 1, 63: 0},
		"a huge answer":     {2: 5, 5: 0xff, 63: 0},
		"an empty answer":   {2: 5, 6: 0, 63: 0},
		"no name of an app": {2: 5, 6: 4, 7: 7, 8: 7, 9: 0x90, 63: 0},
	}
	for name, packet := range answers {
		cable := signertest.NewCable(packetSize)
		device := cable.Device()
		go func() {
			ask := make([]byte, packetSize)
			if _, err := device.Read(context.Background(), ask); err == nil {
				copy(packet, ask[:2])
				_, _ = device.Write(context.Background(), packet)
			}
		}()
		if _, err := (Driver{}).Open(t.Context(), cable.Host(), hidPort, signertest.Options(t)); !errors.Is(err, signer.ErrNotThisKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPortsAreKnownByTheirNumbers(t *testing.T) {
	for _, c := range []struct {
		p    signer.Port
		want bool
	}{
		{hidPort, true},
		{signer.Port{Way: signer.HID, Vendor: vendor, Product: 0x1011, Interface: 0}, true},
		{signer.Port{Way: signer.HID, Vendor: vendor, Product: 0x0001, Interface: 0}, true},
		{signer.Port{Way: signer.HID, Vendor: vendor, Product: 0x4011, Interface: 1}, false}, // U2F
		{signer.Port{Way: signer.HID, Vendor: vendor, Product: 0x4011, Interface: 1, UsagePage: 0xf1d0}, false},
		{signer.Port{Way: signer.HID, Vendor: vendor, Product: 0x9911}, false},
		{signer.Port{Way: signer.HID, Vendor: 0x534c, Product: 0x1011}, false},
		{signer.Port{Way: signer.TCP, Kind: "ledger"}, true},
		{signer.Port{Way: signer.TCP, Kind: "jade"}, false},
		{signer.Port{Way: signer.TCP}, false},
	} {
		if got := (Driver{}).Match(c.p); got != c.want {
			t.Errorf("%+v: %t", c.p, got)
		}
	}
}

func TestUnusualPathsAreShown(t *testing.T) {
	a := newApp(t)
	s := open(t, a, signertest.Options(t))
	for path, shown := range map[string]bool{"44h/1h/0h": false, "48h/1h/0h/2h": false, "84h/1h/100h/0/5": false, "45h": true, "46h/1h/333h": true, "84h/1h/101h": true, "1/1h/3/4/5/6/7/8": true} {
		p, _ := btc.ParsePath(path)
		before := sawKind(a, signertest.ShowXPub)
		got, err := s.XPub(t.Context(), p)
		want, _ := a.Device.Master.Derive(p)
		if err != nil || got.String() != want.Public().String() || (sawKind(a, signertest.ShowXPub) > before) != shown {
			t.Errorf("%q: %v, %v", path, got, err)
		}
	}
	for _, path := range []btc.Path{{}, {1}, {btc.Hardened + 84, btc.Hardened, btc.Hardened}} {
		if _, err := s.XPub(t.Context(), path); signer.CodeOf(err) != signer.CodeUnavailable || !strings.Contains(err.Error(), "no key at "+path.Full()) {
			t.Errorf("%s, which the app may not derive: %v", path.Full(), err)
		}
	}
	if _, err := s.XPub(t.Context(), make(btc.Path, 11)); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Errorf("eleven steps: %v", err)
	}
}

func TestRegistrationsAreHeldToTheWallet(t *testing.T) {
	a := newApp(t)
	s := open(t, a, signertest.Options(t))
	s.o.Memory = nil
	w := walletOf(t, "Vault", "wsh(sortedmulti(2,%A,%B))", "48h/1h/0h/2h")
	other := walletOf(t, "Vault", "wsh(sortedmulti(2,%A,%C))", "48h/1h/0h/2h")
	r := register(t, s, w)
	tx := spend(t, coinOf{w, 0, 0, 10_000})
	wrong := r
	wrong.Proof = bytes.Repeat([]byte{1}, 32)
	for name, bad := range map[string]signer.Registration{
		"none":           {},
		"another proof":  wrong,
		"no proof":       {Name: r.Name, ID: r.ID},
		"zeros":          {Name: r.Name, ID: r.ID, Proof: make([]byte, 32)},
		"another name":   {Name: "Other", ID: r.ID, Proof: r.Proof},
		"another's":      register(t, s, other),
		"a strange name": {Name: "a\nb", Proof: r.Proof},
	} {
		if _, err := s.Sign(t.Context(), w, bad, tx); signer.CodeOf(err) != signer.CodeNotRegistered {
			t.Errorf("%s: sign: %v", name, err)
		}
		if _, err := s.ShowAddress(t.Context(), w, bad, 0, 0); signer.CodeOf(err) != signer.CodeNotRegistered {
			t.Errorf("%s: address: %v", name, err)
		}
	}
	w.Name = "renamed since"
	if _, err := s.Sign(t.Context(), w, r, tx); err != nil {
		t.Errorf("a wallet that was renamed: %v", err)
	}
	if _, err := s.Register(t.Context(), walletOf(t, "x", "wsh(multi(1,%B,%C))", "48h/1h/0h/2h")); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Errorf("a wallet of others: %v", err)
	}
	if _, err := s.ShowAddress(t.Context(), w, r, 2, 0); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Errorf("branch 2: %v", err)
	}
}

func TestNamesFitTheDevice(t *testing.T) {
	d := walletOf(t, "", "wsh(sortedmulti(2,%A,%B))", "48h/1h/0h/2h").Descriptor
	for name, want := range map[string]string{
		"Vault":                              "Vault",
		"":                                   "2 of 2 Multisig",
		" \t ":                               "2 of 2 Multisig",
		"  Größe\tÄ ":                        "Groesse Ae",
		"財布 1":                               "?? 1",
		strings.Repeat("x", 70):              strings.Repeat("x", 64),
		strings.Repeat("x", 63) + " y":       strings.Repeat("x", 63),
		strings.Repeat("ü", 40):              strings.Repeat("ue", 32),
		"tab\x00bell\x07 \U0001f600 bad\xff": "tab?bell? ? bad?",
	} {
		got := nameOf(signer.Wallet{Name: name, Descriptor: d})
		if got != want || !tidy.MatchString(got) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestMessagesOfAnyLengthAreSigned(t *testing.T) {
	a := newApp(t)
	s := open(t, a, signertest.Options(t))
	p, _ := btc.ParsePath("44h/1h/0h/0/3")
	for _, n := range []int{0, 1, 63, 64, 65, 128, 1000, 70_000} {
		text := bytes.Repeat([]byte("specter "), n/8+1)[:n]
		sig, err := s.SignMessage(t.Context(), p, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := recovers(a, p, text, sig); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		if !a.Device.Person.Saw(signertest.ShowMessage, string(text)) {
			t.Errorf("the person did not see the message of %d bytes", n)
		}
	}
	if _, err := s.SignMessage(t.Context(), p, make([]byte, maxMessage+1)); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Errorf("a message that is too long: %v", err)
	}
}

func TestRefusalsAreTold(t *testing.T) {
	w := walletOf(t, "Vault", "wsh(sortedmulti(2,%A,%B))", "48h/1h/0h/2h")
	tx := spend(t, coinOf{w, 0, 0, 10_000})
	for _, kind := range []string{signertest.ShowPolicy, signertest.ShowAddress, signertest.ShowOutput, signertest.ShowFee, signertest.ShowMessage, signertest.ShowXPub} {
		a := newApp(t)
		a.Device.Person = signertest.Refuse(kind)
		s := open(t, a, signertest.Options(t))
		r, err := s.Register(t.Context(), w)
		if kind != signertest.ShowPolicy {
			_, err2 := s.ShowAddress(t.Context(), w, r, 0, 0)
			_, err3 := s.Sign(t.Context(), w, r, tx)
			_, err4 := s.SignMessage(t.Context(), account84, []byte("hi"))
			_, err5 := s.XPub(t.Context(), btc.Path{btc.Hardened + 45})
			err = errors.Join(err, err2, err3, err4, err5)
		}
		if !errs.Is(err, errs.Declined) || signer.CodeOf(err) != signer.CodeCancelled {
			t.Errorf("%s refused: %v", kind, err)
		}
	}
}

// A call that is cancelled returns at once; the device is busy until its person has answered, and
// what it says then is not taken for the answer to the next call.
func TestACancelledCallLeavesTheSessionUsable(t *testing.T) {
	for packet, port := range map[int]signer.Port{packetSize: hidPort, 0: speculosPort} {
		a := newApp(t)
		asked, decide := make(chan bool), make(chan bool)
		a.Device.Person = &signertest.Person{Decide: func(signertest.Screen) signertest.Decision {
			asked <- true
			return signertest.Decision{Approve: <-decide}
		}}
		_, conn := plug(t, a, packet)
		s, err := Driver{}.Open(t.Context(), conn, port, signertest.Options(t))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; cancel() }()
		if _, err := s.SignMessage(ctx, account84, []byte("hi")); !errors.Is(err, context.Canceled) || signer.CodeOf(err) != signer.CodeCancelled {
			t.Fatalf("cancelled: %v", err)
		}
		if packet > 0 {
			for range 2 {
				if _, err := s.XPub(t.Context(), account84); signer.CodeOf(err) != signer.CodeBusy {
					t.Errorf("while it still asks: %v", err)
				}
			}
		}
		decide <- false
		want, _ := a.Device.Master.Derive(account84)
		got, err := s.XPub(t.Context(), account84)
		for signer.CodeOf(err) == signer.CodeBusy && err != nil { // the person's answer is on its way
			got, err = s.XPub(t.Context(), account84)
		}
		if err != nil || got.String() != want.Public().String() {
			t.Errorf("the next call: %v", err)
		}
	}
}

var account84 = btc.Path{btc.Hardened + 84, btc.Hardened + 1, btc.Hardened}

// A new session on the same port passes over answers to the one before.
func TestAnswersToAnEarlierSessionArePassedOver(t *testing.T) {
	a := newApp(t)
	asked, decide := make(chan bool), make(chan bool)
	a.Device.Person = &signertest.Person{Decide: func(signertest.Screen) signertest.Decision {
		asked <- true
		return signertest.Decision{Approve: <-decide}
	}}
	_, conn := plug(t, a, packetSize)
	o := signertest.Options(t)
	first, err := Driver{}.Open(t.Context(), conn, hidPort, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := first.SignMessage(ctx, btc.Path{1}, []byte("hi")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	second, err := Driver{}.Open(t.Context(), conn, hidPort, o)
	if err != nil || signer.CodeOf(second.Info().Err) != signer.CodeBusy {
		t.Fatalf("while it still asks: %+v, %v", second, err)
	}
	decide <- true
	fp, err := second.Fingerprint(t.Context())
	for signer.CodeOf(err) == signer.CodeBusy && err != nil { // the person's answer is on its way
		fp, err = second.Fingerprint(t.Context())
	}
	if err != nil || fp != a.Device.Master.Fingerprint() {
		t.Errorf("the second session: %v, %v", fp, err)
	}
}

func TestUnpluggingAnywhereEndsTheCall(t *testing.T) {
	w := walletOf(t, "", "wpkh(%A)", "84h/1h/0h")
	tx := spend(t, coinOf{w, 0, 0, 10_000})
	run := func(packet, cut int) (int, error) {
		port := hidPort
		if packet == 0 {
			port = speculosPort
		}
		cable, conn := plug(t, newApp(t), packet)
		cable.CutAfter(cut)
		s, err := Driver{}.Open(t.Context(), conn, port, signertest.Options(t))
		if err == nil {
			_, err = s.Sign(t.Context(), w, signer.Registration{}, tx)
		}
		cable.Unplug()
		return cable.Passed(), err
	}
	for _, packet := range []int{packetSize, 0} {
		whole, err := run(packet, -1)
		if err != nil {
			t.Fatal(err)
		}
		for cut := 0; cut < whole; cut += whole/30 + 1 {
			if _, err := run(packet, cut); signer.CodeOf(err) != signer.CodeConnection || !errs.Is(err, errs.Unavailable) {
				t.Errorf("cut after %d of %d bytes: %v", cut, whole, err)
			}
		}
	}
}

// Over Speculos's framing everything is the same, whatever the app is called there.
func TestSpeculosFramingServesToo(t *testing.T) {
	a := newApp(t)
	a.Name = "app"
	_, conn := plug(t, a, 0)
	s, err := Driver{}.Open(t.Context(), conn, signer.Port{Path: "tcp:127.0.0.1:9999", Way: signer.TCP, Kind: kind}, signertest.Options(t))
	if err != nil || s.Info().Err != nil {
		t.Fatal(err, s.Info().Err)
	}
	w := walletOf(t, "Vault", "tr(%A,sortedmulti_a(2,%B,%C,%a))", "48h/1h/0h/2h")
	r, err := s.Register(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	tx := spend(t, coinOf{w, 0, 0, 10_000})
	got, err := s.Sign(t.Context(), w, r, tx)
	if err != nil {
		t.Fatal(err)
	}
	if _, n := merged(t, tx, got); n != 2 {
		t.Errorf("%d signatures", n)
	}
}

func TestLies(t *testing.T) {
	a := newApp(t)
	a.Device.Lie.Registry = true
	s := open(t, a, signertest.Options(t))
	w := walletOf(t, "Vault", "wsh(sortedmulti(2,%A,%B))", "48h/1h/0h/2h")
	if _, err := s.Register(t.Context(), w); err == nil || !strings.Contains(err.Error(), "another wallet") {
		t.Errorf("a device that registers another wallet: %v", err)
	}
	a = newApp(t)
	a.Device.Lie.XPub = true
	s = open(t, a, signertest.Options(t))
	tx := spend(t, coinOf{walletOf(t, "", "wpkh(%A)", "84h/1h/0h"), 0, 0, 10_000})
	if got, err := s.Sign(t.Context(), signer.Wallet{}, signer.Registration{}, tx); err == nil {
		t.Errorf("a wallet made of a key that is a lie is signed: %v", got)
	}
	for _, lie := range []signertest.Lie{{Signature: true}, {Amount: true}} {
		a = newApp(t)
		a.Device.Lie = lie
		s = open(t, a, signertest.Options(t))
		got, err := s.Sign(t.Context(), walletOf(t, "", "wpkh(%A)", "84h/1h/0h"), signer.Registration{}, tx)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := tx.Merge(got); err == nil {
			t.Errorf("%+v is not noticed by who merges", lie)
		}
	}
}
