package jade_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/message"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/jade"
	"specter/internal/signer/jade/jadetest"
	"specter/internal/signer/signertest"
)

var port = signer.Port{Path: "/dev/ttyUSB0", Way: signer.Serial, Vendor: 0x10c4, Product: 0xea60}

// board is a software Jade with the phrase of the known answers.
func board(t testing.TB) *jadetest.Board {
	return &jadetest.Board{Device: signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Regtest, Person: &signertest.Person{}}}
}

// plug connects a host's end with a board.
func plug(t testing.TB, b *jadetest.Board) signer.Conn {
	t.Helper()
	c := signertest.NewCable(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b.Serve(context.Background(), c.Device()); err != nil {
			t.Errorf("the device: %v", err)
		}
	}()
	t.Cleanup(func() { c.Unplug(); <-done })
	return c.Host()
}

func open(t testing.TB, b *jadetest.Board, o signer.Options) signer.Signer {
	t.Helper()
	s, err := jade.Driver{}.Open(t.Context(), plug(t, b), port, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func path(t testing.TB, text string) btc.Path {
	t.Helper()
	p, err := btc.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wallet(t testing.TB, name, text string) signer.Wallet {
	t.Helper()
	d, err := descriptor.Parse(text, descriptor.Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return signer.Wallet{Name: name, Descriptor: d}
}

// key is a key expression of a phrase at a path, with both branches.
func key(t testing.TB, words, at string) string {
	t.Helper()
	m := signertest.Master(t, words, "")
	k, err := m.Derive(path(t, at))
	if err != nil {
		t.Fatal(err)
	}
	return "[" + m.Fingerprint().String() + "/" + path(t, at).String() + "]" + k.Public().String() + "/<0;1>/*"
}

func address(t testing.TB, w signer.Wallet, branch int, index uint32, n btc.Network) string {
	t.Helper()
	d, err := w.Descriptor.Branch(branch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Derive(index)
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := out.Address(n)
	return addr
}

// The answers that an emulator of the device gave (signing-devices.md, E.4).
func TestKnownAnswers(t *testing.T) {
	b := board(t)
	b.Network = btc.Testnet3
	o := signertest.Options(t)
	o.Network = btc.Testnet3
	s := open(t, b, o)
	if i := s.Info(); !i.Known || i.Fingerprint.String() != "95d8f670" || i.Kind != "jade" || i.Model != "jade" || i.NeedsPIN || i.Err != nil {
		t.Errorf("the device is %+v", i)
	}
	k, err := s.XPub(t.Context(), path(t, "m/84h/1h/0h"))
	const xpub = "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno"
	if err != nil || k.String() != xpub {
		t.Errorf("xpub %s, %v", k, err)
	}
	w := wallet(t, "", "wpkh([95d8f670/84h/1h/0h]"+xpub+"/<0;1>/*)")
	addr, err := s.ShowAddress(t.Context(), w, signer.Registration{}, 0, 0)
	if err != nil || addr != "tb1qnspxpr2xj9s2jt6qlhuvdnxw6q55jvygcf89r2" || !b.Person.Saw(signertest.ShowAddress, addr) {
		t.Errorf("address %s, %v", addr, err)
	}
}

func TestMatchKnowsTheChipsAndSimulators(t *testing.T) {
	for _, c := range []struct {
		p    signer.Port
		want bool
	}{
		{port, true},
		{signer.Port{Way: signer.Serial, Vendor: 0x303a, Product: 0x4001}, true},
		{signer.Port{Way: signer.Serial, Vendor: 0xf055, Product: 0x9800}, false},
		{signer.Port{Way: signer.HID, Vendor: 0x10c4, Product: 0xea60}, false},
		{signer.Port{Way: signer.TCP, Kind: "jade"}, true},
		{signer.Port{Way: signer.TCP, Kind: "specter"}, false},
		{signer.Port{Way: signer.TCP}, false},
	} {
		if got := (jade.Driver{}).Match(c.p); got != c.want {
			t.Errorf("%+v: %v", c.p, got)
		}
	}
}

func TestAddressesOfEveryKindAreThoseWeDerive(t *testing.T) {
	b := board(t)
	s := open(t, b, signertest.Options(t))
	own, zoo, legal := key(t, signertest.Alcohol, "48h/1h/0h/2h"), key(t, signertest.Zoo, "48h/1h/0h/2h"), key(t, signertest.Legal, "48h/1h/0h/2h")
	for _, text := range []string{
		"pkh(" + key(t, signertest.Alcohol, "44h/1h/0h") + ")",
		"wpkh(" + key(t, signertest.Alcohol, "84h/1h/0h") + ")",
		"sh(wpkh(" + key(t, signertest.Alcohol, "49h/1h/0h") + "))",
		"tr(" + key(t, signertest.Alcohol, "86h/1h/0h") + ")",
		"wsh(sortedmulti(2," + own + "," + zoo + "," + legal + "))",
		"wsh(multi(2," + zoo + "," + own + "," + legal + "))",
		"sh(wsh(sortedmulti(1," + own + "," + zoo + ")))",
		"sh(sortedmulti(2," + zoo + "," + own + "))",
		"wsh(sortedmulti(2," + strings.Replace(own, "/<", "/7/<", 1) + "," + zoo + "))",
		"wsh(or_d(pk(" + own + "),and_v(v:pkh(" + zoo + "),older(144))))",
	} {
		w := wallet(t, "My wallet", text)
		needs := s.NeedsRegistration(w)
		if needs != (w.Descriptor.ScriptType() == "sh" || strings.HasSuffix(w.Descriptor.ScriptType(), "wsh")) {
			t.Errorf("%s: needs registration: %v", text, needs)
		}
		r, err := s.Register(t.Context(), w)
		if err != nil || needs == r.IsZero() || len(r.Name) > 15 {
			t.Fatalf("%s: registered as %+v, %v", text, r, err)
		}
		for _, at := range []struct{ branch, index uint32 }{{0, 0}, {1, 5}, {0, 1_000_000}} {
			addr, err := s.ShowAddress(t.Context(), w, r, at.branch, at.index)
			if want := address(t, w, int(at.branch), at.index, btc.Regtest); err != nil || addr != want {
				t.Errorf("%s at %v: %s, want %s, %v", text, at, addr, want, err)
			}
		}
		if _, err := s.ShowAddress(t.Context(), w, r, 2, 0); signer.CodeOf(err) != signer.CodeBadArgument {
			t.Errorf("%s on branch 2: %v", text, err)
		}
	}
}

func TestAWalletIsApprovedOnce(t *testing.T) {
	own, zoo := key(t, signertest.Alcohol, "48h/1h/0h/2h"), key(t, signertest.Zoo, "48h/1h/0h/2h")
	for _, text := range []string{
		"wsh(sortedmulti(2," + own + "," + zoo + "))",
		"wsh(and_v(v:pk(" + own + "),or_d(pk(" + zoo + "),older(1000))))",
	} {
		b := board(t)
		s := open(t, b, signertest.Options(t))
		first, err := s.Register(t.Context(), wallet(t, "Família Höhle 12345", text))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(first.Name, "Famlia_H_") {
			t.Errorf("the device shows the name %q", first.Name)
		}
		again, err := s.Register(t.Context(), wallet(t, "renamed", text))
		if err != nil || again.Name != first.Name {
			t.Errorf("registered again as %+v, %v", again, err)
		}
		// Nobody keeps the registration: the address is shown all the same.
		if _, err := s.ShowAddress(t.Context(), wallet(t, "other", text), signer.Registration{}, 0, 3); err != nil {
			t.Error(err)
		}
		screens := 0
		for _, seen := range b.Person.Seen() {
			if seen.Kind == signertest.ShowPolicy {
				screens++
			}
		}
		if screens != 1 {
			t.Errorf("%s: the person approved the wallet %d times", text, screens)
		}
	}
}

func TestAForgottenWalletIsTold(t *testing.T) {
	own, zoo := key(t, signertest.Alcohol, "48h/1h/0h/2h"), key(t, signertest.Zoo, "48h/1h/0h/2h")
	s := open(t, board(t), signertest.Options(t))
	for _, text := range []string{"wsh(sortedmulti(2," + own + "," + zoo + "))", "wsh(and_v(v:pk(" + own + "),pk(" + zoo + ")))"} {
		_, err := s.ShowAddress(t.Context(), wallet(t, "", text), signer.Registration{Name: "was_there"}, 0, 0)
		if signer.CodeOf(err) != signer.CodeNotRegistered {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWalletsThatAJadeCannotHaveAreRefusedBeforeItIsAsked(t *testing.T) {
	own, zoo := key(t, signertest.Alcohol, "48h/1h/0h/2h"), key(t, signertest.Zoo, "48h/1h/0h/2h")
	old := board(t)
	old.Version = "1.0.23"
	for _, c := range []struct {
		b    *jadetest.Board
		text string
		code signer.Code
		says string
	}{
		{board(t), "tr(" + own + ",pk(" + zoo + "))", signer.CodeUnavailable, "cannot use"},
		{board(t), "wsh(sortedmulti(2," + zoo + "," + key(t, signertest.Legal, "48h/1h/0h/2h") + "))", signer.CodeBadArgument, "none of the wallet's keys"},
		{board(t), "wpkh(" + key(t, signertest.Zoo, "84h/1h/0h") + ")", signer.CodeBadArgument, "3f635a63"},
		{old, "tr(" + key(t, signertest.Alcohol, "86h/1h/0h") + ")", signer.CodeUnavailable, "1.0.34"},
		{old, "wsh(and_v(v:pk(" + own + "),pk(" + zoo + ")))", signer.CodeUnavailable, "1.0.24"},
	} {
		s := open(t, c.b, signertest.Options(t))
		_, err := s.ShowAddress(t.Context(), wallet(t, "", c.text), signer.Registration{}, 0, 0)
		if signer.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.text, err)
		}
		if slices.Contains(c.b.Calls(), "get_receive_address") {
			t.Errorf("%s: the device was asked", c.text)
		}
	}
}

func TestStatesInWhichADeviceIsOfNoUse(t *testing.T) {
	for name, c := range map[string]struct {
		b    *jadetest.Board
		code signer.Code
	}{
		"without a wallet":       {&jadetest.Board{State: "UNINIT"}, signer.CodeNotInitialized},
		"without a PIN yet":      {&jadetest.Board{State: "UNSAVED"}, signer.CodeNotInitialized},
		"firmware too old":       {&jadetest.Board{Version: "0.1.46"}, signer.CodeNotReady},
		"set up for the mainnet": {&jadetest.Board{Networks: "MAIN"}, signer.CodeConnection},
	} {
		c.b.Device = board(t).Device
		s := open(t, c.b, signertest.Options(t))
		if i := s.Info(); signer.CodeOf(i.Err) != c.code || i.Known {
			t.Errorf("%s: %+v", name, i)
		}
		if _, err := s.Fingerprint(t.Context()); signer.CodeOf(err) != c.code {
			t.Errorf("%s: fingerprint: %v", name, err)
		}
		if slices.Contains(c.b.Calls(), "auth_user") {
			t.Errorf("%s: the person was asked", name)
		}
	}
}

func TestOtherDevicesAtTheSameChipAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, b := range map[string]*jadetest.Board{"silent": {Mute: true}, "talkative": {Mute: true, Noise: []byte("$GPRMC,123519,A,4807.038,N\r\n")}} {
			b.Device = board(t).Device
			if _, err := (jade.Driver{}).Open(t.Context(), plug(t, b), port, signertest.Options(t)); !errors.Is(err, signer.ErrNotThisKind) {
				t.Errorf("%s: %v", name, err)
			}
			named := port
			named.ProductName = "Jade"
			if _, err := (jade.Driver{}).Open(t.Context(), plug(t, b), named, signertest.Options(t)); signer.CodeOf(err) != signer.CodeBusy {
				t.Errorf("%s, but by its name a Jade: %v", name, err)
			}
		}
	})
}

func TestABootingBoardIsUnderstood(t *testing.T) {
	b := board(t)
	b.Noise = []byte("ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13\xa3\xbf\xa1x\r\n")
	if i := open(t, b, signertest.Options(t)).Info(); !i.Known {
		t.Errorf("%+v", i)
	}
}

// locked is a board with a PIN, and options with the way to its PIN server.
func locked(t testing.TB, typed string) (*jadetest.Board, signer.Options) {
	b := board(t)
	oracle, err := jadetest.NewOracle("123456")
	if err != nil {
		t.Fatal(err)
	}
	b.PIN, b.Oracle = "123456", oracle
	b.Person = &signertest.Person{Decide: func(signertest.Screen) signertest.Decision {
		return signertest.Decision{Approve: true, Text: typed}
	}}
	o := signertest.Options(t)
	o.Relay = oracle.Relay
	return b, o
}

func TestLockedJadeIsUnlockedWhenItIsNeededAndNotBefore(t *testing.T) {
	b, o := locked(t, "123456")
	var told []signer.NoticeKind
	o.Notify = func(n signer.Notice) { told = append(told, n.Kind) }
	s := open(t, b, o)
	if i := s.Info(); i.Known || i.NeedsPIN || len(i.Warnings) != 1 || i.Err != nil || len(b.Person.Seen()) != 0 {
		t.Errorf("opening: %+v, %v", i, b.Person.Seen())
	}
	fp, err := s.Fingerprint(t.Context())
	if err != nil || fp.String() != "95d8f670" || len(s.Info().Warnings) != 0 {
		t.Errorf("fingerprint %s, %v", fp, err)
	}
	if !slices.Equal(told, []signer.NoticeKind{signer.NoticeUnlock}) {
		t.Errorf("told %v", told)
	}
	if got := b.Oracle.Asked(); !slices.Equal(got, []string{jadetest.OracleURL + " " + jadetest.OracleOnion}) {
		t.Errorf("asked %q", got)
	}
	if !slices.Contains(b.Calls(), "add_entropy") {
		t.Error("the device got no entropy")
	}
}

func TestUnlockingThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		spoil func(b *jadetest.Board, o *signer.Options)
		code  signer.Code
		says  string
	}{
		"a wrong PIN":        {"999999", nil, signer.CodeNotReady, "wrong"},
		"refused":            {"", func(b *jadetest.Board, _ *signer.Options) { b.Person = signertest.Refuse(signertest.ShowPIN) }, signer.CodeCancelled, "unlocking"},
		"no way to a server": {"123456", func(_ *jadetest.Board, o *signer.Options) { o.Relay = nil }, signer.CodeNotReady, "QR"},
		"the server is down": {"123456", func(_ *jadetest.Board, o *signer.Options) {
			o.Relay = func(context.Context, []string, []byte) ([]byte, error) { return nil, errors.New("no route") }
		}, signer.CodeConnection, "no route"},
		"the server babbles": {"123456", func(b *jadetest.Board, _ *signer.Options) {
			b.Oracle.Break = func([]byte) []byte { return []byte(`{"data":{"a":1}}`) }
		}, signer.CodeConnection, "should not"},
		"the server floods": {"123456", func(b *jadetest.Board, _ *signer.Options) {
			b.Oracle.Break = func([]byte) []byte {
				out, _ := json.Marshal(map[string]string{"data": strings.Repeat("A", 40_000)})
				return out
			}
		}, signer.CodeConnection, "should not"},
	} {
		b, o := locked(t, c.typed)
		if c.spoil != nil {
			c.spoil(b, &o)
		}
		s := open(t, b, o)
		_, err := s.XPub(t.Context(), path(t, "m/84h/1h/0h"))
		if signer.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d %v", name, signer.CodeOf(err), err)
		}
	}
}

