package web

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// Bounds of the open event streams; a tab in the background closes its own. One user cannot take
// the places of all.
const (
	maxStreams    = 200
	streamsOfUser = 40
)

// openStreams counts them.
type openStreams struct {
	mu    sync.Mutex
	total int
	of    map[wallet.Owner]int
}

// enter counts a stream in, where there is room.
func (n *openStreams) enter(o wallet.Owner) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.total >= maxStreams || n.of[o] >= streamsOfUser {
		return false
	}
	if n.of == nil {
		n.of = map[wallet.Owner]int{}
	}
	n.total++
	n.of[o]++
	return true
}

// leave counts it out.
func (n *openStreams) leave(o wallet.Owner) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total--
	if n.of[o]--; n.of[o] == 0 {
		delete(n.of, o)
	}
}

// pulse keeps proxies from closing a quiet stream, and finds readers that have gone.
const pulse = 25 * time.Second

// getEvents tells the page when something that it shows has changed. It says only what kind of
// thing; the page then asks for its fragment again, so an event can be lost without harm.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	o, err := s.owner(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return nil // an answer without a body has an end
	}
	if !s.streams.enter(o) {
		return errs.E(errs.Unavailable, "too many pages are open at once")
	}
	defer s.streams.leave(o)
	events, stop := s.c.Wallets.Subscribe(o)
	defer stop()
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	out := http.NewResponseController(w)
	if err := s.tell(w, out, "retry: 3000\n\n"); err != nil {
		return nil // the reader has gone
	}
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	alias := r.URL.Query().Get("wallet")
	for {
		line := ": still here\n\n"
		select {
		case <-r.Context().Done():
			return nil
		case <-s.closing:
			return nil
		case <-tick.C:
			if _, err := s.identify(r); err != nil {
				return nil // logged out meanwhile: nothing more is told here
			}
		case e, open := <-events:
			if !open {
				return nil
			}
			if !concerns(e, alias) {
				continue
			}
			line = fmt.Sprintf("event: change\ndata: %s\n\n", e.Kind)
		}
		if err := s.tell(w, out, line); err != nil {
			return nil // the reader has gone; it will come back by itself
		}
	}
}

// concerns tells whether a page that follows one wallet ("": all) shows what an event is about.
func concerns(e wallet.Event, alias string) bool {
	return alias == "" || e.Alias == "" || e.Alias == alias
}

func (s *Server) tell(w io.Writer, out *http.ResponseController, line string) error {
	if _, err := io.WriteString(w, line); err != nil {
		return err
	}
	return out.Flush()
}

// Close ends the event streams, so that a server that shuts down does not wait for them.
func (s *Server) Close() { s.closeOnce.Do(func() { close(s.closing) }) }
