package cert

import (
	"context"
	"strings"

	"specter/internal/errs"
)

// Renewer is a source that can be told to get a new certificate at once.
type Renewer interface {
	// Renew gets one, or says why there is none: errs.Invalid for files that cannot be used,
	// errs.Unavailable where an authority gives none.
	Renew(ctx context.Context) error
}

var (
	_ Renewer = (*Self)(nil)
	_ Renewer = (*Pair)(nil)
	_ Renewer = (*ACME)(nil)
)

// Renew makes a new leaf for the names of now. The authority stays, so that nobody has to install
// it again.
func (s *Self) Renew(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Now()
	s.trouble = s.issue(s.look(now), now)
	return s.trouble
}

// Renew reads the files again, also where they look unchanged.
func (p *Pair) Renew(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looked, p.trouble = p.now(), ""
	err := p.read(p.stamps())
	if err != nil {
		p.trouble = err.Error()
	}
	return err
}

// Renew asks the authority now instead of after the pause that follows a refusal. A certificate
// that is not near its end stays: authorities count how many they give. It asks once a minute at
// most; sooner, it tells what came of the last time.
func (a *ACME) Renew(ctx context.Context) error {
	a.mu.Lock()
	was := a.trouble
	a.refused = 0
	a.mu.Unlock()
	err := a.Fetch(ctx)
	if err == nil {
		return nil
	}
	if was != "" && strings.HasSuffix(err.Error(), notAsked) {
		a.mu.Lock()
		a.trouble = was
		a.mu.Unlock()
		return errs.E(errs.Unavailable, "the authority was asked within the last minute; try again in a minute. %s", was)
	}
	return errs.E(errs.Unavailable, "the authority gives no certificate: %w", err)
}

// notAsked is what autocert says in the minute after a failure, in which it does not ask again.
const notAsked = "acme/autocert: missing certificate"
