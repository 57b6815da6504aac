package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
)

// handler is a page or action. What it returns as error becomes a status and a page.
type handler func(w http.ResponseWriter, r *http.Request) error

// statusOf maps the kind of an error to HTTP.
func statusOf(err error) int {
	var tooBig *http.MaxBytesError
	var fast *auth.TooFast
	switch {
	case errors.As(err, &tooBig):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &fast):
		return http.StatusTooManyRequests
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	switch errs.KindOf(err) {
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Conflict, errs.Declined:
		return http.StatusConflict
	case errs.Denied:
		return http.StatusForbidden
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// sentence is what a person reads of an error. What nobody classified stays in the log.
func (s *Server) sentence(r *http.Request, err error) string {
	switch status := statusOf(err); status {
	case http.StatusRequestEntityTooLarge:
		return s.tr(r, "That is more than Specter takes at once (4 MB). Choose a smaller file.")
	case http.StatusGatewayTimeout:
		return s.tr(r, "The node took too long to answer. Try again in a moment.")
	case http.StatusInternalServerError:
		return s.tr(r, "Something went wrong inside Specter. Nothing was changed by it; the log says more.")
	}
	return upperFirst(err.Error())
}

// note logs what the operator should know: our own faults and things that are away. It names the
// route and the request, as the door does; a path may hold a member's wallet or address.
func (s *Server) note(r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	switch errs.KindOf(err) {
	case errs.Internal:
		s.log.Error("a request failed", "method", r.Method, "route", r.Pattern, "request", door.RequestID(r), "err", err)
	case errs.Unavailable:
		s.log.Warn("a request could not be served", "method", r.Method, "route", r.Pattern, "request", door.RequestID(r), "err", err)
	}
}

type errorPage struct {
	page
	Status  int
	Message string
}

// fail answers an error: as a small notice to htmx, as a page to everything else.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.note(r, err)
	status, message := statusOf(err), s.sentence(r, err)
	h := w.Header()
	h.Del("Content-Length")
	h.Set("Cache-Control", "no-store")
	if isHTMX(r) {
		h.Set("HX-Retarget", "#flashes")
		h.Set("HX-Reswap", "innerHTML")
		s.write(w, r, status, "error", "flashes", errorPage{page: page{Flashes: []flash{{Kind: flashError, Text: message}}}})
		return
	}
	p, pageErr := s.page(r, s.titleOf(r, status))
	if pageErr != nil { // nobody is logged in, or the frame cannot be filled: answer without it
		p = s.barePage(r, s.titleOf(r, status))
	}
	s.write(w, r, status, "error", "layout", errorPage{page: p, Status: status, Message: message})
}

func (s *Server) titleOf(r *http.Request, status int) string {
	switch status {
	case http.StatusNotFound:
		return s.tr(r, "Not found")
	case http.StatusForbidden:
		return s.tr(r, "Refused")
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return s.tr(r, "Not available now")
	case http.StatusInternalServerError:
		return s.tr(r, "Something went wrong")
	}
	return s.tr(r, "That did not work")
}

func isHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// liveOnly reports whether htmx asks for a page's live fragment alone.
func liveOnly(r *http.Request) bool {
	return isHTMX(r) && r.Header.Get("HX-Target") == "live" && r.Header.Get("HX-History-Restore-Request") == ""
}

// render answers with a page, or with its live fragment when htmx asks for that alone.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	block := "layout"
	if liveOnly(r) {
		block = "fragment"
	}
	s.write(w, r, status, name, block, data)
	return nil
}

// fragment answers with one named block of a page's template.
func (s *Server) fragment(w http.ResponseWriter, r *http.Request, status int, name, block string, data any) error {
	s.write(w, r, status, name, block, data)
	return nil
}

// write executes into memory first, so that a template that fails never leaves half a page.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, name, block string, data any) {
	var b bytes.Buffer
	if err := s.templates[s.language(r)].execute(&b, name, block, data); err != nil {
		s.log.Error("a template failed", "page", name, "block", block, "err", err)
		http.Error(w, "Specter could not draw this page; the log says why.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	policy, special := door.Policy, bytes.Contains(b.Bytes(), scannerMark)
	if special {
		policy = scannerPolicy
	}
	policy, asks := bridgePolicy(policy, r, b.Bytes())
	if special || asks {
		h.Set("Content-Security-Policy", policy)
	}
	h.Set("Vary", "HX-Request, HX-Target, Accept-Language")
	h.Set("Content-Language", s.language(r))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone; nobody is left to tell
}

// redirect goes on to a page of ours after a change (303, so that reloading repeats nothing).
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, path string) error {
	if isHTMX(r) {
		w.Header().Set("HX-Redirect", s.url(path))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, s.url(path), http.StatusSeeOther)
	return nil
}

// back goes where the form's "next" field says, if that is a path of ours, else to fallback.
func (s *Server) back(w http.ResponseWriter, r *http.Request, fallback string) error {
	if next, ok := localPath(r.FormValue("next")); ok {
		return s.redirect(w, r, next)
	}
	return s.redirect(w, r, fallback)
}

// localPath accepts a path on this server and nothing that a browser could read as another
// host: one slash in front, no second one, no backslash, no control character.
func localPath(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") {
		return "", false
	}
	if strings.ContainsFunc(u.Path, func(c rune) bool { return c < ' ' || c == '\\' || c == 0x7f }) {
		return "", false
	}
	clean := url.URL{Path: u.Path, RawQuery: u.RawQuery}
	return clean.String(), true
}

func upperFirst(s string) string {
	for i, c := range s {
		return strings.ToUpper(string(c)) + s[i+len(string(c)):]
	}
	return s
}