func TestMessagesAreSignedWithTheHostsEntropyAndVerify(t *testing.T) {
	b := board(t)
	s := open(t, b, signertest.Options(t))
	p := path(t, "m/84h/1h/0h/0/0")
	k, err := s.XPub(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	addr, _ := btc.AddressOf(btc.PayToPubKeyHash(btc.Hash160(k.PublicKey[:])), btc.Regtest)
	seen := map[string]bool{}
	for range 8 { // all headers come up
		sig, err := s.SignMessage(t.Context(), p, []byte("hello"))
		if err != nil || len(sig) != 65 || sig[0] < 31 || sig[0] > 34 {
			t.Fatalf("%x, %v", sig, err)
		}
		if _, err := message.Verify(addr, btc.Regtest, "hello", base64.StdEncoding.EncodeToString(sig)); err != nil {
			t.Error(err)
		}
		seen[string(sig)] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d different signatures of 8: the entropy is not in them", len(seen))
	}
	for _, bad := range []struct {
		p    btc.Path
		text string
	}{{nil, "hello"}, {p, ""}, {p, "\xff"}, {p, strings.Repeat("a", 20_000)}} {
		if _, err := s.SignMessage(t.Context(), bad.p, []byte(bad.text)); signer.CodeOf(err) != signer.CodeBadArgument {
			t.Errorf("%v %.10q: %v", bad.p, bad.text, err)
		}
	}
}

func TestNoncesOfTheDevicesOwnChoiceAreCaught(t *testing.T) {
	b := board(t)
	b.Exfil = true
	_, err := open(t, b, signertest.Options(t)).SignMessage(t.Context(), path(t, "m/84h/1h/0h/0/0"), []byte("hello"))
	if errs.KindOf(err) != errs.Conflict || !strings.Contains(err.Error(), "randomness") {
		t.Errorf("a signature with a nonce of the device's choice: %v", err)
	}
	b = board(t)
	b.Lie.Signature = true
	if _, err := open(t, b, signertest.Options(t)).SignMessage(t.Context(), path(t, "m/84h/1h/0h/0/0"), []byte("hello")); errs.KindOf(err) != errs.Conflict {
		t.Errorf("a signature by another key: %v", err)
	}
}

func TestGivingUpTellsTheDeviceAndTheNextCallWorks(t *testing.T) {
	b := board(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.Person = &signertest.Person{Decide: func(signertest.Screen) signertest.Decision {
		cancel()
		return signertest.Decision{Away: true}
	}}
	o := signertest.Options(t)
	s := open(t, b, o)
	w := wallet(t, "", "wpkh("+key(t, signertest.Alcohol, "84h/1h/0h")+")")
	if _, err := s.ShowAddress(ctx, w, signer.Registration{}, 0, 0); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := s.XPub(t.Context(), path(t, "m/84h/1h/0h")); err != nil {
		t.Fatalf("after giving up: %v", err)
	}
	if !slices.Contains(b.Calls(), "cancel") {
		t.Errorf("the device was not told: %v", b.Calls())
	}
}
