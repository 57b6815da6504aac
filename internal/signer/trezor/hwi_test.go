//go:build hwi

package trezor_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/keepkey/keepkeytest"
	"specter/internal/signer/signertest"
	"specter/internal/signer/trezor"
	"specter/internal/signer/trezor/trezortest"
)

// Where HWI looks for emulators, and the debugging ports beside.
const trezorAt, keepkeyAt = "127.0.0.1:21324", "127.0.0.1:11044"

var debugPort = map[string]string{trezorAt: "21325", keepkeyAt: "11045"}

// witness is a software device at the port where HWI looks for the family's emulator.
type witness struct {
	driver  signer.Driver
	port    signer.Port
	address string
	serve   func(context.Context, signer.Conn, signertest.Device) error
	device  signertest.Device
	kinds   []string
}

func witnesses(t *testing.T) map[string]witness {
	device := func() signertest.Device {
		return signertest.Device{Master: signertest.Master(t, signertest.Alcohol, ""), Network: btc.Testnet3, Person: &signertest.Person{}}
	}
	all := []string{"pkh", "sh-wpkh", "wpkh", "tr", "sh", "sh-wsh", "wsh"}
	port := func(kind, address string) signer.Port {
		return signer.Port{Path: "udp:" + address, Way: signer.UDP, Kind: kind}
	}
	of := func(m codec1test.Model) witness {
		return witness{trezor.Driver{}, port("trezor", trezorAt), trezorAt, trezortest.ServeAs(m), device(), all}
	}
	return map[string]witness{
		"One": of(trezortest.One()), "T": of(trezortest.T()), "Safe 3": of(trezortest.Safe3()), "Safe 5": of(trezortest.Safe5()),
		"KeepKey": {keepkey.Driver{}, port("keepkey", keepkeyAt), keepkeyAt, keepkeytest.Serve, device(), []string{"pkh", "sh-wpkh", "wpkh", "sh", "sh-wsh", "wsh"}},
	}
}

// live reports whether a vendor's emulator with the phrase is there already, as TestEmulator
// leaves it, and none in software is to be started.
func live() bool { return os.Getenv("SPECTER_HWI_LIVE") != "" }

// start serves the device over UDP, and swallows what HWI says to the debug port beside it.
func (w witness) start(t *testing.T) {
	t.Helper()
	if live() {
		return
	}
	socket, err := codec1test.Listen(w.address)
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ := strings.Cut(w.address, ":")
	debug, err := codec1test.Listen(host + ":" + debugPort[w.address])
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = w.serve(ctx, socket, w.device) }()
	t.Cleanup(func() { stop(); <-ended; _ = socket.Close(); _ = debug.Close() })
}

// hwi runs a command of HWI's.
func (w witness) hwi(t *testing.T, into any, args ...string) {
	t.Helper()
	program := os.Getenv("SPECTER_HWI")
	if program == "" {
		t.Skip("SPECTER_HWI does not name HWI's program: nothing is compared")
	}
	if args[0] != "enumerate" {
		args = append([]string{"-t", w.driver.Kind(), "-d", w.port.Path}, args...)
	}
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, program, append([]string{"--emulators", "--chain", "test"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("hwi %v: %v\n%s", args, err, stderr.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("hwi %v: %s: %v", args, out, err)
	}
}

// dial opens our driver at the same device.
func (w witness) dial(t *testing.T) (signer.Signer, context.Context) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(stop)
	c, err := codec1test.Dial(ctx, w.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	o := signertest.Options(t)
	o.Network = btc.Testnet3
	if live() {
		host, _, _ := strings.Cut(w.address, ":")
		finger, err := codec1test.PutFinger(ctx, host+":"+debugPort[w.address])
		if err != nil {
			t.Fatal(err)
		}
		o.Notify = finger.Press
	}
	s, err := w.driver.Open(ctx, c, w.port, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, ctx
}

// TestHWIAgrees holds driver and software device against HWI: both ask the same device over UDP
// and must get the same.
func TestHWIAgrees(t *testing.T) {
	for name, w := range witnesses(t) {
		t.Run(name, func(t *testing.T) {
			w.start(t)
			t.Run("enumerate", w.enumerate)
			t.Run("getxpub", w.keys)
			t.Run("displayaddress", w.addresses)
			t.Run("signmessage", w.messages)
			t.Run("signtx", w.transactions)
			t.Run("togglepassphrase", w.toggle)
		})
	}
}

func (w witness) enumerate(t *testing.T) {
	var all []struct {
		Type, Model, Label, Path, Fingerprint, Error string
		PIN                                          bool `json:"needs_pin_sent"`
		Passphrase                                   bool `json:"needs_passphrase_sent"`
	}
	w.hwi(t, &all, "enumerate")
	s, _ := w.dial(t)
	i := s.Info()
	for _, h := range all {
		if h.Type != w.driver.Kind() {
			continue
		}
		if h.Model != i.Model || h.Label != i.Label || h.Path != i.Path || h.Fingerprint != i.Fingerprint.String() || h.PIN != i.NeedsPIN || h.Passphrase != i.NeedsPassphrase || h.Error != "" {
			t.Errorf("HWI has %+v, we have %+v", h, i)
		}
		return
	}
	t.Fatalf("HWI does not find it: %+v", all)
}

func (w witness) keys(t *testing.T) {
	s, ctx := w.dial(t)
	for _, kind := range w.kinds {
		p := signertest.AccountPath(t, kind)
		var got struct{ XPub, Error string }
		w.hwi(t, &got, "getxpub", p.Full())
		ours, err := s.XPub(ctx, p)
		if err != nil || ours.String() != got.XPub {
			t.Errorf("%s: HWI has %+v, we have %v %v", p.Full(), got, ours, err)
		}
	}
}

func (w witness) wallets(t *testing.T) []signer.Wallet {
	t.Helper()
	var all []signer.Wallet
	masters := []btc.XKey{w.device.Master, signertest.Master(t, signertest.Abandon, ""), signertest.Master(t, signertest.Zoo, "")}
	for _, kind := range w.kinds {
		wallet := signertest.Wallet(t, kind, masters...)
		all = append(all, wallet)
		if text := wallet.Descriptor.String(); strings.Contains(text, "sortedmulti(") {
			text, _, _ = strings.Cut(strings.Replace(text, "sortedmulti(", "multi(", 1), "#")
			all = append(all, signer.Wallet{Name: wallet.Name, Descriptor: signertest.Descriptor(t, text)})
		}
	}
	return all
}

func (w witness) addresses(t *testing.T) {
	s, ctx := w.dial(t)
	for _, wallet := range w.wallets(t) {
		for branch := range uint32(2) {
			one, err := wallet.Descriptor.Branch(int(branch))
			if err != nil {
				t.Fatal(err)
			}
			at, err := one.At(5)
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Address, Error string }
			w.hwi(t, &got, "displayaddress", "--desc", at.String())
			ours, err := s.ShowAddress(ctx, wallet, signer.Registration{}, branch, 5)
			if err != nil || ours != got.Address {
				t.Errorf("%s: HWI has %+v, we have %s %v", at, got, ours, err)
			}
		}
	}
}

// messages: HWI signs as if every key were of a P2PKH address, so that the header differs for
// segwit paths, by BIP137's constant, and nothing else does.
func (w witness) messages(t *testing.T) {
	s, ctx := w.dial(t)
	for path, header := range map[string]byte{"m/44h/1h/0h/0/0": 0, "m/49h/1h/0h/0/1": 4, "m/84h/1h/0h/0/0": 8} {
		p, err := btc.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Signature, Error string }
		w.hwi(t, &got, "signmessage", "hello", path)
		theirs, err := base64.StdEncoding.DecodeString(got.Signature)
		if err != nil || len(theirs) != 65 {
			t.Fatalf("%s: %+v %v", path, got, err)
		}
		ours, err := s.SignMessage(ctx, p, []byte("hello"))
		theirs[0] += header
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s: HWI has %x, we have %x %v", path, theirs, ours, err)
		}
	}
}

