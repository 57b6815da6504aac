package node

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/core"
	"specter/internal/errs"
)

// Config is what the service needs from the house.
type Config struct {
	Store    Store
	OpenDemo func(ctx context.Context) (chain.Source, error) // nil: there are no demo nodes
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	Proxied  func(host string) bool   // see core.Config
	Env      func(name string) string // answers BTC_RPC_*; nil: nothing is set
	Home     string                   // the user's home folder, where default data folders lie; "": none are looked for
	AppData  string                   // %APPDATA% on Windows
	OS       string                   // runtime.GOOS
	Now      func() time.Time         // nil: time.Now
	Log      *slog.Logger             // nil: silent
}

// Service is the nodes' door. It is safe for concurrent use. At most one source is open.
type Service struct {
	c       Config
	changed chan struct{}
	opening chan struct{} // holds one token: who has it may open or close the source
	wake    chan struct{} // tells Run to look now

	mu     sync.Mutex
	source chain.Source // open source of the active node; nil: none
	turn   int          // counts resets: a source opened across one is of the wrong node
	state  State
	closed bool
}

// New makes the service; nothing is opened before Source or Run.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Env == nil {
		c.Env = func(string) string { return "" }
	}
	return &Service{
		c:       c,
		changed: make(chan struct{}, 1),
		opening: make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
	}
}

// UID returns the program's uid: 16 hex digits, made at the first call and kept. Wallets are
// named "specter<uid>/<alias>" inside a node, as the old program named them.
func (s *Service) UID(ctx context.Context) (string, error) {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return s.c.Store.UID(ctx, hex.EncodeToString(b[:]))
}

// List returns all nodes by name.
func (s *Service) List(ctx context.Context) ([]Node, error) { return s.c.Store.Nodes(ctx) }

// Get returns a node by its alias; errs.NotFound when there is none.
func (s *Service) Get(ctx context.Context, alias string) (Node, error) {
	nodes, err := s.c.Store.Nodes(ctx)
	if err != nil {
		return Node{}, err
	}
	for _, n := range nodes {
		if n.Alias == alias {
			return n, nil
		}
	}
	return Node{}, errs.E(errs.NotFound, "there is no node %q", alias)
}

// Active returns the active node; errs.NotFound when none is.
func (s *Service) Active(ctx context.Context) (Node, error) {
	id, err := s.c.Store.ActiveNode(ctx)
	if err != nil {
		return Node{}, err
	}
	nodes, err := s.c.Store.Nodes(ctx)
	if err != nil {
		return Node{}, err
	}
	for _, n := range nodes {
		if n.ID == id {
			return n, nil
		}
	}
	return Node{}, errs.E(errs.NotFound, "no node is connected yet")
}

// Save stores a node: a new one when its ID is 0 (its alias is made from the name), else the
// settings of an old one. errs.Invalid names the field that is wrong, errs.Conflict a name that
// is taken. A changed active node is opened again.
func (s *Service) Save(ctx context.Context, n Node) (Node, error) {
	n, err := tidy(n)
	if err != nil {
		return Node{}, err
	}
	nodes, err := s.c.Store.Nodes(ctx)
	if err != nil {
		return Node{}, err
	}
	for _, o := range nodes {
		if o.ID != n.ID && strings.EqualFold(o.Name, n.Name) {
			return Node{}, errs.E(errs.Conflict, "there is a node named %q already; choose another name", n.Name)
		}
		if o.ID == n.ID && n.ID != 0 {
			n.Alias, n.Created = o.Alias, o.Created // these never change
		}
	}
	if n.ID == 0 {
		n.Alias, n.Created = freeAlias(n.Name, nodes), s.c.Now()
	}
	if n.Alias == "" {
		return Node{}, errs.E(errs.Invalid, "the name needs at least one letter or digit")
	}
	if err := s.c.Store.SaveNode(ctx, &n); err != nil {
		return Node{}, err
	}
	if id, err := s.c.Store.ActiveNode(ctx); err == nil && id == n.ID {
		s.reset(ctx)
	}
	return n, nil
}

