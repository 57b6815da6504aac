package web

import (
	"context"
	"net/http"
	"time"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// maxAgent bounds what a browser says about itself.
const maxAgent = 200

type identityKey struct{}

// identityOf is who asks, as the gate before the handlers found out.
func identityOf(r *http.Request) (auth.Identity, bool) {
	id, ok := r.Context().Value(identityKey{}).(auth.Identity)
	return id, ok
}

// identity is identityOf for handlers, which stand behind the gate.
func (s *Server) identity(r *http.Request) (auth.Identity, error) {
	id, ok := identityOf(r)
	if !ok {
		return auth.Identity{}, errs.E(errs.Denied, "log in first")
	}
	return id, nil
}

// Who tells whose session a request carries, for doors that stand beside the pages.
// errs.Denied: nobody's.
func (s *Server) Who(r *http.Request) (userID string, err error) {
	id, err := s.identify(r)
	return id.User.ID, err
}

// owner names the user whose wallets and devices a request may reach.
func (s *Server) owner(r *http.Request) (wallet.Owner, error) {
	id, err := s.identity(r)
	return wallet.Owner(id.User.ID), err
}

func known(r *http.Request, id auth.Identity) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
}

// identify finds out who asks from the session's cookie. A session that its user left alone for
// longer than they wish is ended here.
func (s *Server) identify(r *http.Request) (auth.Identity, error) {
	id, err := s.c.Auth.Session(r.Context(), s.sessionCookie(r), s.client(r), agentOf(r))
	if err != nil || id.Session == nil {
		return id, err
	}
	idle, after, err := s.idle(r, id)
	if err != nil {
		return auth.Identity{}, err
	}
	if after > 0 && idle > after {
		return auth.Identity{}, s.lapse(r, id)
	}
	return id, nil
}

// idle is how long nobody has done anything in a session, and after how long it shall end (0:
// never). Unless the page asks by itself, somebody is doing something now.
func (s *Server) idle(r *http.Request, id auth.Identity) (idle, after time.Duration, err error) {
	if after, err = s.autoLogout(r.Context(), id.User.ID); err != nil {
		return 0, 0, err
	}
	last, known := s.active.last(id.Session.ID)
	if !known { // a new session, or this program has started again
		if last, err = s.lastKept(r.Context(), id); err != nil {
			return 0, 0, err
		}
		s.active.note(id.Session.ID, last)
	}
	now := s.now()
	if idle = now.Sub(last); passive(r) || after > 0 && idle > after {
		return idle, after, nil
	}
	s.active.note(id.Session.ID, now)
	return idle, after, s.keepLast(r.Context(), id.User.ID, now)
}

// lapse ends a session that was left alone. Its form, if one comes after this, is still known
// to be its user's.
func (s *Server) lapse(r *http.Request, id auth.Identity) error {
	if err := s.c.Auth.Lapse(r.Context(), id); err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	s.active.forget(id.Session.ID)
	return errs.E(errs.Denied, "you were logged out because nothing happened for a while")
}

// expired tells whose session a cookie was, when it ran out not long ago. One that a person has
// ended is nobody's any more.
func (s *Server) expired(r *http.Request) (userID string, ok bool) {
	return s.c.Auth.Expired(r.Context(), s.sessionCookie(r))
}

// passive tells requests that a page makes by itself, with nobody at the keyboard.
func passive(r *http.Request) bool {
	switch r.URL.Path {
	case "/events", "/nav":
		return true
	case "/auth/session":
		return r.URL.Query().Get("passive") != ""
	}
	return r.Method == http.MethodGet && isHTMX(r) && r.Header.Get("HX-Target") == "live" && r.Header.Get("HX-Trigger") == "live"
}

// maxLogout is the longest time without activity that can be chosen.
const maxLogout = setting.MaxLogoutAfter * time.Minute

// autoLogout is how long a user may be away before the session ends; 0 for never.
func (s *Server) autoLogout(ctx context.Context, userID string) (time.Duration, error) {
	minutes, err := s.settings.LogoutAfter(ctx, userID)
	return time.Duration(minutes) * time.Minute, err
}

// client is the address that a request came from.
func (s *Server) client(r *http.Request) string { return door.ClientOf(r) }

func agentOf(r *http.Request) string { return limit(r.UserAgent(), maxAgent) }

// sessionName names the session's cookie. By https the prefix makes browsers refuse one that
// another host or plain http has set; the instance keeps two Specters on one host apart.
func (s *Server) sessionName(r *http.Request) string {
	name := "specter_session"
	if s.c.Instance != "" {
		name += "_" + s.c.Instance
	}
	switch {
	case !door.IsHTTPS(r):
		return name
	case s.c.URLPrefix == "":
		return "__Host-" + name
	}
	return "__Secure-" + name // __Host- wants the path "/"
}

func (s *Server) sessionCookie(r *http.Request) string {
	c, err := r.Cookie(s.sessionName(r))
	if err != nil {
		return ""
	}
	return limit(c.Value, 200)
}

// setSession hands the browser its cookie; "" takes it away. The browser drops it when it is
// closed; how long the session lasts otherwise is decided here and not there.
func (s *Server) setSession(w http.ResponseWriter, r *http.Request, value string) {
	c := &http.Cookie{Name: s.sessionName(r), Value: value, Path: s.c.URLPrefix, HttpOnly: true, Secure: door.IsHTTPS(r), SameSite: http.SameSiteLaxMode}
	if c.Path == "" {
		c.Path = "/"
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// browserName names the cookie that marks a browser as one that has logged in before, so that
// strangers who guess cannot keep its user out. It opens nothing by itself.
func (s *Server) browserName(r *http.Request) string {
	name := "specter_browser"
	if s.c.Instance != "" {
		name += "_" + s.c.Instance
	}
	if door.IsHTTPS(r) {
		return "__Secure-" + name
	}
	return name
}

func (s *Server) browserCookie(r *http.Request) string {
	c, err := r.Cookie(s.browserName(r))
	if err != nil {
		return ""
	}
	return limit(c.Value, 500)
}

// setBrowser marks the browser for a year; only the login itself is sent the mark.
func (s *Server) setBrowser(w http.ResponseWriter, r *http.Request, userID string) {
	mark, err := s.c.Auth.Browser(r.Context(), userID)
	if err != nil {
		s.log.Warn("a browser could not be marked as known", "err", err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.browserName(r), Value: mark, Path: s.c.URLPrefix + "/auth/login", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: door.IsHTTPS(r), SameSite: http.SameSiteStrictMode})
}

// address is where the browser found this Specter, for links that are handed on. The door lets
// in only names that are ours.
func (s *Server) address(r *http.Request) string {
	if door.IsHTTPS(r) {
		return "https://" + r.Host + s.c.URLPrefix
	}
	return "http://" + r.Host + s.c.URLPrefix
}
