package sshtunnel

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// atOnce bounds the connections that wait to be taken or are being served through tunnels. Beyond
// it the one goes that has been silent longest, so that strangers who open many and say nothing
// keep nobody out.
const atOnce = 512

// Inlet is the listener at which everything arrives that comes through tunnels; a web server
// serves it like any other.
type Inlet struct {
	conns chan net.Conn
	gone  chan struct{}
	once  sync.Once

	mu   sync.Mutex
	open map[*arrived]bool
}

// NewInlet makes one.
func NewInlet() *Inlet {
	return &Inlet{conns: make(chan net.Conn), gone: make(chan struct{}), open: map[*arrived]bool{}}
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
// be believed. Beyond its bound the connection goes that has been silent longest.
func (i *Inlet) Take(proxied bool) func(net.Conn) {
	stand := Plain
	if proxied {
		stand = Trusted
	}
	return func(c net.Conn) {
		// SSH channels know no deadlines, and a web server needs them against clients that stall;
		// a pipe between the two does.
		near, far := net.Pipe()
		a := &arrived{Conn: near, from: addressOf(c.RemoteAddr(), stand)}
		a.heard()
		if silent := i.enter(a); silent != nil {
			silent.Close()
		}
		go func() { join(far, c); i.leave(a) }()
		go func() {
			select {
			case i.conns <- a:
			case <-i.gone:
				a.Close()
			}
		}()
	}
}

// enter counts a connection in; where there are too many it returns the one that has to go.
func (i *Inlet) enter(a *arrived) (silent *arrived) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.open) >= atOnce {
		for one := range i.open {
			if silent == nil || one.last.Load() < silent.last.Load() {
				silent = one
			}
		}
		delete(i.open, silent)
	}
	i.open[a] = true
	return silent
}

func (i *Inlet) leave(a *arrived) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.open, a)
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
	last atomic.Int64 // when bytes last went either way, by a clock that only goes on
}

// epoch is where that clock begins.
var epoch = time.Now()

func (a *arrived) heard() { a.last.Store(int64(time.Since(epoch))) }

// Read notes that something came.
func (a *arrived) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if n > 0 {
		a.heard()
	}
	return n, err
}

// Write notes that something was taken.
func (a *arrived) Write(p []byte) (int, error) {
	n, err := a.Conn.Write(p)
	if n > 0 {
		a.heard()
	}
	return n, err
}

// RemoteAddr is who it is from.
func (a *arrived) RemoteAddr() net.Addr { return a.from }

// LocalAddr is the inlet's.
func (a *arrived) LocalAddr() net.Addr { return &net.TCPAddr{IP: Plain.AsSlice()} }
