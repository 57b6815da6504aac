package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"specter/internal/errs"
)

// folder is the data folder, held by this process alone while open.
type folder struct {
	path string
	lock *os.File
}

// lockName is the file whose lock says that a process works on the folder.
const lockName = "specter.lock"

// openFolder makes the data folder where it is missing, closes it to other users (0700) and
// takes its lock. Every failure is a sentence that says what to do.
func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, errs.E(errs.Unavailable, "the data folder %s cannot be made: %w. Choose another with --data-dir", path, err)
	}
	if err := os.Chmod(path, 0o700); err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, errs.E(errs.Unavailable, "the data folder %s cannot be closed to other users: %w", path, err)
	}
	name := filepath.Join(path, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the data folder %s cannot be written: %w. Make it writable, or choose another with --data-dir", path, err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		return nil, errs.E(errs.Conflict, "another Specter works on %s already; stop it first, or choose another folder with --data-dir", path)
	}
	if err := finishRestore(path); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintln(f, os.Getpid()) // for people who wonder who holds it; not read by us
	}
	return &folder{path, f}, nil
}

// file returns the path of a file in the folder.
func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// Close gives the lock back; the lock file stays, or two starters could hold two files.
func (f *folder) Close() error { return f.lock.Close() }
