package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

const tokenColumns = `tokens.id, tokens.owner, tokens.description, tokens.life, tokens.scope, tokens.created, tokens.expires, tokens.last_used`

// storedScope is the stored form of a scope. A key that is missing means no bound, so nothing may
// be left out of it in a later version without a migration.
type storedScope struct {
	Wallets []int64      `json:"wallets,omitempty"`
	Rights  []auth.Right `json:"rights,omitempty"`
}

func tokenDest(k *auth.Token) (dest []any, done func() error) {
	var life, created, expires, used int64
	var scope string
	return []any{&k.ID, &k.UserID, &k.Description, &life, &scope, &created, &expires, &used}, func() error {
		var s storedScope
		if err := json.Unmarshal([]byte(scope), &s); err != nil {
			return fmt.Errorf("the scope of token %s: %w", k.ID, err)
		}
		k.Life, k.Scope = time.Duration(life), auth.Scope(s)
		k.Created, k.Expires, k.LastUsed = instant(created), instant(expires), instant(used)
		return nil
	}
}

// instant and millis translate times to the millisecond: 0 is the zero time.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// AddToken stores a token with the hash of its JWT. errs.Conflict when the user has one of that
// description, in the words that programs know.
func (d *DB) AddToken(ctx context.Context, k auth.Token, hash []byte) error {
	scope, err := json.Marshal(storedScope(k.Scope))
	if err != nil {
		return err
	}
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO tokens (id, owner, description, hash, life, scope, created, expires, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			k.ID, k.UserID, k.Description, hash, int64(k.Life), string(scope), millis(k.Created), millis(k.Expires), millis(k.LastUsed))
		if unique(err) {
			return errs.E(errs.Conflict, "Token description already exists or is blank")
		}
		if foreign(err) {
			return errs.E(errs.NotFound, "there is no such user")
		}
		return err
	})
}

// Tokens lists a user's tokens, oldest first.
func (d *DB) Tokens(ctx context.Context, userID string) (out []auth.Token, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT `+tokenColumns+` FROM tokens WHERE owner = ? ORDER BY created, id`, []any{userID}, func(scan func(...any) error) error {
			var k auth.Token
			dest, done := tokenDest(&k)
			if err := scan(dest...); err != nil {
				return err
			}
			if err := done(); err != nil {
				return err
			}
			out = append(out, k)
			return nil
		})
	})
	return out, err
}

// TokenByID returns a token, its user, and the hash of its JWT. errs.NotFound when there is none.
func (d *DB) TokenByID(ctx context.Context, id string) (k auth.Token, u auth.UserRow, hash []byte, err error) {
	err = d.read(ctx, func(t *tx) error {
		dest, done := tokenDest(&k)
		more, doneUser := userDest(&u)
		found, err := t.one(`SELECT `+tokenColumns+`, `+userColumns+`, tokens.hash FROM tokens JOIN users ON users.id = tokens.owner WHERE tokens.id = ?`,
			[]any{id}, append(append(dest, more...), &hash)...)
		if err != nil {
			return err
		}
		if !found {
			return errs.E(errs.NotFound, "there is no such token")
		}
		doneUser()
		return done()
	})
	return k, u, hash, err
}

// SeeToken notes when a token was used.
func (d *DB) SeeToken(ctx context.Context, id string, at time.Time) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE tokens SET last_used = ? WHERE id = ?`, millis(at), id)
		return err
	})
}

// RemoveToken removes a token of a user.
func (d *DB) RemoveToken(ctx context.Context, userID, id string) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("token", `DELETE FROM tokens WHERE owner = ? AND id = ?`, userID, id)
	})
}
