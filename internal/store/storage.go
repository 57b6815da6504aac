package store

import (
	"context"
	"fmt"
	"os"
	"slices"

	"specter/internal/setting"
)

// Storage tells what the database takes up, and the tables with most rows. Free is not known
// here: -1.
func (d *DB) Storage(ctx context.Context) (setting.Storage, error) {
	out := setting.Storage{Free: -1}
	err := d.read(ctx, func(t *tx) error {
		var size, spare, pages int64
		for query, into := range map[string]*int64{`PRAGMA page_size`: &size, `PRAGMA freelist_count`: &spare, `PRAGMA page_count`: &pages} {
			if _, err := t.one(query, nil, into); err != nil {
				return err
			}
		}
		out.Database, out.Spare = pages*size, spare*size
		var names []string
		err := t.each(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'history_search%'`, nil, func(scan func(...any) error) error {
			var name string
			err := scan(&name)
			names = append(names, name)
			return err
		})
		for _, name := range names {
			if err != nil {
				return err
			}
			r := setting.Rows{Table: name}
			_, err = t.one(fmt.Sprintf(`SELECT count(*) FROM %q`, name), nil, &r.Count) // names of our own schema
			out.Rows = append(out.Rows, r)
		}
		return err
	})
	slices.SortStableFunc(out.Rows, func(a, b setting.Rows) int { return int(b.Count - a.Count) })
	if info, err := os.Stat(d.path + "-wal"); err == nil {
		out.Database += info.Size()
	}
	return out, err
}

// Compact writes the database anew without its gaps, and empties its log. Changes wait until it
// is done; the disk must have room for a copy.
func (d *DB) Compact(ctx context.Context) error {
	for _, query := range []string{`PRAGMA wal_checkpoint(TRUNCATE)`, `VACUUM`, `PRAGMA optimize`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := d.w.ExecContext(ctx, query); err != nil {
			return door(fmt.Errorf("compact the database: %w", err))
		}
	}
	return nil
}
