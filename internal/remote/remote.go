// Package remote is the family of ways to be reached from outside: certificates (cert), reverse
// SSH tunnels (sshtunnel), onion services (tor). It knows nothing of wallets or pages; what it
// keeps on disk goes through Files, so that the app decides where secrets lie.
package remote

import (
	"context"
	"io/fs"
	"time"
)

// Files is the part of the data folder that a way keeps its keys in. Names have slashes and no
// dots at their start. It is safe for concurrent use.
type Files interface {
	// Read returns a file's bytes; an error that is fs.ErrNotExist when there is none.
	Read(name string) ([]byte, error)
	// Write replaces a file as a whole: after a crash it is the old or the new one. Its folder is
	// made where it is missing; nobody but the program's user may read either (0600).
	Write(name string, data []byte) error
	// Remove deletes a file; one that is not there is no error.
	Remove(name string) error
}

// ErrNoFile is what Read's error is when there is no such file.
var ErrNoFile = fs.ErrNotExist

// Tunnel is a way to be reached that must be kept up.
type Tunnel interface {
	// Run keeps the way up until ctx ends: it connects, and connects again when the line is cut.
	Run(ctx context.Context) error
	Status() Status
}

// Status is how a tunnel stands now.
type Status struct {
	Up      bool
	Since   time.Time // of the present state
	Address string    // where it is reached; "" unknown
	Trouble string    // a sentence for the person while it is not up; "" none
	Retry   time.Time // when it is tried again; zero: not waiting
	Tries   int       // since it was last up
}
