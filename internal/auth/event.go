package auth

import (
	"context"
	"time"
)

// Events that are read again after a restart.
const (
	eventLogin   = "login"
	eventRefused = "login-refused"
	eventSetup   = "setup"
)

// The bounds of the record. Refused logins have a share of their own: a stranger who guesses
// cannot push out what users did.
const (
	eventsFor  = 366 * 24 * time.Hour
	eventsMax  = 20_000
	refusedMax = 10_000
	eventsPage = 500
)

// Events lists what happened, newest first: the owner sees all, a member what concerns the
// member. before is the id of the last event of the page before (0: from the newest); limit is 1
// to 500, 0 means 100.
func (s *Service) Events(ctx context.Context, by Identity, before int64, limit int) ([]Event, error) {
	if limit <= 0 {
		limit = 100
	}
	who := by.User.ID
	switch {
	case by.IsOwner():
		who = ""
	case who == "" || !by.May(Admin):
		return nil, errNotOwner
	}
	return s.c.Store.Events(ctx, who, max(0, before), min(limit, eventsPage))
}

// record writes an event. That it happened does not depend on the writing: a failure is logged.
// It is written also when the one who caused it has hung up.
func (s *Service) record(ctx context.Context, userID, client, what, detail string) {
	if what == eventRefused && client != "" {
		// One line of one form, with nothing in it that a stranger has typed: fail2ban reads it
		// (contrib/fail2ban).
		s.c.Log.Warn("login refused", "client", client, "way", detail)
	}
	e := Event{At: s.now(), UserID: userID, Client: cut(client, 64), What: what, Detail: cut(detail, 200)}
	if err := s.c.Store.AddEvent(context.WithoutCancel(ctx), e); err != nil {
		s.c.Log.Warn("writing the record of logins", "error", err)
	}
}

// cut bounds a text to so many characters.
func cut(text string, most int) string {
	for i := range text {
		if most == 0 {
			return text[:i]
		}
		most--
	}
	return text
}

// clientOf is the address by which somebody came, as far as that is known.
func clientOf(by Identity) string {
	if by.Session != nil {
		return by.Session.Client
	}
	return ""
}
