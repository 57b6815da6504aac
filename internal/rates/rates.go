// Package rates asks outside services for numbers: what a bitcoin costs, and which feerate
// confirms. It opens no connection of its own: app hands in the HTTP clients, and hands in ones
// that refuse where the person wants no outside service. What is asked never tells anything of
// a wallet: prices of past days are fetched in whole spans.
//
// Answers are kept for minutes, failures for seconds, so that no page makes a service angry.
// Prices and feerates are integers all the way from the answer's text.
package rates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Config is what the service needs.
type Config struct {
	// Clear and Tor reach outside services; nil: that way is closed. A client that refuses
	// every request stands for "no outside services". Redirects to other hosts are not followed.
	Clear *http.Client
	Tor   *http.Client
	// NodeRate asks the person's node for the feerate that confirms within so many blocks.
	NodeRate func(ctx context.Context, blocks int) (btc.FeeRate, error)
	Now      func() time.Time
	// Patience is how long a page waits for an outside service's feerates before it has the node's;
	// 0: two seconds. The question goes on behind.
	Patience time.Duration
	// Hosts replaces the address of a provider by its id, for mirrors and tests.
	Hosts map[string]string
}

// Bounds of what is asked and kept.
const (
	timeout    = 20 * time.Second // one answer, over Tor too
	maxAnswer  = 256 << 10        // bytes of an answer
	maxHistory = 16 << 20         // bytes of a whole price history
	maxKept    = 256              // answers kept
	priceAge   = 5 * time.Minute
	feeAge     = time.Minute
	historyAge = 12 * time.Hour
	failureAge = 30 * time.Second
	patience   = 2 * time.Second        // of a page, for feerates
	glance     = 300 * time.Millisecond // of a page that has an older answer
	oldAge     = 10 * time.Minute       // an answer that late is better than another source's
)

// Service answers with prices and feerates. It is safe for concurrent use.
type Service struct {
	c      Config
	flight singleflight.Group

	mu   sync.Mutex // over kept, never over the network
	kept map[string]answer
	late map[string]time.Time // keys whose answer somebody has waited for in vain, and until when nobody else does
}

// answer is what a service said, or why it said nothing.
type answer struct {
	value any
	err   error
	at    time.Time
	until time.Time
}

// New makes the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Patience <= 0 {
		c.Patience = patience
	}
	return &Service{c: c, kept: map[string]answer{}, late: map[string]time.Time{}}
}

// once returns what is kept under a key, or asks: one question at a time, whose answer all get.
// The question does not end with the first asker's ctx, since others may wait for it too.
func (s *Service) once(ctx context.Context, key string, age time.Duration, ask func(ctx context.Context) (any, error)) (any, time.Time, error) {
	if a, ok := s.recall(key); ok {
		return a.value, a.at, a.err
	}
	ch := s.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*timeout)
		defer cancel()
		a := answer{at: s.c.Now()}
		a.value, a.err = ask(ctx)
		if a.until = a.at.Add(age); a.err != nil {
			a.until = a.at.Add(failureAge)
		}
		s.keep(key, a)
		return a, nil
	})
	select {
	case <-ctx.Done():
		return nil, time.Time{}, errs.E(errs.Unavailable, "the question took too long: %w", ctx.Err())
	case r := <-ch:
		if r.Err != nil {
			return nil, time.Time{}, r.Err
		}
		a := r.Val.(answer)
		return a.value, a.at, a.err
	}
}

