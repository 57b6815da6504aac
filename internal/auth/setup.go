package auth

import (
	"context"
	"crypto/subtle"

	"specter/internal/errs"
)

// SetupLink returns the one-time secret that finishes the first start; it is the same until it
// is used or the program stops. needed is false when the first start is finished.
func (s *Service) SetupLink(context.Context) (secret string, needed bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.setup, s.setup != "", nil
}

// Setup finishes the first start: the owner gets name and password and is logged in, or nobody
// will log in (then there is no cookie). errs.Denied: the secret is wrong or used; errs.Conflict:
// no login while other machines can reach the program; errs.Invalid: name or password will not do.
func (s *Service) Setup(ctx context.Context, r SetupRequest) (cookie string, err error) {
	s.change.Lock()
	defer s.change.Unlock()
	link, needed, err := s.SetupLink(ctx)
	if err != nil {
		return "", err
	}
	if !needed || subtle.ConstantTimeCompare(hashSecret(r.Secret), hashSecret(link)) != 1 {
		return "", errs.E(errs.Denied, "this link is not good any more; use the one that the program printed at its last start")
	}
	v := defaults
	if r.NoLogin {
		if s.c.Open() {
			return "", errOpen
		}
		v.Method = MethodNone
		if err := s.finish(ctx, v); err != nil {
			return "", err
		}
		s.record(ctx, OwnerID, r.Client, eventSetup, string(v.Method))
		return "", nil
	}
	v.Method = MethodUsers
	owner, err := s.makeOwner(ctx, r.Name, r.Password)
	if err != nil {
		return "", err
	}
	if cookie, err = s.newSession(ctx, owner, v.Method, Login{Client: r.Client, Agent: r.Agent}); err != nil {
		return "", err
	}
	if err := s.finish(ctx, v); err != nil {
		return "", err
	}
	s.record(ctx, OwnerID, r.Client, eventSetup, string(v.Method))
	return cookie, nil
}

// SetOwner finishes the first start without a page. errs.Conflict when it is finished.
func (s *Service) SetOwner(ctx context.Context, name, password string) error {
	s.change.Lock()
	defer s.change.Unlock()
	if _, needed, _ := s.SetupLink(ctx); !needed {
		return errs.E(errs.Conflict, "there is an owner already; change the password with: specter user passwd")
	}
	if _, err := s.makeOwner(ctx, name, password); err != nil {
		return err
	}
	v := defaults
	v.Method = MethodUsers
	if err := s.finish(ctx, v); err != nil {
		return err
	}
	s.record(ctx, OwnerID, "", eventSetup, string(v.Method))
	return nil
}

// makeOwner gives the owner's row a name and a password.
func (s *Service) makeOwner(ctx context.Context, name, password string) (UserRow, error) {
	if name == "" {
		name = "admin"
	}
	name, key, err := checkName(name)
	if err != nil {
		return UserRow{}, err
	}
	hash, err := s.newHash(ctx, key, password)
	if err != nil {
		return UserRow{}, err
	}
	if err := s.c.Store.RenameUser(ctx, OwnerID, name, key); err != nil {
		return UserRow{}, err
	}
	if err := s.storePassword(ctx, OwnerID, password, hash, 0); err != nil {
		return UserRow{}, err
	}
	return s.c.Store.UserRow(ctx, OwnerID)
}

// finish ends the first start; the secret is worth nothing from here on.
func (s *Service) finish(ctx context.Context, v Settings) error {
	if err := s.putSettings(ctx, v); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setup = ""
	return nil
}
