package codec1test

import (
	"context"
	"net"
	"sync"
	"time"

	"specter/internal/signer"
)

// UDP is a socket as emulators of these devices have it, seen from the device: packets go to
// who sent the last one, and "PINGPING" is answered with "PONGPONG" at once.
type UDP struct {
	socket net.PacketConn
	mu     sync.Mutex
	peer   net.Addr
}

var _ signer.Conn = (*UDP)(nil)

// Listen opens the socket at an address such as "127.0.0.1:21324".
func Listen(address string) (*UDP, error) {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, err
	}
	return &UDP{socket: socket}, nil
}

// Address is where the socket listens.
func (u *UDP) Address() string { return u.socket.LocalAddr().String() }

// Read gives the next packet that is no ping.
func (u *UDP) Read(ctx context.Context, p []byte) (int, error) {
	defer wake(ctx, u.socket.SetReadDeadline)()
	for {
		n, peer, err := u.socket.ReadFrom(p)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			return 0, signer.Lost(err)
		case string(p[:n]) == "PINGPING":
			_, _ = u.socket.WriteTo([]byte("PONGPONG"), peer) // who pings may be gone again
			continue
		}
		u.mu.Lock()
		u.peer = peer
		u.mu.Unlock()
		return n, nil
	}
}

// Write sends a packet to who sent the last one.
func (u *UDP) Write(_ context.Context, p []byte) (int, error) {
	u.mu.Lock()
	peer := u.peer
	u.mu.Unlock()
	if peer == nil {
		return len(p), nil // nobody is there
	}
	return u.socket.WriteTo(p, peer)
}

// Close closes the socket.
func (u *UDP) Close() error { return u.socket.Close() }

// Dial is the host's side of such a socket.
func Dial(ctx context.Context, address string) (signer.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return nil, signer.Lost(err)
	}
	return dialled{c}, nil
}

type dialled struct{ net.Conn }

func (d dialled) Read(ctx context.Context, p []byte) (int, error) {
	defer wake(ctx, d.SetReadDeadline)()
	n, err := d.Conn.Read(p)
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case err != nil:
		return 0, signer.Lost(err)
	}
	return n, nil
}

func (d dialled) Write(_ context.Context, p []byte) (int, error) {
	n, err := d.Conn.Write(p)
	if err != nil {
		return n, signer.Lost(err)
	}
	return n, nil
}

// wake ends a read when ctx ends; the function that it returns makes the socket fit for the next.
func wake(ctx context.Context, deadline func(time.Time) error) func() {
	stop := context.AfterFunc(ctx, func() { _ = deadline(time.Unix(1, 0)) })
	return func() {
		if !stop() {
			_ = deadline(time.Time{})
		}
	}
}
