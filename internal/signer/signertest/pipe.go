// Package signertest holds what the tests of all signing devices share: a cable between a
// driver and a software device that can be cut at any byte, the person who holds the device, the
// lies a device may tell, recorded conversations, and the suite that every family must pass
// (suite.go). The software devices themselves lie beside their drivers.
package signertest

import (
	"context"
	"io"
	"sync"

	"specter/internal/errs"
	"specter/internal/signer"
)

// Cable joins a driver's end and a device's end in memory.
type Cable struct {
	packet int

	mu   sync.Mutex
	cut  int // bytes that may still pass, both directions together; negative: no end
	sent int
	gone chan struct{}
	once sync.Once

	up, down chan []byte // packets or pieces, from the device and to it
}

// NewCable lays a cable. packet is the size of a packet port's packets, 0 for a stream.
func NewCable(packet int) *Cable {
	return &Cable{packet: packet, cut: -1, gone: make(chan struct{}), up: make(chan []byte, 4096), down: make(chan []byte, 4096)}
}

// CutAfter pulls the cable out once n bytes have passed, both directions counted together.
func (c *Cable) CutAfter(n int) { c.mu.Lock(); c.cut = n; c.mu.Unlock() }

// Unplug pulls the cable out now.
func (c *Cable) Unplug() { c.once.Do(func() { close(c.gone) }) }

// Passed counts the bytes that went over the cable.
func (c *Cable) Passed() int { c.mu.Lock(); defer c.mu.Unlock(); return c.sent }

// Host is the driver's end, Device the software device's.
func (c *Cable) Host() signer.Conn { return &end{cable: c, in: c.up, out: c.down} }

// Device is the software device's end.
func (c *Cable) Device() signer.Conn { return &end{cable: c, in: c.down, out: c.up} }

type end struct {
	cable   *Cable
	in, out chan []byte
	rest    []byte
}

func unplugged() error {
	return errs.E(errs.Unavailable, "the device was unplugged: %w", io.EOF)
}

// Read gives one packet, or what is there of a stream.
func (e *end) Read(ctx context.Context, p []byte) (int, error) {
	if len(e.rest) == 0 {
		select {
		case e.rest = <-e.in: // what arrived before the cut is still read
		default:
			select {
			case e.rest = <-e.in:
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-e.cable.gone:
				return 0, unplugged()
			}
		}
	}
	n := copy(p, e.rest)
	if e.rest = e.rest[n:]; e.cable.packet > 0 {
		e.rest = nil
	}
	return n, nil
}

// Write sends one packet, or a piece of a stream. A packet of another size is a mistake of the
// writer and refused, as a HID port would.
func (e *end) Write(ctx context.Context, p []byte) (int, error) {
	if size := e.cable.packet; size > 0 && len(p) != size {
		return 0, errs.E(errs.Internal, "a packet of %d bytes was written, packets here have %d", len(p), size)
	}
	n := len(p)
	e.cable.mu.Lock()
	if left := e.cable.cut - e.cable.sent; e.cable.cut >= 0 && left < n {
		n = max(left, 0)
	}
	e.cable.sent += n
	e.cable.mu.Unlock()
	if n < len(p) {
		if e.cable.packet == 0 && n > 0 {
			e.out <- append([]byte(nil), p[:n]...)
		}
		e.cable.Unplug()
		return n, unplugged()
	}
	select {
	case <-e.cable.gone:
		return 0, unplugged()
	case <-ctx.Done():
		return 0, ctx.Err()
	case e.out <- append([]byte(nil), p...):
		return n, nil
	}
}

// Close pulls the cable out, as closing a port does for the other side.
func (e *end) Close() error { e.cable.Unplug(); return nil }
