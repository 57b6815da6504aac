package bitbox02_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/btc/psbt"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/bitbox02/bitbox02test"
	"specter/internal/signer/signertest"
)

// tour does everything with a device on regtest and holds its answers to our own arithmetic.
// What it says depends on nothing but the options' chance, so that a recording can be replayed.
func tour(ctx context.Context, t *testing.T, conn signer.Conn, o signer.Options) signer.Info {
	t.Helper()
	s, err := bitbox02.Driver{}.Open(ctx, conn, simPort, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	info := s.Info()
	if !info.Known || info.Err != nil {
		t.Fatalf("the device cannot be used: %+v", info)
	}
	own := func(path string) string {
		p, err := btc.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		k, err := s.XPub(ctx, p)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return "[" + btc.KeyOrigin{Fingerprint: info.Fingerprint, Path: p}.String() + "]" + k.String() + "/" + ours
	}
	for _, w := range tourWallets(t, own) {
		tourWallet(ctx, t, s, w)
	}
	tourMixed(ctx, t, s, own)
	tourMessage(ctx, t, s, own)
	return info
}

func tourWallets(t *testing.T, own func(string) string) []signer.Wallet {
	const p2, p1 = "m/48h/1h/0h/2h", "m/48h/1h/0h/1h"
	zoo := func(p string) string { return key(t, signertest.Zoo, p) + "/" + ours }
	legal := func(p string) string { return key(t, signertest.Legal, p) + "/" + ours }
	var list []signer.Wallet
	for _, w := range [][2]string{
		{"native", "wpkh(" + own("m/84h/1h/0h") + ")"},
		{"nested", "sh(wpkh(" + own("m/49h/1h/0h") + "))"},
		{"taproot", "tr(" + own("m/86h/1h/0h") + ")"},
		{"multisig", fmt.Sprintf("wsh(sortedmulti(2,%s,%s,%s))", zoo(p2), own(p2), legal(p2))},
		{"nested multisig", fmt.Sprintf("sh(wsh(sortedmulti(2,%s,%s,%s)))", own(p1), zoo(p1), legal(p1))},
		{"short path", fmt.Sprintf("wsh(sortedmulti(1,%s,%s))", own("m/48h/1h/3h"), zoo(p2))},
		{"policy", fmt.Sprintf("wsh(or_d(pk(%s),and_v(v:pkh(%s),older(5))))", own(p2), zoo(p2))},
		{"tree by key", fmt.Sprintf("tr(%s,{pk(%s),and_v(v:pk(%s),older(5))})", own(p2), zoo(p2), legal(p2))},
		{"tree by leaf", fmt.Sprintf("tr(%s,{pk(%s),and_v(v:pk(%s),older(5))})", zoo(p2), own(p2), legal(p2))},
		{"unsorted", fmt.Sprintf("wsh(multi(1,%s,%s))", zoo(p2), own(p2))},
	} {
		list = append(list, walletOf(t, w[0], w[1]))
	}
	return list
}

func tourWallet(ctx context.Context, t *testing.T, s signer.Signer, w signer.Wallet) {
	t.Helper()
	if _, err := s.Register(ctx, w); err != nil {
		t.Errorf("%s: registering: %v", w.Name, err)
		return
	}
	for branch := range uint32(2) {
		want, _ := derive(t, w.Descriptor.Expand()[branch], 11).Address(btc.Regtest)
		if got, err := s.ShowAddress(ctx, w, signer.Registration{}, branch, 11); err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", w.Name, got, want, err)
		}
	}
	tourSign(ctx, t, s, w, spend(t, w, 3), 3)
}

func tourSign(ctx context.Context, t *testing.T, s signer.Signer, w signer.Wallet, p *psbt.Packet, want int) {
	t.Helper()
	answer, err := s.Sign(ctx, w, signer.Registration{}, p)
	if err != nil {
		t.Errorf("%s: signing: %v", w.Name, err)
		return
	}
	if added := merged(t, p, answer); len(added) != want {
		t.Errorf("%s: %d signatures", w.Name, len(added))
	}
}

// tourMixed pays to another account of the device and leaves a note.
func tourMixed(ctx context.Context, t *testing.T, s signer.Signer, own func(string) string) {
	t.Helper()
	w := walletOf(t, "native", "wpkh("+own("m/84h/1h/0h")+")")
	p := spend(t, w, 1)
	out := derive(t, walletOf(t, "", "tr("+own("m/86h/1h/5h")+")").Descriptor.Expand()[0], 3)
	p.Outputs[0].Script = out.Script
	if err := p.UpdateOutput(0, out); err != nil {
		t.Fatal(err)
	}
	tourSign(ctx, t, s, w, p, 1)
	p = spend(t, w, 1)
	p.Outputs[0].Script, p.Outputs[0].Amount = []byte{0x6a, 2, 'h', 'i'}, 0
	tourSign(ctx, t, s, w, p, 1)
}

func tourMessage(ctx context.Context, t *testing.T, s signer.Signer, own func(string) string) {
	t.Helper()
	for path, text := range map[string]string{"m/84h/1h/0h": "wpkh(%s)"} {
		p, _ := btc.ParsePath(path + "/0/3")
		sig, err := s.SignMessage(ctx, p, []byte("hello"))
		if err != nil {
			t.Errorf("a message: %v", err)
			return
		}
		addr, _ := derive(t, parsed(t, fmt.Sprintf(text, own(path))).Descriptor.Expand()[0], 3).Address(btc.Regtest)
		if _, err := message.Verify(addr, btc.Regtest, "hello", base64.StdEncoding.EncodeToString(sig)); err != nil {
			t.Errorf("a message: %v", err)
		}
	}
}

func tourOptions(t *testing.T, seed string) signer.Options {
	return signer.Options{Network: btc.Regtest, Pair: true, Rand: signertest.Chance(seed), Now: time.Now, Memory: &signertest.Drawer{}}
}

func TestTheTourAtTheSoftwareDevice(t *testing.T) {
	ctx := limited(t)
	b := bitbox02test.New(device(t, nil))
	info := tour(ctx, t, plug(t, b).Host(), tourOptions(t, "tour"))
	if info.Fingerprint.String() != "73c5da0a" {
		t.Errorf("%+v", info)
	}
}

// TestRecordings replays what passed between this driver and the vendor's simulator.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	slices.Sort(files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := signertest.ReadRecording(data)
			if err != nil {
				t.Fatal(err)
			}
			if info := tour(limited(t), t, r.Replay(t), tourOptions(t, r.Seed)); info.Firmware != r.Firmware {
				t.Errorf("firmware %s, recorded %s", info.Firmware, r.Firmware)
			}
		})
	}
}
