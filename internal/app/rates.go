package app

import (
	"context"
	"fmt"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// What pages show of prices: no page waits for an outside service longer than firstPrice, and a
// price older than stalePrice is none.
const (
	firstPrice = 700 * time.Millisecond
	freshPrice = 5 * time.Minute
	stalePrice = time.Hour
	askAgain   = 30 * time.Second // after a failure
	maxQuoted  = 256
)

// quoted is the last price of one kind, and whether somebody is asking for another.
type quoted struct {
	quote rates.Quote
	err   error
	tried time.Time
	busy  chan struct{} // closed when the answer is there; nil: nobody asks
}

// Price tells what a bitcoin costs, in the currency and from the provider that a user has
// chosen: at once, from what is known, while a newer price is fetched behind. errs.Unavailable:
// no provider is chosen, or nothing is known (yet).
func (o *outside) Price(ctx context.Context, userID string) (rates.Quote, error) {
	s, set, p, err := o.wishes(ctx, userID)
	if err != nil {
		return rates.Quote{}, err
	}
	provider, known := rates.ProviderOf(set.Price)
	switch {
	case !known || !provider.Outside:
		return s.Price(ctx, set) // none, or by hand
	case !p.Outside:
		return rates.Quote{}, errClosed
	}
	key := fmt.Sprintf("%s %s %s %v %s", set.Price, set.PriceURL, set.Currency, set.TorOnly, p.Proxy)
	q, wait := o.ask(ctx, key, s, set)
	if wait != nil && q.err == nil && q.quote.Price == 0 {
		timer := time.NewTimer(firstPrice)
		defer timer.Stop()
		select {
		case <-wait:
		case <-timer.C:
		case <-ctx.Done():
		}
		o.mu.Lock()
		q = o.asked[key]
		o.mu.Unlock()
	}
	switch {
	case q.quote.Price > 0 && o.now().Sub(q.quote.At) < stalePrice:
		return q.quote, nil
	case q.err != nil:
		return rates.Quote{}, q.err
	}
	return rates.Quote{}, errs.E(errs.Unavailable, "the price is being asked for")
}

// ask returns what is known under a key and starts a question where that is old.
func (o *outside) ask(ctx context.Context, key string, s *rates.Service, set rates.Settings) (quoted, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.asked[key]
	age := freshPrice
	if q.err != nil {
		age = askAgain
	}
	if q.busy != nil || !q.tried.IsZero() && o.now().Sub(q.tried) < age {
		return q, q.busy
	}
	if o.asked == nil || len(o.asked) >= maxQuoted {
		o.asked = map[string]quoted{}
	}
	busy := make(chan struct{})
	q.busy = busy
	o.asked[key] = q
	go func() {
		defer close(busy)
		quote, err := s.Price(context.WithoutCancel(ctx), set) // ends by the service's own deadline
		o.mu.Lock()
		defer o.mu.Unlock()
		now := quoted{quote: quote, err: err, tried: o.now()}
		if err != nil {
			now.quote = o.asked[key].quote
		}
		o.asked[key] = now
	}()
	return q, busy
}

// PriceAt tells what a bitcoin cost on a day; errs.Unavailable where the user's provider does not
// tell, errs.NotFound where it does not know the day.
func (o *outside) PriceAt(ctx context.Context, userID string, at time.Time) (btc.Price, error) {
	s, set, _, err := o.wishes(ctx, userID)
	if err != nil {
		return 0, err
	}
	return s.PriceAt(ctx, set, at)
}

// Fee estimates the feerate that confirms within so many blocks, from the source that the user
// has chosen; the node's where that one does not answer, and the estimate says so.
func (o *outside) Fee(ctx context.Context, userID string, n btc.Network, blocks int) (rates.Estimate, error) {
	s, set, _, err := o.wishes(ctx, userID)
	if err != nil {
		return rates.Estimate{}, err
	}
	return s.Fee(ctx, set, n, blocks)
}

// explorer is the address of the block explorer that links lead to for a user; "" none.
func (a *App) explorer(ctx context.Context, o wallet.Owner, n btc.Network) string {
	u, err := a.settings.User(ctx, string(o))
	if err != nil {
		a.c.Log.Error("which explorer is chosen? The setting cannot be read", "error", err)
	}
	return u.Explorer(n)
}

// pastPrices is the currency that a user reckons in, and whom to ask what a bitcoin cost; nil
// where the user asks nobody who knows.
func (a *App) pastPrices(ctx context.Context, o wallet.Owner) (string, func(context.Context, time.Time) (btc.Price, error)) {
	_, set, _, err := a.outside.wishes(ctx, string(o))
	if err != nil {
		a.c.Log.Error("whom to ask for prices? The settings cannot be read", "error", err)
		return "", nil
	}
	if p, known := rates.ProviderOf(set.Price); !known || !p.History {
		return "", nil
	}
	return set.Currency, func(ctx context.Context, at time.Time) (btc.Price, error) {
		return a.outside.PriceAt(ctx, string(o), at)
	}
}
