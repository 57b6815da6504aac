package signertest

import (
	"slices"
	"sync"
)

// Drawer is a signer.Memory that is forgotten with the test.
type Drawer struct {
	mu   sync.Mutex
	kept map[string][]byte
}

// Get finds a value.
func (d *Drawer) Get(key string) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.kept[key]
	return slices.Clone(v), ok
}

// Put keeps a value.
func (d *Drawer) Put(key string, value []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = map[string][]byte{}
	}
	d.kept[key] = slices.Clone(value)
	return nil
}
