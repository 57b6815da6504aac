package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

type loginPage struct {
	page
	Method auth.Method
	Name   string
	Next   string
	Note   string // why this page is shown
	Unsafe string // why nobody may log in by this way; "" anybody may
	Error  string
}

// loginPage starts a login page; the note is one of our own sentences, chosen by the query.
func (s *Server) loginPage(r *http.Request) loginPage {
	v := loginPage{page: s.barePage(r, s.tr(r, "Log in")), Method: s.c.Auth.Settings().Method, Next: nextOf(r), Unsafe: s.unsafe(r)}
	q := r.URL.Query()
	switch {
	case q.Has("kept"):
		v.Note = s.tr(r, "Your login had ended. What you sent is kept for 30 minutes: log in, and you can send it again with one button.")
	case q.Has("timeout"):
		v.Note = s.tr(r, "You were logged out because nothing happened for a while.")
	case q.Has("out"):
		v.Note = s.tr(r, "You are logged out.")
	case q.Has("restored"):
		v.Note = s.tr(r, "The restore is done. Log in as it was then.")
	case q.Has("registered"):
		v.Note = s.tr(r, "Your account is ready. Log in with the name and password that you have chosen.")
	}
	return v
}

// unsafe is the sentence for who came by a way on which nobody may log in; "" on others.
func (s *Server) unsafe(r *http.Request) string {
	if s.c.Unsafe == nil {
		return ""
	}
	if err := s.c.Unsafe(r); err != nil {
		return s.sentence(r, err)
	}
	return ""
}

// refuseUnsafe is the error for a secret that came by a way on which none may be sent.
func (s *Server) refuseUnsafe(r *http.Request) error {
	if s.c.Unsafe == nil {
		return nil
	}
	return s.c.Unsafe(r)
}

// getLogin asks for what the method wants; who is in already goes on.
func (s *Server) getLogin(w http.ResponseWriter, r *http.Request) error {
	if s.c.Auth.Settings().Method == auth.MethodUnset {
		s.firstStart(w, r, true)
		return nil
	}
	switch _, err := s.identify(r); {
	case err == nil:
		return s.redirect(w, r, nextOf(r))
	case !errs.Is(err, errs.Denied):
		return err
	}
	return s.render(w, r, http.StatusOK, "auth_login", s.loginPage(r))
}

// postLogin tries what was typed. One sentence answers every wrong name and password.
func (s *Server) postLogin(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if err := s.refuseUnsafe(r); err != nil {
		return s.render(w, r, statusOf(err), "auth_login", s.loginPage(r))
	}
	name, password := r.PostFormValue("username"), r.PostFormValue("password")
	cookie, u, err := s.c.Auth.Login(r.Context(), auth.Login{Name: name, Password: password, Client: s.client(r), Agent: agentOf(r), Old: s.sessionCookie(r), Browser: s.browserCookie(r)})
	if err != nil {
		if !errs.Is(err, errs.Denied) && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.Unavailable) {
			return err
		}
		s.note(r, err)
		v := s.loginPage(r)
		v.Name, v.Note, v.Error = limit(name, 200), "", s.refusal(w, r, err)
		return s.render(w, r, statusOf(err), "auth_login", v)
	}
	s.setSession(w, r, cookie)
	s.setBrowser(w, r, u.ID)
	if len(s.kept.forms(u.ID)) > 0 {
		return s.redirect(w, r, "/auth/kept")
	}
	return s.redirect(w, r, nextOf(r))
}

// refusal is the sentence of an error for a form; who was too fast also reads how long to wait.
func (s *Server) refusal(w http.ResponseWriter, r *http.Request, err error) string {
	var fast *auth.TooFast
	if !errors.As(err, &fast) {
		return s.sentence(r, err)
	}
	seconds := max(1, int((fast.Wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return s.tr(r, "Too many attempts. Wait %s and try again.", s.words(r).span(time.Duration(seconds)*time.Second))
}

// span says a length of time in its greatest whole unit, rounded up.
func (c catalogue) span(d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	switch {
	case d > 48*time.Hour:
		return c.n(up(24*time.Hour), "%d day", "%d days")
	case d > 2*time.Hour || d == time.Hour:
		return c.n(up(time.Hour), "%d hour", "%d hours")
	case d > 2*time.Minute || d == time.Minute:
		return c.n(up(time.Minute), "%d minute", "%d minutes")
	}
	return c.n(up(time.Second), "%d second", "%d seconds")
}

type logoutPage struct {
	page
	None bool // there is no login here
}

// getLogout shows the button: a link alone, which another site could make a browser follow,
// changes nothing.
func (s *Server) getLogout(w http.ResponseWriter, r *http.Request) error {
	v := logoutPage{page: s.barePage(r, s.tr(r, "Log out"))}
	v.None = s.c.Auth.Settings().Method == auth.MethodNone
	return s.render(w, r, http.StatusOK, "auth_logout", v)
}

// postLogout ends the session and forgets its cookie.
func (s *Server) postLogout(w http.ResponseWriter, r *http.Request) error {
	if c := s.sessionCookie(r); c != "" {
		if err := s.c.Auth.Logout(r.Context(), c); err != nil && !errs.Is(err, errs.Denied) && !errs.Is(err, errs.NotFound) {
			return err
		}
		s.setSession(w, r, "")
	}
	return s.redirect(w, r, "/auth/login?out=yes")
}

// getSession tells the script of a page how many seconds are left until the session ends by
// itself. Asked for without "passive", it also notes that somebody is there.
func (s *Server) getSession(w http.ResponseWriter, r *http.Request) error {
	id, err := s.identity(r)
	if err != nil {
		return err
	}
	left := 0
	if id.Session != nil {
		after, err := s.autoLogout(r.Context(), id.User.ID)
		if err != nil {
			return err
		}
		if last, known := s.active.last(id.Session.ID); known && after > 0 {
			left = max(1, int((after-s.now().Sub(last))/time.Second)+1)
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(strconv.Itoa(left))) // the page is gone; nobody is left to tell
	return nil
}
