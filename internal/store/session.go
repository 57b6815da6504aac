package store

import (
	"context"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

const sessionColumns = `sessions.id, sessions.owner, sessions.created, sessions.last_seen, sessions.client, sessions.agent, sessions.way`

func sessionDest(s *auth.Session) (dest []any, done func()) {
	var created, seen int64
	return []any{&s.ID, &s.UserID, &created, &seen, &s.Client, &s.Agent, &s.Way}, func() {
		s.Created, s.LastSeen = moment(created), moment(seen)
	}
}

// AddSession stores a session under the hash of its cookie, notes the login, and removes the
// session of before. errs.Conflict when the user's password is not the proven one any more.
func (d *DB) AddSession(ctx context.Context, s *auth.Session, hash, old []byte, proven string) error {
	var id int64
	err := d.write(ctx, func(t *tx) error {
		if len(old) > 0 {
			if _, err := t.exec(`DELETE FROM sessions WHERE hash = ?`, old); err != nil {
				return err
			}
		}
		r, err := t.exec(`UPDATE users SET last_login = ? WHERE id = ? AND password = ?`, seconds(s.Created), s.UserID, proven)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errs.E(errs.Conflict, "the password was changed at the same time; log in again")
		}
		_, err = t.one(`INSERT INTO sessions (owner, hash, created, last_seen, client, agent, way) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{s.UserID, hash, seconds(s.Created), seconds(s.LastSeen), s.Client, s.Agent, string(s.Way)}, &id)
		return err
	})
	if err == nil {
		s.ID = id
	}
	return err
}

// SessionByHash returns the session of a cookie and its user, ended or not. errs.NotFound when
// there is none.
func (d *DB) SessionByHash(ctx context.Context, hash []byte) (s auth.Session, u auth.UserRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		dest, done := sessionDest(&s)
		more, doneUser := userDest(&u)
		found, err := t.one(`SELECT `+sessionColumns+`, `+userColumns+` FROM sessions JOIN users ON users.id = sessions.owner WHERE sessions.hash = ?`,
			[]any{hash}, append(dest, more...)...)
		if err == nil && !found {
			return errs.E(errs.NotFound, "there is no such session")
		}
		done()
		doneUser()
		return err
	})
	return s, u, err
}

// SeeSession notes when and from where a session was used.
func (d *DB) SeeSession(ctx context.Context, id int64, at time.Time, client, agent string) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE sessions SET last_seen = ?, client = ?, agent = ? WHERE id = ?`, seconds(at), client, agent, id)
		return err
	})
}

// SetSessionWay says that a session counts as one of another method.
func (d *DB) SetSessionWay(ctx context.Context, id int64, way auth.Method) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("session", `UPDATE sessions SET way = ? WHERE id = ?`, string(way), id)
	})
}

// Sessions lists a user's sessions, the latest used first.
func (d *DB) Sessions(ctx context.Context, userID string) (out []auth.Session, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT `+sessionColumns+` FROM sessions WHERE owner = ? ORDER BY last_seen DESC, id DESC`, []any{userID}, func(scan func(...any) error) error {
			var s auth.Session
			dest, done := sessionDest(&s)
			if err := scan(dest...); err != nil {
				return err
			}
			done()
			out = append(out, s)
			return nil
		})
	})
	return out, err
}

// EndSession removes one session of a user.
func (d *DB) EndSession(ctx context.Context, userID string, id int64) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("session", `DELETE FROM sessions WHERE owner = ? AND id = ?`, userID, id)
	})
}

// EndSessions removes a user's sessions ("": everybody's), all but keep.
func (d *DB) EndSessions(ctx context.Context, userID string, keep int64) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM sessions WHERE (owner = ? OR ? = '') AND id <> ?`, userID, userID, keep)
		return err
	})
}

// SweepSessions removes what was made, or last seen, before these times.
func (d *DB) SweepSessions(ctx context.Context, made, seen time.Time) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM sessions WHERE created < ? OR last_seen < ?`, seconds(made), seconds(seen))
		return err
	})
}
