package node

import (
	"context"
	"math"
	"time"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/chain/core"
	"specter/internal/errs"
)

// How often Run asks the node how it stands, and how long it waits for the answer.
const (
	lookEvery = 2 * time.Second
	lookFor   = 15 * time.Second
)

// Source returns the open source of the active node, opening it where needed. It does not wait
// for the node: a source of a node that is away answers errs.Unavailable to each question.
// errs.Unavailable when no node is connected. The caller must not close it, and asks again
// before each use: another node may have become the active one. Its Changed channel belongs
// to the wallets alone.
func (s *Service) Source(ctx context.Context) (chain.Source, error) {
	if src := s.current(); src != nil {
		return src, nil
	}
	select { // one at a time opens
	case s.opening <- struct{}{}:
		defer func() { <-s.opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if src := s.current(); src != nil {
		return src, nil
	}
	return s.open(ctx)
}

func (s *Service) current() chain.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source
}

// open opens the active node's source. The caller holds the opening token.
func (s *Service) open(ctx context.Context) (chain.Source, error) {
	s.mu.Lock()
	turn := s.turn
	s.mu.Unlock()
	n, err := s.Active(ctx)
	if errs.Is(err, errs.NotFound) {
		return nil, errs.E(errs.Unavailable, "no node is connected; connect one first")
	}
	if err != nil {
		return nil, err
	}
	src, err := s.openNode(ctx, n)
	if err != nil {
		s.note(n, chain.Status{}, err)
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = src.Close()
		return nil, errs.E(errs.Unavailable, "the program is closing")
	}
	if s.turn != turn { // another node was chosen while we opened this one
		_ = src.Close()
		return nil, errs.E(errs.Unavailable, "another node is being connected; try again")
	}
	s.source = src
	if s.state.Node.ID != n.ID {
		s.state = State{}
	}
	s.state.Node, s.state.Active = n, true
	return src, nil
}

func (s *Service) openNode(ctx context.Context, n Node) (chain.Source, error) {
	if n.Kind == Demo {
		if s.c.OpenDemo == nil {
			return nil, errs.E(errs.Unavailable, "this program runs without the demo chain; start it with: specter demo")
		}
		return s.c.OpenDemo(ctx)
	}
	return core.Open(s.coreConfig(n))
}

// coreConfig turns a node's settings into the client's; with Autodetect it looks for them in
// the node's data folder first.
func (s *Service) coreConfig(n Node) core.Config {
	c := core.Config{
		Protocol: n.Protocol, Host: n.Host, Port: n.Port, User: n.User, Password: n.Password,
		CookieFile: n.CookieFile, Network: n.Network, Dial: s.c.Dial, Proxied: s.c.Proxied, Log: s.c.Log,
	}
	if !n.Autodetect {
		return c
	}
	places := s.places(n.Datadir)
	places.Env = nil // a stored node is not the environment's
	found := core.Discover(places)
	for _, f := range found {
		if f.Config.Network == n.Network {
			f.Config.Dial, f.Config.Proxied, f.Config.Log = s.c.Dial, s.c.Proxied, s.c.Log
			return f.Config
		}
	}
	if n.ID == 0 && len(found) > 0 { // not stored yet: of whatever network
		found[0].Config.Dial, found[0].Config.Proxied, found[0].Config.Log = s.c.Dial, s.c.Proxied, s.c.Log
		return found[0].Config
	}
	return c
}

func (s *Service) places(datadir string) core.Places {
	return core.Places{Env: s.c.Env, OS: s.c.OS, Home: s.c.Home, AppData: s.c.AppData, Datadir: datadir}
}

// reset closes the open source, because the active node or its settings changed, and wakes Run.
func (s *Service) reset(ctx context.Context) {
	n, err := s.Active(ctx)
	s.mu.Lock()
	old := s.source
	s.source = nil
	s.turn++
	s.state = State{}
	if err == nil {
		s.state = State{Node: n, Active: true}
	}
	s.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	s.signal()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Status returns how the active node stood when it last answered; it never waits.
func (s *Service) Status(ctx context.Context) State {
	s.mu.Lock()
	st := s.state
	s.mu.Unlock()
	if st.Active {
		return st
	}
	n, err := s.Active(ctx) // before the first look: at least its name
	if err != nil {
		return State{}
	}
	return State{Node: n, Active: true}
}

// Changed receives when Status has changed or another node became the active one. One signal
// stands for any number of changes; there is one channel, for one listener.
func (s *Service) Changed() <-chan struct{} { return s.changed }

func (s *Service) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run keeps Status fresh until ctx ends. At the very first start it takes over the node that
// the environment names (see Bootstrap).
func (s *Service) Run(ctx context.Context) error {
	if err := s.Bootstrap(ctx); err != nil && ctx.Err() == nil {
		s.c.Log.Warn("node from the environment", "error", err)
	}
	for ctx.Err() == nil {
		s.Look(ctx)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-time.After(lookEvery):
		}
	}
	return nil
}

// Look asks the active node once how it stands and keeps the answer for Status.
func (s *Service) Look(ctx context.Context) {
	src, err := s.Source(ctx)
	if err != nil {
		return
	}
	s.mu.Lock()
	n := s.state.Node
	s.mu.Unlock()
	ask, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	st, err := src.Status(ask)
	if ctx.Err() != nil || s.current() != src {
		return // the program ends, or another node was chosen meanwhile
	}
	s.note(n, st, err)
	if err != nil && n.Autodetect {
		s.refind(ctx, n)
	}
}

// refind opens an autodetected node anew when its settings on disk are others by now.
func (s *Service) refind(ctx context.Context, n Node) {
	src, ok := s.current().(*core.Source)
	if !ok || src.SameConfig(s.coreConfig(n)) {
		return
	}
	s.mu.Lock()
	old := s.source
	s.source = nil
	s.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	_, _ = s.Source(ctx)
}

// note keeps an answer, or the lack of one, and signals when a page would show it differently.
func (s *Service) note(n Node, st chain.Status, err error) {
	now := s.c.Now()
	s.mu.Lock()
	old := s.state
	next := State{Node: n, Active: true, Known: old.Known, Status: old.Status, At: old.At}
	if old.Node.ID != n.ID {
		next.Known, next.Status, next.At = false, chain.Status{}, time.Time{}
	}
	if err == nil {
		next.Known, next.Status, next.At = true, st, now
	} else {
		next.Away, next.Since, next.Trouble = true, now, err.Error()
		if old.Away && old.Node.ID == n.ID {
			next.Since = old.Since
		}
	}
	s.state = next
	news := old.Away != next.Away || old.Known != next.Known || old.Trouble != next.Trouble ||
		shown(old.Status) != shown(next.Status) || old.Node.ID != next.Node.ID
	s.mu.Unlock()
	if old.Away != next.Away {
		s.c.Log.Info("node", "name", n.Name, "away", next.Away, "why", next.Trouble)
	}
	if news {
		s.signal()
	}
}

// shown is a status without what moves all the time and is worth no signal.
func shown(st chain.Status) chain.Status {
	st.Progress = math.Round(st.Progress*1000) / 1000
	st.MempoolTxs, st.DiskSize, st.Connections = 0, 0, 0
	return st
}

// Bootstrap takes over the node that BTC_RPC_* name when no node is stored yet: it becomes the
// active node "Bitcoin Core". The network is the one it tells, else the one of its port.
func (s *Service) Bootstrap(ctx context.Context) error {
	nodes, err := s.c.Store.Nodes(ctx)
	if err != nil || len(nodes) > 0 {
		return err
	}
	conf, ok := core.EnvConfig(s.c.Env)
	if !ok {
		return nil
	}
	n := fromConfig(conf)
	n.Name = "Bitcoin Core"
	ask, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if r := s.Test(ask, n); r.OK {
		n.Network = r.Network
	} else if guess, known := core.NetworkOfPort(n.Port); known {
		n.Network = guess
	}
	if n, err = s.Save(ctx, n); err != nil {
		return err
	}
	return s.Activate(ctx, n.Alias)
}

// fromConfig turns settings that were found into a node.
func fromConfig(c core.Config) Node {
	n := Node{
		Kind: Core, Network: c.Network, Protocol: c.Protocol, Host: c.Host, Port: c.Port,
		User: c.User, Password: c.Password, CookieFile: c.CookieFile,
	}
	if n.Protocol == "" {
		n.Protocol = "http"
	}
	if n.Port == 0 {
		n.Port = core.DefaultPort(c.Network)
	}
	return n
}

// Network returns the active node's network; errs.NotFound when none is connected.
func (s *Service) Network(ctx context.Context) (btc.Network, error) {
	n, err := s.Active(ctx)
	return n.Network, err
}

// Close closes the open source. The service answers errs.Unavailable afterwards.
func (s *Service) Close() error {
	s.mu.Lock()
	old := s.source
	s.source, s.closed = nil, true
	s.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.Close()
}
