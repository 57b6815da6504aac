package agent

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// Desk is an agent that is paired, at the computer with the devices. Each is run once.
type Desk struct {
	Client   *Client
	ID       string
	Instance string // the server's name for itself, as it was told at the pairing
	// Sign signs a challenge of this server.
	Sign func(challenge string) []byte
	// Do does a call with the devices here; see Bridge.
	Do func(ctx context.Context, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, *Failure)
	// Allow is asked before a call is done; an error refuses it. nil: everything is.
	Allow func(ctx context.Context, method string, params map[string]json.RawMessage) error
	// Tell hears what happens; nil: nobody.
	Tell func(Event)

	Poll           time.Duration // how long the server holds questions; 0: PollFor
	First, Longest time.Duration // waits before coming back; 0: half a second, four seconds
	Abandon        time.Duration // calls are ended when the line was away for that long; 0: 30 s
}

// Event is something that happened at the desk, for its person.
type Event struct {
	What   string // connected, lost, call, done, failed, cancelled
	Method string // of a call
	Device string // family that the call names; "" none
	Err    error  // of lost and failed
}

// state is what one run of the desk knows; it outlives lines.
type state struct {
	d   *Desk
	run string

	mu    sync.Mutex
	ack   int64
	n     int64
	words []word // not said yet
	calls map[string]context.CancelFunc
	news  chan struct{} // has one when there are words
	seen  time.Time     // when the server last answered
	all   sync.WaitGroup
}

