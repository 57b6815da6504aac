//go:build emulator

package bitbox02_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/signertest"
)

// socket is a connection to the simulator.
type socket struct{ net.Conn }

func (c socket) Read(ctx context.Context, p []byte) (int, error) {
	return c.until(ctx, c.SetReadDeadline, func() (int, error) { return c.Conn.Read(p) })
}

func (c socket) Write(ctx context.Context, p []byte) (int, error) {
	return c.until(ctx, c.SetWriteDeadline, func() (int, error) { return c.Conn.Write(p) })
}

func (c socket) until(ctx context.Context, set func(time.Time) error, do func() (int, error)) (int, error) {
	_ = set(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = set(time.Unix(1, 0)) })
	defer stop()
	n, err := do()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return n, err
}

// TestEmulator drives the vendor's simulator at SPECTER_BITBOX02_EMULATOR (tcp:127.0.0.1:15423).
// It must hold a wallet already: this driver sets up no devices, HWI's "setup" does. With
// SPECTER_RECORD, a folder, what passes is recorded there for TestRecordings.
func TestEmulator(t *testing.T) {
	address, ok := strings.CutPrefix(os.Getenv("SPECTER_BITBOX02_EMULATOR"), "tcp:")
	if !ok {
		t.Skip("SPECTER_BITBOX02_EMULATOR is not set (tcp:127.0.0.1:15423, say): no simulator was driven")
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r := &signertest.Recording{Driver: "bitbox02", Seed: t.Name(), About: "every kind of wallet on regtest, at the vendor's simulator"}
	info := tour(ctx, t, r.Over(socket{conn}), tourOptions(t, r.Seed))
	t.Logf("driven: %s, firmware %s, %s", info.Model, info.Firmware, info.Fingerprint)
	if dir := os.Getenv("SPECTER_RECORD"); dir != "" && !t.Failed() {
		r.Firmware = info.Firmware
		if err := os.WriteFile(filepath.Join(dir, info.Model+"_"+info.Firmware+".jsonl"), r.Text(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEmulatorInTheMiddle leaves dialogues of the simulator at many places; the next call must
// find it well.
func TestEmulatorInTheMiddle(t *testing.T) {
	address, ok := strings.CutPrefix(os.Getenv("SPECTER_BITBOX02_EMULATOR"), "tcp:")
	if !ok {
		t.Skip("SPECTER_BITBOX02_EMULATOR is not set (tcp:127.0.0.1:15423, say): no simulator was driven")
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	limit := &counted{Conn: socket{conn}, left: -1}
	s, err := bitbox02.Driver{}.Open(t.Context(), limit, simPort, tourOptions(t, "middle"))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := btc.ParsePath("m/84h/1h/0h")
	k, err := s.XPub(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	w := parsed(t, "wpkh(["+btc.KeyOrigin{Fingerprint: s.Info().Fingerprint, Path: p}.String()+"]"+k.String()+"/"+ours+")")
	for packets := 1; packets < 40; packets += 3 {
		ctx, stop := context.WithCancel(t.Context())
		limit.left, limit.stop = packets, stop
		if _, err := s.Sign(ctx, w, signer.Registration{}, spend(t, w, 2)); err == nil {
			stop()
			if packets < 20 {
				t.Fatalf("after %d packets it was done", packets)
			}
			break
		}
		limit.left = -1
		if got, err := s.XPub(t.Context(), p); err != nil || got.String() != k.String() {
			t.Fatalf("left after %d packets: %v", packets, err)
		}
		stop()
	}
}
