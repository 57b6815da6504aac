//go:build emulator

package specterdiy_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
	"specter/internal/signer/specterdiy/specterdiytest"
)

// TestTheSimulator drives specter-diy's simulator at SPECTER_DIY (127.0.0.1:8789), on regtest
// with the words abandon…about, whose screens are answered over SPECTER_DIY_GUI (127.0.0.1:8787).
// With SPECTER_RECORD the conversation is written into that directory.
func TestTheSimulator(t *testing.T) {
	address, screens := os.Getenv("SPECTER_DIY"), os.Getenv("SPECTER_DIY_GUI")
	if address == "" || screens == "" {
		t.Skip("no simulator was driven: set SPECTER_DIY and SPECTER_DIY_GUI to its addresses")
	}
	gui, err := net.Dial("tcp", screens)
	if err != nil {
		t.Fatal(err)
	}
	defer gui.Close()
	var refuse atomic.Bool
	go person(gui, &refuse)
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	record := &signertest.Recording{Driver: "specter", Firmware: os.Getenv("SPECTER_DIY_FIRMWARE"), Seed: tourSeed, About: "the tour of tour_test.go, abandon…about on regtest"}
	tour{record.Over(stream{c}), func() { refuse.Store(true) }}.run(t)
	if dir := os.Getenv("SPECTER_RECORD"); dir != "" && !t.Failed() {
		if err := os.WriteFile(filepath.Join(dir, "simulator.jsonl"), record.Text(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// person answers the screens that the simulator names.
func person(gui net.Conn, refuse *atomic.Bool) {
	for lines := bufio.NewScanner(gui); lines.Scan(); {
		answer := ""
		switch strings.TrimSpace(lines.Text()) {
		case "Prompt", "TransactionScreen", "ConfirmWalletScreen":
			answer = "true"
			if refuse.Swap(false) {
				answer = "false"
			}
		case "WalletScreen":
			answer = "null"
		default:
			continue
		}
		time.Sleep(300 * time.Millisecond) // the simulator names a screen before it listens
		if _, err := gui.Write([]byte(answer + "\r\n")); err != nil {
			return
		}
	}
}

// stream is a TCP connection as a port.
type stream struct{ net.Conn }

func (s stream) Read(ctx context.Context, p []byte) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.SetReadDeadline(time.Now()) })
	defer stop()
	_ = s.SetReadDeadline(time.Time{})
	n, err := s.Conn.Read(p)
	return n, done(ctx, err)
}

func (s stream) Write(ctx context.Context, p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	return n, done(ctx, err)
}

func done(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return errs.E(errs.Unavailable, "the other side is gone: %w", err)
}

// TestServe lends the device in software to other programs, such as specter-diy's own client, at
// the address SPECTER_SERVE_DIY for SPECTER_SERVE_TIME (5m). Its person approves everything.
func TestServe(t *testing.T) {
	address := os.Getenv("SPECTER_SERVE_DIY")
	if address == "" {
		t.Skip("nothing is served: set SPECTER_SERVE_DIY to an address")
	}
	limit, err := time.ParseDuration(os.Getenv("SPECTER_SERVE_TIME"))
	if err != nil {
		limit = 5 * time.Minute
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	b := newBench(t, signertest.Device{})
	d := specterdiytest.New(b.device.Device)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() { _ = d.Serve(ctx, stream{c}); _ = c.Close() }()
	}
}

var _ signer.Conn = stream{}
