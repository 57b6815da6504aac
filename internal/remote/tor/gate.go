package tor

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Visitor stands for everybody who comes through Tor: their addresses are not known, and the
// tor beside us must not be taken for a person at this machine. It is a unique local address
// (RFC 4193) that no network uses by chance, of another /64 than other ways in, so that what
// strangers do there is counted by itself.
var Visitor = netip.MustParseAddr("fd53:7065:6374:746f:7200::1")

// atOnce bounds the connections through Tor that are open at one time.
const atOnce = 512

// Gate is the listener at which tor hands over what arrives for the service. All who come by it
// have the address Visitor.
type Gate struct {
	net.Listener
	from netip.Addr // who may knock; zero: anybody who reaches the listener
	open atomic.Int64
}

// NewGate puts a gate before a listener. from is the machine that tor runs on.
func NewGate(l net.Listener, from netip.Addr) *Gate { return &Gate{Listener: l, from: from.Unmap()} }

// Accept gives the next connection. Those beyond the bound, and from others than tor's machine,
// are closed.
func (g *Gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := c.RemoteAddr().(*net.TCPAddr)
		if ok && g.from.IsValid() && tcp.AddrPort().Addr().Unmap() != g.from {
			c.Close()
			continue
		}
		if g.open.Add(1) > atOnce {
			g.open.Add(-1)
			c.Close()
			continue
		}
		v := &visit{Conn: c, gate: g}
		if ok {
			v.port = tcp.Port
		}
		return v, nil
	}
}

// visit is one connection through Tor.
type visit struct {
	net.Conn
	gate *Gate
	port int
	once sync.Once
}

// RemoteAddr is Visitor, with a port that tells connections apart.
func (v *visit) RemoteAddr() net.Addr { return &net.TCPAddr{IP: Visitor.AsSlice(), Port: v.port} }

// LocalAddr is no address of the net either: nobody may name this server by it.
func (v *visit) LocalAddr() net.Addr { return &net.TCPAddr{IP: Visitor.AsSlice()} }

// Close ends the connection.
func (v *visit) Close() error {
	v.once.Do(func() { v.gate.open.Add(-1) })
	return v.Conn.Close()
}
