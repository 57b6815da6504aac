package agent

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// Known is an agent that was paired.
type Known struct {
	ID     string
	UserID string
	Name   string
}

// Config is what the server's side is told.
type Config struct {
	// Instance is the server's name for itself; agents sign it with every login, so that another
	// server cannot use their word.
	Instance string
	// Pair lets an agent in by its code; Admit one that signed a challenge. Both refuse with
	// errs.Denied; an errs.Conflict of Admit is about the challenge alone.
	Pair      func(ctx context.Context, r PairRequest) (Known, error)
	Challenge func(id string) string
	Admit     func(ctx context.Context, id, challenge string, signature []byte) (Known, error)
	// Agents lists a user's, connected or not.
	Agents func(ctx context.Context, userID string) ([]Known, error)
	// Gone is told when an agent's line has ended; nil: nobody.
	Gone func(a Known)
	// Client is the address a request came from; nil: the connection's.
	Client func(r *http.Request) string
	// AllowBody widens how much of a request may be read; nil: there is no bound but ours.
	AllowBody func(r *http.Request, n int64, within time.Duration)
	Log       *slog.Logger // nil: silent
	Now       func() time.Time

	Poll, Alive time.Duration // 0: PollFor, AliveFor
}

// Broker is the server's side: the agents that are connected now. It is safe for concurrent use.
type Broker struct {
	c   Config
	mux *http.ServeMux

	mu     sync.Mutex // over what follows and inside links; held over memory alone
	links  map[string]*link
	closed bool
}

// New makes a broker. It refuses a configuration that leaves out who is who.
func New(c Config) (*Broker, error) {
	if c.Instance == "" || c.Pair == nil || c.Challenge == nil || c.Admit == nil || c.Agents == nil {
		return nil, errs.E(errs.Internal, "agents need to be told apart")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Poll <= 0 {
		c.Poll = PollFor
	}
	if c.Alive <= 0 {
		c.Alive = AliveFor
	}
	if c.Client == nil {
		c.Client = func(r *http.Request) string { return r.RemoteAddr }
	}
	b := &Broker{c: c, links: map[string]*link{}}
	b.mux = b.routes()
	return b, nil
}

// Since tells since when an agent is connected; false: it is not.
func (b *Broker) Since(id string) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.links[id]; l != nil {
		return l.since, true
	}
	return time.Time{}, false
}

// Cut ends an agent's line and its calls at once: it was revoked.
func (b *Broker) Cut(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.links[id]; l != nil {
		b.end(l, errRevoked)
	}
}

// CutUser ends the lines of all agents of a user.
func (b *Broker) CutUser(userID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.links {
		if l.agent.UserID == userID {
			b.end(l, errRevoked)
		}
	}
}

// Close ends all lines; agents come again when the server does.
func (b *Broker) Close() {
	b.mu.Lock()
	b.closed = true
	var all []Known
	for _, l := range b.links {
		all = append(all, l.agent)
		b.end(l, errClosing)
	}
	b.mu.Unlock()
	for _, a := range all {
		b.gone(a)
	}
}

// gone tells that an agent has left; not under the lock.
func (b *Broker) gone(a Known) {
	if b.c.Gone != nil {
		b.c.Gone(a)
	}
}

// Why a line ends.
var (
	errRevoked = errs.E(errs.Denied, "this agent was revoked")
	errTwice   = errs.E(errs.Conflict, "the same agent was started a second time; only one of them can be connected")
	errLost    = errs.E(errs.Unavailable, "the agent has not come back")
	errLeft    = errs.E(errs.Unavailable, "the agent was ended")
	errClosing = errs.E(errs.Unavailable, "the server is being stopped")
)

// away says that an agent is not there.
func away(name string) error {
	return &signer.Fault{Code: signer.CodeConnection, Cause: errs.E(errs.Unavailable, "the agent at %s is not connected; start it on that computer with: specter agent", name)}
}

// open begins a line of an agent, or takes up that of the same run.
func (b *Broker) open(a Known, run string) (token string, resumed bool, err error) {
	token = rand.Text()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return "", false, errClosing
	}
	l := b.links[a.ID]
	if l != nil && l.run == run {
		l.token = sha256.Sum256([]byte(token))
		l.polled++
		l.rouse()
		b.rest(l)
		return token, true, nil
	}
	var ousted []string
	if l != nil {
		// The last one that was started stays: a run it has pushed out and that comes back must not
		// push it out in turn, or the two of them would do so for ever.
		if slices.Contains(l.ousted, run) {
			return "", false, errTwice
		}
		ousted = append(l.ousted[max(0, len(l.ousted)-maxOusted+1):], l.run)
		b.end(l, errTwice)
	}
	l = &link{agent: a, run: run, token: sha256.Sum256([]byte(token)), ousted: ousted, since: b.c.Now(), calls: map[string]*call{}, news: make(chan struct{}), over: make(chan struct{})}
	b.links[a.ID] = l
	b.rest(l)
	b.c.Log.Info("an agent is connected", "agent", a.ID, "user", a.UserID)
	return token, false, nil
}

// end ends a line; calls that wait for it fail. Called with the lock held.
func (b *Broker) end(l *link, why error) {
	if l.why != nil {
		return
	}
	l.why = why
	close(l.over)
	if l.timer != nil {
		l.timer.Stop()
	}
	if b.links[l.agent.ID] == l {
		delete(b.links, l.agent.ID)
	}
	for id, c := range l.calls {
		delete(l.calls, id)
		c.done <- outcome{err: away(l.agent.Name)}
	}
	b.c.Log.Info("an agent is not connected any more", "agent", l.agent.ID, "user", l.agent.UserID, "why", why)
	if why == errLost || why == errLeft {
		go b.gone(l.agent)
	}
}

// rest waits for an agent that asks for no work now, for as long as it may be silent. Called with
// the lock held.
func (b *Broker) rest(l *link) {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.rested++
	mine := l.rested
	l.timer = time.AfterFunc(b.c.Alive, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if l.polls == 0 && l.rested == mine {
			b.end(l, errLost)
		}
	})
}

// do has an agent do a call and waits for how it ends. When ctx ends the agent is told to end the
// call.
func (b *Broker) do(ctx context.Context, a Known, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, error) {
	if !Carried(method) {
		return nil, errs.E(errs.Invalid, "%.40s is not done by agents", method)
	}
	o := order{ID: rand.Text(), Method: method, Params: params}
	c := &call{done: make(chan outcome, 1), tell: tell}
	b.mu.Lock()
	l := b.links[a.ID]
	if l == nil || l.agent.UserID != a.UserID {
		b.mu.Unlock()
		return nil, away(a.Name)
	}
	if len(l.calls) >= maxCalls || l.bytes()+o.size() > maxQueue {
		b.mu.Unlock()
		return nil, signer.E(signer.CodeBusy, "the agent at %s has too much to do; try again in a moment", a.Name)
	}
	l.calls[o.ID] = c
	l.push(o)
	b.mu.Unlock()
	select {
	case out := <-c.done:
		return out.result, out.err
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.calls[o.ID] != nil {
		delete(l.calls, o.ID)
		l.cancel(o.ID)
	}
	return nil, ctx.Err()
}
