package app

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/proxy"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/setting"
)

// outside is the one way to services other than the node. Nothing leaves while the owner wants
// no outside service; where the owner wants the proxy alone, everything goes through it. Each
// client asks the settings anew before every request and every dial, and keeps no connection.
type outside struct {
	settings *setting.Service
	// dial opens a connection, also the one to the proxy; tests count them.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	// nodeRate asks the node for a feerate.
	nodeRate func(ctx context.Context, blocks int) (btc.FeeRate, error)
	now      func() time.Time
	hosts    map[string]string // see rates.Config; nil but in tests
	secret   string            // of this run: strangers at the same proxy share no circuit with us

	mu    sync.Mutex // over the fields below, never over the network
	rates *rates.Service
	made  setting.Program // what rates was made for
	asked map[string]quoted
}

func newOutside(c Config, settings *setting.Service, nodeRate func(ctx context.Context, blocks int) (btc.FeeRate, error)) *outside {
	o := &outside{settings: settings, dial: c.dial, nodeRate: nodeRate, now: c.Now, hosts: c.hosts, secret: rand.Text()}
	if o.dial == nil {
		o.dial = (&net.Dialer{Timeout: 20 * time.Second}).DialContext
	}
	if o.now == nil {
		o.now = time.Now
	}
	return o
}

// errClosed is what every question to an outside service gets while the owner wants none.
var errClosed = errs.E(errs.Unavailable, "outside services are switched off; the owner can allow them in the settings")

// allowed tells whether anybody but the node may be asked now.
func (o *outside) allowed(ctx context.Context) (setting.Program, error) {
	p, err := o.settings.Program(ctx)
	if err != nil {
		return p, err
	}
	if !p.Outside {
		return p, errClosed
	}
	return p, nil
}

// client makes an HTTP client for outside services. tor: through the proxy alone, which is then
// also told the names, so that no other resolver hears them.
func (o *outside) client(tor bool) *http.Client {
	t := &http.Transport{
		Proxy:                  nil, // the environment has no say in this
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    20 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return o.connect(ctx, network, address, tor)
		},
	}
	return &http.Client{Transport: gate{o, t}, Timeout: time.Minute}
}

// gate refuses requests before anything of them is done.
type gate struct {
	o *outside
	t http.RoundTripper
}

// RoundTrip sends a request where that is allowed.
func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := g.o.allowed(r.Context()); err != nil {
		if r.Body != nil {
			r.Body.Close() // as a RoundTripper must; what it says changes nothing
		}
		return nil, err
	}
	return g.t.RoundTrip(r)
}

// connect opens a connection to an outside service, straight or through the proxy.
func (o *outside) connect(ctx context.Context, network, address string, tor bool) (net.Conn, error) {
	p, err := o.allowed(ctx)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errs.E(errs.Invalid, "%.100q is no address", address)
	}
	if !tor && !p.ProxyOnly && !strings.HasSuffix(strings.ToLower(host), ".onion") {
		return o.dial(ctx, network, address)
	}
	return o.through(ctx, p.Proxy, network, address, host)
}

// through opens a connection by way of the proxy, which is also told the name. Name and password
// differ by service, so that Tor gives each its own circuit.
func (o *outside) through(ctx context.Context, by, network, address, host string) (net.Conn, error) {
	if by == "" {
		return nil, errs.E(errs.Unavailable, "%s is to be reached through the proxy, and none is set; the owner can set one in the settings", host)
	}
	way, err := proxy.SOCKS5("tcp", by, &proxy.Auth{User: o.secret, Password: host}, dialer(o.dial))
	if err != nil {
		return nil, err
	}
	through, ok := way.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("the SOCKS dialer cannot be cancelled")
	}
	return through.DialContext(ctx, network, address)
}

// dialer is a dial func as the SOCKS package wants it.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Dial dials without a deadline.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// DialContext dials.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// service is the rates room, made for what the owner allows now: while nothing is, it has no way
// out at all; with a proxy it has one over Tor.
func (o *outside) service(p setting.Program) *rates.Service {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.LogLevel = ""
	if o.rates == nil || o.made != p {
		c := rates.Config{NodeRate: o.nodeRate, Now: o.now, Hosts: o.hosts}
		if p.Outside {
			c.Clear = o.client(false)
		}
		if p.Outside && p.Proxy != "" {
			c.Tor = o.client(true)
		}
		o.rates, o.made = rates.New(c), p
	}
	return o.rates
}

// wishes are whom a user wants asked, as far as the owner lets them.
func (o *outside) wishes(ctx context.Context, userID string) (*rates.Service, rates.Settings, setting.Program, error) {
	p, err := o.settings.Program(ctx)
	if err != nil {
		return nil, rates.Settings{}, p, err
	}
	u, err := o.settings.User(ctx, userID)
	u.Rates.TorOnly = u.Rates.TorOnly || p.ProxyOnly
	return o.service(p), u.Rates, p, err
}
