// Package setting is what people have chosen: each user for themselves (units, language, prices,
// explorers), and the owner for the whole program (outside services, the proxy, the log). It
// knows what may be chosen, the names under which it is stored, and what holds where nothing
// was. A stored word that this program does not know counts as not chosen, so that no page fails
// because of one. What follows from a choice is done elsewhere: nothing here opens a connection.
package setting

import (
	"context"
	"maps"
	"sync"

	"specter/internal/auth"
	"specter/internal/errs"
)

// Store keeps words under names, by owner; "" is the program itself.
type Store interface {
	// Settings returns all that an owner has stored.
	Settings(ctx context.Context, owner string) (map[string]string, error)
	// PutSettings stores values, all or none; "" forgets one.
	PutSettings(ctx context.Context, owner string, values map[string]string) error
}

// Service reads and changes settings. It is safe for concurrent use.
type Service struct {
	store Store
	mu    sync.Mutex // a change reads before it writes
}

// New makes the service.
func New(store Store) *Service { return &Service{store: store} }

// User returns what a user has chosen.
func (s *Service) User(ctx context.Context, id string) (User, error) {
	stored, err := s.store.Settings(ctx, id)
	if err != nil {
		return Defaults(), err
	}
	return readUser(stored), nil
}

// ChangeUser lets change alter a user's settings and stores them when they are sound.
// errs.Invalid says what cannot be chosen; nothing is stored then.
func (s *Service) ChangeUser(ctx context.Context, id string, change func(*User) error) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.User(ctx, id)
	if err != nil {
		return before, err
	}
	after := before
	after.Explorers = maps.Clone(before.Explorers)
	if err := change(&after); err != nil {
		return before, err
	}
	if after, err = after.Check(); err != nil {
		return before, err
	}
	if id != auth.OwnerID && newServer(before, after) {
		return before, errs.E(errs.Denied, "a server of your own is for the owner of this Specter to name: it may stand in the owner's network")
	}
	return after, s.put(ctx, id, before.values(), after.values())
}

// newServer reports whether a change names a server that this program would ask on the user's
// word. A member could otherwise let it look around in the owner's network.
func newServer(before, after User) bool {
	if url := after.Rates.FeesURL; url != "" && url != before.Rates.FeesURL {
		return true
	}
	if url := after.Rates.PriceURL; url != "" && url != before.Rates.PriceURL {
		return true
	}
	if after.Bridge != before.Bridge && reachesIn(after.Bridge) {
		return true
	}
	for n, e := range after.Explorers { // an explorer of one's own also takes transactions
		if e.Kind == ExplorerOwn && e != before.Explorers[n] {
			return true
		}
	}
	return false
}

// Program returns what the owner has decided for the program.
func (s *Service) Program(ctx context.Context) (Program, error) {
	stored, err := s.store.Settings(ctx, "")
	if err != nil {
		return Program{LogLevel: LogInfo}, err
	}
	return readProgram(stored), nil
}

// ChangeProgram is ChangeUser for the program.
func (s *Service) ChangeProgram(ctx context.Context, change func(*Program) error) (Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.Program(ctx)
	if err != nil {
		return before, err
	}
	after := before
	if err := change(&after); err != nil {
		return before, err
	}
	if after, err = after.Check(); err != nil {
		return before, err
	}
	return after, s.put(ctx, "", before.values(), after.values())
}

// put stores what differs.
func (s *Service) put(ctx context.Context, owner string, before, after map[string]string) error {
	changed := map[string]string{}
	for name, v := range after {
		if before[name] != v {
			changed[name] = v
		}
	}
	for name := range before {
		if _, still := after[name]; !still {
			changed[name] = ""
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return s.store.PutSettings(ctx, owner, changed)
}

// oneOf returns v when it is among the words, else the first of them.
func oneOf(v string, words []string) string {
	for _, w := range words {
		if v == w {
			return v
		}
	}
	return words[0]
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}
