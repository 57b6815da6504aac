package agent

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"slices"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// link is the line to one agent that is connected. The broker's lock is over all of it.
type link struct {
	agent Known
	run   string
	token [sha256.Size]byte // hash of the line's token
	since time.Time
	// ousted are the runs that this line took the place of, the last ones.
	ousted []string

	seq   int64   // of the last order
	sent  int64   // the last one that was put on the wire
	queue []order // not acknowledged yet
	calls map[string]*call
	said  int64 // number of the last word that came

	polled int // times that the agent asked for work: an older question is answered with nothing
	polls  int // questions that are held now
	rested int
	timer  *time.Timer
	news   chan struct{} // closed when something has changed, then replaced
	over   chan struct{} // closed when the line has ended
	why    error
}

// call is one call under way.
type call struct {
	done    chan outcome // takes one
	tell    func(signer.Notice)
	notices int
}

type outcome struct {
	result json.RawMessage
	err    error
}

func (l *link) rouse() {
	close(l.news)
	l.news = make(chan struct{})
}

func (l *link) push(o order) {
	l.seq++
	o.Seq = l.seq
	l.queue = append(l.queue, o)
	l.rouse()
}

// cancel tells the agent to end a call, or takes back one that has not gone out.
func (l *link) cancel(id string) {
	for i, o := range l.queue {
		if o.ID == id && o.Seq > l.sent {
			l.queue = slices.Delete(l.queue, i, i+1)
			return
		}
	}
	l.push(order{ID: id, Cancel: true})
}

func (l *link) bytes() (n int) {
	for _, o := range l.queue {
		n += o.size()
	}
	return n
}

// batch are the next orders, as many as fit into one answer.
func (l *link) batch() []order {
	n, size := 0, 0
	for n < len(l.queue) && (n == 0 || size+l.queue[n].size() <= maxCall) {
		size += l.queue[n].size()
		n++
	}
	out := slices.Clone(l.queue[:n])
	if n > 0 {
		l.sent = max(l.sent, out[n-1].Seq)
	}
	return out
}

// errToken is what an agent gets whose line is over: it has to log in again.
var errToken = errs.E(errs.Denied, "this line is over; log in again")

// find is the line of a token. Called with the lock held.
func (b *Broker) find(token string) (*link, error) {
	sum := sha256.Sum256([]byte(token))
	for _, l := range b.links {
		if subtle.ConstantTimeCompare(sum[:], l.token[:]) == 1 {
			return l, nil
		}
	}
	return nil, errToken
}

// work gives an agent its orders; it waits for them for a while. ack are those that arrived.
func (b *Broker) work(ctx context.Context, token string, ack int64) ([]order, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, err := b.find(token)
	if err != nil {
		return nil, err
	}
	l.queue = slices.DeleteFunc(l.queue, func(o order) bool { return o.Seq <= ack })
	l.polled++
	mine := l.polled
	l.rouse() // an older question is one whose answer nobody waits for
	l.polls++
	defer func() {
		if l.polls--; l.polls == 0 && l.why == nil {
			b.rest(l)
		}
	}()
	timer := time.NewTimer(b.c.Poll)
	defer timer.Stop()
	for ended := false; ; {
		switch {
		case l.why != nil:
			return nil, l.why
		case l.polled != mine, ctx.Err() != nil:
			return nil, nil
		case len(l.queue) > 0, ended:
			return l.batch(), nil
		}
		news := l.news
		b.mu.Unlock()
		select {
		case <-news:
		case <-l.over:
		case <-ctx.Done():
		case <-timer.C:
			ended = true
		}
		b.mu.Lock()
	}
}

// hear takes what an agent says, in its order. Words that came before are passed over: an agent
// that did not hear our answer says them again.
func (b *Broker) hear(token string, words []word) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, err := b.find(token)
	if err != nil {
		return err
	}
	for _, w := range words {
		if w.N <= l.said {
			continue
		}
		l.said = w.N
		c := l.calls[w.ID]
		switch {
		case c == nil: // ended by its caller meanwhile
		case w.Notice != nil:
			n, fits := w.Notice.heard()
			if c.notices++; fits && c.tell != nil && c.notices <= maxNotices {
				c.tell(n) // it keeps it in memory, see bridge.Remote
			}
		default:
			delete(l.calls, w.ID)
			c.done <- ended(w)
		}
	}
	return nil
}

func ended(w word) outcome {
	switch {
	case w.Failure != nil:
		return outcome{err: w.Failure.err()}
	case len(w.Result) == 0 || !json.Valid(w.Result):
		return outcome{err: errs.E(errs.Unavailable, "the agent gave no answer that can be read")}
	}
	return outcome{result: w.Result}
}

// leave ends an agent's line on its own wish.
func (b *Broker) leave(token string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, err := b.find(token)
	if err == nil {
		b.end(l, errLeft)
	}
	return err
}
