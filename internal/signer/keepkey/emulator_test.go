//go:build emulator

package keepkey_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/codec1/codec1test"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/signertest"
)

// TestEmulator drives the vendor's emulator at SPECTER_KEEPKEY_EMULATOR (udp:127.0.0.1:11044; the
// debugging port is the next one). It wipes the emulator. With SPECTER_RECORD, a folder, what
// passes is recorded there for TestRecordings.
func TestEmulator(t *testing.T) {
	path := os.Getenv("SPECTER_KEEPKEY_EMULATOR")
	address, ok := strings.CutPrefix(path, "udp:")
	if !ok {
		t.Skip("SPECTER_KEEPKEY_EMULATOR is not set (udp:127.0.0.1:11044, say): no emulator was driven")
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	finger, err := codec1test.PutFinger(ctx, net.JoinHostPort(host, strconv.Itoa(n+1)))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := codec1test.Dial(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	at := signer.Port{Path: path, Way: signer.UDP, Kind: "keepkey"}
	o := signertest.Options(t)
	o.Network, o.Notify = btc.Testnet3, finger.Press

	t.Run("tour", func(t *testing.T) {
		if err := finger.Load(ctx, conn, signertest.Alcohol, "", "emulator"); err != nil {
			t.Fatal(err)
		}
		r := &signertest.Recording{Driver: "keepkey", Seed: t.Name(), About: "everything, with the phrase alcohol…, on testnet"}
		s, err := keepkey.Driver{}.Open(ctx, r.Over(conn), at, o)
		if err != nil {
			t.Fatal(err)
		}
		i := s.Info()
		t.Logf("driven: %s, firmware %s", i.Model, i.Firmware)
		if !i.Known || i.Fingerprint.String() != "95d8f670" || i.Label != "emulator" || i.Err != nil {
			t.Errorf("found as %+v", i)
		}
		codec1test.Tour(ctx, t, s, tourKinds)
		if dir := os.Getenv("SPECTER_RECORD"); dir != "" && !t.Failed() {
			r.Firmware = i.Firmware
			if err := os.WriteFile(filepath.Join(dir, i.Model+"_"+i.Firmware+".jsonl"), r.Text(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("passphrase", func(t *testing.T) {
		s, err := keepkey.Driver{}.Open(ctx, conn, at, o)
		if err != nil {
			t.Fatal(err)
		}
		if on, err := s.(signer.Unlocker).TogglePassphrase(ctx); err != nil || !on {
			t.Fatalf("switched to %v: %v", on, err)
		}
		hidden := o
		hidden.Passphrase, hidden.Memory = "TREZOR", &signertest.Drawer{}
		if s, err = (keepkey.Driver{}).Open(ctx, conn, at, hidden); err != nil {
			t.Fatal(err)
		}
		want := signertest.Master(t, signertest.Alcohol, "TREZOR").Fingerprint()
		if fp, err := s.Fingerprint(ctx); err != nil || fp != want {
			t.Errorf("the hidden wallet is %s %v, want %s", fp, err, want)
		}
		if _, err := s.(signer.Unlocker).TogglePassphrase(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		waiting := o
		waiting.Notify = nil // nobody presses
		s, err := keepkey.Driver{}.Open(ctx, conn, at, waiting)
		if err != nil {
			t.Fatal(err)
		}
		short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
		defer stop()
		w := signertest.Wallet(t, "wpkh", signertest.Master(t, signertest.Alcohol, ""))
		if _, err := s.ShowAddress(short, w, signer.Registration{}, 0, 0); short.Err() == nil || err == nil {
			t.Errorf("nobody pressed: %v", err)
		}
		if _, err := s.XPub(ctx, btc.Path{btc.Hardened | 84, btc.Hardened | 1, btc.Hardened}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("PIN", func(t *testing.T) {
		if err := finger.Load(ctx, conn, signertest.Alcohol, "1234", "locked"); err != nil {
			t.Fatal(err)
		}
		if err := finger.Lock(ctx, conn); err != nil {
			t.Fatal(err)
		}
		s, err := keepkey.Driver{}.Open(ctx, conn, at, o)
		if err != nil {
			t.Fatal(err)
		}
		if i := s.Info(); !i.NeedsPIN || i.Known || signer.CodeOf(i.Err) != signer.CodeNotReady {
			t.Fatalf("locked, it is %+v", i)
		}
		u := s.(signer.Unlocker)
		if err := u.AskPIN(ctx); err != nil {
			t.Fatal(err)
		}
		if err := u.SendPIN(ctx, "9"); signer.CodeOf(err) != signer.CodeNotReady || !strings.Contains(err.Error(), "wrong") {
			t.Errorf("a wrong PIN: %v", err)
		}
		if err := u.AskPIN(ctx); err != nil {
			t.Fatal(err)
		}
		other, err := keepkey.Driver{}.Open(ctx, conn, at, o) // another program, while the matrix is shown
		if err != nil {
			t.Fatal(err)
		}
		places, err := finger.Places(ctx, "1234")
		if err != nil {
			t.Fatal(err)
		}
		if err := other.(signer.Unlocker).SendPIN(ctx, places); err != nil {
			t.Fatal(err)
		}
		if i := other.Info(); i.NeedsPIN || !i.Known || i.Err != nil {
			t.Errorf("unlocked, it is %+v", i)
		}
	})
	t.Run("change", func(t *testing.T) {
		if err := finger.Load(ctx, conn, signertest.Alcohol, "", "emulator"); err != nil {
			t.Fatal(err)
		}
		asked := 0
		counting := o
		counting.Notify = func(n signer.Notice) { asked++; finger.Press(n) }
		s, err := keepkey.Driver{}.Open(ctx, conn, at, counting)
		if err != nil {
			t.Fatal(err)
		}
		round := int64(0)
		count := func(w signer.Wallet, p signertest.Payment) int {
			asked, round = 0, round+1
			p.Pay += round // KeepKey refuses the same payment twice in a row
			tx := p.Packet(t, btc.Testnet3)
			got, err := s.Sign(ctx, w, signer.Registration{}, tx)
			if err != nil {
				t.Fatal(err)
			}
			if _, fresh, err := tx.Merge(got); err != nil || len(fresh) == 0 {
				t.Errorf("%d signatures verify: %v", len(fresh), err)
			}
			return asked
		}
		for _, kind := range tourKinds {
			w := signertest.Wallet(t, kind, signertest.Master(t, signertest.Alcohol, ""), signertest.Master(t, signertest.Abandon, ""), signertest.Master(t, signertest.Zoo, ""))
			p := signertest.Payment{Coins: []signertest.Coin{{Wallet: w, Index: 3, Sat: 70_000}}, Pay: 69_000}
			without := count(w, p)
			var with []int
			for i := range uint32(4) { // sorted keys stand in other orders at other indexes
				p.Change = &signertest.Coin{Wallet: w, Branch: 1, Index: i, Sat: 29_000}
				p.Pay = 40_000
				with = append(with, count(w, p))
			}
			for _, n := range with {
				if n != without {
					t.Errorf("%s: with change the device asked %v times, without %d: it does not see that it is change", kind, with, without)
				}
			}
		}
		var coins []signertest.Coin
		for i, kind := range []string{"pkh", "sh-wpkh", "wpkh"} {
			coins = append(coins, signertest.Coin{Wallet: signertest.Wallet(t, kind, signertest.Master(t, signertest.Alcohol, "")), Index: uint32(i), Sat: 30_000})
		}
		count(signer.Wallet{}, signertest.Payment{Coins: coins, Pay: 75_000}) // mixed inputs
	})
}
