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

// ImportedAny reports whether anything of an old Specter was taken over.
func (d *DB) ImportedAny(ctx context.Context) (any bool, err error) {
	err = d.read(ctx, func(t *tx) error {
		_, err := t.one(`SELECT EXISTS (SELECT 1 FROM imports)`, nil, &any)
		return err
	})
	return any, err
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
