package web

import (
	"context"
	"strconv"
	"sync"
	"time"

	"specter/internal/auth"
)

// maxActive bounds the sessions of which something is remembered here.
const maxActive = 10_000

// activity remembers when a person last did something in each session.
type activity struct {
	mu sync.Mutex
	at map[int64]time.Time
}

func (a *activity) last(id int64) (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, ok := a.at[id]
	return t, ok
}

func (a *activity) note(id int64, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.at[id]; a.at == nil || !ok && len(a.at) >= maxActive {
		a.at = map[int64]time.Time{} // what is forgotten is read again from what is kept
	}
	a.at[id] = at
}

func (a *activity) forget(id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.at, id)
}

// settingActive keeps when a user last did something, in unix seconds, so that a restart does
// not make a session young again that was left alone.
const settingActive = "last-active"

// keepEvery is how often that is written.
const keepEvery = time.Minute

// lastKept is when the user of a session last did something as far as that was kept: not before
// the session began.
func (s *Server) lastKept(ctx context.Context, id auth.Identity) (time.Time, error) {
	v, err := s.c.Settings.Setting(ctx, id.User.ID, settingActive)
	if err != nil {
		return time.Time{}, err
	}
	last := id.Session.Created
	if unix, err := strconv.ParseInt(v, 10, 64); err == nil && unix > last.Unix() {
		last = time.Unix(unix, 0)
	}
	return last, nil
}

// keepLast writes it, once a minute at most.
func (s *Server) keepLast(ctx context.Context, userID string, now time.Time) error {
	v, err := s.c.Settings.Setting(ctx, userID, settingActive)
	if err != nil {
		return err
	}
	if unix, err := strconv.ParseInt(v, 10, 64); err == nil && now.Sub(time.Unix(unix, 0)).Abs() < keepEvery {
		return nil
	}
	return s.c.Settings.PutSetting(ctx, userID, settingActive, strconv.FormatInt(now.Unix(), 10))
}
