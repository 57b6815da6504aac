package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"specter/internal/errs"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// migration is one step of the schema.
type migration struct {
	version int
	name    string
	sql     string
}

// plan lists the migrations in order; a gap or a double is a mistake of ours.
func plan(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/sqlite/*.sql")
	if err != nil {
		return nil, err
	}
	var out []migration
	for i, path := range names { // Glob sorts
		name := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", name, i+1)
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, err
		}
		out = append(out, migration{version, name, string(text)})
	}
	return out, nil
}

// schemaTable keeps which migrations were done.
const schemaTable = `CREATE TABLE IF NOT EXISTS schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL) STRICT`

// migrate brings the schema up to date, each step in a transaction of its own.
func (d *DB) migrate(ctx context.Context) error {
	steps, err := plan(migrations)
	if err != nil {
		return err
	}
	if _, err := d.w.ExecContext(ctx, schemaTable); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	at, err := d.Schema(ctx)
	if err != nil {
		return err
	}
	if at > len(steps) {
		return errs.E(errs.Unavailable, "this data folder was used by a newer Specter (schema %d, this program knows %d). "+
			"Start the newer program, or restore a backup of before", at, len(steps))
	}
	for _, m := range steps[at:] {
		if err := d.apply(ctx, m); err != nil {
			return fmt.Errorf("migrate the database to %s: %w", m.name, err)
		}
	}
	return nil
}

func (d *DB) apply(ctx context.Context, m migration) error {
	return d.write(ctx, func(t *tx) error {
		if _, err := t.tx.ExecContext(ctx, m.sql); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO schema (version, name, applied) VALUES (?, ?, ?)`, m.version, m.name, time.Now().Unix())
		return err
	})
}

// Schema returns the version of the file's schema.
func (d *DB) Schema(ctx context.Context) (int, error) {
	var v int
	err := d.w.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema`).Scan(&v)
	return v, door(err)
}