// Run serves the server's calls until ctx ends, and comes back whenever the line is lost. It
// returns nil when ctx ended, and errs.Denied when the server does not want the agent any more.
func (d *Desk) Run(ctx context.Context) error {
	if d.Poll <= 0 {
		d.Poll = PollFor
	}
	if d.First <= 0 {
		d.First = 500 * time.Millisecond
	}
	if d.Longest <= 0 {
		d.Longest = 4 * time.Second
	}
	if d.Abandon <= 0 {
		d.Abandon = 30 * time.Second
	}
	s := &state{d: d, run: rand.Text(), calls: map[string]context.CancelFunc{}, news: make(chan struct{}, 1), seen: time.Now()}
	defer s.all.Wait()
	defer s.drop()
	wait := d.First
	for {
		connected, err := s.line(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fatal := final(err); fatal != nil {
			return fatal
		}
		if connected {
			wait = d.First
		}
		d.tell(Event{What: "lost", Err: d.Client.away(err)})
		if time.Since(s.lastSeen()) > d.Abandon {
			s.drop()
		}
		timer := time.NewTimer(wait/2 + mathrand.N(wait/2+1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = min(2*wait, d.Longest)
	}
}

// final is the error after which coming back helps nobody; nil for others.
func final(err error) error {
	if errors.Is(err, errGateAsks) || errors.Is(err, errGateRefuses) {
		return err
	}
	var said *status
	if !errors.As(err, &said) {
		return nil
	}
	switch said.code {
	case http.StatusForbidden, http.StatusGone:
		return errs.E(errs.Denied, "%s", said.text)
	}
	return nil
}

func (d *Desk) tell(e Event) {
	if d.Tell != nil {
		d.Tell(e)
	}
}

// line logs in and works until the line is lost. connected: the login went well.
func (s *state) line(ctx context.Context) (connected bool, err error) {
	token, err := s.logIn(ctx)
	if err != nil {
		return false, err
	}
	s.d.tell(Event{What: "connected"})
	lineCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	said := make(chan struct{})
	go func() {
		defer close(said)
		if err := s.speak(lineCtx, token); err != nil {
			stop(err)
		}
	}()
	err = s.work(lineCtx, token)
	if cause := context.Cause(lineCtx); cause != nil {
		err = cause
	}
	stop(err)
	<-said
	if ctx.Err() != nil {
		s.leave(token)
	}
	return true, err
}

// logIn signs the server's challenge.
func (s *state) logIn(ctx context.Context) (token string, err error) {
	d := s.d
	var c challengeAnswer
	if err := d.Client.post(ctx, "/challenge", "", smallFor, challengeRequest{d.ID}, &c); err != nil {
		return "", err
	}
	if c.Instance != d.Instance {
		return "", errs.E(errs.Unavailable, "another server answers at %s than the one that this agent was paired with; nothing was signed for it", d.Client.Base)
	}
	var o openAnswer
	err = d.Client.post(ctx, "/open", "", smallFor, openRequest{d.ID, c.Challenge, d.Sign(c.Challenge), s.run}, &o)
	if err != nil {
		return "", err
	}
	s.touch()
	if !o.Resumed {
		s.drop() // nobody waits for what was under way
		s.mu.Lock()
		s.ack, s.n, s.words = 0, 0, nil
		s.mu.Unlock()
	}
	return o.Token, nil
}

func (s *state) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = time.Now()
}

func (s *state) lastSeen() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// drop ends the calls that are under way.
func (s *state) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, stop := range s.calls {
		stop()
		delete(s.calls, id)
	}
}

// work asks for orders until the line is lost.
func (s *state) work(ctx context.Context, token string) error {
	for {
		s.mu.Lock()
		ask := workRequest{s.ack}
		s.mu.Unlock()
		var a workAnswer
		if err := s.d.Client.post(ctx, "/work", token, s.d.Poll+workMore, ask, &a); err != nil {
			return err
		}
		s.touch()
		for _, o := range a.Orders {
			s.order(o)
		}
	}
}

// order begins or ends a call. What came before is passed over: a server that did not hear that
// it arrived sends it again, and a device must not be asked twice.
func (s *state) order(o order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Seq <= s.ack {
		return
	}
	s.ack = o.Seq
	stop, running := s.calls[o.ID]
	switch {
	case o.Cancel && running:
		stop()
		delete(s.calls, o.ID)
	case o.Cancel || running:
	case len(s.calls) >= 2*maxCalls:
		s.say(word{ID: o.ID, Failure: &Failure{Message: "the agent has too much to do; try again in a moment", Code: signer.CodeBusy, Kind: errs.Conflict.String()}})
	default:
		ctx, stop := context.WithCancel(context.Background())
		s.calls[o.ID] = stop
		s.all.Go(func() { s.call(ctx, o) })
	}
}

// call does one call and says how it ended.
func (s *state) call(ctx context.Context, o order) {
	e := Event{What: "call", Method: o.Method, Device: text(o.Params, "device_type")}
	s.d.tell(e)
	result, failure := s.do(ctx, o)
	w := word{ID: o.ID, Result: result, Failure: failure}
	switch {
	case ctx.Err() != nil:
		e.What = "cancelled"
	case failure != nil:
		e.What, e.Err = "failed", failure.err()
	default:
		e.What = "done"
	}
	s.d.tell(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if stop, ok := s.calls[o.ID]; ok {
		stop()
		delete(s.calls, o.ID)
		s.say(w)
	}
}

func (s *state) do(ctx context.Context, o order) (json.RawMessage, *Failure) {
	if !Carried(o.Method) {
		return nil, &Failure{Message: "an agent does not do that", Code: signer.CodeNotImplemented, Kind: errs.Denied.String()}
	}
	if s.d.Allow != nil {
		if err := s.d.Allow(ctx, o.Method, o.Params); err != nil {
			return nil, failureOf(err)
		}
	}
	result, failure := s.d.Do(ctx, o.Method, o.Params, func(n signer.Notice) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls[o.ID] != nil {
			s.say(word{ID: o.ID, Notice: &notice{Kind: string(n.Kind), Code: n.Code, Text: n.Text}})
		}
	})
	if len(result) > maxAnswers-maxSmall {
		return nil, &Failure{Message: "the device's answer is larger than an agent carries", Code: signer.CodeUnknown, Kind: errs.Unavailable.String()}
	}
	return result, failure
}

// failureOf puts an error of this side on the wire.
func failureOf(err error) *Failure {
	return &Failure{Message: err.Error(), Code: signer.CodeOf(err), Kind: errs.KindOf(err).String()}
}

// say keeps a word until the server has heard it. Called with the lock held.
func (s *state) say(w word) {
	s.n++
	w.N = s.n
	s.words = append(s.words, w)
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// speak says what there is to say, in its order, until the line is lost.
func (s *state) speak(ctx context.Context, token string) error {
	for {
		s.mu.Lock()
		n, size := 0, 0
		for n < len(s.words) && (n == 0 || size+s.words[n].size() < maxAnswers-maxSmall) {
			size += s.words[n].size()
			n++
		}
		words := append([]word(nil), s.words[:n]...)
		s.mu.Unlock()
		if n == 0 {
			select {
			case <-s.news:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		var done struct{}
		if err := s.d.Client.post(ctx, "/say", token, sayFor, sayRequest{words}, &done); err != nil {
			return err
		}
		s.mu.Lock()
		last := words[n-1].N
		for len(s.words) > 0 && s.words[0].N <= last {
			s.words = s.words[1:]
		}
		s.mu.Unlock()
	}
}

// leave tells the server that the agent ends, so that it need not wait.
func (s *state) leave(token string) {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	var done struct{}
	_ = s.d.Client.post(ctx, "/leave", token, 2*time.Second, struct{}{}, &done) // the server finds out by itself too
}
