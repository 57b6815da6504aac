package web

import (
	"net/http"
	"net/url"
	"strings"

	"specter/internal/auth"
	"specter/internal/errs"
)

// audience says for whom a route is. The zero value is nobody's: a route must say it.
type audience int

const (
	forEveryone audience = iota + 1 // also who is not logged in: the login itself, pictures, styles
	forUser                         // who is logged in; the handler asks for what belongs to them
	forOwner                        // the owner alone: nodes, users, how people log in
	forFirst                        // while nobody owns this Specter, who holds the link that it printed
)

// String is the word of an audience in the route table.
func (a audience) String() string {
	switch a {
	case forEveryone:
		return "everyone"
	case forUser:
		return "user"
	case forOwner:
		return "owner"
	case forFirst:
		return "first"
	}
	return "nobody"
}

// maxStranger bounds what a route reads of somebody who is not logged in: names, passwords and
// secrets, no files. Many connections at once shall not fill the memory.
const maxStranger = 64 << 10

// answer is a route behind the gate: who may, gets in; what the handler returns as error is
// answered in the frame of who asks.
func (s *Server) answer(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch rt.who {
		case forEveryone:
			r.Body = http.MaxBytesReader(w, r.Body, maxStranger)
		case forFirst:
			if !s.admitFirst(w, r) {
				return
			}
		default:
			var in bool
			if r, in = s.admit(w, r, rt); !in {
				return
			}
		}
		if err := rt.h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// admitFirst lets in who holds the link of the first start, before anything of the request's body is
// read. The secret stands in the address, as in the link itself.
func (s *Server) admitFirst(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case !s.unset():
		http.Redirect(w, r, s.url("/"), http.StatusSeeOther)
	case s.c.Auth.FirstSecret(r.URL.Query().Get("secret")) != nil:
		s.firstStart(w, r, r.Method == http.MethodGet || r.Method == http.MethodHead)
	default:
		return true
	}
	return false
}

// admit is the one gate before every handler. Who is not let in has been answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, rt route) (*http.Request, bool) {
	id, err := s.identify(r)
	switch {
	case err == nil:
		if r, err = s.withWishes(known(r, id), id.User.ID); err != nil {
			s.fail(w, r, err)
			return r, false
		}
		if rt.who == forOwner && !id.User.Owner() {
			s.fail(w, r, errs.E(errs.Denied, "this is for the owner of this Specter alone"))
			return r, false
		}
		return r, true
	case !errs.Is(err, errs.Denied):
		s.fail(w, r, err)
	default:
		s.turnAway(w, r, rt)
	}
	return r, false
}

// turnAway answers who is not logged in: pages lead to the login and back, everything else says
// so. A form whose session ran out under it is kept for its user.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, rt route) {
	w.Header().Set("Cache-Control", "no-store")
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case s.c.Auth.Settings().Method == auth.MethodUnset:
		s.firstStart(w, r, reads)
	case strings.HasPrefix(rt.pattern, "GET /events"):
		http.Error(w, s.tr(r, "You are not logged in."), http.StatusUnauthorized)
	case isHTMX(r):
		w.Header().Set("HX-Redirect", s.url(loginPath(s.currentPage(r))))
		w.WriteHeader(http.StatusUnauthorized)
	case reads:
		http.Redirect(w, r, s.url(loginPath(selfOf(r))), http.StatusSeeOther)
	default:
		s.keepOrRefuse(w, r, rt)
	}
}

// loginPath is the login that comes back to a page afterwards.
func loginPath(next string) string {
	if next == "" || next == "/" {
		return "/auth/login"
	}
	return "/auth/login?" + url.Values{"next": {next}}.Encode()
}

// currentPage is the page that a request of htmx was made on, as a path of ours; "" if it does
// not say.
func (s *Server) currentPage(r *http.Request) string {
	u, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if err != nil || u.Host != r.Host {
		return ""
	}
	path, inside := strings.CutPrefix(u.Path, s.c.URLPrefix)
	if !inside {
		return ""
	}
	next, ok := localPath((&url.URL{Path: path, RawQuery: u.RawQuery}).String())
	if !ok {
		return ""
	}
	return next
}

// nextOf is where a form wants to go on, if that is a page of ours and not the login itself.
func nextOf(r *http.Request) string {
	next, ok := localPath(r.FormValue("next"))
	if !ok || strings.HasPrefix(next, "/auth/") || len(next) > 2000 {
		return "/"
	}
	return next
}
