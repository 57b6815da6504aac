package cert

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// helloWithin is how long a client may take to say its first byte.
const helloWithin = 10 * time.Second

// atOnce is how many connections may be silent at a time before the oldest is cut.
const atOnce = 2000

// Split serves https and http on one port: it looks at a connection's first byte (22 opens every
// TLS handshake, and no HTTP request), so that somebody who types http://… is led to https
// instead of seeing garbage. secure gives TLS connections, plain the others.
func Split(l net.Listener, config *tls.Config) (secure, plain net.Listener) {
	s := &splitter{Listener: l, quiet: make(chan struct{}, atOnce), gone: make(chan struct{})}
	s.secure = &branch{s: s, conns: make(chan net.Conn)}
	s.plain = &branch{s: s, conns: make(chan net.Conn)}
	go s.run()
	return tls.NewListener(s.secure, config), s.plain
}

type splitter struct {
	net.Listener
	secure, plain *branch
	quiet         chan struct{}

	once sync.Once
	gone chan struct{}
	err  error
}

func (s *splitter) run() {
	for {
		c, err := s.Accept()
		if err != nil {
			var temporary interface{ Temporary() bool }
			if errors.As(err, &temporary) && temporary.Temporary() {
				time.Sleep(5 * time.Millisecond) // out of files for a moment, as net/http does
				continue
			}
			s.stop(err)
			return
		}
		select {
		case s.quiet <- struct{}{}:
			go s.sort(c)
		default:
			c.Close()
		}
	}
}

// sort reads the first byte and hands the connection to its branch.
func (s *splitter) sort(c net.Conn) {
	first := make([]byte, 1)
	c.SetReadDeadline(time.Now().Add(helloWithin))
	n, err := c.Read(first)
	<-s.quiet
	if n == 0 || err != nil {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	to := s.plain
	if first[0] == 22 {
		to = s.secure
	}
	select {
	case to.conns <- &opened{Conn: c, first: first}:
	case <-s.gone:
		c.Close()
	}
}

func (s *splitter) stop(err error) {
	s.once.Do(func() { s.err = err; close(s.gone) })
}

// branch is one of the two listeners; closing either closes the port.
type branch struct {
	s     *splitter
	conns chan net.Conn
}

func (b *branch) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.s.gone:
		return nil, b.s.err
	}
}

func (b *branch) Close() error {
	err := b.s.Listener.Close()
	b.s.stop(net.ErrClosed)
	return err
}

func (b *branch) Addr() net.Addr { return b.s.Addr() }

// opened is a connection whose first byte was read already.
type opened struct {
	net.Conn
	first []byte
}

func (o *opened) Read(p []byte) (int, error) {
	if len(o.first) > 0 && len(p) > 0 {
		n := copy(p, o.first)
		o.first = o.first[n:]
		return n, nil
	}
	return o.Conn.Read(p)
}
