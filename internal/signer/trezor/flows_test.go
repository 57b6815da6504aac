package trezor_test

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/codec1"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor"
	"specter/internal/signer/trezor/trezortest"
)

// desk is a device on a desk: it keeps its state when it is connected again.
type desk struct {
	t       *testing.T
	model   codec1test.Model
	device  signertest.Device
	port    signer.Port
	options signer.Options
	notices []signer.NoticeKind
}

func newDesk(t *testing.T, m codec1test.Model) *desk {
	m.State = &codec1test.State{}
	d := &desk{t: t, model: m, port: webUSB, options: signertest.Options(t)}
	d.device = signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Regtest, Person: &signertest.Person{}}
	d.options.Notify = func(n signer.Notice) { d.notices = append(d.notices, n.Kind) }
	return d
}

// connect opens the driver at the device over a new cable.
func (d *desk) connect() (signer.Signer, context.Context) {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), 2*time.Minute)
	cable, ended := signertest.NewCable(codec1.Packet), make(chan struct{})
	go func() { defer close(ended); _ = codec1test.Serve(ctx, cable.Device(), d.device, d.model) }()
	d.t.Cleanup(func() { stop(); cable.Unplug(); <-ended })
	s, err := trezor.Driver{}.Open(ctx, cable.Host(), d.port, d.options)
	if err != nil {
		d.t.Fatal(err)
	}
	return s, ctx
}

func (d *desk) own(fp btc.Fingerprint, err error) {
	d.t.Helper()
	if err != nil || fp != d.device.Master.Fingerprint() {
		d.t.Errorf("fingerprint %s (%v), want %s", fp, err, d.device.Master.Fingerprint())
	}
}

// TestKnownAnswers are those of real emulators with the same phrase.
func TestKnownAnswers(t *testing.T) {
	d := newDesk(t, trezortest.T())
	d.options.Network, d.device.Network = btc.Testnet3, btc.Testnet3
	s, ctx := d.connect()
	if i := s.Info(); !i.Known || i.Fingerprint.String() != "95d8f670" || i.Model != "trezor_t" || i.Firmware != "2.8.9" || i.Label != "My Trezor" || i.Err != nil {
		t.Errorf("found as %+v", i)
	}
	account := btc.Path{btc.Hardened | 84, btc.Hardened | 1, btc.Hardened}
	key, err := s.XPub(ctx, account)
	const want = "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno"
	if err != nil || key.String() != want {
		t.Errorf("m/84h/1h/0h is %v %v", key, err)
	}
	got, err := s.ShowAddress(ctx, signertest.Wallet(t, "wpkh", d.device.Master), signer.Registration{}, 0, 0)
	if err != nil || got != "tb1qnspxpr2xj9s2jt6qlhuvdnxw6q55jvygcf89r2" || !d.device.Person.Saw(signertest.ShowAddress, got) {
		t.Errorf("the first address is %s %v, shown %v", got, err, d.device.Person.Seen())
	}
	sig, err := s.SignMessage(ctx, account.Child(0, 0), []byte("hello"))
	if text := base64.StdEncoding.EncodeToString(sig); err != nil || text != "JwN714GuPBoJVp14tTjicJZXcqTSQW5BhGk8ptQOJIFobCq/gDhgbJTi81FJ5Jlw46vyp4mX6P2ksCwAuTO6x1E=" {
		t.Errorf("the signature is %s %v", text, err)
	}
}

func TestModelWords(t *testing.T) {
	for want, model := range map[string]codec1test.Model{
		"trezor_1": trezortest.One(), "trezor_t": trezortest.T(), "trezor_safe 3": trezortest.Safe3(), "trezor_safe 5": trezortest.Safe5(),
	} {
		d := newDesk(t, model)
		s, _ := d.connect()
		if got := s.Info().Model; got != want {
			t.Errorf("%s is called %s", want, got)
		}
		d.port = signer.Port{Path: "udp:127.0.0.1:21324", Way: signer.UDP, Kind: "trezor"}
		if s, _ = d.connect(); s.Info().Model != want+"_simulator" || s.Info().Path != d.port.Path {
			t.Errorf("the emulator is called %s at %s", s.Info().Model, s.Info().Path)
		}
	}
}

