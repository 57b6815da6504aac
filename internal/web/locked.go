package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

// LockedConfig is what the one page of a locked Specter needs.
type LockedConfig struct {
	// Open opens the stored secrets with the owner's password: errs.Denied where it is wrong, an
	// *auth.TooFast where it came too soon after others. After it returned nil the handler answers
	// nothing more; the request goes to the pages, which log in with the same form.
	Open func(ctx context.Context, password string) error
	// Unsafe says why nobody may send a password by the way that a request came, or nil. nil: all
	// ways will do.
	Unsafe  func(r *http.Request) error
	Prefix  string // "/specter" when mounted below a path; "" otherwise
	Names   bool   // people log in with a name and a password
	Version string
	Log     *slog.Logger // nil: silent
}

type lockedPage struct {
	page
	Names  bool
	Name   string
	Unsafe string // why nobody may log in by this way; "" anybody may
	Error  string
}

// NewLocked makes the page that asks for the owner's password while the stored secrets are
// locked. It has no data, and shows nothing of anybody's.
func NewLocked(c LockedConfig) (http.Handler, error) {
	s := &Server{c: Config{Version: c.Version, URLPrefix: c.Prefix, Unsafe: c.Unsafe}, log: c.Log, now: time.Now}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("web: static files: %w", err)
	}
	if s.templates, err = s.loadTemplates(); err != nil {
		return nil, fmt.Errorf("web: templates: %w", err)
	}
	s.languages = newLanguages(slices.Collect(maps.Keys(s.templates)))
	m := http.NewServeMux()
	m.HandleFunc("GET /static/{file...}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.getStatic(w, r); err != nil {
			http.Error(w, s.sentence(r, err), statusOf(err))
		}
	})
	m.HandleFunc("POST /auth/login", func(w http.ResponseWriter, r *http.Request) { s.postLocked(w, r, c) })
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || isHTMX(r) {
			http.Error(w, s.tr(r, "This Specter is locked. Log in as the owner to open it."), http.StatusServiceUnavailable)
			return
		}
		s.showLocked(w, r, http.StatusOK, c, "", nil)
	})
	return http.StripPrefix(c.Prefix, m), nil
}

func (s *Server) showLocked(w http.ResponseWriter, r *http.Request, status int, c LockedConfig, name string, err error) {
	v := lockedPage{page: s.barePage(r, s.tr(r, "Locked")), Names: c.Names, Name: limit(name, 200), Unsafe: s.unsafe(r)}
	var fast *auth.TooFast
	switch {
	case errors.As(err, &fast):
		seconds := max(1, int((fast.Wait+time.Second-1)/time.Second))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		v.Error = s.tr(r, "Too many attempts. Wait %s and try again.", s.words(r).span(time.Duration(seconds)*time.Second))
	case errs.Is(err, errs.Denied):
		v.Error = s.tr(r, "This password does not open the stored secrets.")
	case err != nil:
		v.Error = s.sentence(r, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	s.write(w, r, status, "auth_locked", "layout", v)
}

// postLocked tries the password. 307 has the browser send the same form again, to the pages that
// are there by then.
func (s *Server) postLocked(w http.ResponseWriter, r *http.Request, c LockedConfig) {
	if err := parseForm(r); err != nil {
		http.Error(w, s.sentence(r, err), statusOf(err))
		return
	}
	if err := s.refuseUnsafe(r); err != nil {
		s.showLocked(w, r, statusOf(err), c, "", nil)
		return
	}
	if err := c.Open(r.Context(), r.PostFormValue("password")); err != nil {
		s.note(r, err)
		s.showLocked(w, r, statusOf(err), c, r.PostFormValue("username"), err)
		return
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, s.url("/auth/login"), http.StatusTemporaryRedirect)
}
