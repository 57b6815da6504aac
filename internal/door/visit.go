package door

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// visit is what the door knows of one request.
type visit struct {
	id      string
	client  string // address without port
	https   bool
	host    string // what a trusted proxy says the browser asked for; "" where none says so
	rawHost string // what the peer itself asked for
	prefix  string // the path below which a trusted proxy has us mounted; "" where none says so
	route   string
	body    *body // nil: the request has none
}

type visitKey struct{}

func (v *visit) join(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
}

func visitIn(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	return v
}

// ClientOf returns the address, without port, of the machine that asks: the peer of the
// connection, or behind trusted proxies the one that the outermost of them saw. It is what rate
// limits and records name.
func ClientOf(r *http.Request) string {
	if v := visitIn(r); v != nil {
		return v.client
	}
	return peerText(r)
}

// PrefixOf returns the path below which a trusted proxy has the program mounted (its
// X-Forwarded-Prefix), as CleanPrefix leaves it; "" where none says so.
func PrefixOf(r *http.Request) string {
	if v := visitIn(r); v != nil {
		return v.prefix
	}
	return ""
}

// IsHTTPS reports whether the browser came by https, here or at a trusted proxy. Cookies are
// marked Secure then.
func IsHTTPS(r *http.Request) bool {
	if v := visitIn(r); v != nil {
		return v.https
	}
	return r.TLS != nil
}

// RequestID returns the id under which the log knows a request; the answer carries it as
// X-Request-Id. "" without a door.
func RequestID(r *http.Request) string {
	if v := visitIn(r); v != nil {
		return v.id
	}
	return ""
}

// relays are the headers by which a proxy says that it passes on what another machine asked.
var relays = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// Relayed reports whether a request says that a proxy has passed it on, believed or not: what
// comes from a loopback address then need not come from this computer.
func Relayed(r *http.Request) bool {
	for _, name := range relays {
		if len(r.Header.Values(name)) > 0 {
			return true
		}
	}
	return false
}

// Route tells the access log which pattern a mux has matched, where that mux works on a copy of
// the request and the log would not see it.
func Route(r *http.Request, pattern string) {
	if v := visitIn(r); v != nil && pattern != "" {
		v.route = pattern
	}
}

// AllowBody lets this request's body have up to n bytes and d time from now to arrive, for
// handlers that take large files after they know who sends them. It changes nothing where n is
// below the bound already set.
func AllowBody(r *http.Request, n int64, d time.Duration) {
	if v := visitIn(r); v != nil && v.body != nil {
		v.body.allow(n, d)
	}
}

// visitOf finds out who asks and how.
func (d *door) visitOf(r *http.Request) *visit {
	v := &visit{id: newID(), client: peerText(r), https: r.TLS != nil, rawHost: r.Host}
	peer, ok := peerOf(r)
	if !ok || !within(peer, d.c.Trusted) {
		return v
	}
	if id := r.Header.Get("X-Request-Id"); plainID(id) {
		v.id = id
	}
	f := d.forwarded(peer, r.Header)
	v.client, v.host = f.client.String(), f.host
	v.prefix, _ = CleanPrefix(lastWhole(r.Header.Values("X-Forwarded-Prefix")))
	if f.proto != "" {
		v.https = f.proto == "https"
	}
	return v
}

// newID makes an id that is short enough to be read out: 80 random bits.
func newID() string {
	var b [10]byte
	rand.Read(b[:]) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// plainID accepts a proxy's id that can neither break a log line nor fill it.
func plainID(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}

// peerOf is the other end of the connection.
func peerOf(r *http.Request) (netip.Addr, bool) {
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return plainAddr(a.Addr()), true
	}
	a, err := netip.ParseAddr(r.RemoteAddr)
	return plainAddr(a), err == nil
}

// peerText names the peer even where its address is none of the net's (a socket in a folder).
func peerText(r *http.Request) string {
	if a, ok := peerOf(r); ok {
		return a.String()
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// plainAddr writes one address in one way: IPv4 inside IPv6 as IPv4, without zone.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func within(a netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
