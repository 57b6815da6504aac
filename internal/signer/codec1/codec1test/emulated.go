package codec1test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// emulated is a vendor's emulator that is driven.
type emulated struct {
	driver signer.Driver
	kinds  []string // of scripts that it can
	at     signer.Port
	conn   signer.Conn
	finger Finger
	o      signer.Options
}

// Emulate drives the vendor's emulator at the address in an environment variable
// (udp:127.0.0.1:21324, say; the debugging port is the next one), which is wiped. With
// SPECTER_RECORD, a folder, what passes is recorded there for Replay.
func Emulate(t *testing.T, d signer.Driver, variable string, kinds []string) {
	path := os.Getenv(variable)
	address, ok := strings.CutPrefix(path, "udp:")
	if !ok {
		t.Skip(variable + " is not set (udp:127.0.0.1:21324, say): no emulator was driven")
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
	finger, err := PutFinger(ctx, net.JoinHostPort(host, strconv.Itoa(n+1)))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := Dial(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	e := emulated{driver: d, kinds: kinds, at: signer.Port{Path: path, Way: signer.UDP, Kind: d.Kind()}, conn: conn, finger: finger, o: signertest.Options(t)}
	e.o.Network, e.o.Notify = btc.Testnet3, finger.Press
	t.Run("tour", func(t *testing.T) { e.tour(ctx, t) })
	t.Run("passphrase", func(t *testing.T) { e.passphrase(ctx, t) })
	t.Run("cancel", func(t *testing.T) { e.cancel(ctx, t) })
	t.Run("PIN", func(t *testing.T) { e.pin(ctx, t) })
	t.Run("change", func(t *testing.T) { e.change(ctx, t) })
}

// tour does everything once, and records it where that is wanted.
func (e emulated) tour(ctx context.Context, t *testing.T) {
	if err := e.finger.Load(ctx, e.conn, signertest.Alcohol, "", "emulator"); err != nil {
		t.Fatal(err)
	}
	r := &signertest.Recording{Driver: e.driver.Kind(), Seed: t.Name(), About: "everything, with the phrase alcohol…, on testnet"}
	s, err := e.driver.Open(ctx, r.Over(e.conn), e.at, e.o)
	if err != nil {
		t.Fatal(err)
	}
	i := s.Info()
	t.Logf("driven: %s, firmware %s", i.Model, i.Firmware)
	if !i.Known || i.Fingerprint.String() != "95d8f670" || i.Label != "emulator" || i.Err != nil {
		t.Errorf("found as %+v", i)
	}
	Tour(ctx, t, s, e.kinds)
	if dir := os.Getenv("SPECTER_RECORD"); dir != "" && !t.Failed() {
		r.Firmware = i.Firmware
		if err := os.WriteFile(filepath.Join(dir, i.Model+"_"+i.Firmware+".jsonl"), r.Text(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// passphrase opens a hidden wallet.
func (e emulated) passphrase(ctx context.Context, t *testing.T) {
	s, err := e.driver.Open(ctx, e.conn, e.at, e.o)
	if err != nil {
		t.Fatal(err)
	}
	if on, err := s.(signer.Unlocker).TogglePassphrase(ctx); err != nil || !on {
		t.Fatalf("switched to %v: %v", on, err)
	}
	hidden := e.o
	hidden.Passphrase, hidden.Memory = "TREZOR", &signertest.Drawer{}
	if s, err = e.driver.Open(ctx, e.conn, e.at, hidden); err != nil {
		t.Fatal(err)
	}
	want := signertest.Master(t, signertest.Alcohol, "TREZOR").Fingerprint()
	if fp, err := s.Fingerprint(ctx); err != nil || fp != want {
		t.Errorf("the hidden wallet is %s %v, want %s", fp, err, want)
	}
	if _, err := s.(signer.Unlocker).TogglePassphrase(ctx); err != nil {
		t.Error(err)
	}
}

// cancel gives up what nobody answers.
func (e emulated) cancel(ctx context.Context, t *testing.T) {
	waiting := e.o
	waiting.Notify = nil // nobody presses
	s, err := e.driver.Open(ctx, e.conn, e.at, waiting)
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
}

// pin locks the device and unlocks it, by a second program in the end.
func (e emulated) pin(ctx context.Context, t *testing.T) {
	if err := e.finger.Load(ctx, e.conn, signertest.Alcohol, "1234", "locked"); err != nil {
		t.Fatal(err)
	}
	if err := e.finger.Lock(ctx, e.conn); err != nil {
		t.Fatal(err)
	}
	s, err := e.driver.Open(ctx, e.conn, e.at, e.o)
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
	other, err := e.driver.Open(ctx, e.conn, e.at, e.o) // another program, while the matrix is shown
	if err != nil {
		t.Fatal(err)
	}
	places, err := e.finger.Places(ctx, "1234")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.(signer.Unlocker).SendPIN(ctx, places); err != nil {
		t.Fatal(err)
	}
	if i := other.Info(); i.NeedsPIN || !i.Known || i.Err != nil {
		t.Errorf("unlocked, it is %+v", i)
	}
}

// change is seen as such by the device: it asks no more questions with it than without.
func (e emulated) change(ctx context.Context, t *testing.T) {
	if err := e.finger.Load(ctx, e.conn, signertest.Alcohol, "", "emulator"); err != nil {
		t.Fatal(err)
	}
	asked := 0
	counting := e.o
	counting.Notify = func(n signer.Notice) { asked++; e.finger.Press(n) }
	s, err := e.driver.Open(ctx, e.conn, e.at, counting)
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
	for _, kind := range e.kinds {
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
	for i, kind := range e.kinds {
		if !slices.Contains(signertest.SingleKinds, kind) {
			continue
		}
		coins = append(coins, signertest.Coin{Wallet: signertest.Wallet(t, kind, signertest.Master(t, signertest.Alcohol, "")), Index: uint32(i), Sat: 30_000})
	}
	count(signer.Wallet{}, signertest.Payment{Coins: coins, Pay: int64(len(coins)) * 25_000}) // mixed inputs
}

// Replay replays conversations with the vendor's emulators, which are in testdata: the driver says
// the same, and understands the answers.
func Replay(t *testing.T, d signer.Driver, kinds []string) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := signertest.ReadRecording(raw)
			if err != nil {
				t.Fatal(err)
			}
			o := signertest.Options(t)
			o.Network = btc.Testnet3
			s, err := d.Open(t.Context(), r.Replay(t), signer.Port{Path: "udp:", Way: signer.UDP, Kind: d.Kind()}, o)
			if err != nil {
				t.Fatal(err)
			}
			if i := s.Info(); i.Firmware != r.Firmware || i.Label != "emulator" {
				t.Errorf("found as %+v", i)
			}
			Tour(t.Context(), t, s, kinds)
		})
	}
}
