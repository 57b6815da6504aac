package bridge

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strings"

	"specter/internal/errs"
)

// ServeHTTP answers POST /hwi/api/ and its preflights. Whether the Host is a name of ours has
// been checked before: without that, DNS rebinding makes any site the same origin.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Origin")
	h.Set("Cache-Control", "no-store")
	// A page that was refused may learn that somebody answers, and so tell its person to use the
	// whitelist; it cannot read what.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	rules, err := s.c.Rules(r.Context())
	if err != nil {
		s.log.Error("who may use the bridge? The settings cannot be read", "err", err)
		s.refuse(w, http.StatusInternalServerError, refusal{codeDevice, "Internal error: the settings of the bridge cannot be read.", nil})
		return
	}
	origin := r.Header.Get("Origin")
	if s.mayRead(r, rules, origin) {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	switch r.Method {
	case http.MethodOptions:
		s.preflight(w, r, h.Get("Access-Control-Allow-Origin") != "")
	case http.MethodPost:
		s.post(w, r, rules, origin)
	default:
		h.Set("Allow", "POST, OPTIONS")
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = io.WriteString(w, "This is the USB bridge of Specter. Programs ask it by POST.\n") // nobody is left to tell
	}
}

// mayRead reports whether a page of another origin may ask and read the answers.
func (s *Service) mayRead(r *http.Request, rules Rules, origin string) bool {
	if origin == "" || sameOrigin(r.Host, origin) {
		return false
	}
	_, ok := s.stranger(r, rules, origin)
	return ok
}

// stranger decides about a whitelisted origin. Browsers do not let pages lie about theirs;
// programs may say what they like. So an origin is believed of this computer alone, and of others
// where the owner wants that and has named it; and that of a loopback name of nobody else: on
// every other computer it is another page's.
func (s *Service) stranger(r *http.Request, rules Rules, origin string) (Caller, bool) {
	ok, byName := listed(origin, rules.Origins)
	near := s.c.Near(r)
	if !ok || !near && (!rules.Afar || !byName || onThisDesk(origin)) {
		return Caller{}, false
	}
	key := "origin " + AnyOrigin // a crowd counts as one
	if byName {
		clean, _ := CleanOrigin(origin) // listed has read it
		key = "origin " + clean
	}
	return Caller{Key: key, Origin: origin, Near: near}, true
}

// preflight tells a browser whether the page may ask, also across the border of the local
// network, which newer browsers ask about by name.
func (s *Service) preflight(w http.ResponseWriter, r *http.Request, may bool) {
	h := w.Header()
	for _, name := range []string{"Access-Control-Request-Method", "Access-Control-Request-Headers", "Access-Control-Request-Private-Network", "Access-Control-Request-Local-Network"} {
		h.Add("Vary", name)
	}
	if !may {
		h.Set("Allow", "POST, OPTIONS")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	for _, kind := range []string{"Private", "Local"} {
		if strings.EqualFold(r.Header.Get("Access-Control-Request-"+kind+"-Network"), "true") {
			h.Set("Access-Control-Allow-"+kind+"-Network", "true")
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// admit finds out who asks, or answers why nobody may.
func (s *Service) admit(r *http.Request, rules Rules, origin string) (Caller, int, *refusal) {
	if token := bearer(r); token != "" {
		return s.byToken(r.Context(), rules, token, origin, s.c.Near(r))
	}
	switch {
	case origin == "":
		return Caller{}, http.StatusUnauthorized, &refusal{codeOrigin, "A program without an origin needs a token: send Authorization: Bearer and the bridge's token or an API token.", nil}
	case sameOrigin(r.Host, origin):
		id, err := s.c.User(r)
		if errs.Is(err, errs.Denied) {
			return Caller{}, http.StatusUnauthorized, &refusal{codeOrigin, "Log in to this Specter first; then its pages may use the devices.", nil}
		}
		if err != nil {
			s.log.Error("who asks the bridge? That cannot be found out", "err", err)
			return Caller{}, http.StatusInternalServerError, &refusal{codeDevice, "Internal error: who asks cannot be found out.", nil}
		}
		return Caller{Key: "user " + id, UserID: id, Origin: origin, Near: s.c.Near(r)}, 0, nil
	}
	if who, ok := s.stranger(r, rules, origin); ok {
		return who, 0, nil
	}
	return Caller{}, http.StatusInternalServerError, &refusal{codeOrigin, textOrigin, nil}
}

// byToken lets programs in: with the bridge's own token or somebody's API token.
func (s *Service) byToken(ctx context.Context, rules Rules, token, origin string, near bool) (Caller, int, *refusal) {
	have, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(rules.Token))
	if rules.Token != "" && subtle.ConstantTimeCompare(have[:], want[:]) == 1 {
		return Caller{Key: "token", Origin: origin, Near: near}, 0, nil
	}
	id, err := s.c.Bearer(ctx, token)
	switch {
	case errs.Is(err, errs.Denied):
		return Caller{}, http.StatusUnauthorized, &refusal{codeOrigin, "This token is not valid here, or it may not sign.", nil}
	case err != nil:
		s.log.Error("whose token asks the bridge? That cannot be found out", "err", err)
		return Caller{}, http.StatusInternalServerError, &refusal{codeDevice, "Internal error: the token cannot be checked.", nil}
	}
	return Caller{Key: "user " + id, UserID: id, Origin: origin, Near: near}, 0, nil
}

func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// post answers calls.
func (s *Service) post(w http.ResponseWriter, r *http.Request, rules Rules, origin string) {
	who, status, bad := s.admit(r, rules, origin)
	if bad != nil {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="Specter bridge"`)
		}
		s.log.Info("the bridge refused a caller", "status", status, "origin", clip(origin), "near", s.c.Near(r))
		s.refuse(w, status, *bad)
		return
	}
	if s.c.Admitted != nil {
		s.c.Admitted(r)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		s.refuse(w, http.StatusRequestEntityTooLarge, refusal{codeParse, "Parse error: the request is larger than Specter reads.", nil})
		return
	case err != nil:
		s.refuse(w, http.StatusBadRequest, refusal{codeParse, "Parse error: the request did not arrive whole.", nil})
		return
	}
	status, answer := s.Serve(r.Context(), who, body)
	s.write(w, status, answer)
}

func clip(text string) string {
	if len(text) > 200 {
		return text[:200]
	}
	return text
}

// refuse answers with an error that belongs to no call.
func (s *Service) refuse(w http.ResponseWriter, status int, bad refusal) {
	s.write(w, status, encode(answerOf(nil, nil, &bad)))
}

func (s *Service) write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller has gone; nobody is left to tell
}
