package chain

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// CoinFinder looks for the coins that a wallet has now in the set of all unspent outputs. Old
// blocks are not read: it works on a pruned node, where a Rescan would need what was thrown away.
type CoinFinder interface {
	// FindCoins looks for the scripts of every keychain up to an index, without it, and returns
	// when done; r.Progress counts per cent. The next Sync of this source tells the transactions
	// of the coins that were found, whatever its From, and what happened since; spent coins are
	// not found. errs.Conflict when it was aborted.
	FindCoins(ctx context.Context, r Request, end uint32) (CoinReport, error)
	// AbortRescan (of Rescanner) stops it.
}

// CoinReport is what a search for coins has found.
type CoinReport struct {
	Tip     Block             // the coins are those of this block
	Coins   int               // that were found, missing ones included
	Amount  btcutil.Amount    // of all of them
	Used    map[string]uint32 // highest index per Keychain.ID that has a coin
	Missing []MissingCoin     // that the source cannot give the transaction of: Sync does not tell them
}

// MissingCoin is a coin whose transaction the source cannot give.
type MissingCoin struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount
	Height   int32
}

// PrunedError is the cause of an error about blocks that the source has thrown away.
type PrunedError struct {
	Lowest int32 // the lowest height whose block is there
}

// Error tells it in few words.
func (e *PrunedError) Error() string { return "blocks were thrown away" }
