package store

import (
	"context"
	"encoding/hex"
	"fmt"

	"specter/internal/errs"
	"specter/internal/safe"
)

// secretSettings are the names whose values are sealed, whoever's they are.
var secretSettings = map[string]bool{
	"token-key": true, "token-keys-old": true, // they sign API tokens
	"bridge-token": true,
	"onion-key":    true,
	"tls-key":      true,
	"tor-password": true,
}

// settingWraps is the name under which the locks of the safe are stored. They are no secret:
// without key file or password they open nothing.
const settingWraps = "safe"

// The places of secrets: a value that was moved to another row does not open there.
func placeNode(alias string) string            { return "node/" + alias + "/password" }
func placeDevice(owner, alias string) string   { return "device/" + owner + "/" + alias + "/seed" }
func placeSetting(owner, name string) string   { return "setting/" + owner + "/" + name }
func placeAnswer(user string, k []byte) string { return "answer/" + user + "/" + hex.EncodeToString(k) }
func placeImport(owner, kind, name string) string {
	return fmt.Sprintf("import/%q/%q/%q", owner, kind, name)
}

func (d *DB) sealText(place, plain string) (string, error) {
	if s := d.safe.Load(); s != nil {
		return s.SealText(place, plain)
	}
	return plain, nil
}

func (d *DB) openText(place, value string) (string, error) {
	s := d.safe.Load()
	if s == nil && safe.SealedText(value) {
		return "", safe.ErrLocked
	}
	if s == nil {
		return value, nil
	}
	return s.OpenText(place, value)
}

// sealBytes leaves nil as it is: there is no secret.
func (d *DB) sealBytes(place string, plain []byte) ([]byte, error) {
	if s := d.safe.Load(); s != nil && plain != nil {
		return s.Seal(place, plain)
	}
	return plain, nil
}

func (d *DB) openBytes(place string, value []byte) ([]byte, error) {
	s := d.safe.Load()
	if s == nil && safe.Sealed(value) {
		return nil, safe.ErrLocked
	}
	if s == nil {
		return value, nil
	}
	return s.Open(place, value)
}

// Wraps returns the stored locks of the safe; zero where there are none.
func (d *DB) Wraps(ctx context.Context) (safe.Wraps, error) {
	text, err := d.Setting(ctx, "", settingWraps)
	if err != nil || text == "" {
		return safe.Wraps{}, err
	}
	return safe.ReadWraps(text)
}

// PutWraps stores the locks of the safe. None is errs.Internal: nothing could be opened again.
func (d *DB) PutWraps(ctx context.Context, w safe.Wraps) error {
	if !w.Any() {
		return errs.E(errs.Internal, "the stored secrets must keep a lock that opens")
	}
	return d.PutSetting(ctx, "", settingWraps, w.Text())
}

// Guard has the database seal its secrets with an open safe from now on.
func (d *DB) Guard(s *safe.Safe) { d.safe.Store(s) }

// SealAll seals every secret that stands in the database in clear, in one transaction, and then
// writes the file anew, so that no page of it and no log keeps what stood there; with anew also
// where there was none, because it could have ended before that the last time. It returns how
// many there were.
func (d *DB) SealAll(ctx context.Context, anew bool) (n int, err error) {
	if s := d.safe.Load(); s == nil || s.Locked() {
		return 0, safe.ErrLocked
	}
	err = d.write(ctx, func(t *tx) error {
		for _, part := range []func(*tx) (int, error){d.sealNodes, d.sealDevices, d.sealSettings, d.sealImports, d.sealAnswers} {
			m, err := part(t)
			if err != nil {
				return err
			}
			n += m
		}
		return nil
	})
	if err != nil || n == 0 && !anew {
		return 0, err
	}
	return n, d.Compact(ctx)
}

// bare is a secret that is to be sealed: the update's last arguments say of which row.
type bare struct {
	place string
	value []byte
	row   []any
}

