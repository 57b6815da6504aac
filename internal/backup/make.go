package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"specter/internal/errs"
)

// Extension ends the names of backups.
const Extension = ".specter-backup.age"

// FileName is what a backup made at a time is called. Names sort by age.
func FileName(instance string, at time.Time) string {
	return "specter-" + clean(instance) + "-" + at.UTC().Format("20060102-150405.000") + Extension
}

var unclean = regexp.MustCompile(`[^A-Za-z0-9]`)

func clean(instance string) string {
	s := unclean.ReplaceAllString(instance, "")
	return s[:min(len(s), 8)]
}

// Made is a backup that was written and read again.
type Made struct {
	Path     string
	Size     int64 // bytes, encrypted
	Manifest Manifest
}

// Make writes a backup to a path: beside it first, then it is opened again, decrypted and every
// byte held against the manifest, and only then it takes its name. What stood there before stays
// until then. On an error nothing of it remains.
func Make(ctx context.Context, path string, m Manifest, parts []Part, l Lock) (made Made, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".backup-*.part") // 0600
	if err != nil {
		return made, errs.E(errs.Unavailable, "the backup cannot be written: %w", err)
	}
	defer func() {
		if f.Close(); err != nil {
			os.Remove(f.Name())
		}
	}()
	m, proof, err := Write(ctx, f, m, parts, l)
	if err != nil {
		return made, wrap(err)
	}
	if err = f.Sync(); err != nil {
		return made, wrap(err)
	}
	info, err := f.Stat()
	if err != nil {
		return made, wrap(err)
	}
	again, err := os.Open(f.Name())
	if err != nil {
		return made, wrap(err)
	}
	_, err = proof.Read(ctx, again, Into{})
	if err = errors.Join(err, again.Close()); err != nil {
		return made, errs.E(errs.Unavailable, "the backup was written and cannot be read again; the disk may be failing: %w", err)
	}
	if err = f.Close(); err != nil {
		return made, wrap(err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return made, wrap(err)
	}
	SyncFolder(filepath.Dir(path))
	return Made{path, info.Size(), m}, nil
}

func wrap(err error) error {
	if errs.KindOf(err) != errs.Internal || errors.Is(err, context.Canceled) {
		return err
	}
	return errs.E(errs.Unavailable, "the backup cannot be written: %w", err)
}

// SyncFolder puts the names in a folder on the disk, where the system can do that.
func SyncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		_ = d.Sync() // Windows refuses; there a rename is on the disk by itself
		d.Close()
	}
}

// List returns an instance's backups in a folder, oldest first.
func List(folder, instance string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the folder of the backups cannot be read: %w", err)
	}
	var out []string
	for _, e := range entries {
		if n := e.Name(); e.Type().IsRegular() && strings.HasPrefix(n, "specter-"+clean(instance)+"-") && strings.HasSuffix(n, Extension) {
			out = append(out, filepath.Join(folder, n))
		}
	}
	slices.Sort(out)
	return out, nil
}

// Prune keeps the newest backups of an instance in a folder and removes the others, and what a
// killed program left unfinished for more than a day.
func Prune(folder, instance string, keep int, now time.Time) error {
	all, err := List(folder, instance)
	if err != nil {
		return err
	}
	var failed []error
	for _, path := range all[:max(0, len(all)-max(1, keep))] {
		failed = append(failed, os.Remove(path))
	}
	parts, err := filepath.Glob(filepath.Join(folder, ".backup-*.part"))
	for _, path := range parts {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > 24*time.Hour {
			failed = append(failed, os.Remove(path))
		}
	}
	if err := errors.Join(append(failed, err)...); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errs.E(errs.Unavailable, "old backups cannot be removed: %w", err)
	}
	return nil
}