func (w witness) transactions(t *testing.T) {
	s, ctx := w.dial(t)
	for _, wallet := range w.wallets(t) {
		for _, bare := range []bool{false, true} {
			tx := signertest.Payment{
				Coins:  []signertest.Coin{{Wallet: wallet, Index: 3, Sat: 70_000}, {Wallet: wallet, Branch: 1, Index: 4, Sat: 50_000}},
				Pay:    81_234,
				Change: &signertest.Coin{Wallet: wallet, Branch: 1, Index: 7, Sat: 37_000}, NoXPubs: bare,
			}.Packet(t, btc.Testnet3)
			text, err := tx.Base64()
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				PSBT, Error string
				Signed      bool
			}
			w.hwi(t, &got, "signtx", text)
			theirs, err := psbt.Decode(got.PSBT)
			if err != nil {
				t.Errorf("%s: HWI says %q: %v", wallet.Descriptor, got.Error, err)
				continue
			}
			ours, err := s.Sign(ctx, wallet, signer.Registration{}, tx)
			if err != nil {
				t.Errorf("%s: %v", wallet.Descriptor, err)
				continue
			}
			for i := range ours.Inputs {
				a, b := ours.Inputs[i], theirs.Inputs[i]
				if len(a.PartialSigs)+len(a.TapKeySig) == 0 || len(a.PartialSigs) != len(b.PartialSigs) || !bytes.Equal(a.TapKeySig, b.TapKeySig) {
					t.Errorf("%s input %d: HWI has %v %x, we have %v %x", wallet.Descriptor, i, b.PartialSigs, b.TapKeySig, a.PartialSigs, a.TapKeySig)
				}
				for j := range min(len(a.PartialSigs), len(b.PartialSigs)) {
					if !bytes.Equal(a.PartialSigs[j].PubKey, b.PartialSigs[j].PubKey) || !bytes.Equal(a.PartialSigs[j].Signature, b.PartialSigs[j].Signature) {
						t.Errorf("%s input %d: the signatures differ", wallet.Descriptor, i)
					}
				}
			}
			if _, fresh, err := tx.Merge(theirs); err != nil || len(fresh) == 0 {
				t.Errorf("%s: HWI's answer does not verify: %v", wallet.Descriptor, err)
			}
		}
	}
}

func (w witness) toggle(t *testing.T) {
	for _, want := range []bool{true, false} {
		var got struct {
			Success bool
			Error   string
		}
		w.hwi(t, &got, "togglepassphrase")
		if !got.Success {
			t.Fatalf("HWI says %q", got.Error)
		}
		s, _ := w.dial(t)
		found := strings.Contains(strings.Join(s.Info().Warnings, " "), "Passphrase protection is on")
		if found != want {
			t.Errorf("after HWI switched it, protection is %v for us", found)
		}
	}
}
