package v1

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// Bounds of event streams.
const (
	maxStreams    = 200 // in all
	streamsOfUser = 20
	pulse         = 25 * time.Second // keeps proxies awake; a token that ended is found then
)

// opEvents is the one operation without an end.
const opEvents = "followEvents"

// eventView says what changed. Its reader asks again for what it cares for, so that an event can
// be lost without harm.
type eventView struct {
	Kind    string  `json:"kind"`
	Network string  `json:"network"`
	Wallet  *string `json:"wallet"`
}

// streamed is the answer of a handler that has written it itself.
type streamed struct{}

// enter counts a stream in.
func (f *streams) enter(user string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.total.Load() >= maxStreams || f.open[user] >= streamsOfUser {
		return false
	}
	f.total.Add(1)
	f.open[user]++
	return true
}

func (f *streams) leave(user string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.total.Add(-1)
	if f.open[user]--; f.open[user] == 0 {
		delete(f.open, user)
	}
}

// getEvents streams changes as server-sent events until the client goes or its token ends.
func getEvents(c *call) (any, error) {
	alias := c.params.Get("wallet")
	if c.params.Has("wallet") {
		if _, err := c.reached(alias); err != nil {
			return nil, err
		}
	}
	if !c.s.follow.enter(c.user()) {
		return nil, errs.E(errs.Unavailable, "too many event streams are open at once")
	}
	defer c.s.follow.leave(c.user())
	events, stop := c.s.c.Wallets.Subscribe(c.owner())
	defer stop()
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy must not hold events back
	out := http.NewResponseController(c.w)
	_ = out.SetWriteDeadline(time.Time{}) // where the server bounds answers, this one has no end
	if c.Method == http.MethodHead || tell(c.w, out, "retry: 3000\n\n") != nil {
		return streamed{}, nil
	}
	c.stream(events, out, alias)
	return streamed{}, nil
}

func (c *call) stream(events <-chan wallet.Event, out *http.ResponseController, alias string) {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	for {
		line := ": still here\n\n"
		select {
		case <-c.ctx().Done():
			return
		case <-c.s.closing:
			return
		case <-tick.C:
			if !c.stillIn() {
				return
			}
		case e, open := <-events:
			if !open {
				return
			}
			if line = c.eventLine(e, alias); line == "" {
				continue
			}
		}
		if tell(c.w, out, line) != nil {
			return // the reader has gone
		}
	}
}

// stillIn asks again who holds the stream: a token may have been deleted meanwhile.
func (c *call) stillIn() bool {
	_, token, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	id, err := c.s.c.Auth.Bearer(c.ctx(), strings.TrimSpace(token))
	return err == nil && id.User.ID == c.user()
}

// eventLine words an event for a reader who may know of it; "" for others.
func (c *call) eventLine(e wallet.Event, alias string) string {
	if alias != "" && e.Alias != "" && e.Alias != alias {
		return ""
	}
	if e.Alias != "" && len(c.id.Scope.Wallets) > 0 {
		r, err := c.s.c.Wallets.Get(c.ctx(), wallet.Ref{Owner: c.owner(), Network: e.Network, Alias: e.Alias})
		if err != nil || !c.id.Scope.Reaches(int64(r.ID)) {
			return ""
		}
	}
	data, _ := json.Marshal(eventView{Kind: e.Kind, Network: e.Network.String(), Wallet: maybe(e.Alias)}) // strings
	return fmt.Sprintf("event: change\ndata: %s\n\n", data)
}

// reached finds a wallet by alias, where the scope has it.
func (c *call) reached(alias string) (wallet.Record, error) {
	r, err := c.s.c.Wallets.Get(c.ctx(), wallet.Ref{Owner: c.owner(), Network: c.network, Alias: alias})
	if errs.Is(err, errs.NotFound) || err == nil && !c.id.Scope.Reaches(int64(r.ID)) {
		return r, notFound("there is no such wallet on " + c.network.String())
	}
	return r, err
}

func tell(w io.Writer, out *http.ResponseController, line string) error {
	if _, err := io.WriteString(w, line); err != nil {
		return err
	}
	return out.Flush()
}
