package v1

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// Bounds of a request.
const (
	maxBody     = 4 << 20
	patience    = 30 * time.Second // for one answer
	longerWhile = 90 * time.Second // where a node is asked
)

// call is one request that has passed the gate.
type call struct {
	*http.Request
	s       *Server
	w       http.ResponseWriter
	route   *Route
	params  url.Values
	body    []byte
	isJSON  bool
	id      auth.Identity
	network btc.Network
	wallet  wallet.Record // of the path; zero where the path names none
	print   []byte        // fingerprint of a request with an Idempotency-Key; nil without
}

// handler answers a call with what becomes the JSON body; nil is no body. An answer that is not
// JSON is a file.
type handler func(c *call) (any, error)

// created is an answer with the address of what was made.
type created struct {
	path string // from Root on
	body any
}

// owner is the user's id as the wallet room wants it.
func (c *call) owner() wallet.Owner { return wallet.Owner(c.id.User.ID) }

// user is the user's id.
func (c *call) user() string { return c.id.User.ID }

// background outlives a client that has hung up: what was done is written down.
func (c *call) background() context.Context { return context.WithoutCancel(c.Request.Context()) }

// ctx ends with the request.
func (c *call) ctx() context.Context { return c.Request.Context() }

// ref names the wallet of the path.
func (c *call) ref() wallet.Ref { return c.wallet.Ref() }

// answer lets a request through the gate and writes what its handler says.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, rt *Route) {
	if rt.OperationID != opEvents {
		wait := patience
		if rt.o.slow {
			wait = longerWhile
		}
		ctx, cancel := context.WithTimeout(r.Context(), wait)
		defer cancel()
		r = r.WithContext(ctx)
	}
	c := &call{Request: r, s: s, w: w, route: rt}
	err := c.admit()
	if err == nil {
		err = c.read()
	}
	if err == nil && r.Method == http.MethodPost && len(r.Header.Values("Idempotency-Key")) > 0 {
		err = c.idempotent()
	} else if err == nil {
		err = c.run(w)
	}
	if err != nil {
		s.problem(w, r, err)
	}
}

// run calls the handler and writes its answer.
func (c *call) run(w http.ResponseWriter) error {
	v, err := c.route.h(c)
	if err != nil {
		return err
	}
	return c.write(w, v)
}

// write answers with what a handler returned.
func (c *call) write(w http.ResponseWriter, v any) error {
	status := c.route.o.status
	if made, ok := v.(created); ok {
		w.Header().Set("Location", c.s.c.URLPrefix+Root+made.path)
		status, v = http.StatusCreated, made.body
	}
	switch f := v.(type) {
	case streamed:
		return nil
	case wallet.File:
		return writeFile(w, f)
	case nil:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader has gone: nobody to tell
	return nil
}

func writeFile(w http.ResponseWriter, f wallet.File) error {
	h := w.Header()
	h.Set("Content-Type", f.Type)
	if f.Name != "" {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	}
	_, _ = w.Write(f.Data)
	return nil
}

// admit is the one gate: who asks, may they, and is the wallet theirs.
func (c *call) admit() error {
	rt := c.route
	if rt.Audience == Everyone {
		return nil
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	scope := c.id.Scope
	switch {
	case rt.Audience == OwnerOnly && !c.id.User.Owner():
		return denied("owner-only", "this is for the owner of this Specter alone")
	case rt.Reach == Whole && len(scope.Wallets) > 0:
		return denied("insufficient-scope", "the token is for some wallets alone, and this is about more")
	case !c.id.May(rt.Right):
		return denied("insufficient-scope", "the token lacks the right "+string(rt.Right))
	}
	var err error
	c.network, err = c.s.c.Nodes.Network(c.ctx())
	if errs.Is(err, errs.NotFound) {
		c.network, err = c.s.c.Network, nil
	}
	if err != nil || rt.Reach != OneWallet {
		return err
	}
	return c.findWallet()
}

// findWallet loads the wallet that the path names. One that a token does not reach is as good as
// none: the token's holder learns nothing of it.
func (c *call) findWallet() error {
	alias := c.PathValue("alias")
	var err error
	c.wallet, err = c.s.c.Wallets.Get(c.ctx(), wallet.Ref{Owner: c.owner(), Network: c.network, Alias: alias})
	if errs.Is(err, errs.NotFound) || err == nil && !c.id.Scope.Reaches(int64(c.wallet.ID)) {
		return notFound("there is no such wallet on " + c.network.String())
	}
	return err
}

// authenticate finds out who asks, by token, or on few routes by name and password.
func (c *call) authenticate() error {
	scheme, value, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	var err error
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		c.id, err = c.s.c.Auth.Bearer(c.ctx(), strings.TrimSpace(value))
	case strings.EqualFold(scheme, "Basic") && c.route.o.basic:
		name, password, ok := c.BasicAuth()
		if !ok {
			return c.unknown("the Authorization header cannot be read")
		}
		c.id, err = c.s.c.Auth.Basic(c.ctx(), name, password, c.s.c.Client(c.Request))
	case scheme == "":
		return c.unknown("this needs a token: send Authorization: Bearer and the token")
	default:
		return c.unknown("this is not a way to log in here: send Authorization: Bearer and a token")
	}
	var tooFast *auth.TooFast
	if err == nil || errors.As(err, &tooFast) || !errs.Is(err, errs.Denied) {
		return err
	}
	return c.unknown(err.Error())
}

// unknown asks for a login.
func (c *call) unknown(detail string) error {
	h := c.w.Header()
	h.Add("WWW-Authenticate", `Bearer realm="Specter"`)
	if c.route.o.basic {
		h.Add("WWW-Authenticate", `Basic realm="Specter", charset="UTF-8"`)
	}
	return &problemError{status: http.StatusUnauthorized, code: "unauthenticated", detail: detail}
}

// wordy are the parameters that are one of some words, where "" is none of them.
var wordy = []string{"sort", "filter", "desc", "unit", "format"}

// read takes parameters and body, so far as they can be judged without the handler.
func (c *call) read() error {
	var err error
	if c.params, err = url.ParseQuery(c.URL.RawQuery); err != nil {
		return invalid("", "the query of the address cannot be read")
	}
	for name, values := range c.params {
		if !slices.Contains(c.route.o.query, name) {
			return invalid(limit(name, 40), "this path takes no parameter %q", limit(name, 40))
		}
		if len(values) > 1 {
			return invalid(name, "the parameter %q is given twice", name)
		}
		if values[0] == "" && slices.Contains(wordy, name) {
			return invalid(name, "the parameter %q is empty; leave it out", name)
		}
	}
	if c.Method == http.MethodGet || c.Method == http.MethodHead || c.Method == http.MethodDelete {
		return nil
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.Body, maxBody)); err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) || c.ctx().Err() != nil {
			return err
		}
		return invalid("", "the body could not be read to its end")
	}
	return c.mediaType()
}

// mediaType refuses bodies that are neither JSON nor what the route takes besides.
func (c *call) mediaType() error {
	kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/json":
		c.isJSON = true
		return nil
	case err == nil && kind == "application/octet-stream" && c.route.o.binary:
		return nil
	case len(c.body) == 0 && c.route.o.in == nil && c.Header.Get("Content-Type") == "":
		return nil
	}
	want := "application/json"
	if c.route.o.binary {
		want += " or application/octet-stream"
	}
	c.w.Header().Set("Accept-Post", strings.ReplaceAll(want, " or ", ", "))
	return &problemError{status: http.StatusUnsupportedMediaType, code: "unsupported-media-type", detail: "send the body as Content-Type: " + want}
}
