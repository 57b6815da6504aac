package store

import (
	"context"
	"time"

	"specter/internal/errs"
)

// User is a person who may log in. Passwords and tokens stand in tables of their own.
type User struct {
	ID      string
	Name    string
	Role    string // "owner" or "member"
	Created time.Time
}

// Users lists all users, the owner first, then by name.
func (d *DB) Users(ctx context.Context) (out []User, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT id, name, role, created FROM users ORDER BY role = 'owner' DESC, name`, nil, func(scan func(...any) error) error {
			var u User
			var created int64
			if err := scan(&u.ID, &u.Name, &u.Role, &created); err != nil {
				return err
			}
			u.Created = moment(created)
			out = append(out, u)
			return nil
		})
	})
	return out, err
}

// PutUser adds a user or changes name and role. errs.Conflict when the name is taken.
func (d *DB) PutUser(ctx context.Context, u User) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO users (id, name, role, created) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role`, u.ID, u.Name, u.Role, seconds(u.Created))
		if unique(err) {
			return errs.E(errs.Conflict, "there is a user named %q already", u.Name)
		}
		return err
	})
}

// moment and seconds translate times: 0 is the zero time.
func moment(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
