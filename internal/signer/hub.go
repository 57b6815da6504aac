package signer

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"specter/internal/btc"
)

// HubConfig says what a Hub works with.
type HubConfig struct {
	Drivers []Driver
	Ports   func(ctx context.Context) ([]Port, error) // lists what is connected; called when asked, never at start
	Options func() Options                            // Rand, Now, Memory and Relay of every call; the rest comes from Ask. May be nil
	Outside Outside                                   // asked for what the drivers do not know; may be nil
	Limit   func(p Port) time.Duration                // how long greeting a device may take; nil: some seconds, by the way
	Log     *slog.Logger                              // nil: nothing is logged
}

// Ask is what a call wants of whichever device answers.
type Ask struct {
	Network    btc.Network
	Passphrase string
	Expert     bool
	Pair       bool         // the person may be asked to pair
	Notify     func(Notice) // what the device asks its person now; may be nil; must not block
}

// Select says which device is meant; the zero value is the only one connected.
type Select struct {
	Kind        string // the family, "" any
	Path        string // the port, "" any
	Fingerprint btc.Fingerprint
	Known       bool // Fingerprint is meant
}

// Hub finds connected devices and lets one call at a time at each. It is safe for concurrent
// use; what happens at one port never waits for another.
type Hub struct {
	cfg HubConfig

	mu    sync.Mutex
	slots map[string]*slot // by port path
}

// NewHub makes a hub. Nothing is enumerated.
func NewHub(cfg HubConfig) *Hub { return &Hub{cfg: cfg, slots: map[string]*slot{}} }

// Close ends sessions that wait for a PIN. The Hub may be used again.
func (h *Hub) Close() error {
	h.mu.Lock()
	all := make([]*slot, 0, len(h.slots))
	for _, s := range h.slots {
		all = append(all, s)
	}
	h.mu.Unlock()
	for _, s := range all {
		select {
		case s.turn <- struct{}{}:
			s.drop()
			<-s.turn
		default: // in use: it ends with its call
		}
	}
	return nil
}

// candidate is a port with the drivers whose family may be there.
type candidate struct {
	port    Port
	drivers []Driver
	slot    *slot
}

// Enumerate lists the devices that are connected, all asked at once. One that cannot be used now
// is listed with its error, one that is busy with another call as it was last seen. The order is
// that of the ports.
func (h *Hub) Enumerate(ctx context.Context, a Ask) ([]Info, error) {
	list, err := h.candidates(ctx, Select{})
	if err != nil {
		return nil, err
	}
	outside := h.outsiders(ctx, a)
	infos := h.probe(ctx, list, a)
	return append(infos, <-outside...), ctx.Err()
}

// outsiders asks the other program beside everything else.
func (h *Hub) outsiders(ctx context.Context, a Ask) <-chan []Info {
	got := make(chan []Info, 1)
	if h.cfg.Outside == nil {
		got <- nil
		return got
	}
	skip := make([]string, len(h.cfg.Drivers))
	for i, d := range h.cfg.Drivers {
		skip[i] = d.Kind()
	}
	go func() {
		infos, err := h.cfg.Outside.Enumerate(ctx, a, skip)
		if err != nil {
			h.debug("an outside program does not list its devices", "error", err)
		}
		got <- infos
	}()
	return got
}

// candidates lists the ports where a device that is meant may be.
func (h *Hub) candidates(ctx context.Context, sel Select) ([]candidate, error) {
	ports, err := h.cfg.Ports(ctx)
	if err != nil {
		return nil, err
	}
	h.forget(ports)
	var list []candidate
	for _, p := range ports {
		if sel.Path != "" && sel.Path != p.Path {
			continue
		}
		c := candidate{port: p}
		for _, d := range h.cfg.Drivers {
			if (sel.Kind == "" || sel.Kind == d.Kind()) && (p.Kind == d.Kind() || p.Kind == "" && d.Match(p)) {
				c.drivers = append(c.drivers, d)
			}
		}
		if len(c.drivers) > 0 {
			c.slot = h.slotOf(p)
			list = append(list, c)
		}
	}
	return list, nil
}

// probe opens all candidates at once and tells what is there.
func (h *Hub) probe(ctx context.Context, list []candidate, a Ask) []Info {
	found := make([]*Info, len(list))
	var all sync.WaitGroup
	for i, c := range list {
		all.Go(func() { found[i] = h.look(ctx, c, a) })
	}
	all.Wait()
	var infos []Info
	for _, info := range found {
		if info != nil {
			infos = append(infos, *info)
		}
	}
	return infos
}

// look tells what is at a port; nil where there is no device of ours.
func (h *Hub) look(ctx context.Context, c candidate, a Ask) *Info {
	limited, stop := context.WithTimeout(ctx, h.limit(c.port))
	defer stop()
	select {
	case c.slot.turn <- struct{}{}:
	default:
		if info := c.slot.last(c.drivers); info != nil {
			return info // somebody is at work there
		}
		if c.slot.wait(limited) != nil {
			return &Info{Kind: c.drivers[0].Kind(), Path: c.port.Path, Err: E(CodeBusy, "the device at %s is busy with another call", c.port.Path)}
		}
	}
	if k := c.slot.kept; k != nil {
		info := k.info()
		<-c.slot.turn
		return &info
	}
	s, err := h.open(limited, c, a)
	if err == nil {
		info := s.info()
		s.end()
		c.slot.remember(info, a.Passphrase == "")
		<-c.slot.turn
		return &info
	}
	switch {
	case errors.Is(err, ErrNotThisKind), ctx.Err() != nil, c.port.Kind != "" && CodeOf(err) != CodeNotReady:
		return nil // another kind of thing, a simulator that is not running
	case c.stranger() && CodeOf(err) != CodeNeedsRoot:
		return nil // a chip that many things have; one that may not be opened could be ours
	}
	h.debug("a device cannot be used", "path", c.port.Path, "kind", c.drivers[0].Kind(), "error", err)
	if errors.Is(err, context.DeadlineExceeded) {
		err = E(CodeConnection, "the device at %s does not answer; plug it out and in again, and close other programs that use it", c.port.Path)
	}
	return &Info{Kind: c.drivers[0].Kind(), Path: c.port.Path, Err: err}
}

// stranger reports whether the port says nothing of who made the thing behind it: a serial chip
// as many boards have it, where no device of ours has ever answered.
func (c candidate) stranger() bool {
	if c.port.Way != Serial || c.slot.last(c.drivers) != nil {
		return false
	}
	name := strings.ToLower(c.port.Manufacturer + " " + c.port.ProductName)
	return !slices.ContainsFunc(c.drivers, func(d Driver) bool { return strings.Contains(name, d.Kind()) })
}

// limit is how long greeting a device may take.
func (h *Hub) limit(p Port) time.Duration {
	switch {
	case h.cfg.Limit != nil:
		return h.cfg.Limit(p)
	case p.Way == Serial:
		return 2500 * time.Millisecond // boards that restart when their port is opened
	case p.Way == UDP:
		return 700 * time.Millisecond // nobody says that nobody listens
	}
	return 4 * time.Second
}

// options are those of one session.
func (h *Hub) options(a Ask, notify func(Notice)) Options {
	var o Options
	if h.cfg.Options != nil {
		o = h.cfg.Options()
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Network, o.Passphrase, o.Pair, o.Expert, o.Notify = a.Network, a.Passphrase, a.Pair, a.Expert, notify
	return o
}

func (h *Hub) debug(what string, args ...any) {
	if h.cfg.Log != nil {
		h.cfg.Log.Debug(what, args...)
	}
}
