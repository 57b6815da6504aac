package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/remote/tor"
)

// checkService is the Tor Project's own site, which the old Specter asked too. It is an outside
// service, and asked only where the owner allows those.
const checkService = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion:80"

// proxyFor bounds one step of the test; circuits to onion services take their time.
const proxyFor = 45 * time.Second

// TestProxy tries the way out: that a SOCKS5 proxy answers, that it is Tor, and that an onion
// service is reached through it: our own where there is one, and the Tor Project's where
// outside services are allowed.
func (o *onionService) TestProxy(ctx context.Context) ([]tor.ProxyStep, error) {
	p, err := o.a.settings.Program(ctx)
	if err != nil {
		return nil, err
	}
	if p.Proxy == "" {
		return nil, errs.E(errs.Invalid, "no proxy is set; write its address under Settings, Program, for example 127.0.0.1:9050")
	}
	steps := []tor.ProxyStep{{Name: "proxy", Err: o.a.outside.greetProxy(ctx, p.Proxy)}}
	if steps[0].Err != nil {
		return steps, nil
	}
	steps = append(steps, tor.ProxyStep{Name: "tor", Err: o.a.outside.isTor(ctx, p.Proxy)})
	if name := o.name.Load(); name != nil && o.Status().Up {
		steps = append(steps, tor.ProxyStep{Name: "own", Err: o.a.outside.reachThrough(ctx, p.Proxy, *name+":80")})
	}
	if p.Outside {
		steps = append(steps, tor.ProxyStep{Name: "onion", Err: o.a.outside.reachThrough(ctx, p.Proxy, checkService)})
	}
	return steps, nil
}

// greetProxy says hello in SOCKS5 and waits for its answer.
func (o *outside) greetProxy(ctx context.Context, by string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := o.dial(ctx, "tcp", by)
	if err != nil {
		return errs.E(errs.Unavailable, "nothing answers at %s: %w. Does tor run (systemctl status tor), and is this its SocksPort?", by, err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := c.Write([]byte{5, 2, 0, 2}); err != nil {
		return errs.E(errs.Unavailable, "the proxy %s closed the line: %w", by, err)
	}
	var a [2]byte
	if _, err := io.ReadFull(c, a[:]); err != nil || a[0] != 5 || a[1] != 0 && a[1] != 2 {
		return errs.E(errs.Unavailable, "what answers at %s is no SOCKS5 proxy; is it tor's control port, or a web proxy?", by)
	}
	return nil
}

// isTor asks the proxy for a web page in plain, as nobody should: Tor's SOCKS port answers that
// with a page of its own, which says what it is, and opens no connection for it.
func (o *outside) isTor(ctx context.Context, by string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := o.dial(ctx, "tcp", by)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := io.WriteString(c, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	text, _ := io.ReadAll(io.LimitReader(bufio.NewReader(c), 16<<10)) // what came until then decides
	if !strings.Contains(string(text), "Tor is") {
		return errs.E(errs.Unavailable, "%s is a SOCKS5 proxy, but it does not say that it is Tor: who runs it sees whom Specter asks, and onion addresses may not be reached", by)
	}
	return nil
}

// reachThrough opens a connection to a service through the proxy and closes it.
func (o *outside) reachThrough(ctx context.Context, by, address string) error {
	ctx, cancel := context.WithTimeout(ctx, proxyFor)
	defer cancel()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	c, err := o.through(ctx, by, "tcp", address, host)
	if err != nil {
		return errs.E(errs.Unavailable, "%s is not reached: %w", short(host), err)
	}
	return c.Close()
}

// short is an onion name that fits into a sentence.
func short(host string) string {
	if len(host) < 40 {
		return host
	}
	return fmt.Sprintf("%s…%s", host[:10], host[len(host)-10:])
}
