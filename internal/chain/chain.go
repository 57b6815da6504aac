// Package chain says what any Bitcoin backend can tell, in nobody's dialect: a Source answers
// "what happened to these scripts since the blocks I know", broadcasts, and estimates feerates.
//
// Members: core (Bitcoin Core over JSON-RPC), demo (a regtest chain inside the process), and
// chaintest, the suite that every Source must pass. They know this package, never each other.
package chain

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
)

// Source answers questions about the block chain. What it keeps (Core's watch-only wallet) is
// a cache that a Request can rebuild: asking twice gives the same answer. It is safe for
// concurrent use and returns errs.Unavailable when the other side is away or cannot know.
type Source interface {
	// Sync tells what happened to the request's scripts since its From blocks.
	Sync(ctx context.Context, r Request) (Update, error)
	// Changed receives when another Sync may find news: a block, a reorg, a mempool entry.
	// Sends never block; one pending signal stands for any number of events.
	Changed() <-chan struct{}
	// Tx returns a transaction by its id where the source can know it.
	Tx(ctx context.Context, id chainhash.Hash) (*wire.MsgTx, error)
	// Broadcast hands a transaction to the network. A refusal by policy or consensus is an
	// errs.Invalid error that carries the node's reason.
	Broadcast(ctx context.Context, tx *wire.MsgTx) error
	// FeeRate estimates the feerate that confirms within a number of blocks (1 to 1008).
	// errs.Unavailable where the source has no estimate.
	FeeRate(ctx context.Context, blocks int) (btc.FeeRate, error)
	// Status tells how the source stands, cheaply.
	Status(ctx context.Context) (Status, error)
	// Close ends background work; further calls fail.
	Close() error
}

// Block names a block.
type Block struct {
	Height int32
	Hash   chainhash.Hash
	Time   time.Time // header time
}

// Keychain is one branch of a wallet. Core imports Descriptor, the others call Script.
type Keychain struct {
	ID         string                             // "0" receive, "1" change…, unique in the request
	Descriptor string                             // single-path, with checksum
	Ranged     bool                               // false: the descriptor has one script, index 0
	Internal   bool                               // change
	Script     func(index uint32) ([]byte, error) // scriptPubKey
	Next       uint32                             // first index not yet handed out
}

// Request asks about one wallet.
type Request struct {
	Name        string // stable name of what the source keeps for it (Core: the wallet's name, "specter<uid>/<alias>")
	Keychains   []Keychain
	From        []Block               // our newest blocks, newest first; empty: everything since Birthday
	Birthday    time.Time             // no coin is older; zero: unknown, look at the whole chain. Only read when the source sees the wallet for the first time
	Gap         uint32                // scripts to look ahead of the highest used index
	Unconfirmed []chainhash.Hash      // tell us which of these are gone
	Progress    func(done, total int) // may be nil; called while a scan goes on, units are the source's
	Passed      func(next int32)      // may be nil; called by Rescan when all blocks below next are looked through: one that is cut short may begin there
}

// Update is the answer to a Request. Applying it twice changes nothing.
type Update struct {
	Tip  Block
	Fork *Block            // newest of From still in the chain, when a reorg cut us off (genesis: none is); blocks of ours above it are stale
	Txs  []Tx              // new, changed and (after a reorg) confirmed-again transactions
	Gone []chainhash.Hash  // of Unconfirmed, and after a reorg of the stale blocks: no longer in mempool or chain
	Used map[string]uint32 // highest index per Keychain.ID that Txs pay; absent: none. The caller keeps the highest it was ever told
}

// Tx is a transaction as the source sees it.
type Tx struct {
	Tx    *wire.MsgTx
	Block *Block    // nil: in the mempool
	Seen  time.Time // when the source first saw it; zero: not known
}

// Status tells how a source stands.
type Status struct {
	Network     btc.Network
	Tip         Block
	Headers     int32   // height of the best header; above Tip while syncing
	Synced      bool    // false during initial block download
	Progress    float64 // share of the chain verified, 0 to 1
	PrunedTo    int32   // lowest height with block data; 0: not pruned
	SeesMempool bool
	Version     string // "Bitcoin Core 29.0.0", for people
	Connections int    // peers; -1: not known
	MinRelay    btc.FeeRate
	MempoolTxs  int
	DiskSize    int64 // bytes; 0: not known
}

// Accepter can test a transaction against the mempool's rules without sending it. A refusal is
// an errs.Invalid error with the node's reason.
type Accepter interface {
	TestAccept(ctx context.Context, tx *wire.MsgTx) error
}

// Rescanner can look through old blocks again for a wallet that it watches already.
type Rescanner interface {
	// Rescan looks from a height on and returns when done; r.Progress tells how far it is.
	// errs.Unavailable with a *PrunedError as its cause where the node has pruned the blocks,
	// errs.Conflict when it was aborted. The next Sync of this source tells everything, whatever
	// its From; a program that ends before that asks with an empty From instead.
	Rescan(ctx context.Context, r Request, fromHeight int32) error
	// AbortRescan stops a running rescan of the named wallet.
	AbortRescan(ctx context.Context, name string) error
}

// Labeller tells what the wallet that it keeps under a name calls addresses; none where there is no
// such wallet. Nothing is made by asking.
type Labeller interface {
	Labels(ctx context.Context, name string) (map[string]string, error)
}

// Forgetter can drop what it keeps for a wallet.
type Forgetter interface {
	Forget(ctx context.Context, name string) error
}

// HeightFinder finds the first block at or after a time, for "coins since that day". A time
// after the tip gives the tip's height.
type HeightFinder interface {
	HeightAt(ctx context.Context, t time.Time) (int32, error)
}

// Pool can tell about the mempool: what a transaction in it pays together with its relatives,
// and what it takes to get in.
type Pool interface {
	// PoolEntry tells about a transaction of the mempool; errs.NotFound when it is not there.
	PoolEntry(ctx context.Context, id chainhash.Hash) (PoolEntry, error)
	// PoolFloor tells what the mempool takes now.
	PoolFloor(ctx context.Context) (PoolFloor, error)
}

// PoolEntry is a transaction of the mempool. Ancestors and descendants are its unconfirmed ones
// and itself.
type PoolEntry struct {
	Fee             btcutil.Amount
	VSize           btc.VSize
	AncestorFee     btcutil.Amount
	AncestorVSize   btc.VSize
	Ancestors       int
	DescendantFee   btcutil.Amount
	DescendantVSize btc.VSize
	Descendants     int
}

// PoolFloor is what a mempool takes.
type PoolFloor struct {
	MinRelay  btc.FeeRate // nothing below is passed on
	Min       btc.FeeRate // the least that a full mempool takes now; never below MinRelay
	Increment btc.FeeRate // a replacement pays so much more for its own size
}

// Packager can submit parents and a child together, so that the child's fee counts for parents
// that the mempool would not take alone.
type Packager interface {
	// SubmitPackage takes parents first and the child last. A refusal is an errs.Invalid error
	// with the node's reason; what is in the mempool already is fine.
	SubmitPackage(ctx context.Context, txs []*wire.MsgTx) error
}

// Abandoner can make the node's own wallet forget a transaction that left the mempool, so that
// the node does not send it again by itself. Of one that is in the mempool it is errs.Conflict.
type Abandoner interface {
	Abandon(ctx context.Context, name string, id chainhash.Hash) error
}
