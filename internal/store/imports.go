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
		if err == nil {
			value, err = d.openBytes(placeImport(owner, kind, name), value)
		}
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
	if secretImports[kind] {
		var err error
		if value, err = d.sealBytes(placeImport(owner, kind, name), value); err != nil {
			return err
		}
	}
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO imports (owner, kind, name, ref, value, at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (owner, kind, name) DO UPDATE SET ref = excluded.ref, value = excluded.value, at = excluded.at`,
			owner, kind, name, ref, value, seconds(at))
		return err
	})
}

// secretImports are the kinds whose values are sealed: what is kept as it was may hold anything,
// and tokens open doors.
var secretImports = map[string]bool{"kept": true, "token": true}

// ImportedOf lists what was noted of the things of a kind, by the old program's names, of all
// owners. The values of what is kept are opened.
func (d *DB) ImportedOf(ctx context.Context, kind string, each func(owner, name, ref string, value []byte) error) error {
	type row struct {
		owner, name, ref string
		value            []byte
	}
	var rows []row
	err := d.read(ctx, func(t *tx) error {
		return t.each(`SELECT owner, name, ref, value FROM imports WHERE kind = ? ORDER BY owner, name`, []any{kind}, func(scan func(...any) error) error {
			var r row
			if err := scan(&r.owner, &r.name, &r.ref, &r.value); err != nil {
				return err
			}
			var err error
			r.value, err = d.openBytes(placeImport(r.owner, kind, r.name), r.value)
			rows = append(rows, r)
			return err
		})
	})
	for _, r := range rows {
		if err == nil {
			err = each(r.owner, r.name, r.ref, r.value)
		}
	}
	return err
}
