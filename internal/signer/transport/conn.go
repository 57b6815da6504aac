package transport

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// deadlined is what files and sockets of the standard library have in common.
type deadlined interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// conn is an open port whose calls end with their context.
type conn struct {
	d      deadlined
	packet int    // bytes of a packet, 0 for a stream
	whole  bool   // packets come over a stream: read on until one is whole
	prefix []byte // before each packet that is written: a report id
	held   []byte // the beginning of a packet whose rest a cancelled read left in the stream
}

// until runs a call that ends early when ctx ends, and leaves the connection usable.
func until(ctx context.Context, set func(time.Time) error, call func() (int, error)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	stirred := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = set(time.Unix(1, 0)) // long ago: what waits returns
		close(stirred)
	})
	n, err := call()
	if !stop() { // the deadline is being set: take it back afterwards
		<-stirred
		_ = set(time.Time{})
	}
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return n, ctx.Err()
	}
	return n, gone(err)
}

// Read gives one packet, or what there is of a stream.
func (c *conn) Read(ctx context.Context, p []byte) (int, error) {
	if c.packet == 0 || !c.whole {
		return until(ctx, c.d.SetReadDeadline, func() (int, error) { return c.d.Read(p) })
	}
	for len(c.held) < c.packet {
		part := make([]byte, c.packet-len(c.held))
		n, err := until(ctx, c.d.SetReadDeadline, func() (int, error) { return c.d.Read(part) })
		if c.held = append(c.held, part[:n]...); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.held)
	c.held = nil
	return n, nil
}

// Write sends one packet, or a piece of a stream.
func (c *conn) Write(ctx context.Context, p []byte) (int, error) {
	out := p
	if len(c.prefix) > 0 {
		out = append(append(make([]byte, 0, len(c.prefix)+len(p)), c.prefix...), p...)
	}
	n, err := until(ctx, c.d.SetWriteDeadline, func() (int, error) { return c.d.Write(out) })
	return max(n-len(c.prefix), 0), err
}

// Close ends reads and writes that wait.
func (c *conn) Close() error { return c.d.Close() }
