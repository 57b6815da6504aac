//go:build emulator

package ledger

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// socket is a TCP connection as a port.
type socket struct{ net.Conn }

func (s socket) Read(ctx context.Context, p []byte) (int, error) {
	defer s.until(ctx)()
	n, err := s.Conn.Read(p)
	return n, told(ctx, err)
}

func (s socket) Write(ctx context.Context, p []byte) (int, error) {
	defer s.until(ctx)()
	n, err := s.Conn.Write(p)
	return n, told(ctx, err)
}

// until makes a blocked call return when ctx ends.
func (s socket) until(ctx context.Context) func() {
	_ = s.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Unix(1, 0)) })
	return func() { stop() }
}

func told(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// TestEmulator drives Speculos with the Bitcoin Test app and its default phrase:
// SPECTER_LEDGER=127.0.0.1:9999. Somebody, or something, answers what it asks. With
// SPECTER_LEDGER_RECORD the conversations are written to a folder.
func TestEmulator(t *testing.T) {
	addr := os.Getenv("SPECTER_LEDGER")
	if addr == "" {
		t.Skip("SKIPPED: SPECTER_LEDGER names no emulator, such as 127.0.0.1:9999; nothing was driven")
	}
	all := func(t *testing.T, s signer.Signer) {
		for _, k := range kinds {
			talkOfKinds(t, s, k.name)
		}
	}
	t.Run("every kind", func(t *testing.T) { drive(t, addr, all) })
	t.Run("twelve inputs", func(t *testing.T) { drive(t, addr, talkOfMany) })
	for name, talk := range talks {
		t.Run(name, func(t *testing.T) {
			text := drive(t, addr, talk)
			if folder := os.Getenv("SPECTER_LEDGER_RECORD"); folder != "" && !t.Failed() {
				var out bytes.Buffer
				z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
				_, _ = z.Write(text)
				_ = z.Close()
				if err := os.WriteFile(filepath.Join(folder, name+".jsonl.gz"), out.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// talkOfMany spends twelve coins, half of them legacy ones.
func talkOfMany(t *testing.T, s signer.Signer) {
	var coins []coinOf
	for i := range uint32(6) {
		coins = append(coins, coinOf{walletOf(t, "", "wpkh(%A)", "84h/1h/0h"), 0, i, 10_000}, coinOf{walletOf(t, "", "pkh(%A)", "44h/1h/0h"), 0, i, 10_000})
	}
	tx := spend(t, coins...)
	start := time.Now()
	got, err := s.Sign(t.Context(), signer.Wallet{}, signer.Registration{}, tx)
	t.Logf("signed in %v", time.Since(start))
	checkSigned(t, "twelve inputs", tx, got, err, 12)
}

// drive has one conversation and gives its recording.
func drive(t *testing.T, addr string, talk func(*testing.T, signer.Signer)) []byte {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	rec := &signertest.Recording{Driver: kind, Seed: "ledger", About: "Bitcoin Test under Speculos, default phrase"}
	o := talkOptions()
	o.Notify = func(n signer.Notice) { t.Log("on the device:", n.Kind, n.Text) }
	start := time.Now()
	s, err := Driver{}.Open(t.Context(), rec.Over(socket{c}), speculosPort, o)
	if err != nil || s.Info().Err != nil {
		t.Fatal(err, s.Info().Err)
	}
	t.Logf("%+v, opened in %v", s.Info(), time.Since(start))
	rec.Firmware = s.Info().Firmware
	talk(t, s)
	return rec.Text()
}

// TestServeForOthers is the software device for other programs' clients, such as HWI with
// --emulators: SPECTER_LEDGER_SERVE=127.0.0.1:9999. It ends when the test's time is over.
func TestServeForOthers(t *testing.T) {
	addr := os.Getenv("SPECTER_LEDGER_SERVE")
	if addr == "" {
		t.Skip("SKIPPED: SPECTER_LEDGER_SERVE names no address to serve the software device at")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	end, ok := t.Deadline()
	if !ok {
		end = time.Now().Add(time.Hour)
	}
	ctx, stop := context.WithDeadline(t.Context(), end.Add(-time.Second))
	defer stop()
	context.AfterFunc(ctx, func() { l.Close() })
	for ctx.Err() == nil {
		c, err := l.Accept()
		if err != nil {
			return
		}
		a := newApp(t)
		a.Device.Network = btc.Testnet3
		a.Device.Person = &signertest.Person{Decide: func(s signertest.Screen) signertest.Decision {
			fmt.Printf("screen %s: %s\n", s.Kind, s.Text)
			return signertest.Decision{Approve: true}
		}}
		if err := a.Serve(ctx, socket{c}); err != nil && !errors.Is(err, io.EOF) {
			fmt.Println("the client went away:", err)
		}
		c.Close()
	}
}
