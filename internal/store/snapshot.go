package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"modernc.org/sqlite"

	"specter/internal/errs"
)

// Kept lists the tables that a backup holds. Facts of the chain are among them: the node could
// tell them again, but only by looking through its blocks, which takes hours and on a pruned node
// cannot be done.
var Kept = []string{
	"schema", "users", "settings", "nodes", "devices", "device_keys",
	"wallets", "txs", "spends", "tips", "history", "coins", "addresses", "labels", "frozen", "drafts", "draft_coins", "abandoned", "registrations",
	"tokens", "invitations", "auth_events", "agents", "imports",
}

// Caches lists the tables that a backup leaves out, and why. A test holds Kept and Caches together
// to be all that there is.
var Caches = map[string]string{
	"history_search": "made anew from the history",
	"proofs":         "transactions are proved again",
	"idempotency":    "answers for a day to programs that ask twice",
	"sessions":       "browsers log in again: one that was logged out since must not come back",
}

// Snapshot writes what a backup holds of the database into a new file, as of one moment: changes
// go on meanwhile and nobody waits. It returns how many rows each table has there.
func (d *DB) Snapshot(ctx context.Context, path string) (counts map[string]int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, errs.E(errs.Internal, "there is a file already where the copy of the database should go")
	}
	defer func() {
		if err != nil {
			err = errors.Join(door(err), removeDatabase(path))
		}
	}()
	fresh, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := fresh.Close(); err != nil {
		return nil, err
	}
	from, err := open(d.path, "_pragma=cache_size(-4000)")
	if err != nil {
		return nil, err
	}
	defer from.Close()
	c, err := from.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if counts, err = copyKept(ctx, c, path); err != nil {
		return nil, fmt.Errorf("copy the database: %w", err)
	}
	// What could not be restored is told now, not on the day it is needed.
	return counts, examine(ctx, path)
}

// copyKept copies tables into the database at path, in one transaction that reads one moment.
func copyKept(ctx context.Context, c *sql.Conn, path string) (map[string]int64, error) {
	run := func(query string, args ...any) error {
		_, err := c.ExecContext(ctx, query, args...)
		return err
	}
	if err := run(`PRAGMA foreign_keys = OFF`); err != nil {
		return nil, err
	}
	if err := run(`ATTACH DATABASE ? AS copy`, path); err != nil {
		return nil, err
	}
	if err := run(`PRAGMA copy.journal_mode = DELETE`); err != nil { // one file, without a log beside it
		return nil, err
	}
	if err := run(`PRAGMA copy.synchronous = OFF`); err != nil { // read again and hashed, or thrown away
		return nil, err
	}
	if err := run(`BEGIN`); err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, table := range append([]string{"sqlite_sequence"}, Kept...) {
		n, err := copyTable(ctx, c, table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		if table != "sqlite_sequence" {
			counts[table] = n
		}
	}
	if err := run(`COMMIT`); err != nil {
		return nil, err
	}
	return counts, run(`DETACH DATABASE copy`)
}

func copyTable(ctx context.Context, c *sql.Conn, table string) (int64, error) {
	rows, err := c.QueryContext(ctx, `SELECT name FROM pragma_table_info(?)`, table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, err
		}
		columns = append(columns, `"`+name+`"`)
	}
	if err := rows.Err(); err != nil || len(columns) == 0 {
		return 0, errors.Join(err, fmt.Errorf("%d columns", len(columns)))
	}
	if _, err := c.ExecContext(ctx, `DELETE FROM copy.`+table); err != nil {
		return 0, err
	}
	list := strings.Join(columns, ", ")
	r, err := c.ExecContext(ctx, `INSERT INTO copy.`+table+` (`+list+`) SELECT `+list+` FROM main.`+table) // names of our own schema
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// removeDatabase removes a database that belongs to nobody yet.
func removeDatabase(path string) error {
	var all []error
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + end); err != nil && !os.IsNotExist(err) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// Adopt prepares a database file that came out of a backup: foreign until now. Its tables must be
// those that our migrations make, to the letter, so that nothing in it acts by itself; its pages
// and references must be whole; then it is brought up to date and what was left out is made anew.
// errs.Invalid for a file that is not so, errs.Unavailable for one of a newer program.
func Adopt(ctx context.Context, path string) error {
	if err := examine(ctx, path); err != nil {
		return err
	}
	d, err := Open(ctx, path)
	if err != nil {
		return err
	}
	err = d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO history_search (history_search) VALUES ('rebuild')`)
		return err
	})
	if err == nil {
		_, err = d.w.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	}
	return errors.Join(door(err), d.Close())
}

// examine reads a foreign database without letting anything in it run.
func examine(ctx context.Context, path string) error {
	if err := checkHead(path); err != nil {
		return err
	}
	db, err := open(path, "_pragma=query_only(1)", "_pragma=trusted_schema(0)", "_pragma=cell_size_check(1)", "_pragma=mmap_size(0)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	have, err := schemaOf(ctx, db)
	if err != nil {
		return notOurs(err)
	}
	var version int
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema`).Scan(&version); err != nil {
		return notOurs(err)
	}
	steps, err := plan(migrations)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return errs.E(errs.Unavailable, "this backup was made by a newer Specter (schema %d, this program knows %d); restore it with that one or a later one", version, len(steps))
	}
	if version < 1 {
		return notOurs(errors.New("no version"))
	}
	want, err := schemaAt(ctx, steps[:version])
	if err != nil {
		return err
	}
	if len(have) != len(want) {
		return notOurs(fmt.Errorf("%d tables and indexes, not %d", len(have), len(want)))
	}
	for name, text := range want {
		if have[name] != text {
			return notOurs(fmt.Errorf("%s differs", name))
		}
	}
	return sound(ctx, db, `PRAGMA integrity_check(1)`) // a dangling reference is no reason to keep somebody's wallets from them
}

