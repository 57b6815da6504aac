package sshtunnel

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// deadlines that have passed, and that never do
var past, never = time.Unix(1, 0), time.Time{}

// forward joins what comes to the local port with the server's side until the line ends. The
// port itself stays open between lines; who comes while there is none is cut at once and told so
// by the node room's own words.
func (t *Tunnel) forward(ctx context.Context, client *ssh.Client, local net.Listener) {
	for {
		c, err := acceptWith(ctx, local)
		if err != nil {
			return
		}
		go func() {
			far, err := client.DialContext(ctx, "tcp", t.c.Forward.Remote)
			if err != nil {
				t.c.Log.Info("the server does not reach what the forwarded port leads to", "server", t.c.Target.String(), "error", err)
				c.Close()
				return
			}
			join(c, far)
		}()
	}
}

// acceptWith accepts until ctx ends, without closing the listener: the next line goes on with it.
func acceptWith(ctx context.Context, l net.Listener) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() {
		if d, ok := l.(*net.TCPListener); ok {
			d.SetDeadline(past)
		}
	})
	c, err := l.Accept()
	if !stop() {
		if d, ok := l.(*net.TCPListener); ok {
			d.SetDeadline(never)
		}
		if err == nil {
			c.Close()
		}
		return nil, ctx.Err()
	}
	return c, err
}

// join copies both ways until both have ended; an end of one side is passed on.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	copyTo := func(to, from net.Conn) {
		io.Copy(to, from)
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		} else {
			to.Close()
		}
	}
	both.Go(func() { copyTo(a, b) })
	both.Go(func() { copyTo(b, a) })
	both.Wait()
	a.Close()
	b.Close()
}
