//go:build emulator

package bitbox02_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
)

// witness is the program HWI and our driver at one device. HWI knows one address alone.
type witness struct {
	t       *testing.T
	program string
	options signer.Options
}

// TestAsHWI lets the program at SPECTER_HWI and this driver ask the same of one device: the
// vendor's simulator where SPECTER_BITBOX02_EMULATOR is set, else the software device.
func TestAsHWI(t *testing.T) {
	w := witness{t, os.Getenv("SPECTER_HWI"), tourOptions(t, "hwi")}
	if w.program == "" {
		t.Skip("SPECTER_HWI is not set (the path of the program hwi): nothing was compared")
	}
	w.options.Network = btc.Testnet3
	if os.Getenv("SPECTER_BITBOX02_EMULATOR") == "" {
		serve(t, bitbox02test.New(device(t, nil)))
	}
	var info signer.Info
	var list []signer.Wallet
	w.ours(func(ctx context.Context, s signer.Signer) {
		info = s.Info()
		list = tourWallets(t, func(path string) string {
			p, _ := btc.ParsePath(path)
			k, err := s.XPub(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			return "[" + btc.KeyOrigin{Fingerprint: info.Fingerprint, Path: p}.String() + "]" + k.String() + "/" + ours
		})
	})
	w.list(info)
	w.keys()
	for _, one := range list {
		if len(one.Descriptor.Keys()) == 1 || strings.Contains(one.Descriptor.String(), "sortedmulti") { // HWI knows no policies here
			w.wallet(one)
		}
	}
	w.messages(list)
}

func serve(t *testing.T, b *bitbox02test.Box) {
	listener, err := net.Listen("tcp", bitbox02.SimulatorAddress)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _ = b.Serve(t.Context(), socket{c}) }()
		}
	}()
}

// ours lets our driver work over a connection of its own.
func (w witness) ours(f func(context.Context, signer.Signer)) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer stop()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", bitbox02.SimulatorAddress)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	s, err := bitbox02.Driver{}.Open(ctx, socket{conn}, simPort, w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	f(ctx, s)
}

// hwi runs the program and reads its JSON.
func (w witness) hwi(into any, input string, args ...string) {
	w.t.Helper()
	c := exec.CommandContext(w.t.Context(), w.program, append([]string{"--emulators", "--chain", "test"}, args...)...)
	c.Stdin = strings.NewReader(input)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.Output()
	var failure struct{ Error string }
	if _ = json.Unmarshal(out, &failure); failure.Error != "" {
		w.t.Fatalf("hwi %v: %s", args, failure.Error)
	}
	if err := json.Unmarshal(out, into); err != nil {
		w.t.Fatalf("hwi %v: %s %s", args, out, complaint.String())
	}
	if err != nil {
		w.t.Fatalf("hwi %v: %v", args, err)
	}
}

func (w witness) list(info signer.Info) {
	var found []struct{ Type, Model, Fingerprint, Error string }
	w.hwi(&found, "", "enumerate")
	for _, f := range found {
		if f.Type == info.Kind {
			if f.Model != info.Model || f.Fingerprint != info.Fingerprint.String() || f.Error != "" {
				w.t.Errorf("HWI finds %+v, we %+v", f, info)
			}
			return
		}
	}
	w.t.Errorf("HWI does not find it: %+v", found)
}

func (w witness) keys() {
	for _, path := range []string{"m/84h/1h/0h", "m/49h/1h/3h", "m/86h/1h/99h", "m/48h/1h/0h/2h", "m/48h/1h/0h/1h", "m/48h/1h/2h", "m/44h/1h/0h"} {
		var theirs struct{ XPub string }
		w.hwi(&theirs, "", "-t", "bitbox02", "getxpub", path)
		w.ours(func(ctx context.Context, s signer.Signer) {
			p, _ := btc.ParsePath(path)
			if k, err := s.XPub(ctx, p); err != nil || k.String() != theirs.XPub {
				w.t.Errorf("%s: HWI says %s, we %s (%v)", path, theirs.XPub, k, err)
			}
		})
	}
}

func (w witness) wallet(one signer.Wallet) {
	t := w.t
	w.ours(func(ctx context.Context, s signer.Signer) { // HWI lets the person type a name, which nobody can do at the simulator
		if _, err := s.Register(ctx, one); err != nil {
			t.Fatal(err)
		}
	})
	at, err := one.Descriptor.Expand()[1].At(7)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct{ Address string }
	w.hwi(&shown, "", "-t", "bitbox02", "displayaddress", "--desc", at.String())
	p := spend(t, one, 3)
	if len(one.Descriptor.Keys()) > 1 {
		for _, k := range one.Descriptor.Keys() {
			if err := p.AddXPub(*k.XKey, *k.Origin); err != nil {
				t.Fatal(err)
			}
		}
	}
	text, err := p.Base64()
	if err != nil {
		t.Fatal(err)
	}
	var signed struct {
		PSBT   string
		Signed bool
	}
	w.hwi(&signed, "signtx "+text, "-t", "bitbox02", "--stdin")
	theirs, err := psbt.Decode(signed.PSBT)
	if err != nil || len(merged(t, p, theirs)) != 3 {
		t.Errorf("%s: HWI's signatures: %v", one.Name, err)
	}
	w.ours(func(ctx context.Context, s signer.Signer) {
		if got, err := s.ShowAddress(ctx, one, signer.Registration{}, 1, 7); err != nil || got != shown.Address {
			t.Errorf("%s: HWI shows %s, we %s (%v)", one.Name, shown.Address, got, err)
		}
		answer, err := s.Sign(ctx, signer.Wallet{}, signer.Registration{}, p) // as HWI: from the PSBT alone
		if err != nil || len(merged(t, p, answer)) != 3 {
			t.Errorf("%s: our signatures: %v", one.Name, err)
		}
	})
}

func (w witness) messages(list []signer.Wallet) {
	for i, path := range []string{"m/84h/1h/0h/0/3", "m/49h/1h/0h/0/3"} {
		var theirs struct{ Signature string }
		w.hwi(&theirs, "", "-t", "bitbox02", "signmessage", "hello", path)
		addr, _ := derive(w.t, list[i].Descriptor.Expand()[0], 3).Address(btc.Testnet3)
		if _, err := message.Verify(addr, btc.Testnet3, "hello", theirs.Signature); err != nil {
			w.t.Errorf("%s: HWI's signature: %v", path, err)
		}
		w.ours(func(ctx context.Context, s signer.Signer) {
			p, _ := btc.ParsePath(path)
			sig, err := s.SignMessage(ctx, p, []byte("hello"))
			if err != nil {
				w.t.Errorf("%s: %v", path, err)
				return
			}
			if _, err := message.Verify(addr, btc.Testnet3, "hello", base64.StdEncoding.EncodeToString(sig)); err != nil {
				w.t.Errorf("%s: our signature: %v", path, err)
			}
		})
	}

}
