//go:build emulator

package coldcard_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
)

// TestTheSimulator drives Coinkite's simulator at SPECTER_COLDCARD, a unix socket such as
// /tmp/ckcc-simulator.sock, started with its own seed. SPECTER_COLDCARD_EDGE names one of the Edge
// firmware. With SPECTER_RECORD the conversation is written into that directory.
func TestTheSimulator(t *testing.T) {
	for name, edge := range map[string]bool{"SPECTER_COLDCARD": false, "SPECTER_COLDCARD_EDGE": true} {
		t.Run(name, func(t *testing.T) {
			address := os.Getenv(name)
			if address == "" {
				t.Skip("no simulator was driven: set " + name + " to its socket")
			}
			conn := dial(t, address)
			record := &signertest.Recording{Driver: "coldcard", Firmware: os.Getenv(name + "_FIRMWARE"), Seed: "tour", About: "the tour of tour_test.go, with the simulator's own seed"}
			v := tour{conn: record.Over(conn), seed: record.Seed, edge: edge}
			key := byte('y')
			v.press = func() { press(t, conn, key); key = 'y' }
			v.last = func() { press(t, conn, 'x') }
			v.refuse = func() { key = 'x' }
			defer func() { // after failures too: they are what one wants to look at
				if dir := os.Getenv("SPECTER_RECORD"); dir != "" {
					file := map[bool]string{false: "simulator.jsonl", true: "simulator-edge.jsonl"}[edge]
					if err := os.WriteFile(filepath.Join(dir, file), record.Text(), 0o644); err != nil {
						t.Error(err)
					}
				}
			}()
			v.run(t)
		})
	}
}

// press presses a key of the simulator, in plain, while the driver waits.
func press(t *testing.T, conn signer.Conn, key byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	packet := make([]byte, 64)
	packet[0] = 0x85
	copy(packet[1:], "XKEY")
	packet[5] = key
	if _, err := conn.Write(ctx, packet); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(ctx, packet); err != nil || string(packet[1:5]) != "okay" {
		t.Fatalf("pressing %c: %q, %v", key, packet[1:20], err)
	}
}

// datagrams is a unix datagram socket, bound to a name so that the other side can answer.
type datagrams struct{ *net.UnixConn }

func dial(t *testing.T, address string) signer.Conn {
	own := filepath.Join(t.TempDir(), "host.sock")
	c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: own, Net: "unixgram"}, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return datagrams{c}
}

func (d datagrams) Read(ctx context.Context, p []byte) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = d.SetReadDeadline(time.Now()) })
	defer stop()
	_ = d.SetReadDeadline(time.Time{})
	n, err := d.UnixConn.Read(p)
	return n, done(ctx, err)
}

func (d datagrams) Write(ctx context.Context, p []byte) (int, error) {
	n, err := d.UnixConn.Write(p)
	return n, done(ctx, err)
}

func done(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return errs.E(errs.Unavailable, "the simulator is gone: %w", err)
}
