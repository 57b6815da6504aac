package store

import (
	"context"
	"time"
)

// Imported returns what was noted of a thing of an old Specter: what became of it here, and what
// the old program said of it. found is false where nothing was.
func (d *DB) Imported(ctx context.Context, owner, kind, name string) (ref string, value []byte, found bool, err error) {
	err = d.read(ctx, func(t *tx) error {
		found, err = t.one(`SELECT ref, value FROM imports WHERE owner = ? AND kind = ? AND name = ?`, []any{owner, kind, name}, &ref, &value)
		return err
	})
	return ref, value, found, err
}

// ImportedNames lists the names of a kind that were noted for an owner, in order.
func (d *DB) ImportedNames(ctx context.Context, owner, kind string) (names []string, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT name FROM imports WHERE owner = ? AND kind = ? ORDER BY name`, []any{owner, kind}, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
	})
	return names, err
}

// PutImported notes what became of a thing of an old Specter; what was noted before is replaced.
func (d *DB) PutImported(ctx context.Context, owner, kind, name, ref string, value []byte, at time.Time) error {
	if value == nil {
		value = []byte{}
	}
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO imports (owner, kind, name, ref, value, at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (owner, kind, name) DO UPDATE SET ref = excluded.ref, value = excluded.value, at = excluded.at`,
			owner, kind, name, ref, value, seconds(at))
		return err
	})
}
