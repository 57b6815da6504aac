package store

import (
	"context"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

var _ auth.Store = (*DB)(nil)

const userColumns = `users.id, users.name, users.role, users.created, users.last_login, users.name_key, users.password`

// userDest lists where the columns of a user go; done turns what was read into the row.
func userDest(u *auth.UserRow) (dest []any, done func()) {
	var created, login int64
	return []any{&u.ID, &u.Name, &u.Role, &created, &login, &u.Key, &u.Hash}, func() {
		u.Created, u.LastLogin, u.Password = moment(created), moment(login), u.Hash != ""
	}
}

// Users lists all users, the owner first, then by name.
func (d *DB) Users(ctx context.Context) (out []auth.UserRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT `+userColumns+` FROM users ORDER BY role = 'owner' DESC, name_key`, nil, func(scan func(...any) error) error {
			var u auth.UserRow
			dest, done := userDest(&u)
			if err := scan(dest...); err != nil {
				return err
			}
			done()
			out = append(out, u)
			return nil
		})
	})
	return out, err
}

// UserRow returns a user. errs.NotFound when there is none.
func (d *DB) UserRow(ctx context.Context, id string) (auth.UserRow, error) {
	return d.user(ctx, `SELECT `+userColumns+` FROM users WHERE id = ?`, id)
}

// UserByKey returns the user of a folded name. errs.NotFound when there is none.
func (d *DB) UserByKey(ctx context.Context, key string) (auth.UserRow, error) {
	return d.user(ctx, `SELECT `+userColumns+` FROM users WHERE name_key = ?`, key)
}

func (d *DB) user(ctx context.Context, query, arg string) (u auth.UserRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		dest, done := userDest(&u)
		found, err := t.one(query, []any{arg}, dest...)
		if err == nil && !found {
			return errs.E(errs.NotFound, "there is no such user")
		}
		done()
		return err
	})
	return u, err
}

// AddUser adds a user. errs.Conflict when the name or the id is taken.
func (d *DB) AddUser(ctx context.Context, u auth.UserRow) error {
	return d.write(ctx, func(t *tx) error { return t.addUser(u) })
}

func (t *tx) addUser(u auth.UserRow) error {
	_, err := t.exec(`INSERT INTO users (id, name, role, created, name_key, password) VALUES (?, ?, ?, ?, ?, ?)`,
		u.ID, u.Name, string(u.Role), seconds(u.Created), u.Key, u.Hash)
	return nameTaken(err, u.Name)
}

func nameTaken(err error, name string) error {
	if unique(err) {
		return errs.E(errs.Conflict, "there is a user named %q already; choose another name", name)
	}
	return err
}

// RenameUser changes a user's name. errs.Conflict when it is taken.
func (d *DB) RenameUser(ctx context.Context, id, name, key string) error {
	return d.write(ctx, func(t *tx) error {
		return nameTaken(t.must("user", `UPDATE users SET name = ?, name_key = ? WHERE id = ?`, name, key, id), name)
	})
}

// SetUserPassword stores a password's hash and ends the user's sessions, all but keep.
func (d *DB) SetUserPassword(ctx context.Context, id, hash string, keep int64) error {
	return d.write(ctx, func(t *tx) error {
		if err := t.must("user", `UPDATE users SET password = ? WHERE id = ?`, hash, id); err != nil {
			return err
		}
		_, err := t.exec(`DELETE FROM sessions WHERE owner = ? AND id <> ?`, id, keep)
		return err
	})
}

// UpgradePassword changes the form of a hash, unless it is no longer the old one.
func (d *DB) UpgradePassword(ctx context.Context, id, old, hash string) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE users SET password = ? WHERE id = ? AND password = ?`, hash, id, old)
		return err
	})
}

// RemoveUser removes a member with sessions, tokens and settings. What happened stays in the
// record, but under nobody: the id may be given again. errs.Conflict while a wallet or a device
// belongs to the user.
func (d *DB) RemoveUser(ctx context.Context, id string) error {
	return d.write(ctx, func(t *tx) error {
		for _, query := range []string{
			`DELETE FROM sessions WHERE owner = ?`,
			`DELETE FROM tokens WHERE owner = ?`,
			`DELETE FROM settings WHERE owner = ? AND owner <> ''`,
			`UPDATE auth_events SET detail = substr('(' || owner || ') ' || detail, 1, 260), owner = '' WHERE owner = ? AND owner <> ''`,
		} {
			if _, err := t.exec(query, id); err != nil {
				return err
			}
		}
		err := t.must("member", `DELETE FROM users WHERE id = ? AND role = 'member'`, id)
		if foreign(err) {
			return errs.E(errs.Conflict, "wallets or devices still belong to this user; delete them first, or try again")
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
