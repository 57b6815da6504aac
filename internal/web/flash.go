package web

import (
	"net/http"

	"specter/internal/door"
)

const (
	flashOK    = "ok"
	flashError = "error"
	flashWarn  = "warn"
)

// flash is a sentence that the next page shows once.
type flash struct {
	Kind string // ok, warn, error
	Text string
}

const flashCookie = "specter_flash"

// say leaves a sentence for the next page. The cookie holds a name only; the sentence, which
// may hold a wallet's name, stays in memory.
func (s *Server) say(w http.ResponseWriter, r *http.Request, kind, text string, args ...any) {
	name := s.flashes.put(flash{kind, s.tr(r, text, args...)})
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Value: name, Path: s.c.URLPrefix + "/", MaxAge: 600,
		HttpOnly: true, Secure: door.IsHTTPS(r), SameSite: http.SameSiteStrictMode})
}

// heard takes what was left for this page.
func (s *Server) heard(r *http.Request) []flash {
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	f, ok := s.flashes.take(c.Value)
	if !ok {
		return nil
	}
	return []flash{f}
}
