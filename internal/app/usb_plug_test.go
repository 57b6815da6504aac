package app

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/signertest"
	"specter/internal/signer/transport"
)

// desk is a software device that listens on a real socket of this computer, where the program
// finds it as a configured simulator: the whole way but for the cable.
type desk struct {
	t      *testing.T
	kind   string
	packet int
	serve  func(context.Context, signer.Conn, signertest.Device) error
	device signertest.Device
	at     string

	mu    sync.Mutex
	l     net.Listener
	conns map[net.Conn]context.CancelFunc
	all   sync.WaitGroup
}

// plugIn starts a device with the keys of a phrase and plugs it in.
func plugIn(t *testing.T, kind string, packet int, serve func(context.Context, signer.Conn, signertest.Device) error, master btc.XKey) *desk {
	t.Helper()
	d := &desk{t: t, kind: kind, packet: packet, serve: serve, at: "127.0.0.1:0", conns: map[net.Conn]context.CancelFunc{},
		device: signertest.Device{Master: master, Network: btc.Regtest, Person: &signertest.Person{}}}
	d.plug()
	t.Cleanup(func() { d.pull(); d.all.Wait() })
	return d
}

// plug puts the device (back) where it was.
func (d *desk) plug() {
	d.t.Helper()
	l, err := net.Listen("tcp", d.at)
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	d.l, d.at = l, l.Addr().String()
	d.mu.Unlock()
	d.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			ctx, stop := context.WithCancel(context.Background())
			d.mu.Lock()
			d.conns[c] = stop
			d.mu.Unlock()
			d.all.Go(func() {
				defer stop()
				_ = d.serve(ctx, line{c, d.packet}, d.device) // it ends when the other side goes
				_ = c.Close()
			})
		}
	})
}

// pull takes it out, also under a call.
func (d *desk) pull() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.l.Close()
	for c, stop := range d.conns {
		stop()
		_ = c.Close()
	}
	d.conns = map[net.Conn]context.CancelFunc{}
}

// simulators is the configuration that finds devices.
func simulators(t *testing.T, all ...*desk) func(context.Context) ([]signer.Port, error) {
	t.Helper()
	var list []signer.Port
	for _, d := range all {
		ports, err := transport.ParseSimulators(d.kind + "=tcp:" + d.at)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, ports...)
	}
	return func(context.Context) ([]signer.Port, error) { return list, nil }
}

// line is the device's end of a socket.
type line struct {
	net.Conn
	packet int
}

func (l line) until(ctx context.Context, call func() (int, error)) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = l.Conn.SetDeadline(time.Unix(1, 0)) })
	n, err := call()
	if !stop() {
		_ = l.Conn.SetDeadline(time.Time{})
	}
	switch {
	case err == nil:
		return n, nil
	case ctx.Err() != nil:
		return n, ctx.Err()
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = io.EOF
	}
	return n, errs.E(errs.Unavailable, "the host is gone: %w", err)
}

func (l line) Read(ctx context.Context, p []byte) (int, error) {
	if l.packet == 0 {
		return l.until(ctx, func() (int, error) { return l.Conn.Read(p) })
	}
	buf := make([]byte, l.packet)
	n, err := l.until(ctx, func() (int, error) { return io.ReadFull(l.Conn, buf) })
	return copy(p, buf[:n]), err
}

func (l line) Write(ctx context.Context, p []byte) (int, error) {
	return l.until(ctx, func() (int, error) { return l.Conn.Write(p) })
}
