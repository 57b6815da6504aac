package bridge

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"specter/internal/errs"
)

// DefaultOrigin is whitelisted from the start: a Specter on the same computer at its usual port.
const DefaultOrigin = "http://127.0.0.1:25441/"

// AnyOrigin in a whitelist lets every web site ask.
const AnyOrigin = "*"

// MaxOrigins bounds a whitelist.
const MaxOrigins = 200

// CleanOrigin brings an origin into the one spelling that is compared: scheme, host in lower
// case, port unless it is the scheme's own, a slash; localhost is 127.0.0.1. errs.Invalid for
// anything that no page can have as its origin.
func CleanOrigin(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == AnyOrigin {
		return AnyOrigin, nil
	}
	refused := errs.E(errs.Invalid, "%.100q is no address of a web site; write it as http://127.0.0.1:25441 or https://specter.example", text)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || len(text) > 300 || (u.Scheme != "http" && u.Scheme != "https") {
		return "", refused
	}
	if u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", errs.E(errs.Invalid, "%.100q is a page; give the address of the site alone, such as %s://%s", text, u.Scheme, u.Host)
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if host == "" || strings.ContainsAny(host, " */\\?#%") {
		return "", refused
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && !(u.Scheme == "http" && port == "80") && !(u.Scheme == "https" && port == "443") {
		host += ":" + port
	}
	return u.Scheme + "://" + host + "/", nil
}

// CleanOrigins reads a whitelist as people write it, one origin a line; doubles go.
func CleanOrigins(text string) ([]string, error) {
	var out []string
	for _, word := range strings.Fields(text) {
		o, err := CleanOrigin(word)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	if len(out) > MaxOrigins {
		return nil, errs.E(errs.Invalid, "a whitelist has %d addresses at most", MaxOrigins)
	}
	return out, nil
}

// sameOrigin reports whether an Origin header names the host that was asked. The scheme does
// not count: a proxy may have taken the TLS off.
func sameOrigin(host, origin string) bool {
	_, name, found := strings.Cut(origin, "://")
	return found && name != "" && strings.EqualFold(name, host)
}

// listed reports whether an origin is whitelisted, and whether by its own name or by "*" alone.
// "null" (a sandboxed frame, a file) and what is no origin never is.
func listed(origin string, whitelist []string) (ok, byName bool) {
	o, err := CleanOrigin(origin)
	if err != nil || o == AnyOrigin {
		return false, false
	}
	for _, w := range whitelist {
		if w == o {
			return true, true
		}
		ok = ok || w == AnyOrigin
	}
	return ok, false
}

// onThisDesk reports whether an origin names the computer that the browser runs on.
func onThisDesk(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && Loopback(u.Host)
}

// Loopback reports whether a host, with or without port, is a loopback name or address.
func Loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
