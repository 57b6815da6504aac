package auth

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"specter/internal/errs"
)

// grace is how long after its end a session is still told from no session at all.
const grace = 7 * 24 * time.Hour

// seeEvery is how often the use of a session or token is written down.
const seeEvery = time.Minute

// seen lets one of many requests at the same time write down that a session or token is in use;
// the others need not wait for the disk.
type seen struct {
	mu sync.Mutex
	at map[[2]string]time.Time
}

// claim reports whether the caller is the one to write.
func (s *seen) claim(kind, id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := [2]string{kind, id}
	if at, ok := s.at[k]; ok && now.Sub(at) < seeEvery && !now.Before(at) {
		return false
	}
	s.at[k] = now
	return true
}

func (s *seen) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, at := range s.at {
		if now.Sub(at) >= seeEvery || now.Before(at) {
			delete(s.at, k)
		}
	}
}

// newSession stores a session for a user whose hash was just proven and returns its cookie.
func (s *Service) newSession(ctx context.Context, row UserRow, way Method, l Login) (cookie string, err error) {
	cookie = secret()
	now := s.now()
	v := Session{UserID: row.ID, Created: now, LastSeen: now, Client: cut(l.Client, 64), Agent: cut(l.Agent, 200), Way: way}
	var old []byte
	if isSecret(l.Old) {
		old = hashSecret(l.Old)
	}
	if err := s.c.Store.AddSession(ctx, &v, hashSecret(cookie), old, row.Hash); err != nil {
		return "", err
	}
	return cookie, nil
}

// end is when a session ends: the idle or the absolute end, as the settings are now.
func (v Settings) end(x Session) time.Time {
	idle, absolute := x.LastSeen.Add(v.Idle), x.Created.Add(v.Absolute)
	if idle.Before(absolute) {
		return idle
	}
	return absolute
}

// Session says who sent a cookie. While nobody logs in, that is the owner, cookie or not.
// errs.Denied: nobody.
func (s *Service) Session(ctx context.Context, cookie, client, agent string) (Identity, error) {
	v := s.Settings()
	switch v.Method {
	case MethodUnset:
		return Identity{}, errSession
	case MethodNone:
		return s.everybody(ctx)
	}
	if !isSecret(cookie) {
		return Identity{}, errSession
	}
	x, row, err := s.c.Store.SessionByHash(ctx, hashSecret(cookie))
	if errs.Is(err, errs.NotFound) {
		return Identity{}, errSession
	}
	if err != nil {
		return Identity{}, err
	}
	now := s.now()
	x.Expires = v.end(x)
	if !now.Before(x.Expires) || x.Way != v.Method || s.isLeaving(row.ID) {
		return Identity{}, errSession
	}
	if now.Sub(x.LastSeen) >= seeEvery && s.seen.claim("session", strconv.FormatInt(x.ID, 10), now) {
		x.LastSeen, x.Client, x.Agent = now, cut(client, 64), cut(agent, 200)
		x.Expires = v.end(x)
		if err := s.c.Store.SeeSession(ctx, x.ID, now, x.Client, x.Agent); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("noting that a session is in use", "error", err)
		}
	}
	return Identity{User: row.User, Session: &x}, nil
}

// everybody is the owner, as long as only this computer reaches the program.
func (s *Service) everybody(ctx context.Context) (Identity, error) {
	if s.c.Open() {
		return Identity{}, errs.E(errs.Denied, "the login is switched off, and other machines can reach the program: "+
			"let it listen on 127.0.0.1 alone, or choose a login method")
	}
	row, err := s.c.Store.UserRow(ctx, OwnerID)
	return Identity{User: row.User}, err
}

// wayLapsed is the method of a session that its user left alone: no login method is called so, so
// the session opens nothing any more. It ended when it was last seen.
const wayLapsed Method = "lapsed"

// Lapse ends a session because its user was away for longer than they wish. Unlike one that is
// logged out or revoked it counts as run out: Expired knows whose it was. errs.NotFound when the
// user has no such session.
func (s *Service) Lapse(ctx context.Context, by Identity) error {
	if by.Session == nil {
		return errs.E(errs.NotFound, "there is no such session")
	}
	x := *by.Session
	if x.UserID != by.User.ID {
		return errs.E(errs.NotFound, "there is no such session")
	}
	if err := s.c.Store.SetSessionWay(ctx, x.ID, wayLapsed); err != nil {
		return err
	}
	if err := s.c.Store.SeeSession(ctx, x.ID, s.now(), x.Client, x.Agent); err != nil {
		return err
	}
	s.record(ctx, x.UserID, x.Client, "session-ended", "left alone")
	return nil
}

// Expired reports whether a cookie was a session that ran out less than 7 days ago, and whose.
// It is meant for what was typed into a form that was left open: keep that for the user, do
// nothing with it. Sessions that were logged out or revoked do not count.
func (s *Service) Expired(ctx context.Context, cookie string) (userID string, ok bool) {
	if !isSecret(cookie) {
		return "", false
	}
	x, row, err := s.c.Store.SessionByHash(ctx, hashSecret(cookie))
	if err != nil || s.isLeaving(row.ID) {
		return "", false
	}
	now, end := s.now(), s.Settings().end(x)
	if x.Way == wayLapsed {
		end = x.LastSeen
	}
	if now.Before(end) || now.Sub(end) >= grace {
		return "", false
	}
	return x.UserID, true
}

// Logout ends a session. A cookie that is none is no error.
func (s *Service) Logout(ctx context.Context, cookie string) error {
	if !isSecret(cookie) {
		return nil
	}
	x, _, err := s.c.Store.SessionByHash(ctx, hashSecret(cookie))
	if err == nil {
		err = s.c.Store.EndSession(ctx, x.UserID, x.ID)
	}
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil {
		s.record(ctx, x.UserID, x.Client, "logout", "")
	}
	return err
}

// Sessions lists a user's sessions that have not ended, the latest used first.
func (s *Service) Sessions(ctx context.Context, userID string) ([]Session, error) {
	all, err := s.c.Store.Sessions(ctx, userID)
	if err != nil {
		return nil, err
	}
	now, v := s.now(), s.Settings()
	for i := range all {
		all[i].Expires = v.end(all[i])
	}
	return slices.DeleteFunc(all, func(x Session) bool { return !now.Before(x.Expires) || x.Way != v.Method }), nil
}

// EndSession ends one session of a user at once. errs.NotFound when the user has none of that id.
func (s *Service) EndSession(ctx context.Context, userID string, id int64) error {
	if err := s.c.Store.EndSession(ctx, userID, id); err != nil {
		return err
	}
	s.record(ctx, userID, "", "session-ended", "one")
	return nil
}

// EndOtherSessions ends all sessions of a user but keep (0: all).
func (s *Service) EndOtherSessions(ctx context.Context, userID string, keep int64) error {
	if userID == "" {
		return errs.E(errs.NotFound, "there is no such user")
	}
	if err := s.c.Store.EndSessions(ctx, userID, keep); err != nil {
		return err
	}
	s.record(ctx, userID, "", "session-ended", "all others")
	return nil
}
