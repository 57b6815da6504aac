package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"specter/internal/errs"
)

// files is the data folder as rooms see it that keep small things of their own in it: keys,
// certificates, pairings. It fits remote.Files.
type files struct {
	path string
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
	return os.ReadFile(path)
}

// Write replaces a file as a whole: it is on the disk under another name before it takes its
// own, so that a crash leaves the old or the new one.
func (f *files) Write(name string, data []byte) error {
	path, err := f.place(name)
	if err != nil {
		return err
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

// replaceFile writes a file of mode 0600 beside the old one and puts it in its place.
func replaceFile(path string, data []byte) (err error) {
	t, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
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
