package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"specter/internal/safe"
	"specter/internal/store"
)

// Secrets tells how the stored secrets are locked.
func (d *Desk) Secrets() SecretsState { return d.app.secrets.State() }

// KeepLocked says whether the program starts locked from now on; locking asks for the owner's
// password.
func (d *Desk) KeepLocked(ctx context.Context, locked bool, password string) error {
	return d.app.secrets.KeepLocked(ctx, locked, password)
}

// ForgetSecrets removes what a lost key file and a lost password would have opened, from a data
// folder of a Specter that does not run. It returns how many values and files there were.
func ForgetSecrets(ctx context.Context, c Config) (n int64, err error) {
	f, err := openFolder(c.DataDir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	db, err := store.Open(ctx, f.file(databaseFile))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if n, err = db.ForgetSecrets(ctx); err != nil {
		return n, err
	}
	places := []string{signersFile}
	for _, folder := range ownFolders {
		err := filepath.WalkDir(f.file(folder), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && d.Type().IsRegular() {
				rel, err := filepath.Rel(f.path, path)
				places = append(places, rel)
				return err
			}
			return err
		})
		if err != nil {
			return n, err
		}
	}
	for _, name := range places {
		data, err := os.ReadFile(f.file(name))
		if err != nil || !safe.Sealed(data) {
			continue // it is not there, or nothing is locked in it
		}
		if err := os.Remove(f.file(name)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
