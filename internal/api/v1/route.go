package v1

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"specter/internal/auth"
)

// Audience says for whom a route is.
type Audience string

// The audiences.
const (
	Everyone  Audience = "everyone" // no login: the description of the API itself
	AnyUser   Audience = "user"     // whoever is logged in, for what belongs to them
	OwnerOnly Audience = "owner"    // the owner alone
)

// Reach says what a token that is bound to wallets gets of a route.
type Reach string

// The reaches.
const (
	OneWallet Reach = "wallet" // the path names a wallet: only where the token's scope has it
	Filtered  Reach = "own"    // the answer holds no more than the scope reaches
	Whole     Reach = "whole"  // nothing: the route is about more than wallets
)

// Route is one line of the table.
type Route struct {
	Method      string
	Pattern     string     // path from Root on, with {names}; "" is Root itself
	Right       auth.Right // needed of a token; "" for Everyone
	Audience    Audience
	Reach       Reach
	OperationID string // in openapi.json

	h handler
	o options
}

// options are the rarer columns of the table, and what the test of openapi.json looks at.
type options struct {
	in     any      // body that is read; nil: none
	out    any      // body that is answered; nil: none
	status int      // on success; 0: 200 with a body, 204 without
	query  []string // parameters that are understood
	file   string   // media type of a body that is no JSON: of the answer
	binary bool     // the request's body may also be application/octet-stream
	basic  bool     // name and password are taken besides a token
	secret bool     // the answer holds a secret, which is not kept for a repeated request
	slow   bool     // asks a node: more time
}

// Routes lists the table. A test holds each against what every kind of user may do.
func Routes() []Route {
	var s Server // handlers are only named here, not called
	return s.routes()
}

// FullPattern is the path with Root in front.
func (r Route) FullPattern() string { return Root + r.Pattern }

// build makes the mux: one entry a path, which knows its methods, so that a wrong method is
// answered with those that there are.
func (s *Server) build() (*http.ServeMux, error) {
	byPath := map[string]map[string]*Route{}
	seen := map[string]bool{}
	routes := s.routes()
	for i := range routes {
		r := &routes[i]
		switch {
		case seen[r.OperationID] || r.OperationID == "" || r.h == nil:
			return nil, fmt.Errorf("api: the route %s %s lacks a name of its own", r.Method, r.Pattern)
		case r.Audience != Everyone && (!slices.Contains(auth.Rights, r.Right) || r.Reach == ""):
			return nil, fmt.Errorf("api: the route %s does not say its right and reach", r.OperationID)
		case (r.Reach == OneWallet) != strings.HasPrefix(r.Pattern, "/wallets/{alias}"):
			return nil, fmt.Errorf("api: the route %s does not say truly whether it names a wallet", r.OperationID)
		}
		seen[r.OperationID] = true
		if byPath[r.Pattern] == nil {
			byPath[r.Pattern] = map[string]*Route{}
		}
		byPath[r.Pattern][r.Method] = r
	}
	mux := http.NewServeMux()
	for p, methods := range byPath {
		pattern := Root + p
		if p == "" {
			pattern = Root + "/{$}"
		}
		mux.Handle(pattern, s.methods(methods))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, notFound("there is nothing at this path; the API is described at "+s.c.URLPrefix+Root+"/"))
	})
	return mux, nil
}

// methods answers one path.
func (s *Server) methods(of map[string]*Route) http.Handler {
	var allow []string
	for m := range of {
		allow = append(allow, m)
		if m == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	words := strings.Join(allow, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		rt := of[method]
		if rt == nil {
			w.Header().Set("Allow", words)
			s.problem(w, r, &problemError{status: http.StatusMethodNotAllowed, code: "method-not-allowed",
				detail: "this path takes " + words})
			return
		}
		s.answer(w, r, rt)
	})
}

// serve finds the route. A path that is not in its one spelling is none: no redirects.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	p := r.URL.EscapedPath()
	if clean := path.Clean(p); p != clean && p != clean+"/" || strings.HasPrefix(p, "//") {
		s.problem(w, r, notFound("there is nothing at this path"))
		return
	}
	if p == Root {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = Root+"/", ""
	}
	s.mux.ServeHTTP(w, r)
}
