package web

import (
	"time"

	"specter/internal/wallet"
)

// LabelFiles is the store of label files by itself.
type LabelFiles struct{ k labelFiles }

// NewLabelFiles makes an empty one.
func NewLabelFiles(now func() time.Time) *LabelFiles { return &LabelFiles{labelFiles{now: now}} }

// Put keeps a file of so many bytes for a wallet.
func (f *LabelFiles) Put(alias string, size int) string {
	return f.k.put(wallet.Ref{Alias: alias}, make([]byte, size))
}

// Has tells whether a wallet's file is there.
func (f *LabelFiles) Has(alias, name string) bool {
	_, ok := f.k.get(wallet.Ref{Alias: alias}, name)
	return ok
}

// Kept is how many files there are, and their bytes.
func (f *LabelFiles) Kept() (n, size int) {
	for _, file := range f.k.list {
		n, size = n+1, size+len(file.data)
	}
	return n, size
}
