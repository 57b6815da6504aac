package signer

import (
	"context"
	"errors"
	"sync"
	"time"
)

// slot is one port: whose turn it is, and what was there last.
type slot struct {
	turn chan struct{} // holds one: who put it there may open the port, read and write kept
	kept *session      // waits for a PIN; guarded by turn

	mu    sync.Mutex
	ids   Port  // whose device it was; a path may come to mean another one
	seen  *Info // what was there last
	plain bool  // and that was without a passphrase
}

// pinPatience is how long a session waits for the PIN that the device was made to ask for.
const pinPatience = 5 * time.Minute

func (h *Hub) slotOf(p Port) *slot {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.slots[p.Path]
	if s == nil {
		s = &slot{turn: make(chan struct{}, 1), ids: p}
		h.slots[p.Path] = s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids.Vendor != p.Vendor || s.ids.Product != p.Product || s.ids.Serial != p.Serial {
		s.seen = nil
	}
	s.ids = p
	return s
}

// forget drops what is known of ports that are gone.
func (h *Hub) forget(ports []Port) {
	here := map[string]bool{}
	for _, p := range ports {
		here[p.Path] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for path, s := range h.slots {
		if here[path] {
			continue
		}
		select {
		case s.turn <- struct{}{}: // nobody is there
			s.drop()
			delete(h.slots, path)
			<-s.turn
		default:
		}
	}
}

// wait waits for the turn.
func (s *slot) wait(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return E(CodeBusy, "the device is busy with another call; finish or cancel what it shows")
	}
}

// last is what was there last, if a driver of these kinds saw it.
func (s *slot) last(drivers []Driver) *Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		return nil
	}
	for _, d := range drivers {
		if d.Kind() == s.seen.Kind {
			info := *s.seen
			return &info
		}
	}
	return nil
}

// wasPlain reports whether what was there last was seen without a passphrase, which would
// have given it another fingerprint.
func (s *slot) wasPlain() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.plain }

func (s *slot) remember(info Info, plain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.plain = &info, plain
}

// drop ends a session that waits for a PIN. The caller has the turn.
func (s *slot) drop() {
	if s.kept != nil {
		s.kept.end()
		s.kept = nil
	}
}

// session is an open device.
type session struct {
	port   Port
	driver Driver
	conn   Conn
	signer Signer
	opts   Options
	asked  bool // the device waits for its PIN
	timer  *time.Timer

	mu     sync.Mutex
	notify func(Notice) // of the call that uses the session now
}

func (s *session) info() Info {
	info := s.signer.Info()
	info.Path = s.port.Path
	if info.Kind == "" {
		info.Kind = s.driver.Kind()
	}
	return info
}

func (s *session) tell(n Notice) {
	s.mu.Lock()
	to := s.notify
	s.mu.Unlock()
	if to != nil {
		to(n)
	}
}

func (s *session) listen(to func(Notice)) { s.mu.Lock(); s.notify = to; s.mu.Unlock() }

// end closes signer and connection. What goes wrong does not matter any more.
func (s *session) end() {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.signer != nil {
		_ = s.signer.Close()
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// grace is how long a driver may take to tell its device that a call is over.
const grace = 3 * time.Second

// open greets a device, in a goroutine of its own: a port that hangs is left behind with its
// turn, which is free again when the port lets go. The caller has the turn; with an error it has
// lost it.
func (h *Hub) open(ctx context.Context, c candidate, a Ask) (*session, error) {
	type result struct {
		s   *session
		err error
	}
	got := make(chan result) // unbuffered: whoever is gone does not take it
	left := make(chan struct{})
	go func() {
		s, err := h.greet(ctx, c, a)
		if err != nil {
			<-c.slot.turn
		}
		select {
		case got <- result{s, err}:
		case <-left:
			if err == nil {
				s.end()
				<-c.slot.turn
			}
		}
	}()
	select {
	case r := <-got:
		return r.s, r.err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case r := <-got:
		return r.s, r.err
	case <-late.C:
		close(left)
		return nil, ctx.Err()
	}
}

// greet tries the drivers in turn.
func (h *Hub) greet(ctx context.Context, c candidate, a Ask) (*session, error) {
	err := error(ErrNotThisKind)
	for _, d := range c.drivers {
		s := &session{port: c.port, driver: d, notify: a.Notify}
		s.opts = h.options(a, s.tell)
		if s.conn, err = c.port.Open(ctx); err != nil {
			return nil, err
		}
		if s.signer, err = d.Open(ctx, s.conn, c.port, s.opts); err == nil {
			return s, nil
		}
		s.signer = nil
		s.end()
		if !errors.Is(err, ErrNotThisKind) || ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, err
}