// checkHead refuses what is no SQLite file, before SQLite would make one of it.
func checkHead(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var head [16]byte
	if n, err := f.Read(head[:]); err != nil || n < 16 || string(head[:]) != "SQLite format 3\x00" {
		return notOurs(errors.New("no database"))
	}
	return nil
}

// notOurs says that a database is none of ours, unless it could not be read for another reason: a
// full disk must not have people throw a good backup away.
func notOurs(err error) error {
	if told := door(err); errs.Is(told, errs.Unavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		var e *sqlite.Error
		if !errors.As(err, &e) || e.Code()&0xff != 11 && e.Code()&0xff != 26 { // not SQLITE_CORRUPT, SQLITE_NOTADB
			return told
		}
	}
	return errs.E(errs.Invalid, "the database in the backup is damaged, or none that Specter made (%w); nothing was changed", err)
}

// sound runs a check that answers with nothing, or with "ok".
func sound(ctx context.Context, db *sql.DB, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return notOurs(err)
	}
	defer rows.Close()
	for rows.Next() {
		if columns, _ := rows.Columns(); len(columns) == 1 {
			var word string
			if err := rows.Scan(&word); err == nil && word == "ok" {
				continue
			}
		}
		return notOurs(errors.New(strings.ToLower(strings.TrimPrefix(query, "PRAGMA "))))
	}
	if err := rows.Err(); err != nil {
		return notOurs(err)
	}
	return nil
}

// maxObjects bounds the tables and indexes of a foreign database.
const maxObjects = 500

// schemaOf reads what a database is made of.
func schemaOf(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT type, name, tbl_name, coalesce(substr(sql, 1, 20000), '') FROM sqlite_schema LIMIT ?`, maxObjects)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var kind, name, table, text string
		if err := rows.Scan(&kind, &name, &table, &text); err != nil {
			return nil, err
		}
		if name == "sqlite_stat1" || name == "sqlite_stat4" {
			continue // of PRAGMA optimize, made by SQLite in its own form
		}
		out[name] = kind + " " + table + " " + text
	}
	return out, rows.Err()
}

// schemaAt is what migrations make.
func schemaAt(ctx context.Context, steps []migration) (map[string]string, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schemaTable); err != nil {
		return nil, err
	}
	for _, m := range steps {
		if _, err := db.ExecContext(ctx, m.sql); err != nil {
			return nil, fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return schemaOf(ctx, db)
}

// Counts tells how many rows each table of a backup has.
func (d *DB) Counts(ctx context.Context) (map[string]int64, error) {
	out := map[string]int64{}
	err := d.read(ctx, func(t *tx) error {
		for _, table := range Kept {
			var n int64
			if _, err := t.one(`SELECT count(*) FROM `+table, nil, &n); err != nil {
				return err
			}
			out[table] = n
		}
		return nil
	})
	return out, err
}
