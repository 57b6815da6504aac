// Package chaintest is the suite that every chain.Source must pass, and Liar, a Source in
// memory that lies, stalls and reorgs on command, for the tests of what stands above. Tests
// alone import it.
package chaintest

import (
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
)

// Harness is a Source together with the world behind it, in the hands of the suite. Its methods
// end the test when they cannot do what they say; each returns when the world has changed,
// the Source may notice later. The world starts with at least 101 blocks and money of its own.
type Harness interface {
	// Network is regtest for every harness of today.
	Network() btc.Network
	// Source is the open source; the same one until Reopen.
	Source() chain.Source
	// Reopen closes the source and opens another on the same world, as a program that starts
	// again would. What the source keeps elsewhere stays.
	Reopen(t testing.TB) chain.Source
	// Pay sends money of the world to a script; the transaction is in the mempool.
	Pay(t testing.TB, script []byte, amount btcutil.Amount) chainhash.Hash
	// Mine makes n blocks with all that is in the mempool; they pay nobody whom the suite watches.
	Mine(t testing.TB, n int)
	// MineTo makes one block whose coinbase pays a script.
	MineTo(t testing.TB, script []byte)
	// Reorg replaces the newest depth blocks by depth+1 others. With keep the transactions of
	// the replaced blocks go back to the mempool and are not in the new blocks; without it
	// they are gone from both.
	Reorg(t testing.TB, depth int, keep bool)
	// Evict makes a transaction of Pay leave the mempool for good without a confirmation: its
	// inputs are spent by another transaction that does not concern the suite.
	Evict(t testing.TB, id chainhash.Hash)
	// Tx returns the transaction that Pay sent.
	Tx(t testing.TB, id chainhash.Hash) *wire.MsgTx
	// Tip is the newest block of the world.
	Tip(t testing.TB) chain.Block
	// Away makes the other side unreachable until the returned function brings it back. nil
	// where the source has no other side.
	Away(t testing.TB) (back func())
}

// Open makes a fresh world for one test and cleans up after itself with t.Cleanup. A world may
// be shared between tests where it is dear, as long as every test watches keys of its own.
type Open func(t testing.TB) Harness
