package auth

import (
	"crypto/sha256"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"specter/internal/errs"
)

// TooFast refuses a try that came too soon. Its kind is errs.Denied; doors answer 429 with
// Retry-After.
type TooFast struct {
	Wait time.Duration // until the next try may come; above 0
}

// Seconds is the wait in whole seconds, rounded up: what Retry-After wants.
func (t *TooFast) Seconds() int { return int((t.Wait + time.Second - 1) / time.Second) }

// Error is the sentence for the person.
func (t *TooFast) Error() string {
	if n := t.Seconds(); n != 1 {
		return fmt.Sprintf("too many tries: wait %d seconds and try again", n)
	}
	return "too many tries: wait a second and try again"
}

// Unwrap gives the kind.
func (t *TooFast) Unwrap() error { return &errs.Error{Kind: errs.Denied, Message: t.Error()} }

// rule says how many tries are free, and what comes after: waits that double, or one try more
// every so often.
type rule struct {
	free  float64
	base  time.Duration // first wait; doubles with each further try
	max   time.Duration // longest wait: nobody is shut out for good
	every time.Duration // above 0: no doubling, one try comes back each time this passes
}

// The rules. A try is held against the name at this address, against the address, and against
// the name from anywhere. A known browser has a count of its own instead of all three, and a
// known address is not held to the name's: whoever guesses at a name cannot keep its user out.
var (
	pairRule    = rule{free: 5, base: 2 * time.Second, max: 5 * time.Minute}
	addressRule = rule{free: 20, base: 2 * time.Second, max: 5 * time.Minute}
	browserRule = rule{free: 5, base: 2 * time.Second, max: 5 * time.Minute}
	nameRule    = rule{free: 30, every: time.Minute}
)

const (
	busyWait   = 3 * time.Second     // when too many hashes wait already
	forget     = time.Hour           // a count is forgotten this long after the last try
	goodFor    = 30 * 24 * time.Hour // an address is known this long after a login
	countsMax  = 8192                // counts kept; the least deserved goes first
	evictAmong = 64
	goodMax    = 4096
)

type countKey [sha256.Size]byte

// count is how often something was tried.
type count struct {
	rule  *rule
	level float64
	last  time.Time
}

// limits counts tries. The slot of a try is taken before its hash is computed, so that tries at
// the same time are counted one by one.
type limits struct {
	mu     sync.Mutex
	counts map[countKey]count
	good   map[countKey]time.Time
}

func newLimits() *limits {
	return &limits{counts: map[countKey]count{}, good: map[countKey]time.Time{}}
}

// guess is who tries what: the folded name, the address, and the known browser or session.
type guess struct {
	name, client string
	known        string // "": nobody we know
}

// held lists the counts a guess is held to.
func (l *limits) held(g guess, now time.Time) map[countKey]*rule {
	if g.known != "" {
		return map[countKey]*rule{keyOf("known", g.name, g.known): &browserRule}
	}
	network := networkOf(g.client)
	held := map[countKey]*rule{keyOf("address", network): &addressRule}
	if g.name == "" { // an invitation's secret
		return held
	}
	held[keyOf("pair", g.name, network)] = &pairRule
	if !l.isGood(g, now) {
		held[keyOf("name", g.name)] = &nameRule
	}
	return held
}

// slot is a try that was let through; it is counted as a wrong one until told otherwise.
type slot struct {
	l     *limits
	g     guess
	held  map[countKey]*rule
	known bool // a browser or an address of a good record
}

// take lets a try through or says how long to wait.
func (l *limits) take(g guess, now time.Time) (*slot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.held(g, now)
	var wait time.Duration
	for k, r := range held {
		c, old := l.counts[k]
		if old && c.last.After(now) { // the clock was set back; waits begin anew, or they would not end
			c.last = now
			l.counts[k] = c
		}
		wait = max(wait, r.wait(c.level, c.last, now))
	}
	if wait > 0 {
		return nil, &TooFast{Wait: wait}
	}
	for k, r := range held {
		l.add(k, r, now)
	}
	return &slot{l: l, g: g, held: held, known: g.known != "" || l.isGood(g, now)}, nil
}

