// Package remotetest holds what tests of the ways in from outside share.
package remotetest

import (
	"io/fs"
	"slices"
	"sync"
)

// Files is a remote.Files in memory. The zero Files is empty.
type Files struct {
	Fail error // what every Write answers; nil: it writes

	mu   sync.Mutex
	kept map[string][]byte
}

// Read finds a file.
func (f *Files) Read(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, ok := f.kept[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(data), nil
}

// Write keeps a file.
func (f *Files) Write(name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Fail != nil {
		return f.Fail
	}
	if f.kept == nil {
		f.kept = map[string][]byte{}
	}
	f.kept[name] = slices.Clone(data)
	return nil
}

// Remove forgets a file.
func (f *Files) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.kept, name)
	return nil
}
