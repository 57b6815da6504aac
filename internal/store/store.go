// Package store is the only room with SQL. It keeps users, nodes, devices, wallets, drafts,
// labels and settings in one SQLite file, and fits the Store interfaces of the domain rooms.
// What a row means is decided by them; here it is written down and found again.
//
// One connection writes, a few read. A change that was acknowledged survives kill -9 and a
// power cut (WAL with synchronous=FULL). Queries stay in the subset that SQLite and PostgreSQL
// share, but for the search index and the pragmas. One file per noun.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"modernc.org/sqlite" // the driver, in pure Go

	"specter/internal/errs"
	"specter/internal/safe"
)

// DB is the open database. It is safe for concurrent use.
type DB struct {
	w    *sql.DB // one connection
	r    *sql.DB // a few, that cannot write
	path string
	safe atomic.Pointer[safe.Safe] // nil: secrets are stored as they are
}

// readers bounds the connections that read at the same time; each holds a page cache.
const readers = 4

// Open opens the database file, makes it where it is missing (mode 0600), and brings its schema
// up to date. A file of a newer program is refused, as is one that is no database.
func Open(ctx context.Context, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the database %s cannot be written: %w. Check the folder's permissions", path, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("close %s: %w", path, err)
	}
	d := &DB{path: path}
	if d.w, err = open(path, "_txlock=immediate", "_pragma=cache_size(-8000)", "_pragma=secure_delete(1)"); err != nil {
		return nil, err
	}
	d.w.SetMaxOpenConns(1)
	if d.r, err = open(path, "_pragma=query_only(1)", "_pragma=cache_size(-4000)"); err != nil {
		return nil, errors.Join(err, d.w.Close())
	}
	d.r.SetMaxOpenConns(readers)
	d.r.SetMaxIdleConns(readers)
	if err := d.migrate(ctx); err != nil {
		return nil, errors.Join(door(err), d.Close())
	}
	return d, nil
}

func open(path string, options ...string) (*sql.DB, error) {
	options = append([]string{"_pragma=busy_timeout(10000)", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=foreign_keys(1)", "_pragma=temp_store(MEMORY)"}, options...)
	name := filepath.ToSlash(path)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // a Windows drive
	}
	u := url.URL{Scheme: "file", Path: name, RawQuery: strings.Join(options, "&")}
	return sql.Open("sqlite", u.String())
}

// Close closes the file. Calls after it fail.
func (d *DB) Close() error { return errors.Join(d.r.Close(), d.w.Close()) }

// door gives errors of the disk a sentence for the person; others pass.
func door(err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case 13: // SQLITE_FULL
		return errs.E(errs.Unavailable, "the disk is full: nothing was changed. Make room and try again: %w", err)
	case 8, 14, 3: // SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM
		return errs.E(errs.Unavailable, "the data folder cannot be written: nothing was changed. Check its permissions: %w", err)
	case 10: // SQLITE_IOERR
		return errs.E(errs.Unavailable, "the disk reports an error: nothing was changed: %w", err)
	case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
		return errs.E(errs.Unavailable, "the database is in use by another program: %w", err)
	case 11, 26: // SQLITE_CORRUPT, SQLITE_NOTADB
		return errs.E(errs.Unavailable, "the database file is damaged; restore it from a backup: %w", err)
	}
	return err
}

// unique reports whether an error is a broken uniqueness constraint.
func unique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == 2067 || e.Code() == 1555) // SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY
}

// foreign reports whether an error is a broken reference: something still belongs to the row.
func foreign(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == 787 // SQLITE_CONSTRAINT_FOREIGNKEY
}

// tx is a transaction whose statements are prepared once.
type tx struct {
	ctx context.Context
	tx  *sql.Tx
	st  map[string]*sql.Stmt

	search []searchChange
}

// searchChange is a change of the search index. They wait for the end of the transaction: every
// other statement in between would make the index write out what it has.
type searchChange struct {
	row    oldRow
	remove bool
}

// write runs f in a write transaction: all of it is saved, or nothing.
func (d *DB) write(ctx context.Context, f func(t *tx) error) error { return run(ctx, d.w, nil, f) }

// read runs f in a transaction that sees one moment.
func (d *DB) read(ctx context.Context, f func(t *tx) error) error {
	return run(ctx, d.r, &sql.TxOptions{ReadOnly: true}, f)
}

func run(ctx context.Context, db *sql.DB, o *sql.TxOptions, f func(t *tx) error) error {
	s, err := db.BeginTx(ctx, o)
	if err != nil {
		return door(err)
	}
	defer s.Rollback() // after Commit it does nothing
	t := &tx{ctx: ctx, tx: s, st: map[string]*sql.Stmt{}}
	if err := f(t); err != nil {
		return door(err)
	}
	if err := t.writeSearch(); err != nil {
		return door(err)
	}
	return door(s.Commit())
}

func (t *tx) prepare(query string) (*sql.Stmt, error) {
	if s := t.st[query]; s != nil {
		return s, nil
	}
	s, err := t.tx.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	t.st[query] = s
	return s, nil
}

// exec runs a statement.
func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	s, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(t.ctx, args...)
}

// must runs a statement that has to touch a row; errs.NotFound with what otherwise.
func (t *tx) must(what, query string, args ...any) error {
	r, err := t.exec(query, args...)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return errs.E(errs.NotFound, "there is no such %s", what)
}

// each runs a query and hands every row to f.
func (t *tx) each(query string, args []any, f func(scan func(...any) error) error) error {
	s, err := t.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(t.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one runs a query for one row; found is false when there is none.
func (t *tx) one(query string, args []any, dest ...any) (found bool, err error) {
	s, err := t.prepare(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(t.ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
