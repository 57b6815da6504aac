package chain

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
)

// HeaderTeller can tell the headers of its active chain, so that a program may keep a chain of
// its own. Nothing of what it tells is believed before btc/headers has looked at it.
type HeaderTeller interface {
	// Headers tells the headers of the active chain from a height on, upwards: at most n, and no
	// more than MaxHeaders; fewer where the chain ends, none from above its tip. A reorg while it
	// answers may leave a break among them.
	Headers(ctx context.Context, from int32, n int) ([]wire.BlockHeader, error)
}

// MaxHeaders bounds the headers of one answer.
const MaxHeaders = 2000

// HeaderState tells how the program's own chain of headers stands.
type HeaderState struct {
	Height  int32     // -1: none is kept yet
	Time    time.Time // of the header at that height
	Target  int32     // height of the best block that the source told of; 0: not asked yet
	Enough  bool      // it has the work that its network is known to have
	Trouble string    // why the last attempt to go on failed; for the person
	Bytes   int64     // what it takes on the disk
}
