package auth

import (
	"context"
	"time"

	"specter/internal/errs"
)

const invitationsMax = 200

var errInvitation = errs.E(errs.Denied, "this registration link is not good any more; ask the owner for a new one")

// Invite makes a registration link's secret, good for one use within so many hours (0: for
// ever). errs.Conflict while the login method has no members.
func (s *Service) Invite(ctx context.Context, by Identity, hours int) (Invitation, string, error) {
	if !by.IsOwner() {
		return Invitation{}, "", errNotOwner
	}
	if hours < 0 || hours > hoursMost {
		return Invitation{}, "", errs.E(errs.Invalid, "a registration link may be good for 1 to %d hours, or 0 for ever", hoursMost)
	}
	if s.Settings().Method != MethodUsers {
		return Invitation{}, "", errs.E(errs.Conflict, "only with the login method of names and passwords can others register")
	}
	all, err := s.c.Store.Invitations(ctx)
	if err != nil {
		return Invitation{}, "", err
	}
	if len(all) >= invitationsMax {
		return Invitation{}, "", errs.E(errs.Conflict, "there are %d registration links already; revoke some", len(all))
	}
	i := Invitation{Created: s.now().Truncate(time.Second)}
	if hours > 0 {
		i.Expires = i.Created.Add(time.Duration(hours) * time.Hour)
	}
	text := secret()
	if err := s.c.Store.AddInvitation(ctx, &i, hashSecret(text)); err != nil {
		return Invitation{}, "", err
	}
	s.record(ctx, by.User.ID, clientOf(by), "invited", "")
	return i, text, nil
}

// Invitations lists the links that were not used, oldest first, expired ones for a day.
func (s *Service) Invitations(ctx context.Context, by Identity) ([]Invitation, error) {
	if !by.IsOwner() {
		return nil, errNotOwner
	}
	return s.c.Store.Invitations(ctx)
}

// RevokeInvitation makes a link worthless at once.
func (s *Service) RevokeInvitation(ctx context.Context, by Identity, id int64) error {
	if !by.IsOwner() {
		return errNotOwner
	}
	if err := s.c.Store.RemoveInvitation(ctx, id); err != nil {
		return err
	}
	s.record(ctx, by.User.ID, clientOf(by), "invitation-revoked", "")
	return nil
}

// Invited tells whether a link's secret is still good; it does not use it up. errs.Denied: no.
func (s *Service) Invited(ctx context.Context, secret string) (Invitation, error) {
	if !isSecret(secret) && !isOldSecret(secret) || s.Settings().Method != MethodUsers {
		return Invitation{}, errInvitation
	}
	i, err := s.c.Store.InvitationByHash(ctx, hashSecret(secret))
	if errs.Is(err, errs.NotFound) || err == nil && !i.good(s.now()) {
		return Invitation{}, errInvitation
	}
	return i, err
}

func (i Invitation) good(now time.Time) bool { return i.Expires.IsZero() || now.Before(i.Expires) }

// Register uses an invitation up and adds a member, who can then log in. errs.Denied: the link is
// not good; *TooFast: too many tries from this address; errs.Conflict or errs.Invalid: name or
// password will not do, and the link is still good.
func (s *Service) Register(ctx context.Context, r Registration) (User, error) {
	slot, err := s.limits.take(guess{client: r.Client}, s.now())
	if err != nil {
		return User{}, err
	}
	if _, err := s.Invited(ctx, r.Secret); err != nil {
		if errs.Is(err, errs.Denied) {
			s.record(ctx, "", r.Client, eventRefused, "registration")
		}
		return User{}, err
	}
	slot.unjudged() // the secret is right; it was no guess
	row, err := s.newRow(ctx, r.Name, r.Password)
	if err != nil {
		return User{}, err
	}
	row, err = s.addRow(ctx, row, func(row UserRow) error { return s.c.Store.UseInvitation(ctx, hashSecret(r.Secret), row) })
	if errs.Is(err, errs.NotFound) { // used by another at the same time
		return User{}, errInvitation
	}
	if err != nil {
		return User{}, err
	}
	s.record(ctx, row.ID, r.Client, "registered", row.Name)
	return row.User, nil
}
