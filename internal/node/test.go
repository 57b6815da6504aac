package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"specter/internal/chain/core"
)

// Test tries settings step by step, without storing anything: host name, port, HTTP, login,
// wallets, version, network, synchronisation, pruning. It takes at most some 20 seconds where
// the other side is silent, or until ctx ends.
func (s *Service) Test(ctx context.Context, n Node) Report {
	if n.Kind == Demo {
		return s.testDemo(ctx, n)
	}
	conf := s.coreConfig(n)
	conf.AnyNetwork = n.ID == 0 // a new node is of whatever network it says
	d := core.Diagnose(ctx, conf)
	r := Report{Steps: d.Steps, OK: d.OK, Network: d.Network, Version: d.Status.Version, Status: d.Status}
	if nodes, err := s.c.Store.Nodes(ctx); err == nil && d.OK {
		for _, o := range nodes {
			if o.ID != n.ID && o.Network == d.Network {
				r.SameNetwork = append(r.SameNetwork, o.Name)
			}
		}
	}
	return r
}

func (s *Service) testDemo(ctx context.Context, n Node) Report {
	step := Step{Name: "demo", Title: "Open the demo chain"}
	src, err := s.current(), error(nil)
	if id, e := s.c.Store.ActiveNode(ctx); src == nil || e != nil || id != n.ID || n.ID == 0 {
		if src, err = s.openNode(ctx, n); err == nil {
			defer src.Close()
		}
	}
	r := Report{}
	if err == nil {
		r.Status, err = src.Status(ctx)
	}
	if err != nil {
		step.Detail, step.Cure = err.Error(), "Start the program with: specter demo"
	} else {
		step.OK, r.OK, r.Network, r.Version = true, true, r.Status.Network, r.Status.Version
	}
	r.Steps = []Step{step}
	return r
}

// Failure tells the first failed step in a sentence or two; "" when all passed.
func (r Report) Failure() string {
	for _, st := range r.Steps {
		if st.OK || st.Skipped {
			continue
		}
		if st.Cure == "" {
			return st.Detail
		}
		return st.Detail + ". " + st.Cure
	}
	return ""
}

// detectFor is how long a found node may take to answer.
const detectFor = 3 * time.Second

// Detect looks for nodes in the environment, in the default data folder's bitcoin.conf and at
// the cookies of every network, and asks each whether it answers. Those that work come first.
func (s *Service) Detect(ctx context.Context) []Candidate { return s.DetectIn(ctx, "") }

// DetectIn is Detect with another data folder of the node.
func (s *Service) DetectIn(ctx context.Context, datadir string) []Candidate {
	found := core.Discover(s.places(datadir))
	out := make([]Candidate, len(found))
	var wg sync.WaitGroup
	for i, f := range found {
		wg.Go(func() { out[i] = s.try(ctx, f, datadir) })
	}
	wg.Wait()
	slices.SortStableFunc(out, func(a, b Candidate) int {
		switch {
		case a.Works == b.Works:
			return 0
		case a.Works:
			return -1
		}
		return 1
	})
	return out
}

func (s *Service) try(ctx context.Context, f core.Found, datadir string) Candidate {
	ctx, cancel := context.WithTimeout(ctx, detectFor)
	defer cancel()
	c := Candidate{Node: fromConfig(f.Config), Source: f.Source}
	if f.Source != core.FromEnv {
		c.Node.Autodetect, c.Node.Datadir = true, datadir
	}
	c.Node.Name = "Bitcoin Core"
	f.Config.Dial, f.Config.Proxied, f.Config.AnyNetwork = s.c.Dial, s.c.Proxied, true
	d := core.Diagnose(ctx, f.Config)
	c.Works, c.Version = d.OK, d.Status.Version
	if d.OK {
		c.Node.Network = d.Network
	} else {
		c.Trouble = Report{Steps: d.Steps}.Failure()
	}
	if n := c.Node.Network; !n.IsMain() {
		c.Node.Name += " " + n.String()
	}
	return c
}
