package agent

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"specter/internal/errs"
)

// ServeHTTP answers agents below Root. Whether the Host is a name of ours has been checked before.
// Agents are no browsers: what a browser sends is refused, whoever is logged in there, and cookies
// are not looked at.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "This is where agents call. Start one with: specter agent")
	case ofBrowser(r):
		refuse(w, http.StatusForbidden, "This is for agents; no page may ask here.")
	case r.Header.Get(Header) == "" || kind != "application/json":
		refuse(w, http.StatusUnsupportedMediaType, "This is for agents: send JSON, and the header "+Header+".")
	default:
		b.mux.ServeHTTP(w, r)
	}
}

// ofBrowser reports whether a page made the request.
func ofBrowser(r *http.Request) bool {
	for name := range r.Header {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}

func (b *Broker) routes() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc(Root+"/pair", b.servePair)
	m.HandleFunc(Root+"/challenge", b.serveChallenge)
	m.HandleFunc(Root+"/open", b.serveOpen)
	m.HandleFunc(Root+"/work", b.serveWork)
	m.HandleFunc(Root+"/say", b.serveSay)
	m.HandleFunc(Root+"/leave", b.serveLeave)
	return m
}

func (b *Broker) servePair(w http.ResponseWriter, r *http.Request) {
	var ask PairRequest
	if !read(w, r, maxSmall, &ask) {
		return
	}
	ask.Client = b.c.Client(r)
	a, err := b.c.Pair(r.Context(), ask)
	if err != nil {
		b.fail(w, err)
		return
	}
	b.c.Log.Info("an agent was paired", "agent", a.ID, "user", a.UserID)
	answer(w, PairAnswer{a.ID, b.c.Instance})
}

func (b *Broker) serveChallenge(w http.ResponseWriter, r *http.Request) {
	var ask challengeRequest
	if read(w, r, maxSmall, &ask) {
		answer(w, challengeAnswer{b.c.Challenge(ask.ID), b.c.Instance})
	}
}

func (b *Broker) serveOpen(w http.ResponseWriter, r *http.Request) {
	var ask openRequest
	if !read(w, r, maxSmall, &ask) {
		return
	}
	if len(ask.Run) < 16 || len(ask.Run) > 64 {
		refuse(w, http.StatusBadRequest, "the agent does not name its run")
		return
	}
	a, err := b.c.Admit(r.Context(), ask.ID, ask.Challenge, ask.Signature)
	if err != nil {
		if errs.Is(err, errs.Denied) {
			b.c.Log.Info("an agent was refused", "client", b.c.Client(r))
		}
		b.fail(w, err)
		return
	}
	token, resumed, err := b.open(a, ask.Run)
	if err != nil {
		b.fail(w, err)
		return
	}
	answer(w, openAnswer{token, resumed})
}

func (b *Broker) serveWork(w http.ResponseWriter, r *http.Request) {
	token, ok := b.onLine(w, r)
	var ask workRequest
	if !ok || !read(w, r, maxSmall, &ask) {
		return
	}
	orders, err := b.work(r.Context(), token, ask.Ack)
	if err != nil {
		b.fail(w, err)
		return
	}
	answer(w, workAnswer{orders})
}

func (b *Broker) serveSay(w http.ResponseWriter, r *http.Request) {
	token, ok := b.onLine(w, r)
	if !ok {
		return
	}
	if b.c.AllowBody != nil {
		b.c.AllowBody(r, maxAnswers, 5*time.Minute)
	}
	var ask sayRequest
	if !read(w, r, maxAnswers, &ask) {
		return
	}
	if err := b.hear(token, ask.Words); err != nil {
		b.fail(w, err)
		return
	}
	answer(w, struct{}{})
}

func (b *Broker) serveLeave(w http.ResponseWriter, r *http.Request) {
	token, ok := b.onLine(w, r)
	if !ok {
		return
	}
	if err := b.leave(token); err != nil {
		b.fail(w, err)
		return
	}
	answer(w, struct{}{})
}

// tokenOf is the token that a request brings; "" none.
func tokenOf(r *http.Request) string {
	if token := r.Header.Get(TokenHeader); token != "" {
		return token
	}
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		return token
	}
	return ""
}

// onLine finds the line of a request before its body is read.
func (b *Broker) onLine(w http.ResponseWriter, r *http.Request) (token string, ok bool) {
	token = tokenOf(r)
	b.mu.Lock()
	_, err := b.find(token)
	b.mu.Unlock()
	if token == "" || err != nil {
		refuse(w, http.StatusUnauthorized, errToken.Error())
		return "", false
	}
	return token, true
}

// read takes the JSON of a request.
func read(w http.ResponseWriter, r *http.Request, most int64, into any) bool {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuse(w, http.StatusRequestEntityTooLarge, "the agent says more than the server reads")
		return false
	case err != nil || json.Unmarshal(data, into) != nil:
		refuse(w, http.StatusBadRequest, "what the agent says cannot be read")
		return false
	}
	return true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the agent has gone; nobody is left to tell
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(refusal{text}) // likewise
}

// fail answers an error. 401: log in again; 403: nothing helps but pairing anew; 409: the same
// agent was started twice, or the challenge was not good; 429 tells how long to wait.
func (b *Broker) fail(w http.ResponseWriter, err error) {
	var wait interface{ Seconds() int }
	status := http.StatusServiceUnavailable
	switch {
	case errors.As(err, &wait):
		w.Header().Set("Retry-After", strconv.Itoa(wait.Seconds()))
		status = http.StatusTooManyRequests
	case err == errTwice:
		status = http.StatusGone
	case err == errToken:
		status = http.StatusUnauthorized
	case errs.Is(err, errs.Denied):
		status = http.StatusForbidden
	case errs.Is(err, errs.Invalid):
		status = http.StatusBadRequest
	case errs.Is(err, errs.Conflict):
		status = http.StatusConflict
	case errs.Is(err, errs.Unavailable):
	default:
		b.c.Log.Error("an agent cannot be served", "err", err)
		refuse(w, http.StatusInternalServerError, "something went wrong inside Specter; the log says more")
		return
	}
	refuse(w, status, err.Error())
}
