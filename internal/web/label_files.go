package web

import (
	"crypto/rand"
	"sync"
	"time"

	"specter/internal/wallet"
)

// Bounds of the label files that wait between preview and import.
const (
	labelFileWait = 30 * time.Minute
	maxLabelBytes = 32 << 20 // of all files together
)

// labelFile is a file of labels that a user has sent and not yet taken.
type labelFile struct {
	name  string
	ref   wallet.Ref
	data  []byte
	until time.Time
}

// labelFiles keeps them in memory: one of each user and wallet, so many bytes in all.
type labelFiles struct {
	now  func() time.Time
	mu   sync.Mutex
	list []labelFile // oldest first
}

// put keeps a file and returns its name, which nobody can guess. It takes the place of the one
// before for the same wallet; where memory is short the oldest go.
func (k *labelFiles) put(ref wallet.Ref, data []byte) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(func(f labelFile) bool { return f.ref == ref })
	size := len(data)
	for _, f := range k.list {
		size += len(f.data)
	}
	for size > maxLabelBytes && len(k.list) > 0 {
		size -= len(k.list[0].data)
		k.list[0] = labelFile{} // so that the bytes leave the memory
		k.list = k.list[1:]
	}
	f := labelFile{rand.Text(), ref, data, k.now().Add(labelFileWait)}
	k.list = append(k.list, f)
	return f.name
}

// get finds a wallet's file by its name.
func (k *labelFiles) get(ref wallet.Ref, name string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(func(labelFile) bool { return false })
	for _, f := range k.list {
		if f.ref == ref && f.name == name {
			return f.data, true
		}
	}
	return nil, false
}

// forget drops a wallet's file.
func (k *labelFiles) forget(ref wallet.Ref) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(func(f labelFile) bool { return f.ref == ref })
}

// drop removes files, and those that have waited too long.
func (k *labelFiles) drop(gone func(labelFile) bool) {
	left := k.list[:0]
	for _, f := range k.list {
		if !gone(f) && k.now().Before(f.until) {
			left = append(left, f)
		}
	}
	clear(k.list[len(left):])
	k.list = left
}
