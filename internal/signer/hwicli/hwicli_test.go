package hwicli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/hwicli"
	"specter/internal/signer/signertest"
	"specter/internal/testkit"
)

// TestMain lets the test's own program be the program HWI: what it answers stands in its
// environment.
func TestMain(m *testing.M) {
	if os.Getenv("FAKE_HWI") != "" {
		os.Exit(fake())
	}
	os.Exit(m.Run())
}

// heard is what the false program was told.
type heard struct {
	Flags    []string
	Commands []string
	Password string
}

// fake writes what it was told to a file and answers as its environment says.
func fake() int {
	h := heard{Flags: os.Args[1:]}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<22)
	for in.Scan() && in.Text() != "" {
		h.Commands = append(h.Commands, in.Text())
	}
	if in.Scan() {
		h.Password = in.Text()
	}
	raw, _ := json.Marshal(h)
	if err := os.WriteFile(os.Getenv("FAKE_HWI"), raw, 0o600); err != nil {
		return 1
	}
	fmt.Fprintln(os.Stderr, os.Getenv("FAKE_LOG"))
	switch os.Getenv("FAKE_DO") {
	case "hang":
		// A child that holds the pipes open, as a library's helper may.
		if c := exec.Command(os.Args[0]); os.Getenv("FAKE_CHILD") == "" {
			c.Env = append(os.Environ(), "FAKE_CHILD=1")
			c.Stdout, c.Stderr = os.Stdout, os.Stderr
			_ = c.Start()
		}
		select {}
	case "flood":
		for range 10 << 20 >> 10 {
			fmt.Print(strings.Repeat("x", 1024))
		}
	}
	fmt.Print(os.Getenv("FAKE_OUT"))
	return len(os.Getenv("FAKE_EXIT"))
}

// program is the false HWI; told reads what it heard last.
func program(t *testing.T, out string, more ...string) (p hwicli.Program, told func() heard) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "heard")
	env := append(os.Environ(), "FAKE_HWI="+file, "FAKE_OUT="+out)
	return hwicli.Program{Path: self, Env: append(env, more...)}, func() heard {
		var h heard
		raw, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(raw, &h) != nil {
			t.Fatalf("the program was not run: %v", err)
		}
		return h
	}
}

var regtest = signer.Ask{Network: btc.Regtest}

const listed = `[{"type":"digitalbitbox","model":"digitalbitbox_01","label":null,"path":"0003:0001:00","needs_pin_sent":false,"needs_passphrase_sent":true,"fingerprint":"73C5DA0A","warnings":[["be careful"]]},
 {"type":"trezor","model":"trezor_t","path":"webusb:001:4","needs_pin_sent":false,"needs_passphrase_sent":false,"fingerprint":"95d8f670"},
 {"type":"digitalbitbox","model":"digitalbitbox_01","path":"b","error":"Could not open client: locked","code":-12,"warnings":["one"]},
 {"type":"","path":"c"},{"type":"odd","path":"d","fingerprint":"zz"}]`

func TestDevicesThatOurDriversDoNotDriveAreListed(t *testing.T) {
	p, told := program(t, listed)
	got, err := p.Enumerate(t.Context(), regtest, []string{"trezor"})
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if i := got[0]; i.Kind != "digitalbitbox" || i.Path != "0003:0001:00" || i.Fingerprint.String() != "73c5da0a" || !i.Known || !i.NeedsPassphrase || !slices.Equal(i.Warnings, []string{"be careful"}) {
		t.Errorf("%+v", i)
	}
	if i := got[1]; i.Known || signer.CodeOf(i.Err) != signer.CodeNotReady || !strings.Contains(i.Err.Error(), "locked") {
		t.Errorf("%+v", i)
	}
	if h := told(); !slices.Equal(h.Commands, []string{"'enumerate'"}) || !slices.Contains(h.Flags, "regtest") {
		t.Errorf("told %+v", h)
	}
}