// rewrite seals the clear values that a query finds.
func (d *DB) rewrite(t *tx, query, update string, text bool, read func(scan func(...any) error) (bare, error)) (int, error) {
	var found []bare
	err := t.each(query, nil, func(scan func(...any) error) error {
		c, err := read(scan)
		if err == nil && len(c.value) > 0 && !safe.Sealed(c.value) && !safe.SealedText(string(c.value)) {
			found = append(found, c)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, c := range found {
		var value any
		if text {
			value, err = d.sealText(c.place, string(c.value))
		} else {
			value, err = d.sealBytes(c.place, c.value)
		}
		if err != nil {
			return 0, err
		}
		if _, err := t.exec(update, append([]any{value}, c.row...)...); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

func (d *DB) sealNodes(t *tx) (int, error) {
	return d.rewrite(t, `SELECT id, alias, password FROM nodes`, `UPDATE nodes SET password = ? WHERE id = ?`, true,
		func(scan func(...any) error) (c bare, err error) {
			var id int64
			var alias string
			err = scan(&id, &alias, &c.value)
			c.place, c.row = placeNode(alias), []any{id}
			return c, err
		})
}

func (d *DB) sealDevices(t *tx) (int, error) {
	return d.rewrite(t, `SELECT id, owner, alias, sealed FROM devices WHERE sealed IS NOT NULL`, `UPDATE devices SET sealed = ? WHERE id = ?`, false,
		func(scan func(...any) error) (c bare, err error) {
			var id int64
			var owner, alias string
			err = scan(&id, &owner, &alias, &c.value)
			c.place, c.row = placeDevice(owner, alias), []any{id}
			return c, err
		})
}

func (d *DB) sealSettings(t *tx) (int, error) {
	return d.rewrite(t, `SELECT owner, name, value FROM settings`, `UPDATE settings SET value = ? WHERE owner = ? AND name = ?`, true,
		func(scan func(...any) error) (c bare, err error) {
			var owner, name string
			if err = scan(&owner, &name, &c.value); !secretSettings[name] {
				c.value = nil
			}
			c.place, c.row = placeSetting(owner, name), []any{owner, name}
			return c, err
		})
}

func (d *DB) sealImports(t *tx) (int, error) {
	return d.rewrite(t, `SELECT owner, kind, name, value FROM imports WHERE kind IN ('kept', 'token')`, `UPDATE imports SET value = ? WHERE owner = ? AND kind = ? AND name = ?`, false,
		func(scan func(...any) error) (c bare, err error) {
			var owner, kind, name string
			err = scan(&owner, &kind, &name, &c.value)
			c.place, c.row = placeImport(owner, kind, name), []any{owner, kind, name}
			return c, err
		})
}

func (d *DB) sealAnswers(t *tx) (int, error) {
	return d.rewrite(t, `SELECT id, owner, key, answer FROM idempotency`, `UPDATE idempotency SET answer = ? WHERE id = ?`, false,
		func(scan func(...any) error) (c bare, err error) {
			var id int64
			var owner string
			var key []byte
			err = scan(&id, &owner, &key, &c.value)
			c.place, c.row = placeAnswer(owner, key), []any{id}
			return c, err
		})
}

// ForgetSecrets removes every sealed value and the locks, for whoever has lost what opens them.
// What is not secret stays. It returns how many there were.
func (d *DB) ForgetSecrets(ctx context.Context) (n int64, err error) {
	err = d.write(ctx, func(t *tx) error {
		sealed := safe.SealedPrefix()
		for _, q := range []struct {
			sql  string
			args []any
		}{
			{`UPDATE nodes SET password = '' WHERE substr(password, 1, ?) = ?`, []any{len(safe.SealedTextPrefix()), safe.SealedTextPrefix()}},
			{`DELETE FROM settings WHERE substr(value, 1, ?) = ?`, []any{len(safe.SealedTextPrefix()), safe.SealedTextPrefix()}},
			{`UPDATE devices SET sealed = NULL WHERE substr(sealed, 1, ?) = ?`, []any{len(sealed), sealed}},
			{`DELETE FROM imports WHERE substr(value, 1, ?) = ?`, []any{len(sealed), sealed}},
			{`DELETE FROM idempotency WHERE substr(answer, 1, ?) = ?`, []any{len(sealed), sealed}},
		} {
			r, err := t.exec(q.sql, q.args...)
			if err != nil {
				return err
			}
			m, err := r.RowsAffected()
			if err != nil {
				return err
			}
			n += m
		}
		return t.putSetting("", settingWraps, "")
	})
	return n, err
}