func TestMatchesItsOwnInterfacesAlone(t *testing.T) {
	for name, test := range map[string]struct {
		port signer.Port
		want bool
	}{
		"One over WebUSB":      {signer.Port{Way: signer.WebUSB, Vendor: 0x534c, Product: 1}, true},
		"One with old HID":     {signer.Port{Way: signer.HID, Vendor: 0x534c, Product: 1, UsagePage: 0xff00}, true},
		"One's U2F":            {signer.Port{Way: signer.HID, Vendor: 0x534c, Product: 1, UsagePage: 0xf1d0, Interface: 1}, false},
		"One's debugging":      {signer.Port{Way: signer.HID, Vendor: 0x534c, Product: 1, UsagePage: 0xff01, Interface: 1}, false},
		"Safe over WebUSB":     {signer.Port{Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c1}, true},
		"unknown interface":    {signer.Port{Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c1, Interface: -1}, true},
		"its bootloader":       {signer.Port{Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c0}, true},
		"its debugging":        {signer.Port{Way: signer.WebUSB, Vendor: 0x1209, Product: 0x53c1, Interface: 1}, false},
		"Safe's U2F":           {signer.Port{Way: signer.HID, Vendor: 0x1209, Product: 0x53c1, UsagePage: 0xf1d0}, false},
		"a KeepKey":            {signer.Port{Way: signer.WebUSB, Vendor: 0x2b24, Product: 2}, false},
		"an emulator":          {signer.Port{Way: signer.UDP, Kind: "trezor"}, true},
		"a KeepKey's emulator": {signer.Port{Way: signer.UDP, Kind: "keepkey"}, false},
		"a serial port":        {signer.Port{Way: signer.Serial, Vendor: 0x1209, Product: 0x53c1}, false},
	} {
		if got := (trezor.Driver{}).Match(test.port); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestStatesThatCannotBeUsed(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*codec1test.Model)
		code   signer.Code
		says   string
	}{
		"no seed":      {func(m *codec1test.Model) { m.Blank = true }, signer.CodeNotInitialized, "Not initialized"},
		"bootloader":   {func(m *codec1test.Model) { m.Bootloader = true }, signer.CodeNotInitialized, "bootloader"},
		"old firmware": {func(m *codec1test.Model) { m.Version = codec1.Version{1, 6, 3} }, signer.CodeUnavailable, "1.8.0"},
		"THP":          {func(m *codec1test.Model) { m.THP = true }, signer.CodeUnavailable, "THP"},
	} {
		m := trezortest.One()
		test.change(&m)
		s, ctx := newDesk(t, m).connect()
		_, fromCall := s.XPub(ctx, btc.Path{btc.Hardened})
		for from, err := range map[string]error{"info": s.Info().Err, "call": fromCall} {
			if signer.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s, from %s: %v (%d)", name, from, err, signer.CodeOf(err))
			}
		}
		if s.Info().Known {
			t.Errorf("%s: it has a fingerprint", name)
		}
	}
	m := trezortest.One()
	m.Unfinished = true
	s, _ := newDesk(t, m).connect()
	if i := s.Info(); i.Err != nil || !strings.Contains(strings.Join(i.Warnings, ""), "interrupted") {
		t.Errorf("an interrupted backup: %+v", i)
	}
	m = trezortest.One()
	m.Vendor = "keepkey.com"
	d := newDesk(t, m)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	cable := signertest.NewCable(codec1.Packet)
	go func() { _ = codec1test.Serve(ctx, cable.Device(), d.device, m) }()
	if _, err := (trezor.Driver{}).Open(ctx, cable.Host(), webUSB, d.options); !errors.Is(err, signer.ErrNotThisKind) {
		t.Errorf("a KeepKey is opened: %v", err)
	}
}

