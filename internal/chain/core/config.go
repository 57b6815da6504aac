package core

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// DialFunc opens a connection; a proxy can be slipped under the client with it.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Config says where a node is and how to log in.
type Config struct {
	Protocol   string // http (also when empty) or https
	Host       string // name or address without brackets; empty: 127.0.0.1
	Port       int    // 0: the network's own
	User       string // empty: the cookie is used
	Password   Secret
	CookieFile string // read at the first call, and again when the node refuses the login
	Network    btc.Network
	AnyNetwork bool     // take the node whatever its network is; Network only gives the port
	Dial       DialFunc // nil: directly
	// Proxied reports whether Dial has a host's name looked up elsewhere. nil: all, where Dial is set.
	Proxied func(host string) bool
	Log     *slog.Logger
}

// DefaultPort is the RPC port of Bitcoin Core on a network.
func DefaultPort(n btc.Network) int {
	switch n {
	case btc.Testnet3:
		return 18332
	case btc.Testnet4:
		return 48332
	case btc.Signet:
		return 38332
	case btc.Regtest:
		return 18443
	}
	return 8332
}

// NetworkOfPort guesses a network from an RPC port; ok is false for a port of nobody's.
func NetworkOfPort(port int) (n btc.Network, ok bool) {
	for _, n := range btc.Networks() {
		if DefaultPort(n) == port {
			return n, true
		}
	}
	return btc.Mainnet, false
}

// address is host:port to dial.
func (c Config) address() string {
	host, port := c.Host, c.Port
	if host == "" {
		host = "127.0.0.1"
	}
	if port == 0 {
		port = DefaultPort(c.Network)
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func (c Config) url() string {
	protocol := "http"
	if c.Protocol == "https" {
		protocol = "https"
	}
	return fmt.Sprintf("%s://%s", protocol, c.address())
}

// ParseHost takes apart what a person types as a host: "host", "host:port", "https://host/",
// "[::1]:8332". port is 0 and protocol "" where none is typed.
func ParseHost(s string) (protocol, host string, port int, err error) {
	s = strings.TrimSpace(s)
	if scheme, rest, found := strings.Cut(s, "://"); found {
		protocol, s = strings.ToLower(scheme), rest
		if protocol != "http" && protocol != "https" {
			return "", "", 0, errs.E(errs.Invalid, "a node is reached over http or https, not over %q", scheme)
		}
	}
	s = strings.TrimSuffix(s, "/")
	host = s
	if h, p, e := net.SplitHostPort(s); e == nil {
		n, e := strconv.ParseUint(p, 10, 16)
		if e != nil || n == 0 {
			return "", "", 0, errs.E(errs.Invalid, "%q is no port; a port is a number from 1 to 65535", p)
		}
		host, port = h, int(n)
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if err := checkHost(host); err != nil {
		return "", "", 0, err
	}
	return protocol, host, port, nil
}

// checkHost refuses what would end up elsewhere in the URL: a path, a login, a blank.
func checkHost(host string) error {
	if host == "" {
		return errs.E(errs.Invalid, "the host is missing; for a node on this machine it is 127.0.0.1")
	}
	if len(host) > 253 || strings.ContainsAny(host, "/\\@?#% \t\r\n\"<>") {
		return errs.E(errs.Invalid, "%.60q is no host; type a name or an address such as 192.168.1.20", host)
	}
	if strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return errs.E(errs.Invalid, "%.60q is no host; the port has a field of its own", host)
	}
	return nil
}

func (c Config) check() error {
	switch c.Protocol {
	case "", "http", "https":
	default:
		return errs.E(errs.Invalid, "a node is reached over http or https, not over %.20q", c.Protocol)
	}
	if c.Port < 0 || c.Port > 65535 {
		return errs.E(errs.Invalid, "%d is no port; a port is a number from 1 to 65535", c.Port)
	}
	if c.Host == "" {
		return nil
	}
	return checkHost(c.Host)
}
