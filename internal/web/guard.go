package web

import (
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strings"

	"specter/internal/errs"
)

// maxBody bounds what a form may carry; files of PSBTs and keys included.
const maxBody = 4 << 20

// policy lets the page use its own files and nothing else: no inline script or style, no frame,
// no other server. Pictures may also be data (QR codes are inline SVG and need nothing).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard stands before every request: headers that hold for errors too, the Host allow-list
// against DNS rebinding, refusal of changes sent by other sites, a bound on bodies, and a net
// for panics.
func (s *Server) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errs.E(errs.Denied, "This request came from another site and was refused. Nothing was changed. Open Specter in its own tab and try again."))
	}))
	protected := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		defer s.rescue(w, r)
		if !s.allowedHost(r.Host) {
			http.Error(w, "This name is not one of Specter's. If it should be, add it to the allowed hosts.", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		protected.ServeHTTP(w, r)
	})
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=(), payment=()")
	h.Set("Cache-Control", "no-store") // private until a handler says otherwise
}

// rescue turns a panic into an error page and a log line; one bad page must not end the server.
func (s *Server) rescue(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.log.Error("a page failed", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	http.Error(w, "Specter stumbled over its own mistake on this page. Nothing was changed by it; the log says more.", http.StatusInternalServerError)
}

// allowedHost reports whether a Host header names this server: a loopback name, or one that the
// configuration lists.
func (s *Server) allowedHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	for _, allowed := range s.c.Hosts {
		if name != "" && strings.EqualFold(name, strings.Trim(allowed, "[]")) {
			return true
		}
	}
	return false
}
