package alpha

import (
	"errors"
	"net/http"
	"strings"

	"specter/internal/auth"
	"specter/internal/errs"
)

// ServeHTTP answers a request for /healthz or /api.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.HasPrefix(r.URL.Path, "/api/") && !s.c.Active(r.Context()) {
		s.fail(w, r, errs.E(errs.NotFound, "The API is switched off. Start the program with SPECTER_API_ACTIVE=True, or switch it on in the settings."))
		return
	}
	rt, arg, others := s.find(r.Method, r.URL.Path)
	if rt != nil {
		r.Pattern = rt.pattern // for logs, in the place of a path that names a wallet
	}
	switch {
	case rt != nil:
		var broken *lost
		switch err := s.answer(w, r, rt, arg); {
		case errors.As(err, &broken):
			s.c.Log.Debug("an answer broke off", "route", r.Pattern, "error", err) // who asked has gone
		case err != nil:
			s.fail(w, r, err)
		}
	case len(others) > 0:
		h.Set("Allow", strings.Join(others, ", "))
		s.message(w, r, http.StatusMethodNotAllowed, "The method is not allowed for the requested URL.")
	case s.hasSlash(r.URL.Path):
		s.redirect(w, r)
	default:
		s.message(w, r, http.StatusNotFound, "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.")
	}
}

// find returns the route of a path with what stands for its {arg}; or the methods that the path
// has, when it has not this one.
func (s *Server) find(method, path string) (rt *route, arg string, others []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for i := range s.routes {
		a, ok := match(s.routes[i].pattern, path)
		if !ok {
			continue
		}
		if s.routes[i].method == method {
			return &s.routes[i], a, nil
		}
		others = append(others, s.routes[i].method)
	}
	return nil, "", others
}

// match holds a path against a pattern, segment by segment.
func match(pattern, path string) (arg string, ok bool) {
	before, after, has := strings.Cut(pattern, "{arg}")
	if !has {
		return "", pattern == path
	}
	rest, ok := strings.CutPrefix(path, before)
	if !ok {
		return "", false
	}
	arg, ok = strings.CutSuffix(rest, after)
	return arg, ok && arg != "" && !strings.Contains(arg, "/")
}

// hasSlash reports whether a path is one of ours but for the slash at its end.
func (s *Server) hasSlash(path string) bool {
	for _, rt := range s.routes {
		if _, ok := match(rt.pattern, path+"/"); ok {
			return true
		}
	}
	return false
}

// redirect sends a client to the path with its slash; method and body are kept.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request) {
	to := s.c.URLPrefix + r.URL.EscapedPath() + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	s.message(w, r, http.StatusPermanentRedirect, "The path has a slash at its end.")
}

// answer lets in who may come in, and runs the handler.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, rt *route, arg string) error {
	id, err := s.identify(r, rt.login)
	if err != nil {
		return err
	}
	if rt.who == owner && !id.IsOwner() {
		return errs.E(errs.Denied, "the owner alone may read this")
	}
	return rt.h(w, r, call{id, arg})
}

// identify finds out who asks. Another scheme than the route's is nobody.
func (s *Server) identify(r *http.Request, how login) (auth.Identity, error) {
	switch how {
	case open:
		return auth.Identity{}, nil
	case basic:
		name, password, ok := r.BasicAuth()
		if !ok || name == "" {
			return auth.Identity{}, errs.E(errs.Denied, "no Basic credentials")
		}
		return s.c.Auth.Basic(r.Context(), name, password, s.c.Client(r))
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return auth.Identity{}, errs.E(errs.Denied, "no Bearer token")
	}
	return s.c.Auth.Bearer(r.Context(), token)
}
