package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"specter/internal/errs"
)

// Every table that any migration makes is kept or a cache, and nothing is both.
func TestBackupsKnowEveryTable(t *testing.T) {
	d, err := Open(context.Background(), filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	have := map[string]bool{}
	rows, err := d.w.Query(`SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'history_search_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		have[name] = true
		_, cache := Caches[name]
		if kept := slices.Contains(Kept, name); kept == cache {
			t.Errorf("the table %s is kept: %v, a cache: %v; decide in snapshot.go", name, kept, cache)
		}
	}
	for _, name := range Kept {
		if !have[name] {
			t.Errorf("there is no table %s", name)
		}
	}
	for name := range Caches {
		if !have[name] {
			t.Errorf("there is no table %s", name)
		}
	}
}

// A database with anything that our migrations do not make is refused before it can act.
func TestForeignDatabasesAreRefused(t *testing.T) {
	ctx := context.Background()
	for name, query := range map[string]string{
		"a trigger":         `CREATE TRIGGER evil AFTER INSERT ON users BEGIN UPDATE users SET role = 'owner'; END`,
		"a view":            `CREATE VIEW evil AS SELECT * FROM users`,
		"a further table":   `CREATE TABLE evil (a)`,
		"a further index":   `CREATE INDEX evil ON users (created)`,
		"a missing table":   `DROP TABLE draft_coins`,
		"a further column":  `ALTER TABLE users ADD COLUMN evil TEXT`,
		"no version":        `DELETE FROM schema`,
		"an odd definition": `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (role IN (''owner'', ''member''))', '') WHERE name = 'users'`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			d, err := Open(ctx, path)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if err := Adopt(ctx, path); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			raw, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := raw.Exec(query); err != nil {
				t.Fatal(err)
			}
			raw.Close()
			if err := Adopt(ctx, path); !errs.Is(err, errs.Invalid) {
				t.Fatalf("adopted: %v", err)
			}
		})
	}
}

// A database of an older program is brought up to date, one of a newer is refused with words.
func TestAdoptingOtherVersions(t *testing.T) {
	ctx := context.Background()
	steps, err := plan(migrations)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= len(steps); n++ {
		path := filepath.Join(t.TempDir(), "old.db")
		raw, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		raw.SetMaxOpenConns(1)
		run := func(query string, args ...any) {
			t.Helper()
			if _, err := raw.Exec(query, args...); err != nil {
				t.Fatal(err)
			}
		}
		run(schemaTable)
		for _, m := range steps[:n] {
			run(m.sql)
			run(`INSERT INTO schema (version, name, applied) VALUES (?, ?, 1)`, m.version, m.name)
		}
		run(`INSERT INTO settings (owner, name, value) VALUES ('', 'unit', 'sat')`)
		raw.Close()
		if err := Adopt(ctx, path); err != nil {
			t.Fatalf("of migration %d: %v", n, err)
		}
		d, err := Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := d.Setting(ctx, "", "unit"); err != nil || v != "sat" {
			t.Errorf("of migration %d: the setting is %q, %v", n, v, err)
		}
		if v, _ := d.Schema(ctx); v != len(steps) {
			t.Errorf("of migration %d: still at %d", n, v)
		}
		if n == len(steps) {
			if _, err := d.w.Exec(`INSERT INTO schema (version, name, applied) VALUES (?, 'newer', 1)`, n+1); err != nil {
				t.Fatal(err)
			}
			d.Close()
			if err := Adopt(ctx, path); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "newer Specter") {
				t.Errorf("a newer one: %v", err)
			}
			continue
		}
		d.Close()
	}
}
