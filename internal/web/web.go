// Package web is the pages: HTML made on the server that works without script, helped by htmx
// and one small script where they make it calmer. Handlers parse a form, call one service
// method and render; rules about wallets, devices and nodes live in those rooms.
//
// Every page has one file here and one of the same stem in templates/pages. The route table is
// in routes.go, what every page carries in page.go. The checks that stand before every request
// are package door's, which app puts before this Server. Nothing here talks to a device, a node
// or a database.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/node"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// Settings keeps what a user has chosen, as words under names. An unknown name is "".
type Settings interface {
	Setting(ctx context.Context, owner, name string) (string, error)
	PutSetting(ctx context.Context, owner, name, value string) error
	setting.Store
}

// Demo is the play chain of demo mode.
type Demo interface {
	// Faucet sends play money to an address; it confirms with the next block.
	Faucet(ctx context.Context, address string, amount btcutil.Amount) error
	// Mine adds n blocks now.
	Mine(ctx context.Context, n int) error
}

// Config is what the pages need.
type Config struct {
	Wallets    Wallets
	Devices    Devices
	Nodes      Nodes
	Settings   Settings
	Auth       Auth       // decides who asks
	Fees       Fees       // nil: the node's estimates without numbers, no prices, nobody else to send with
	Demo       Demo       // nil: a real chain
	Explorer   Explorer   // nil: no links to explorers
	PastPrices PastPrices // nil: no prices in files
	HTTPS      HTTPS      // nil: the program speaks plain HTTP
	Onion      Onion      // nil: the program makes no onion service
	Doctor     Doctor     // nil: nothing tests how it is reached
	Backups    Backups    // nil: no backups from here
	Restores   Restores   // nil: nothing is restored from here
	Imports    Imports    // nil: no old Specter can be taken over on a page
	// OldBackup makes the old Specter's backup zip of a user's things; nil: it cannot be had.
	OldBackup  func(ctx context.Context, userID string, n btc.Network) (wallet.File, error)
	Program    Program // nil: the program's own settings are not on offer
	Bridge     Bridge  // nil: no USB devices
	Tunnels    Tunnels // nil: no ways in through SSH servers
	BridgeOnly bool    // the program is a USB bridge and nothing else
	// Open reports whether other machines can reach this Specter; nil: they cannot.
	Open func() bool
	// Unsafe says why nobody may log in by the way that a request came (plain HTTP from another
	// machine), or nil. nil: all ways will do.
	Unsafe func(r *http.Request) error
	// CheckPIN tries a password against the active node: errs.Denied when it is wrong. nil: the
	// node's password is not on offer as a login.
	CheckPIN  func(ctx context.Context, pin string) error
	Instance  string      // short id of this Specter, in the names of its cookies; "" for none
	APIForced *bool       // the API is on or off by the environment; nil: the owner's setting decides
	URLPrefix string      // "/specter" when mounted below a path; "" otherwise
	Network   btc.Network // shown while no node is active
	Version   string
	Log       *slog.Logger // nil: silent
	Now       func() time.Time
}

// Server is the pages as an http.Handler.
type Server struct {
	c          Config
	log        *slog.Logger
	now        func() time.Time
	assets     *assets
	templates  map[string]*templateSet // by language
	languages  languages
	settings   *setting.Service
	shown      *present
	flashes    *vault[flash]
	seeds      *vault[newSeed]
	found      *vault[node.Node]
	scans      *scans
	tokens     *vault[newToken]
	kept       *keptForms
	labelFiles *labelFiles
	active     *activity
	pages      http.Handler // the routes, without prefix and door
	handler    http.Handler

	streams   *openStreams // of events
	closing   chan struct{}
	closeOnce *sync.Once
}

// New parses the templates and builds the handler. It fails on a mistake in this program's own
// files or configuration, never later because of them.
func New(c Config) (*Server, error) {
	if c.Wallets == nil || c.Devices == nil || c.Nodes == nil || c.Settings == nil || c.Auth == nil {
		return nil, errors.New("web: wallets, devices, nodes, settings and auth are needed")
	}
	c.URLPrefix = strings.TrimRight(c.URLPrefix, "/")
	if c.URLPrefix != "" && !strings.HasPrefix(c.URLPrefix, "/") {
		c.URLPrefix = "/" + c.URLPrefix
	}
	s := &Server{c: c, log: c.Log, now: c.Now, shown: &present{}, active: &activity{}, streams: &openStreams{}, closing: make(chan struct{}), closeOnce: &sync.Once{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.flashes = newVault[flash](s.now, 10*time.Minute)
	s.seeds = newVault[newSeed](s.now, 30*time.Minute)
	s.found = newVault[node.Node](s.now, 30*time.Minute)
	s.tokens = newVault[newToken](s.now, 10*time.Minute)
	s.kept = &keptForms{now: s.now}
	s.labelFiles = &labelFiles{now: s.now}
	s.settings = setting.New(c.Settings)
	s.scans = newScans(s.now)
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, fmt.Errorf("web: static files: %w", err)
	}
	if err := s.build(); err != nil {
		return nil, err
	}
	return s, nil
}

// build makes what depends on the prefix: the templates and the routes.
func (s *Server) build() (err error) {
	if s.templates, err = s.loadTemplates(); err != nil {
		return fmt.Errorf("web: templates: %w", err)
	}
	s.languages = newLanguages(slices.Collect(maps.Keys(s.templates)))
	if s.handler, err = s.mux(s.routes()); err != nil {
		return fmt.Errorf("web: routes: %w", err)
	}
	return nil
}

// Below returns the same pages mounted below another prefix ("/specter"; "" for none). What is
// remembered between requests (who was active, sentences for the next page, kept forms, open
// streams) is shared; closing one closes both.
func (s *Server) Below(prefix string) (*Server, error) {
	other := *s
	other.c.URLPrefix = prefix
	return &other, other.build()
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// url makes a path of ours absolute on this server.
func (s *Server) url(path string) string { return s.c.URLPrefix + path }
