package auth

import (
	"context"
	"crypto/subtle"

	"specter/internal/errs"
)

// eventRestored says in the record of a restored state that it was restored, and what.
const eventRestored = "restored"

// FirstSecret holds a secret against that of the first start's link, without using it up: what is
// for whoever holds the link asks here. errs.Denied: it is another, or there is an owner already.
func (s *Service) FirstSecret(secret string) error {
	s.mu.RLock()
	link := s.setup
	s.mu.RUnlock()
	if link == "" || subtle.ConstantTimeCompare(hashSecret(secret), hashSecret(link)) != 1 {
		return errs.E(errs.Denied, "this link is not good any more; use the one that the program printed at its last start")
	}
	return nil
}

// Confirm asks the owner's password once more before something that reaches far: a browser that
// was left open is not enough. Nothing is asked where nobody logs in. errs.Denied: it is wrong, or
// a token asks; *TooFast: wait; errs.Unavailable: the node that must judge the PIN is away.
func (s *Service) Confirm(ctx context.Context, by Identity, password string) error {
	if !by.IsOwner() || by.Token != nil {
		return errNotOwner
	}
	method := s.Settings().Method
	switch method {
	case MethodUnset:
		return errUnset
	case MethodNone:
		return nil
	}
	row, err := s.c.Store.UserRow(ctx, OwnerID)
	if err != nil {
		return err
	}
	_, err = s.prove(ctx, s.ownGuess(by, clientOf(by)), row, password, method == MethodRPC, "settings")
	return err
}

// Guarded runs try, which answers errs.Denied where a secret is wrong, under the limit on guessing
// that one browser has: five tries are free, then each waits longer. what names the secret that is
// guessed at. *TooFast: it was not tried.
func (s *Service) Guarded(what string, try func() error) error {
	slot, err := s.limits.take(guess{name: "\x00" + what, known: what}, s.now())
	if err != nil {
		return err
	}
	switch err = try(); {
	case err == nil:
		slot.clear()
	case !errs.Is(err, errs.Denied):
		slot.unjudged()
	}
	return err
}

// Restored notes in the record that this state came out of a backup, and by whose address.
func (s *Service) Restored(ctx context.Context, client, detail string) {
	s.record(ctx, OwnerID, client, eventRestored, detail)
}
