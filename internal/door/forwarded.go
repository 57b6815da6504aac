package door

import (
	"net/http"
	"net/netip"
	"strings"

	"specter/internal/errs"
)

// What proxies say. Anybody can write these headers, so only a trusted peer's are read, and of
// a list only as much as trusted proxies have appended: from the right, up to the first address
// that is not trusted. What stands left of it was written by a stranger.

// forwards is what trusted proxies say about a request.
type forwards struct {
	client netip.Addr
	proto  string // http, https or ""
	host   string
}

// ParseTrusted reads addresses and prefixes of trusted proxies, as people write them. A prefix
// of length 0 is refused: it would let everybody choose an address.
func ParseTrusted(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		if a, err := netip.ParseAddr(text); err == nil {
			a = plainAddr(a)
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, errs.E(errs.Invalid, "%q is no address of a proxy; write it as 192.0.2.7 or 192.0.2.0/24", text)
		}
		if p.Bits() == 0 {
			return nil, errs.E(errs.Invalid, "%q would trust everybody; name the proxies alone", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// forwarded reads both kinds of headers. Most proxies write one kind and pass the other on as a
// stranger sent it; so where both are there and name different clients, neither is believed.
func (d *door) forwarded(peer netip.Addr, h http.Header) forwards {
	f := forwards{client: peer, proto: lastWord(h.Values("X-Forwarded-Proto")), host: lastWord(h.Values("X-Forwarded-Host"))}
	var xs []string
	for _, line := range h.Values("X-Forwarded-For") {
		xs = append(xs, strings.Split(line, ",")...)
	}
	f.client = d.walk(peer, xs)
	if standard := h.Values("Forwarded"); len(standard) > 0 {
		s, ok := d.standard(peer, standard)
		switch {
		case !ok:
		case len(xs) == 0:
			f.client = s.client
		case s.client != f.client:
			f.client = peer
		}
		f.proto, f.host = either(f.proto, s.proto), either(f.host, s.host)
	}
	if f.proto != "https" && f.proto != "http" {
		f.proto = ""
	}
	return f
}

// walk goes from the right through the addresses that proxies have appended. Each was seen by
// its right neighbour, so it is believed only while that neighbour is trusted.
func (d *door) walk(peer netip.Addr, list []string) netip.Addr {
	client := peer
	for i := len(list) - 1; i >= 0; i-- {
		a, ok := parseNode(list[i])
		if !ok {
			return client
		}
		client = a
		if !within(a, d.c.Trusted) {
			return client
		}
	}
	return client
}

// standard reads RFC 7239. A header that cannot be read says nothing.
func (d *door) standard(peer netip.Addr, lines []string) (f forwards, ok bool) {
	elements, ok := splitQuoted(strings.Join(lines, ","), ',')
	if !ok || len(elements) == 0 {
		return f, false
	}
	var fors []string
	for i, element := range elements {
		pairs, ok := splitQuoted(element, ';')
		if !ok {
			return forwards{}, false
		}
		last := i == len(elements)-1
		node := ""
		for _, pair := range pairs {
			name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
			if !found {
				continue
			}
			value = unquote(value)
			switch strings.ToLower(name) {
			case "for":
				node = value
			case "proto":
				if last {
					f.proto = strings.ToLower(value)
				}
			case "host":
				if last {
					f.host = value
				}
			}
		}
		fors = append(fors, node)
	}
	f.client = d.walk(peer, fors)
	return f, true
}

// parseNode reads an address as proxies write it: with or without port, brackets, a zone. The
// words "unknown" and "_hidden" of RFC 7239 are no addresses.
func parseNode(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if len(text) > 64 {
		return netip.Addr{}, false
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return plainAddr(ap.Addr()), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return plainAddr(a), err == nil
}

// splitQuoted splits at a separator outside of quotes; false where a quote is left open.
func splitQuoted(s string, sep byte) ([]string, bool) {
	var out []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:]), !quoted
}

// unquote reads a quoted string of HTTP; other text stays as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i+1 < len(s)-1 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// lastWord is the newest value of a header that proxies append to.
func lastWord(values []string) string {
	if len(values) == 0 {
		return ""
	}
	list := strings.Split(values[len(values)-1], ",")
	return strings.ToLower(strings.TrimSpace(list[len(list)-1]))
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// lastWhole is the newest value of a header, in the case in which it was written.
func lastWhole(values []string) string {
	if len(values) == 0 {
		return ""
	}
	list := strings.Split(values[len(values)-1], ",")
	return strings.TrimSpace(list[len(list)-1])
}

// Bounds of a path prefix.
const (
	maxPrefix   = 100 // bytes
	maxSegments = 4
)

// CleanPrefix reads the path below which a program is mounted: segments of letters, digits and
// . _ ~ -, each after one slash, as "/specter"; a slash at the end goes. "/" and "" are none. It
// ends up in links, cookies and redirects, so nothing is in it that a browser reads as another
// host, a way up, or the end of a header. errs.Invalid for anything else.
func CleanPrefix(text string) (string, error) {
	text = strings.TrimSuffix(text, "/")
	if text == "" {
		return "", nil
	}
	wrong := errs.E(errs.Invalid, "%.100q is no path to be mounted at; write it as /specter", text)
	parts := strings.Split(text, "/")
	if len(text) > maxPrefix || parts[0] != "" || len(parts) > maxSegments+1 {
		return "", wrong
	}
	for _, part := range parts[1:] {
		if part == "" || part == "." || part == ".." || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") != "" {
			return "", wrong
		}
	}
	return text, nil
}
