package app

import (
	"net/http"
	"net/netip"
	"slices"

	"specter/internal/door"
	"specter/internal/remote/sshtunnel"
)

// doorFor is who may ask for what. A tunnel's server whose proxy is believed is one more trusted
// proxy; entry sees to it that nobody else has its address.
func (a *App) doorFor(h *mounts) door.Config {
	return door.Config{Hosts: slices.Concat(a.c.Hosts, a.c.TLS.Domains, machineNames()), Names: a.nowNames,
		Trusted: append(slices.Clone(a.c.Trusted), netip.PrefixFrom(sshtunnel.Trusted, sshtunnel.Trusted.BitLen())), Log: a.c.Log, Now: a.c.Now,
		Fail: func(w http.ResponseWriter, r *http.Request, status int, err error) {
			refuse(w, moved(r, h.prefixOf(r), ""), status, err)
		},
		Shared: func(r *http.Request) bool { return below(h.bare(r), bridgeRoot) }}
}

// nowNames are those that come and go while the program runs.
func (a *App) nowNames() []string { return append(a.tunnels.names(), a.onions.names()...) }

// entry stands before the door: it turns away who has taken an address that stands for a
// tunnel's server, and finds programs' own credentials.
func entry(next http.Handler) http.Handler {
	next = ownAuthorization(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if posing(r) {
			http.Error(w, "This address is one of Specter's own.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