func TestSecretsGoOverStandardInput(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("HWI takes passphrases from the console there")
	}
	p, told := program(t, `{"success": true}`)
	a := regtest
	a.Passphrase = `correct horse 'battery'`
	s, err := p.Open(signer.Info{Kind: "keepkey", Path: "x y"}, a)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.(signer.Unlocker).SendPIN(t.Context(), "123"); err != nil {
		t.Fatal(err)
	}
	h := told()
	if h.Password != a.Passphrase || strings.Contains(strings.Join(h.Flags, " "), "horse") || !slices.Contains(h.Flags, "--stdinpass") {
		t.Errorf("told %+v", h)
	}
	if !slices.Equal(h.Commands, []string{"'sendpin' '123'"}) || !slices.Contains(h.Flags, "x y") {
		t.Errorf("told %+v", h)
	}
	a.Passphrase = "two\nlines"
	if s, _ = p.Open(signer.Info{Kind: "keepkey", Path: "x"}, a); signer.CodeOf(s.(signer.Unlocker).AskPIN(t.Context())) != signer.CodeBadArgument {
		t.Error("a passphrase of two lines")
	}
	if err := s.(signer.Unlocker).SendPIN(t.Context(), "12; rm"); signer.CodeOf(err) != signer.CodeBadArgument {
		t.Errorf("a PIN that is none: %v", err)
	}
	p, _ = program(t, `{"success": false}`)
	if s, err = p.Open(signer.Info{Kind: "keepkey", Path: "x"}, regtest); err != nil {
		t.Fatal(err)
	}
	u := s.(signer.Unlocker)
	if err := u.SendPIN(t.Context(), "124"); !errors.Is(err, signer.ErrWrongPIN) || signer.CodeOf(err) != signer.CodeNotReady {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := u.AskPIN(t.Context()); err == nil || errors.Is(err, signer.ErrWrongPIN) {
		t.Errorf("a refused question: %v", err)
	}
}

func TestAnswersAreReadStrictly(t *testing.T) {
	const xpub = "tpubDDPHCt8nzaf3HZXAMeUj3grAcDdXmyy6BkUZgMyhCjUDLwpdE4gdzCFH6rG9Ex9PukLURFmGYhbrZAXzP4D464g8wHa2FRz3cbB6Q6QGqno"
	for out, code := range map[string]signer.Code{
		`{"xpub":"` + xpub + `"}`:             0,
		`{"xpub":"` + xpub + `"} {"xpub":""}`: signer.CodeUnknown,
		`{"xpub":5}`:                          signer.CodeUnknown,
		`{"xpub":"hello"}`:                    signer.CodeUnknown,
		`not json`:                            signer.CodeUnknown,
		``:                                    signer.CodeUnknown,
		`[]`:                                  signer.CodeUnknown,
		`{"error":"Canceled by user","code":-14}`:                 signer.CodeCancelled,
		`{"error":"odd","code":-4711}`:                            signer.CodeUnknown,
		`{"error":"odd"}`:                                         signer.CodeUnknown,
		`{"error":"hwi: error: bad","code":-2}`:                   signer.CodeMissing,
		`{"error":"x","code":"y"}`:                                signer.CodeUnknown,
		`{"xpub":"` + strings.Repeat("a", 4000) + `","more":[1]}`: signer.CodeUnknown,
	} {
		p, _ := program(t, out, "FAKE_EXIT=xx")
		s, err := p.Open(signer.Info{Kind: "digitalbitbox", Path: "a"}, regtest)
		if err != nil {
			t.Fatal(err)
		}
		k, err := s.XPub(t.Context(), nil)
		if code == 0 && (err != nil || k.String() != xpub) || code != 0 && signer.CodeOf(err) != code {
			t.Errorf("%.60s: %v, %v", out, k, err)
		}
	}
	p, _ := program(t, "", "FAKE_DO=flood")
	if _, err := p.Enumerate(t.Context(), regtest, nil); err == nil || !strings.Contains(err.Error(), "more than it should") {
		t.Errorf("ten megabytes: %v", err)
	}
}

