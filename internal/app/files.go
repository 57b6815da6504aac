package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"specter/internal/errs"
	"specter/internal/safe"
)

// files is the data folder as rooms see it that keep small things of their own in it: keys,
// certificates, pairings. All but what is public is sealed. It fits remote.Files.
type files struct {
	path string
	safe *safe.Safe // nil: nothing is sealed
	mu   sync.Mutex // over the small files themselves: two writers must not meet in one
}

// place is where a name lies; names that would leave the folder are refused.
func (f *files) place(name string) (string, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return "", errs.E(errs.Internal, "%q is no name inside the data folder", name)
	}
	return filepath.Join(f.path, local), nil
}

// Read returns a file's bytes; fs.ErrNotExist when there is none.
func (f *files) Read(name string) ([]byte, error) {
	path, err := f.place(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil || f.safe == nil {
		return data, err
	}
	return f.safe.Open(placeFile(name), data)
}

// placeFile is where the safe thinks a file lies.
func placeFile(name string) string { return "file/" + name }

// public reports whether a file may be read by whoever finds it: certificates, and the keys of
// servers that are known.
func public(name string) bool { return strings.HasSuffix(name, ".crt") || name == "ssh/hosts.json" }

// ownFolders are the folders in which rooms keep what files writes.
var ownFolders = []string{"tls", "ssh", "tor"}

// sealAll seals the files of ownFolders that stand there in clear, and overwrites what they were.
func (f *files) sealAll() (n int, err error) {
	for _, folder := range ownFolders {
		top := filepath.Join(f.path, folder)
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(f.path, path)
			name := filepath.ToSlash(rel)
			if err != nil || public(name) || strings.HasPrefix(d.Name(), ".") {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil || safe.Sealed(data) {
				return err
			}
			n++
			return f.sealOver(path, name, data)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// sealOver puts a sealed file in the place of a clear one, whose bytes are overwritten.
func (f *files) sealOver(path, name string, data []byte) error {
	old, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := f.Write(name, data); err != nil {
		return errors.Join(err, old.Close())
	}
	return overwrite(old)
}

// Write replaces a file as a whole: it is on the disk under another name before it takes its
// own, so that a crash leaves the old or the new one.
func (f *files) Write(name string, data []byte) error {
	path, err := f.place(name)
	if err != nil {
		return err
	}
	if f.safe != nil && !public(name) {
		if data, err = f.safe.Seal(placeFile(name), data); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replaceFile(path, data)
}

// Remove deletes a file; one that is not there is no error.
func (f *files) Remove(name string) error {
	path, err := f.place(name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// newPrefix begins the names of files that have not taken their own yet.
const newPrefix = ".new-"

// replaceFile writes a file of mode 0600 beside the old one and puts it in its place.
func replaceFile(path string, data []byte) (err error) {
	t, err := os.CreateTemp(filepath.Dir(path), newPrefix+"*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			t.Close()
			os.Remove(t.Name())
		}
	}()
	if _, err = t.Write(data); err != nil {
		return err
	}
	if err = t.Sync(); err != nil {
		return err
	}
	if err = t.Close(); err != nil {
		return err
	}
	if err = os.Rename(t.Name(), path); err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// syncFolder puts a renamed file's name on the disk, where the system can do that for folders.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		_ = d.Sync() // Windows refuses; there a rename is on the disk by itself
		d.Close()
	}
}
