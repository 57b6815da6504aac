package app

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/web"
)

// Below a path. A proxy may have the program mounted at /specter and pass that on or strip it;
// links, cookies and redirects must carry it either way. The pages are made once for each prefix
// and share all that they remember.

// maxMounts bounds the prefixes that proxies may name: a careless one passes on what strangers
// write, and each prefix has templates of its own.
const maxMounts = 4

// mounts makes the rooms below each prefix when they are first asked for there.
type mounts struct {
	fixed string // of the command line; proxies are not asked then
	make  func(prefix string) (http.Handler, error)
	taken map[string]bool // first parts of our own paths, which cannot be prefixes
	full  func(prefix string)

	mu   sync.Mutex
	made map[string]http.Handler
}

// newMounts makes the rooms for the fixed prefix at once, so that a mistake shows at the start.
func newMounts(fixed string, taken map[string]bool, make func(prefix string) (http.Handler, error)) (*mounts, error) {
	m := &mounts{fixed: fixed, make: make, taken: taken, made: map[string]http.Handler{}, full: func(string) {}}
	if m.collides(fixed) {
		return nil, errs.E(errs.Invalid, "%s is a path of Specter's own; mount it elsewhere with --url-prefix, for example /specter", fixed)
	}
	h, err := make(fixed)
	m.made[fixed] = h
	return m, err
}

// firstParts are the first parts of all paths that the program answers.
func firstParts(routes []web.RouteInfo) map[string]bool {
	taken := map[string]bool{"api": true, "healthz": true, "hwi": true}
	for _, rt := range routes {
		_, path, _ := strings.Cut(rt.Pattern, "/")
		part, _, _ := strings.Cut(path, "/")
		if part != "" && part != "{$}" {
			taken[part] = true
		}
	}
	return taken
}

func (m *mounts) collides(prefix string) bool {
	part, _, _ := strings.Cut(strings.TrimPrefix(prefix, "/"), "/")
	return m.taken[part]
}

// rooms are those for a request, with the prefix that they have.
func (m *mounts) rooms(r *http.Request) (string, http.Handler) {
	prefix := m.fixed
	if prefix == "" {
		prefix = door.PrefixOf(r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.made[prefix]; h != nil {
		return prefix, h
	}
	if m.collides(prefix) {
		return m.fixed, m.made[m.fixed]
	}
	if len(m.made) > maxMounts {
		m.full(prefix)
		return m.fixed, m.made[m.fixed]
	}
	h, err := m.make(prefix)
	if err != nil {
		m.full(prefix)
		return m.fixed, m.made[m.fixed]
	}
	m.made[prefix] = h
	return prefix, h
}

// bare is a request's path without the prefix, whether a proxy has stripped it or not.
func (m *mounts) bare(r *http.Request) string {
	prefix, _ := m.rooms(r)
	return without(r.URL.Path, prefix)
}

// prefixOf is the prefix under which a request is answered.
func (m *mounts) prefixOf(r *http.Request) string {
	prefix, _ := m.rooms(r)
	return prefix
}

func without(path, prefix string) string {
	if prefix != "" && below(path, prefix) {
		if path = path[len(prefix):]; path == "" {
			return "/"
		}
	}
	return path
}

// whole is what a browser must ask for to come here again: path and query with the prefix.
func (m *mounts) whole(r *http.Request) string {
	prefix, _ := m.rooms(r)
	if below(r.URL.Path, prefix) {
		return r.URL.RequestURI()
	}
	return prefix + r.URL.RequestURI()
}

// ServeHTTP passes a request on without its prefix.
func (m *mounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	prefix, h := m.rooms(r)
	if prefix != "" && r.URL.Path == prefix { // links relative to it would lead elsewhere
		http.Redirect(w, r, prefix+"/", http.StatusMovedPermanently)
		return
	}
	h.ServeHTTP(w, moved(r, prefix, ""))
}

// moved is a request with one prefix taken from its path, where it is there, and another put on.
func moved(r *http.Request, from, to string) *http.Request {
	path, raw := without(r.URL.Path, from), r.URL.RawPath
	if raw != "" && path != r.URL.Path {
		raw = without(raw, from)
	}
	if path == r.URL.Path && to == "" {
		return r
	}
	r2 := r.Clone(r.Context())
	r2.URL.Path = to + path
	if raw != "" {
		r2.URL.RawPath = to + raw
	}
	return r2
}

// tokenHeader carries what Authorization would, where a proxy wants that one for itself.
const tokenHeader = "Specter-Authorization"

// ownAuthorization puts a program's own credentials where the rooms look for them: where a proxy
// asks for a password of its own, Authorization holds that.
func ownAuthorization(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own := r.Header.Values(tokenHeader); len(own) > 0 {
			r = r.Clone(r.Context())
			r.Header["Authorization"] = own[:1]
			r.Header.Del(tokenHeader)
		}
		next.ServeHTTP(w, r)
	})
}

// noteFull tells the log once that prefixes were refused.
func (a *App) noteFull() func(prefix string) {
	var once sync.Once
	return func(prefix string) {
		once.Do(func() {
			a.c.Log.Warn(fmt.Sprintf("a proxy names more than %d prefixes in X-Forwarded-Prefix; further ones count as none. Have it set that header itself, or start Specter with --url-prefix", maxMounts), "prefix", prefix)
		})
	}
}