func TestAProgramThatHangsIsEndedAndItsDeviceNamed(t *testing.T) {
	p, _ := program(t, "", "FAKE_DO=hang", "FAKE_LOG=DEBUG:root:hello\nDEBUG:hwilib.devices.trezorlib.transport.webusb:found\nanything")
	p.Limit = 300 * time.Millisecond
	_, err := p.Enumerate(t.Context(), regtest, nil)
	for err != nil && !strings.Contains(err.Error(), "trezor") && p.Limit < testkit.Patience { // on a busy machine a program needs longer to say anything
		p.Limit *= 4
		_, err = p.Enumerate(t.Context(), regtest, nil)
	}
	if signer.CodeOf(err) != signer.CodeBusy || errs.KindOf(err) != errs.Conflict || !strings.Contains(err.Error(), "trezor") || !strings.Contains(err.Error(), p.Limit.String()) {
		t.Errorf("%v", err)
	}
	s, err := p.Open(signer.Info{Kind: "digitalbitbox", Path: "0001"}, regtest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.XPub(t.Context(), nil); !strings.Contains(fmt.Sprint(err), "digitalbitbox at 0001") {
		t.Errorf("%v", err)
	}
	p.Limit = 0
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := p.Enumerate(ctx, regtest, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("given up: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second { // less than what an enumeration may take by itself
		t.Errorf("it took %v", took)
	}
}

func TestWhatCannotBeSaidToHWIIsRefused(t *testing.T) {
	p, told := program(t, `{"signature":"AAAA"}`)
	s, err := p.Open(signer.Info{Kind: "digitalbitbox", Path: "a"}, regtest)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"two\nlines", "--help"} {
		if _, err := s.SignMessage(t.Context(), nil, []byte(text)); signer.CodeOf(err) != signer.CodeUnavailable {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := s.SignMessage(t.Context(), btc.Path{btc.Hardened + 84}, []byte(`it's $(x) "y" \z`)); signer.CodeOf(err) != signer.CodeUnknown {
		t.Errorf("a signature of 3 bytes: %v", err)
	}
	if h := told(); !slices.Equal(h.Commands, []string{`'signmessage' 'it'"'"'s $(x) "y" \z' 'm/84h'`}) {
		t.Errorf("told %q", h.Commands)
	}
	for _, i := range []signer.Info{{Kind: "-t", Path: "a"}, {Kind: "a", Path: "--x"}, {}} {
		if _, err := p.Open(i, regtest); signer.CodeOf(err) != signer.CodeBadArgument {
			t.Errorf("%+v: %v", i, err)
		}
	}
}

func TestAddressesAndTransactionsGoInWhole(t *testing.T) {
	w := signertest.Wallet(t, "wsh", signertest.Master(t, signertest.Alcohol, ""), signertest.Master(t, signertest.Zoo, ""), signertest.Master(t, signertest.Legal, ""))
	p, told := program(t, `{"address":"bcrt1qxxx"}`)
	s, err := p.Open(signer.Info{Kind: "digitalbitbox", Path: "a"}, regtest)
	if err != nil {
		t.Fatal(err)
	}
	if addr, err := s.ShowAddress(t.Context(), w, signer.Registration{}, 1, 7); err != nil || addr != "bcrt1qxxx" {
		t.Errorf("%s, %v", addr, err)
	}
	if h := told(); len(h.Commands) != 1 || !strings.HasPrefix(h.Commands[0], "'displayaddress' '--desc' 'wsh(sortedmulti(2,[95d8f670/") || strings.Count(h.Commands[0], "/1/7") != 3 {
		t.Errorf("told %q", h.Commands)
	}
	tx := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 1, Sat: 50_000}}, Pay: 40_000}.Packet(t, btc.Regtest)
	text, err := tx.Base64()
	if err != nil {
		t.Fatal(err)
	}
	p, told = program(t, `{"psbt":"`+text+`","signed":false}`)
	if s, err = p.Open(signer.Info{Kind: "digitalbitbox", Path: "a"}, regtest); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(t.Context(), w, signer.Registration{}, tx); err != nil {
		t.Error(err)
	}
	if h := told(); !slices.Equal(h.Commands, []string{"'signtx' '" + text + "'"}) {
		t.Errorf("told %.100q", h.Commands)
	}
}

func TestAProgramThatIsNotThereIsTold(t *testing.T) {
	p := hwicli.Program{Path: filepath.Join(t.TempDir(), "hwi")}
	if _, err := p.Enumerate(t.Context(), regtest, nil); signer.CodeOf(err) != signer.CodeConnection {
		t.Errorf("%v", err)
	}
	q, _ := program(t, "hwi 3.2.0\n")
	if v, err := q.Version(t.Context()); err != nil || v != "3.2.0" {
		t.Errorf("%q, %v", v, err)
	}
}