// Rename gives a node another name; the alias stays.
func (s *Service) Rename(ctx context.Context, alias, name string) error {
	n, err := s.Get(ctx, alias)
	if err != nil {
		return err
	}
	n.Name = name
	_, err = s.Save(ctx, n)
	return err
}

// Delete forgets a node. When it was the active one, the first of the others takes its place.
func (s *Service) Delete(ctx context.Context, alias string) error {
	n, err := s.Get(ctx, alias)
	if err != nil {
		return err
	}
	active, err := s.c.Store.ActiveNode(ctx)
	if err != nil {
		return err
	}
	if err := s.c.Store.DeleteNode(ctx, n.ID); err != nil {
		return err
	}
	if active != n.ID {
		return nil
	}
	next := int64(0)
	if rest, err := s.c.Store.Nodes(ctx); err == nil && len(rest) > 0 {
		next = rest[0].ID
	}
	err = s.c.Store.SetActiveNode(ctx, next)
	s.reset(ctx)
	return err
}

// Activate makes a node the active one. It may be away: pages then say so.
func (s *Service) Activate(ctx context.Context, alias string) error {
	n, err := s.Get(ctx, alias)
	if err != nil {
		return err
	}
	if id, err := s.c.Store.ActiveNode(ctx); err == nil && id == n.ID {
		return nil
	}
	if err := s.c.Store.SetActiveNode(ctx, n.ID); err != nil {
		return err
	}
	s.reset(ctx)
	return nil
}

// Connect is the form's button: it tests the settings, and where all is well it stores the
// node with the network that it told, and makes it active. The error is errs.Unavailable with
// the first failed step's words when the test fails; nothing is stored then.
func (s *Service) Connect(ctx context.Context, n Node) (Node, Report, error) {
	n, err := tidy(n)
	if err != nil {
		return Node{}, Report{}, err
	}
	r := s.Test(ctx, n)
	if !r.OK {
		return Node{}, r, errs.E(errs.Unavailable, "%s", r.Failure())
	}
	n.Network = r.Network
	n, err = s.Save(ctx, n)
	if err != nil {
		return Node{}, r, err
	}
	return n, r, s.Activate(ctx, n.Alias)
}

// tidy checks and completes the settings of a node.
func tidy(n Node) (Node, error) {
	n.Name = strings.TrimSpace(n.Name)
	if n.Name == "" {
		return n, errs.E(errs.Invalid, "the node needs a name")
	}
	if utf8.RuneCountInString(n.Name) > 60 {
		return n, errs.E(errs.Invalid, "the name is too long; use at most 60 characters")
	}
	switch n.Kind {
	case Demo:
		return n, nil
	case "":
		n.Kind = Core
	case Core:
	default:
		return n, errs.E(errs.Invalid, "%q is no kind of node", n.Kind)
	}
	if n.Host == "" && n.Autodetect {
		return n, nil
	}
	protocol, host, port, err := core.ParseHost(n.Host)
	if err != nil {
		return n, err
	}
	n.Host = host
	if protocol != "" {
		n.Protocol = protocol
	}
	if port != 0 {
		n.Port = port
	}
	switch n.Protocol = strings.ToLower(n.Protocol); n.Protocol {
	case "":
		n.Protocol = "http"
	case "http", "https":
	default:
		return n, errs.E(errs.Invalid, "a node is reached over http or https, not over %q", n.Protocol)
	}
	if n.Port < 0 || n.Port > 65535 {
		return n, errs.E(errs.Invalid, "%d is no port; a port is a number from 1 to 65535", n.Port)
	}
	return n, nil
}

// freeAlias makes an alias as the old program did: " 2", " 3"… go to the name until it is free.
func freeAlias(name string, nodes []Node) string {
	taken := map[string]bool{}
	for _, n := range nodes {
		taken[n.Alias] = true
	}
	alias := btc.Slug(name)
	for i := 2; alias != "" && taken[alias]; i++ {
		alias = btc.Slug(fmt.Sprintf("%s %d", name, i))
	}
	return alias
}