func TestPINByMatrix(t *testing.T) {
	d := newDesk(t, trezortest.One())
	d.device.PIN = "1379"
	s, ctx := d.connect()
	i := s.Info()
	if !i.NeedsPIN || i.Known || signer.CodeOf(i.Err) != signer.CodeNotReady {
		t.Fatalf("locked, it is found as %+v", i)
	}
	if _, err := s.XPub(ctx, btc.Path{btc.Hardened}); signer.CodeOf(err) != signer.CodeNotReady {
		t.Errorf("a key of a locked device: %v", err)
	}
	u := s.(signer.Unlocker)
	if err := u.SendPIN(ctx, "1"); signer.CodeOf(err) != signer.CodeNotReady {
		t.Errorf("a PIN that nobody asked for: %v", err)
	}
	for _, bad := range []string{"", "12a", "0", strings.Repeat("1", 51)} {
		if err := u.SendPIN(ctx, bad); signer.CodeOf(err) != signer.CodeBadArgument {
			t.Errorf("places %q: %v", bad, err)
		}
	}
	if err := u.AskPIN(ctx); err != nil {
		t.Fatal(err)
	}
	if err := u.SendPIN(ctx, codec1test.Places("1378")); signer.CodeOf(err) != signer.CodeNotReady || !errors.Is(err, signer.ErrWrongPIN) {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := u.AskPIN(ctx); err != nil {
		t.Fatal(err)
	}
	if err := u.AskPIN(ctx); err != nil { // asked anew: the matrix is a new one
		t.Fatal(err)
	}
	if err := u.SendPIN(ctx, codec1test.Places("1379")); err != nil {
		t.Fatal(err)
	}
	if i := s.Info(); i.NeedsPIN || i.Err != nil || !i.Known {
		t.Errorf("unlocked, it is %+v", i)
	}
	if err := u.AskPIN(ctx); signer.CodeOf(err) != signer.CodeUnlocked {
		t.Errorf("asked again: %v", err)
	}
	d.own(s.Fingerprint(ctx))
}

// TestPINFromAnotherProgram: one program asks, and ends; another one sends the PIN, as HWI's two
// commands do.
func TestPINFromAnotherProgram(t *testing.T) {
	d := newDesk(t, trezortest.One())
	d.device.PIN, d.port = "24", signer.Port{Way: signer.WebUSB, Vendor: 0x534c, Product: 1}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	cable := signertest.NewCable(codec1.Packet)
	go func() { _ = codec1test.Serve(ctx, cable.Device(), d.device, d.model) }()
	open := func() signer.Signer {
		s, err := trezor.Driver{}.Open(ctx, cable.Host(), d.port, d.options)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open()
	if err := first.(signer.Unlocker).AskPIN(ctx); err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	second := open() // the device says nothing while it waits
	if i := second.Info(); !i.NeedsPIN || signer.CodeOf(i.Err) != signer.CodeNotReady {
		t.Fatalf("the second program finds %+v", i)
	}
	if err := second.(signer.Unlocker).SendPIN(ctx, codec1test.Places("24")); err != nil {
		t.Fatal(err)
	}
	d.own(second.Fingerprint(ctx))
	if i := second.Info(); i.Model != "trezor_1" || i.NeedsPIN {
		t.Errorf("then it is %+v", i)
	}
}

func TestPINOnTheDevice(t *testing.T) {
	d := newDesk(t, trezortest.Safe3())
	d.device.PIN = "1379"
	d.device.Person.Decide = func(s signertest.Screen) signertest.Decision {
		return signertest.Decision{Approve: true, Text: "1379"}
	}
	s, ctx := d.connect()
	if i := s.Info(); !i.NeedsPIN || i.Known || i.Err != nil || len(d.device.Person.Seen()) > 0 {
		t.Fatalf("locked, it is found as %+v and shows %v", i, d.device.Person.Seen())
	}
	d.own(s.Fingerprint(ctx))
	if !slices.Contains(d.notices, signer.NoticeUnlock) {
		t.Errorf("the page was told %v", d.notices)
	}
	d.model.State = &codec1test.State{} // it lost its power
	s, ctx = d.connect()
	if err := s.(signer.Unlocker).AskPIN(ctx); err != nil || s.Info().NeedsPIN || !s.Info().Known {
		t.Errorf("asked for the PIN: %v, then %+v", err, s.Info())
	}
}

func TestPassphraseFromTheHost(t *testing.T) {
	d := newDesk(t, trezortest.One())
	d.device.Passphrase = "ha\u0308keln" // as NFKD has it
	s, _ := d.connect()
	if i := s.Info(); !i.NeedsPassphrase || !i.Known || i.Fingerprint == d.device.Master.Fingerprint() || len(i.Warnings) != 1 {
		t.Errorf("without a passphrase it is %+v", i)
	}
	d.options.Passphrase = "h\u00e4keln"
	s, ctx := d.connect()
	if i := s.Info(); i.NeedsPassphrase || !i.Known {
		t.Errorf("with it, it is %+v", i)
	}
	d.own(s.Fingerprint(ctx))
	d.options.Passphrase = strings.Repeat("x", 51)
	s, ctx = d.connect()
	if _, err := s.Fingerprint(ctx); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Errorf("a passphrase that is too long: %v", err)
	}
}

func TestPassphraseOnNewerDevices(t *testing.T) {
	typed := func(s signertest.Screen) signertest.Decision {
		return signertest.Decision{Approve: true, Text: "secret"}
	}
	for name, test := range map[string]struct {
		host, want string // passphrase of the options; what the device shows
		onDevice   bool
	}{
		"sent by the host":         {"secret", "Access hidden wallet? secret", false},
		"typed, for none was sent": {"", "Enter passphrase", false},
		"typed always":             {"", "Enter passphrase", true},
		"typed in spite of one":    {"other", "Enter passphrase", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, trezortest.Safe5())
			d.device.Passphrase, d.options.Passphrase, d.model.OnDevice = "secret", test.host, test.onDevice
			d.device.Person.Decide = typed
			s, ctx := d.connect()
			if i := s.Info(); i.Known || i.Err != nil || len(d.device.Person.Seen()) > 0 {
				t.Fatalf("opening asked: %v; %+v", d.device.Person.Seen(), i)
			}
			d.own(s.Fingerprint(ctx))
			if !d.device.Person.Saw(signertest.ShowPassphrase, test.want) {
				t.Errorf("the device showed %v", d.device.Person.Seen())
			}
			asked := len(d.device.Person.Seen())
			s, ctx = d.connect() // the session is kept: nobody is asked again
			if i := s.Info(); !i.Known {
				t.Errorf("connected again, it is %+v", i)
			}
			d.own(s.Fingerprint(ctx))
			if n := len(d.device.Person.Seen()); n != asked {
				t.Errorf("the device asked again: %v", d.device.Person.Seen())
			}
			d.options.Passphrase = "quite another"
			if s, _ = d.connect(); s.Info().Known != test.onDevice { // where none is sent, it changes nothing
				t.Errorf("with another passphrase of the host the session is known: %v", s.Info().Known)
			}
		})
	}
}

func TestTogglePassphrase(t *testing.T) {
	d := newDesk(t, trezortest.One())
	s, ctx := d.connect()
	u := s.(signer.Unlocker)
	for _, want := range []bool{true, false} {
		on, err := u.TogglePassphrase(ctx)
		if err != nil || on != want || s.Info().NeedsPassphrase != want {
			t.Errorf("switched to %v, %v; %+v", on, err, s.Info())
		}
	}
	d.device.Person.Decide = func(signertest.Screen) signertest.Decision { return signertest.Decision{} }
	if on, err := u.TogglePassphrase(ctx); signer.CodeOf(err) != signer.CodeCancelled || on {
		t.Errorf("refused: %v %v", on, err)
	}
}