// soon is once for those who cannot wait until the answer is there: when ctx ends they have an
// answer of the last minutes, or errs.Unavailable, and the question goes on. Who comes after one
// that waited in vain does not wait.
func (s *Service) soon(ctx context.Context, key string, age time.Duration, ask func(ctx context.Context) (any, error)) (any, error) {
	if a, ok := s.recall(key); ok {
		return a.value, a.err
	}
	s.mu.Lock()
	old, late := s.kept[key], s.c.Now().Before(s.late[key])
	s.mu.Unlock()
	usable := old.err == nil && old.value != nil && s.c.Now().Sub(old.at) < oldAge
	wait, cancel := ctx, context.CancelFunc(func() {})
	switch {
	case late && !usable:
		return nil, errNotYet
	case usable:
		wait, cancel = context.WithTimeout(ctx, glance)
	}
	defer cancel()
	value, _, err := s.once(wait, key, age, ask)
	if err == nil || wait.Err() == nil {
		return value, err
	}
	if usable {
		return old.value, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.late) > maxKept {
		clear(s.late)
	}
	s.late[key] = s.c.Now().Add(failureAge)
	return nil, errNotYet
}

// errNotYet is told beside another source's numbers.
var errNotYet = errs.E(errs.Unavailable, "it has not answered yet")

func (s *Service) recall(key string) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.kept[key]
	return a, ok && s.c.Now().Before(a.until)
}

// keep remembers an answer, and forgets the oldest where there are too many.
func (s *Service) keep(key string, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.kept[key]; !there && len(s.kept) >= maxKept {
		oldest := ""
		for k, v := range s.kept {
			if oldest == "" || v.at.Before(s.kept[oldest].at) {
				oldest = k
			}
		}
		delete(s.kept, oldest)
	}
	s.kept[key] = a
}

// way is how a host is reached.
type way struct {
	client *http.Client
	name   string // for the person
}

// wayTo picks a client: onion hosts over Tor alone, others in the clear unless Tor is asked for.
func (s *Service) wayTo(host string, tor bool) (way, error) {
	onion := strings.HasSuffix(strings.ToLower(host), ".onion")
	switch {
	case (onion || tor) && s.c.Tor == nil:
		return way{}, errs.E(errs.Unavailable, "%s is to be reached over Tor, which is not set up", host)
	case onion || tor:
		return way{s.c.Tor, "over Tor"}, nil
	case s.c.Clear == nil:
		return way{}, errs.E(errs.Unavailable, "outside services are switched off")
	}
	return way{s.c.Clear, ""}, nil
}

// get asks for a JSON document of at most limit bytes.
func (s *Service) get(ctx context.Context, address string, tor bool, limit int64, into any) error {
	u, err := url.Parse(address)
	if err != nil {
		return errs.E(errs.Invalid, "the service's address cannot be read")
	}
	w, err := s.wayTo(u.Hostname(), tor)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errs.E(errs.Invalid, "the service's address cannot be read")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Mozilla/5.0") // the same for everybody
	client := *w.client
	client.Jar = nil
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if len(via) > 3 || next.URL.Host != u.Host || next.URL.Scheme != u.Scheme {
			return errors.New("it points to another host")
		}
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		return errs.E(errs.Unavailable, "%s does not answer: %w", u.Hostname(), cause(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errs.E(errs.Unavailable, "%s answers with status %d", u.Hostname(), resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return errs.E(errs.Unavailable, "the answer of %s broke off", u.Hostname())
	}
	if int64(len(data)) > limit {
		return errs.E(errs.Unavailable, "the answer of %s is too long", u.Hostname())
	}
	if err := json.Unmarshal(data, into); err != nil {
		return errs.E(errs.Unavailable, "the answer of %s is not understood", u.Hostname())
	}
	return nil
}

// cause takes the address out of an error, which the sentence names already.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return errors.New("it takes too long")
		}
		return u.Err
	}
	return err
}

// host is where a provider is asked.
func (s *Service) host(id, usual string) string {
	if h := s.c.Hosts[id]; h != "" {
		return strings.TrimRight(h, "/")
	}
	return usual
}

// number is a JSON number or a number in quotes, as text.
type number string

// UnmarshalJSON keeps the digits as they are.
func (n *number) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if len(text) > 40 || text == "" || strings.ContainsAny(text, `\{[`) {
		return fmt.Errorf("no number")
	}
	*n = number(text)
	return nil
}
