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

// PartPrefix begins the names of backups that are being written.
const PartPrefix = ".backup-"

// partSuffix ends them.
const partSuffix = ".part"

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
// until then. On an error nothing of it remains. An instance makes one backup at a time: what lies
// unfinished beside the path under its name is of a program that was killed, and goes.
func Make(ctx context.Context, path string, m Manifest, parts []Part, l Lock) (made Made, err error) {
	mine := PartPrefix + clean(m.Instance) + "-"
	if err := removeParts(filepath.Dir(path), mine, time.Time{}); err != nil {
		return made, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), mine+"*"+partSuffix) // 0600
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
	forget(f) // or the bytes in memory would be read again, not those on the disk
	written(f.Name())
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

// written is called when a backup is on the disk and not read again yet; tests change it there.
var written = func(path string) {}

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

// Prune removes an instance's backups in the folder of the one that was just made, but for that one
// and the newest others, so many of all; and what killed programs left unfinished there for more
// than a day. Names with a time that is still to come were given before a clock was set back: they
// count as the oldest.
func Prune(made, instance string, keep int, now time.Time) error {
	folder := filepath.Dir(made)
	all, err := List(folder, instance)
	if err != nil {
		return err
	}
	var others, past []string
	for _, path := range all {
		switch {
		case filepath.Base(path) == filepath.Base(made):
		case filepath.Base(path) > FileName(instance, now):
			others = append(others, path)
		default:
			past = append(past, path)
		}
	}
	others = append(others, past...)
	var failed []error
	for _, path := range others[:max(0, len(others)-max(1, keep)+1)] {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	if err := errors.Join(append(failed, removeParts(folder, PartPrefix, now.Add(-24*time.Hour)))...); err != nil {
		return errs.E(errs.Unavailable, "old backups cannot be removed: %w", err)
	}
	return nil
}

// removeParts removes unfinished backups that begin with a prefix and were last written before a
// time; zero: whenever that was.
func removeParts(folder, prefix string, before time.Time) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return errs.E(errs.Unavailable, "the folder of the backups cannot be read: %w", err)
	}
	var failed []error
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(e.Name(), partSuffix) {
			continue
		}
		if info, err := e.Info(); err != nil || !before.IsZero() && !info.ModTime().Before(before) {
			continue
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
