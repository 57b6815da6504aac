package door

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// namesOf prepares the configured names for comparison.
func namesOf(hosts []string) map[string]bool {
	names := map[string]bool{}
	for _, h := range hosts {
		if name := bareName(h); name != "" {
			names[name] = true
		}
	}
	return names
}

// ours reports whether a Host header names this server: a loopback name, a configured name, or
// the very address the connection came in on. A browser that was led here by somebody else's
// DNS answer (DNS rebinding) still sends that somebody's name, and is told that it is wrong here.
func (d *door) ours(host string, r *http.Request) bool {
	name := bareName(host)
	if name == "" {
		return false
	}
	if name == "localhost" || d.known(name) {
		return true
	}
	a, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	return a.IsLoopback() || a == localAddr(r)
}

// known reports whether a bare name is one of the configured ones.
func (d *door) known(name string) bool {
	if d.names[name] {
		return true
	}
	return d.c.Names != nil && slices.ContainsFunc(d.c.Names(), func(one string) bool { return bareName(one) == name })
}

// localAddr is the address of ours that the connection was made to; zero where not known.
func localAddr(r *http.Request) netip.Addr {
	tcp, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(tcp.IP)
	return plainAddr(a)
}

// bareName is a Host without port, brackets, case and final dot; an address in its one form.
func bareName(host string) string {
	name := strings.TrimSpace(host)
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		name = name[1 : len(name)-1]
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if a, err := netip.ParseAddr(name); err == nil {
		return plainAddr(a).String()
	}
	return name
}