// unjudged gives the slot back: nothing was learned from the try.
func (s *slot) unjudged() {
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	for k := range s.held {
		if c, ok := s.l.counts[k]; ok {
			c.level = max(0, c.level-1)
			s.l.counts[k] = c
		}
	}
}

// right gives the slot back, clears what this user did at this place, and remembers the
// address. What others did against the name or from the address stays counted.
func (s *slot) right(now time.Time) {
	s.clear()
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	s.l.welcome(s.g, now)
}

// clear is right without remembering the address.
func (s *slot) clear() {
	s.unjudged()
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	for k, r := range s.held {
		if r == &pairRule || r == &browserRule {
			delete(s.l.counts, k)
		}
	}
}

// add counts a try. Called with the lock held.
func (l *limits) add(k countKey, r *rule, now time.Time) {
	c, old := l.counts[k]
	if !old && len(l.counts) >= countsMax {
		l.evict(now)
	}
	l.counts[k] = count{rule: r, level: r.left(c.level, c.last, now) + 1, last: now}
}

// evict removes, of some counts picked by chance, the one that holds back least: names made up
// to fill the table go before a name that is under attack.
func (l *limits) evict(now time.Time) {
	var least countKey
	lowest, oldest := math.Inf(1), time.Time{}
	picked := 0
	for k, c := range l.counts {
		if picked++; picked > evictAmong {
			break
		}
		level := c.rule.left(c.level, c.last, now)
		if level < lowest || level == lowest && c.last.Before(oldest) {
			least, lowest, oldest = k, level, c.last
		}
	}
	delete(l.counts, least)
}

// welcome remembers that a user logged in from an address. Called with the lock held.
func (l *limits) welcome(g guess, now time.Time) {
	if g.name == "" {
		return
	}
	if len(l.good) >= goodMax {
		var first countKey
		oldest := now
		for k, at := range l.good {
			if !at.After(oldest) {
				first, oldest = k, at
			}
		}
		delete(l.good, first)
	}
	l.good[keyOf("good", g.name, networkOf(g.client))] = now
}

func (l *limits) isGood(g guess, now time.Time) bool {
	at, ok := l.good[keyOf("good", g.name, networkOf(g.client))]
	return ok && now.Sub(at) < goodFor
}

// replay brings back one line of the record of before a restart.
func (l *limits) replay(g guess, right bool, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if right {
		delete(l.counts, keyOf("pair", g.name, networkOf(g.client)))
		l.welcome(g, at)
		return
	}
	for k, r := range l.held(g, at) {
		l.add(k, r, at)
	}
}

// sweep drops what no longer counts.
func (l *limits) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, c := range l.counts {
		if c.rule.left(c.level, c.last, now) <= 0 {
			delete(l.counts, k)
		}
	}
	for k, at := range l.good {
		if now.Sub(at) >= goodFor {
			delete(l.good, k)
		}
	}
}

// left is the level after the time that has passed.
func (r *rule) left(level float64, last, now time.Time) float64 {
	passed := max(0, now.Sub(last))
	switch {
	case r.every > 0:
		return max(0, level-float64(passed)/float64(r.every))
	case passed >= forget:
		return 0
	}
	return level
}

// wait is how long the next try has to wait.
func (r *rule) wait(level float64, last, now time.Time) time.Duration {
	level = r.left(level, last, now)
	if r.every > 0 {
		return time.Duration(max(0, level+1-r.free) * float64(r.every))
	}
	over := level - r.free
	if over < 0 {
		return 0
	}
	wait := r.max
	if over < 20 {
		wait = min(r.max, r.base<<int(over))
	}
	return max(0, wait-max(0, now.Sub(last)))
}

// keyOf hashes what is counted: bounded in size, and no typed name lies about in memory.
func keyOf(parts ...string) countKey {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return countKey(h.Sum(nil))
}

// networkOf is the address that tries are held against: of IPv6 the /64, which one customer has
// whole.
func networkOf(client string) string {
	a, err := netip.ParseAddr(client)
	if err != nil {
		p, err := netip.ParseAddrPort(client)
		if err != nil {
			return client
		}
		a = p.Addr()
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
