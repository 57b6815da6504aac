package sshtunnel

import (
	"net"
	"net/netip"
	"sync"
)

// atOnce bounds the connections that wait to be taken or are being served through tunnels.
const atOnce = 512

// Inlet is the listener at which everything arrives that comes through tunnels; a web server
// serves it like any other.
type Inlet struct {
	conns chan net.Conn
	slots chan struct{}
	gone  chan struct{}
	once  sync.Once
}

// NewInlet makes one.
func NewInlet() *Inlet {
	return &Inlet{conns: make(chan net.Conn), slots: make(chan struct{}, atOnce), gone: make(chan struct{})}
}

// The addresses that stand for a server's own loopback in RemoteAddr: what comes from the
// server itself (a proxy there) must not be taken for this machine. Trusted is for tunnels whose
// server runs a proxy that is believed about its clients, Plain for all others. They are unique
// local addresses (RFC 4193) that no network uses by chance.
var (
	Trusted = netip.MustParseAddr("fd53:7065:6374:6572:7475:6e6e:656c:1")
	Plain   = netip.MustParseAddr("fd53:7065:6374:6572:7475:6e6e:656c:2")
)

// Take returns what a tunnel's Config.Take wants: proxied tells that a proxy on the server is to
// be believed. Beyond its bound a connection is closed instead of queued.
func (i *Inlet) Take(proxied bool) func(net.Conn) {
	stand := Plain
	if proxied {
		stand = Trusted
	}
	return func(c net.Conn) {
		select {
		case i.slots <- struct{}{}:
		default:
			c.Close()
			return
		}
		// SSH channels know no deadlines, and a web server needs them against clients that stall;
		// a pipe between the two does.
		near, far := net.Pipe()
		a := &arrived{Conn: near, from: addressOf(c.RemoteAddr(), stand)}
		go func() { join(far, c); <-i.slots }()
		go func() {
			select {
			case i.conns <- a:
			case <-i.gone:
				a.Close()
			}
		}()
	}
}

// addressOf is who a connection is from: the client's address as the server saw it, and where
// that is the server itself, what stands for it.
func addressOf(from net.Addr, stand netip.Addr) net.Addr {
	tcp, ok := from.(*net.TCPAddr)
	if ok && tcp.IP != nil && tcp.IP.IsGlobalUnicast() {
		return tcp
	}
	port := 0
	if ok {
		port = tcp.Port
	}
	return &net.TCPAddr{IP: stand.AsSlice(), Port: port}
}

// Accept gives the next connection.
func (i *Inlet) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.gone:
		return nil, net.ErrClosed
	}
}

// Close ends the inlet; tunnels go on, and what they bring is closed.
func (i *Inlet) Close() error { i.once.Do(func() { close(i.gone) }); return nil }

// Addr is no address of the net: nobody reaches the inlet but through tunnels.
func (i *Inlet) Addr() net.Addr { return &net.TCPAddr{IP: Plain.AsSlice()} }

// arrived is a connection that came through a tunnel.
type arrived struct {
	net.Conn
	from net.Addr
}

// RemoteAddr is who it is from.
func (a *arrived) RemoteAddr() net.Addr { return a.from }

// LocalAddr is the inlet's.
func (a *arrived) LocalAddr() net.Addr { return &net.TCPAddr{IP: Plain.AsSlice()} }
