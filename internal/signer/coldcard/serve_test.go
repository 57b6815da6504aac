//go:build emulator

package coldcard_test

import (
	"context"
	"net"
	"os"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/signer"
	"specter/internal/signer/coldcard/coldcardtest"
	"specter/internal/signer/signertest"
)

// TestServe lends the device in software to other programs, such as HWI and ckcc, by the unix
// socket SPECTER_SERVE_COLDCARD for SPECTER_SERVE_TIME (5m), with the firmware version
// SPECTER_SERVE_FIRMWARE. Its person approves everything.
func TestServe(t *testing.T) {
	address := os.Getenv("SPECTER_SERVE_COLDCARD")
	if address == "" {
		t.Skip("nothing is served: set SPECTER_SERVE_COLDCARD to a socket's name")
	}
	limit, err := time.ParseDuration(os.Getenv("SPECTER_SERVE_TIME"))
	if err != nil {
		limit = 5 * time.Minute
	}
	_ = os.Remove(address)
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	master, _, err := btc.ParseXKey(simulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	person := &signertest.Person{Decide: func(s signertest.Screen) signertest.Decision {
		t.Logf("%s: %s", s.Kind, s.Text)
		return signertest.Decision{Approve: true}
	}}
	d := coldcardtest.New(signertest.Device{Master: master, Network: btc.Testnet3, Person: person}, coldcardtest.Model{Version: os.Getenv("SPECTER_SERVE_FIRMWARE")})
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := d.Serve(ctx, &lastSpeaker{c: c}); err != nil {
		t.Error(err)
	}
}

// lastSpeaker answers whoever spoke last.
type lastSpeaker struct {
	c    *net.UnixConn
	last *net.UnixAddr
}

func (a *lastSpeaker) Read(ctx context.Context, p []byte) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = a.c.SetReadDeadline(time.Now()) })
	defer stop()
	n, from, err := a.c.ReadFromUnix(p)
	a.last = from
	return n, done(ctx, err)
}

func (a *lastSpeaker) Write(ctx context.Context, p []byte) (int, error) {
	if a.last == nil {
		return len(p), nil
	}
	if _, err := a.c.WriteToUnix(p, a.last); err != nil {
		return len(p), nil // gone, as the cable of a device may be
	}
	return len(p), ctx.Err()
}

func (a *lastSpeaker) Close() error { return a.c.Close() }

var _ signer.Conn = (*lastSpeaker)(nil)
