package alpha

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
)

// Config is what the API needs. Auth, Wallets, Devices, Nodes and Settings are required.
type Config struct {
	Auth     Auth
	Wallets  Wallets
	Devices  Devices
	Nodes    Nodes
	Settings Settings
	// Active tells whether the API is switched on; while it is not, every path below /api is
	// not found. nil: it is on.
	Active    func(ctx context.Context) bool
	DataDir   string                       // told to the owner; large answers wait there in temporary files ("": the system's folder for them)
	URLPrefix string                       // "/specter" when mounted below a path, for redirects; "" otherwise
	Network   btc.Network                  // whose wallets are meant while no node is active
	Version   string                       // of the program
	Log       *slog.Logger                 // nil: silent
	Now       func() time.Time             // nil: time.Now
	Client    func(r *http.Request) string // the client's address; nil: the connection's
}

// Server answers /healthz and /api. It is safe for concurrent use.
type Server struct {
	c      Config
	routes []route
	large  chan struct{} // one token for each answer that is read from many rows
}

// largeAtOnce bounds how many answers are read from many rows at the same time: each holds a
// connection to the database and up to maxKept bytes for each part.
const largeAtOnce = 2

// New makes the API.
func New(c Config) (*Server, error) {
	if c.Auth == nil || c.Wallets == nil || c.Devices == nil || c.Nodes == nil || c.Settings == nil {
		return nil, errors.New("alpha: auth, wallets, devices, nodes and settings are needed")
	}
	if c.Active == nil {
		c.Active = func(context.Context) bool { return true }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Client == nil {
		c.Client = connection
	}
	if c.URLPrefix = strings.Trim(c.URLPrefix, "/"); c.URLPrefix != "" {
		c.URLPrefix = "/" + c.URLPrefix
	}
	s := &Server{c: c, large: make(chan struct{}, largeAtOnce)}
	s.routes = s.table()
	sweep(c.DataDir)
	return s, nil
}

// connection is the address of who is at the other end of the connection.
func connection(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// who says for whom a route is.
type who string

// The kinds of visitor. A member reaches what is the member's own.
const (
	everyone who = "everyone"
	user     who = "user"
	owner    who = "owner"
)

// login says how a route wants to know who asks.
type login string

// The ways in. Tokens are made with a name and a password, and used for everything else.
const (
	open   login = ""
	basic  login = "basic"
	bearer login = "bearer"
)

// handler answers a request; what it returns is told to the program that asked.
type handler func(w http.ResponseWriter, r *http.Request, c call) error

// call is who asks, and for what: the last segment of the path that stands for something.
type call struct {
	auth.Identity
	arg string
}

type route struct {
	method  string
	pattern string // "{arg}" stands for one segment
	who     who
	login   login
	h       handler
}

// table lists all routes. A path that ends with a slash is also found without it, by a redirect.
func (s *Server) table() []route {
	return []route{
		{"GET", "/healthz/liveness", everyone, open, s.getAlive},
		{"GET", "/healthz/readyness", everyone, open, s.getReady},
		{"GET", "/api/", everyone, open, s.getIndex},
		{"GET", "/api/healthz/liveness", everyone, open, s.getAlive},
		{"GET", "/api/healthz/readyness", everyone, open, s.getReady},
		{"GET", "/api/v1alpha/token/", user, basic, s.getTokens},
		{"POST", "/api/v1alpha/token/", user, basic, s.postToken},
		{"GET", "/api/v1alpha/token/{arg}/", user, basic, s.getToken},
		{"DELETE", "/api/v1alpha/token/{arg}/", user, basic, s.deleteToken},
		{"GET", "/api/v1alpha/specter", owner, bearer, s.getSpecter},
		{"GET", "/api/v1alpha/specter/full_txlist/", owner, bearer, s.getFullTxList},
		{"GET", "/api/v1alpha/wallets/{arg}/", user, bearer, s.getWallet},
		{"GET", "/api/v1alpha/wallets/{arg}/psbt", user, bearer, s.getPSBTs},
		{"POST", "/api/v1alpha/wallets/{arg}/psbt", user, bearer, s.postPSBT},
	}
}

// RouteInfo is one line of the route table as others see it.
type RouteInfo struct {
	Method  string
	Pattern string // "{arg}" stands for a token's id or a wallet's alias
	Who     string // "everyone", "user" or "owner"
	Login   string // "", "basic" or "bearer"
}

// Routes lists the route table, for tests that hold every route against every kind of visitor.
func (s *Server) Routes() []RouteInfo {
	out := make([]RouteInfo, len(s.routes))
	for i, rt := range s.routes {
		out[i] = RouteInfo{rt.method, rt.pattern, string(rt.who), string(rt.login)}
	}
	return out
}
