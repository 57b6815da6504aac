package store

import "context"

// Setting returns what was stored under a name for an owner ("": the program's own); "" when
// nothing was.
func (d *DB) Setting(ctx context.Context, owner, name string) (value string, err error) {
	err = d.read(ctx, func(t *tx) error {
		_, err := t.one(`SELECT value FROM settings WHERE owner = ? AND name = ?`, []any{owner, name}, &value)
		return err
	})
	return value, err
}

// PutSetting stores a value under a name; "" forgets it.
func (d *DB) PutSetting(ctx context.Context, owner, name, value string) error {
	return d.write(ctx, func(t *tx) error {
		if value == "" {
			_, err := t.exec(`DELETE FROM settings WHERE owner = ? AND name = ?`, owner, name)
			return err
		}
		_, err := t.exec(`INSERT INTO settings (owner, name, value) VALUES (?, ?, ?)
			ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value`, owner, name, value)
		return err
	})
}
