// Package v1 is the REST API of this program, under /api/v1: everything that the pages can do,
// for programs. Amounts are whole satoshi, feerates whole sat/kvB, times RFC 3339 in UTC, errors
// problem bodies of RFC 9457.
//
// One table (routes.go) lists every route with the right that a token needs for it and for whom
// it is; the gate in call.go asks nothing else. Handlers read strict JSON, call one service
// method and answer; rules about wallets, devices, nodes and logins live in those rooms.
// openapi.json is kept by hand; a test holds it against the table and the Go structs.
package v1

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"specter/internal/btc"
	"specter/internal/rates"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// Root is the path under which the API answers.
const Root = "/api/v1"

// Config is what the API needs. Auth, Wallets, Devices, Nodes, Settings and Idempotency are
// required.
type Config struct {
	Auth        Auth
	Wallets     Wallets
	Devices     Devices
	Nodes       Nodes
	Settings    Settings
	Idempotency Idempotency
	Fees        Fees    // nil: nobody knows feerates, and the active node alone sends
	Backups     Backups // nil: no backups from here
	Program     Program // nil: the program's own settings are not on offer
	Imports     Imports // nil: nothing can be taken over
	// OldBackup makes the old Specter's backup zip of a user's things; nil: it cannot be had.
	OldBackup   func(ctx context.Context, user string, n btc.Network) (wallet.File, error)
	BackupFiles BackupFiles // nil: no backup goes over the line
	Secrets     Secrets     // nil: how secrets are locked is not on offer
	Remote      Remote
	USB         USB  // nil: no devices, no bridge
	Demo        Demo // nil: a real chain
	// Price tells what a bitcoin costs in the currency of a user; nil: nobody tells.
	Price func(ctx context.Context, user string) (rates.Quote, error)
	// PastPrices tells in which currency a user reckons, and what a bitcoin cost at a time; its
	// second answer is nil where the user asks nobody. nil: no prices in files.
	PastPrices func(ctx context.Context, o wallet.Owner) (currency string, at func(ctx context.Context, t time.Time) (btc.Price, error))
	Client     func(*http.Request) string // the client's address; nil: the peer's
	RequestID  func(*http.Request) string // "instance" of problem bodies; nil or "": made here
	URLPrefix  string                     // "/specter" when mounted below a path; Location and links carry it
	Network    btc.Network                // used while no node is active
	Version    string
	Log        *slog.Logger // nil: silent
	Now        func() time.Time
}

// Server answers the API as an http.Handler. The paths of its requests begin with Root.
type Server struct {
	c      Config
	log    *slog.Logger
	now    func() time.Time
	mux    *http.ServeMux
	docs   []byte // the page of examples
	once   inFlight
	follow streams

	settings *setting.Service

	closing   chan struct{}
	closeOnce sync.Once
}

// New builds the handler. It fails on a mistake in this program's own table, never later.
func New(c Config) (*Server, error) {
	if c.Auth == nil || c.Wallets == nil || c.Devices == nil || c.Nodes == nil || c.Settings == nil || c.Idempotency == nil {
		return nil, errors.New("api: auth, wallets, devices, nodes, settings and idempotency are needed")
	}
	if c.URLPrefix = strings.TrimRight(c.URLPrefix, "/"); c.URLPrefix != "" && !strings.HasPrefix(c.URLPrefix, "/") {
		c.URLPrefix = "/" + c.URLPrefix
	}
	s := &Server{c: c, log: c.Log, now: c.Now, closing: make(chan struct{}), settings: setting.New(c.Settings)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.c.Client == nil {
		s.c.Client = func(r *http.Request) string { return r.RemoteAddr }
	}
	s.follow.open = map[string]int{}
	s.docs = renderDocs(c.URLPrefix)
	var err error
	s.mux, err = s.build()
	return s, err
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store") // everything here is private
	h.Set("X-Content-Type-Options", "nosniff")
	s.rescue(w, r, s.serve)
}

// Close ends the event streams, so that a server that shuts down does not wait for them.
func (s *Server) Close() { s.closeOnce.Do(func() { close(s.closing) }) }

// requestID names a request in problem bodies and in the log.
func (s *Server) requestID(r *http.Request) string {
	if s.c.RequestID != nil {
		if id := s.c.RequestID(r); id != "" {
			return id
		}
	}
	return rand.Text()
}

// streams counts the open event streams, in all and by user.
type streams struct {
	total atomic.Int32
	mu    sync.Mutex
	open  map[string]int
}
