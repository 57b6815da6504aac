//go:build emulator

package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
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

// TestEmulator drives Speculos with the Bitcoin Test app: SPECTER_LEDGER=127.0.0.1:9999. The
// questions on its screen are answered by hand or by its automation. With SPECTER_LEDGER_RECORD
// the conversation is written to a file.
func TestEmulator(t *testing.T) {
	addr := os.Getenv("SPECTER_LEDGER")
	if addr == "" {
		t.Skip("SKIPPED: SPECTER_LEDGER names no emulator, such as 127.0.0.1:9999; nothing was driven")
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	drive(t, func(r *signertest.Recording) signer.Conn { return r.Over(socket{c}) }, os.Getenv("SPECTER_LEDGER_RECORD"))
}

// drive says to a device what recordings are made of.
func drive(t *testing.T, over func(*signertest.Recording) signer.Conn, file string) {
	rec := &signertest.Recording{Driver: kind, Seed: "ledger", About: "version, fingerprint, keys, registration, address, signatures, message on testnet"}
	o := signer.Options{Network: btc.Testnet3, Rand: signertest.Chance("ledger"), Now: time.Now, Notify: func(n signer.Notice) { t.Log("on the device:", n.Kind, n.Text) }}
	s, err := Driver{}.Open(t.Context(), over(rec), signer.Port{Path: "tcp", Way: signer.TCP, Kind: kind}, o)
	if err != nil || s.Info().Err != nil {
		t.Fatal(err, s.Info().Err)
	}
	rec.Firmware = s.Info().Firmware
	conversation(t, s)
	if file != "" {
		if err := os.WriteFile(file, rec.Text(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
