package door

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"specter/internal/errs"
)

// Bounds that hold where Config says nothing else.
const (
	DefaultMaxBody = 4 << 20          // bytes of a request's body: files of PSBTs and keys included
	DefaultRead    = 30 * time.Second // for a whole body to arrive
	DefaultStall   = 60 * time.Second // for one write of an answer to be taken
	maxTarget      = 16 << 10         // bytes of path and query together
)

// Config is what the door is told. The zero Config is a door for this machine alone that
// believes no proxy.
type Config struct {
	Hosts []string // names and addresses, besides loopback's, that requests may be for; a port is ignored
	// Names adds to Hosts what may change while the program runs. nil: nothing.
	Names   func() []string
	Trusted []netip.Prefix // peers whose X-Forwarded-* and Forwarded are believed; empty: nobody's
	Log     *slog.Logger   // nil: silent
	Now     func() time.Time
	// Fail answers what the door itself refuses (403, 405, 414, 421) or catches (500). It must not
	// look at who asks: the request has not been let in. nil: one sentence as plain text.
	Fail func(w http.ResponseWriter, r *http.Request, status int, err error)
	// Shared tells of requests that pages of other sites may make, because their handler decides by
	// the Origin itself (the USB bridge). The Host is checked all the same. nil: none.
	Shared  func(r *http.Request) bool
	MaxBody int64         // 0: DefaultMaxBody; a handler may allow more with AllowBody
	Read    time.Duration // 0: DefaultRead
	Stall   time.Duration // 0: DefaultStall
	HSTS    time.Duration // how long browsers stay with https once they came by it; 0: never told
}

type door struct {
	c     Config
	names map[string]bool
	next  http.Handler
}

// New puts the door before a handler. All that the program answers over HTTP, static files,
// events and the API included, must stand behind one.
func New(c Config, next http.Handler) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Fail == nil {
		c.Fail = sayPlainly
	}
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.Read <= 0 {
		c.Read = DefaultRead
	}
	if c.Stall <= 0 {
		c.Stall = DefaultStall
	}
	return &door{c: c, names: namesOf(c.Hosts), next: next}
}

// sayPlainly is the answer where nobody words a better one.
func sayPlainly(w http.ResponseWriter, _ *http.Request, status int, err error) {
	http.Error(w, err.Error(), status)
}

// ServeHTTP lets a request in, or says why not.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := d.c.Now()
	v := d.visitOf(r)
	r = v.join(r)
	if v.host != "" {
		r.Host = v.host
	}
	out := &writer{ResponseWriter: w, control: http.NewResponseController(w), stall: d.c.Stall}
	d.setHeaders(out.Header(), v, r)
	v.body = newBody(out, r, d.c.MaxBody, d.c.Read)
	if v.body != nil {
		r.Body = v.body
	}
	defer d.note(out, r, v, start)
	defer d.rescue(out, r, v)
	if status, err := d.refusal(v, r); err != nil {
		if status == http.StatusMethodNotAllowed {
			out.Header().Set("Allow", methods)
		}
		d.c.Fail(out, r, status, err)
		return
	}
	d.next.ServeHTTP(out, r)
}

// methods are all that anything behind the door knows; an answer 405 has to name them (RFC 9110).
const methods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

// refusal says why a request is not let in, with the status to answer.
func (d *door) refusal(v *visit, r *http.Request) (int, error) {
	switch {
	case len(r.RequestURI) > maxTarget:
		return http.StatusRequestURITooLong, errs.E(errs.Invalid, "This address is longer than Specter reads.")
	case r.Method == http.MethodTrace || r.Method == http.MethodConnect:
		return http.StatusMethodNotAllowed, errs.E(errs.Invalid, "Specter does not know this method.")
	case !d.ours(v.rawHost, r) || v.host != "" && !d.ours(v.host, r):
		return http.StatusMisdirectedRequest, errs.E(errs.Denied, "This name is not one of Specter's. If it should be, start Specter with --name and this name.")
	}
	if d.c.Shared != nil && d.c.Shared(r) {
		return 0, nil
	}
	if err := foreign(r); err != nil {
		return http.StatusForbidden, err
	}
	return 0, nil
}

// rescue turns a panic into an error answer and a log line; one bad page must not end the
// server. An answer that has begun is cut, so that nobody takes half of it for the whole.
func (d *door) rescue(w *writer, r *http.Request, v *visit) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	d.c.Log.Error("a request failed", "method", r.Method, "route", routeOf(r, v), "request", v.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	d.c.Fail(w, r, http.StatusInternalServerError, errs.E(errs.Internal, "Specter stumbled over its own mistake here; the log says more."))
}

// note writes the access log. It names the route and not the path: paths hold names of wallets
// and addresses, queries hold what people search for.
func (d *door) note(w *writer, r *http.Request, v *visit, start time.Time) {
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	level := slog.LevelDebug
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests:
		level = slog.LevelInfo
	}
	d.c.Log.Log(r.Context(), level, "request", "method", methodOf(r), "route", routeOf(r, v), "status", status,
		"ms", d.c.Now().Sub(start).Milliseconds(), "bytes", w.written, "client", v.client, "request", v.id)
}

// methodOf keeps foreign words out of the log: a method may be any token.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// routeOf is the pattern that the innermost mux matched, as far as it is known.
func routeOf(r *http.Request, v *visit) string {
	if v.route != "" {
		return v.route
	}
	if r.Pattern != "" {
		return r.Pattern
	}
	return "none"
}
