// Package txgraph decides what a wallet knows of the chain: facts in (transactions and where
// they stand), rows out (history, coins, balance).
//
// It is pure and incremental. Apply takes news and a Book that answers what is known already,
// reads the neighbourhood of the news (what they spend, who else spends it, who spends them),
// and returns the rows that change. A new transaction costs the same with 100 and with 100,000
// transactions in the book. The rows depend on the set of facts alone, never on the order in
// which they came.
//
// Of transactions that spend the same coin one counts: a confirmed one before an unconfirmed
// one, then the one seen later (a replacement, BIP125), then the greater txid. What descends
// from a transaction that does not count, does not count either, and what counts takes its
// ancestors along. A transaction that left the
// mempool without confirming frees the coins it spent. Nothing is ever deleted: what does not
// count today stands in the book and counts again when the chain says so.
package txgraph

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
)

// Block names a block. Time is the header's, in unix seconds.
type Block struct {
	Height int32
	Hash   chainhash.Hash
	Time   int64
}

// Head is where a transaction stands.
type Head struct {
	Block *Block // nil: in no block
	Seen  int64  // unix seconds when somebody first saw it; 0: not known
	Gone  bool   // left the mempool and is in no block
}

// Tx is a fact: a transaction and where it stands.
type Tx struct {
	ID   chainhash.Hash
	Tx   *wire.MsgTx
	Head Head
}

// Place is where a script of ours stands in the descriptor: branch 0 receives, 1 is change.
type Place struct {
	Branch, Index uint32
}

// Coin is an output of ours, spent or not, of a transaction that counts or not.
type Coin struct {
	OutPoint wire.OutPoint
	Amount   btcutil.Amount
	Script   []byte
	Place    Place
	Live     bool            // its transaction counts
	Height   int32           // of its block; 0: unconfirmed
	Time     int64           // block time, else first seen; unix seconds
	Coinbase bool            // immature for 100 blocks
	SpentBy  *chainhash.Hash // the transaction that counts and spends it; nil: a utxo
	Frozen   bool            // the user's wish; Apply hands it through
	Reserved bool            // held by a draft; Apply hands it through
}

// UTXO reports whether the coin can be counted as money: it exists and nobody spent it.
func (c Coin) UTXO() bool { return c.Live && c.SpentBy == nil }

// Maturity is how many confirmations a coinbase output needs before Bitcoin Core's wallet
// counts it as spendable: one more than consensus (COINBASE_MATURITY) asks for.
const Maturity = 101

// Confirmations of a block's transactions under a tip: 1 in the newest block, 0 when the
// height is 0 (unconfirmed) or above the tip.
func Confirmations(height, tip int32) int32 {
	if height <= 0 || height > tip {
		return 0
	}
	return tip - height + 1
}

// Immature reports whether the coin is a coinbase output that cannot be spent yet.
func (c Coin) Immature(tip int32) bool {
	return c.Coinbase && Confirmations(c.Height, tip) < Maturity
}

// Balance is a wallet's money, in sat. Frozen and Reserved are parts of Confirmed + Pending.
type Balance struct {
	Confirmed, Pending, Immature, Frozen, Reserved btcutil.Amount
}

// Plus returns b + o.
func (b Balance) Plus(o Balance) Balance {
	return Balance{b.Confirmed + o.Confirmed, b.Pending + o.Pending, b.Immature + o.Immature, b.Frozen + o.Frozen, b.Reserved + o.Reserved}
}

// Minus returns b - o.
func (b Balance) Minus(o Balance) Balance {
	return b.Plus(Balance{-o.Confirmed, -o.Pending, -o.Immature, -o.Frozen, -o.Reserved})
}

// Balance is what the coin adds to the wallet's money under a tip.
func (c Coin) Balance(tip int32) Balance {
	var b Balance
	switch {
	case !c.UTXO():
		return b
	case c.Immature(tip):
		b.Immature = c.Amount
		return b
	case c.Height > 0:
		b.Confirmed = c.Amount
	default:
		b.Pending = c.Amount
	}
	switch {
	case c.Frozen:
		b.Frozen = c.Amount
	case c.Reserved:
		b.Reserved = c.Amount
	}
	return b
}

// Category says what a transaction does to the wallet.
type Category uint8

// The categories.
const (
	Receive      Category = iota // nothing of ours is spent
	Send                         // all inputs are ours
	SelfTransfer                 // all inputs and outputs are ours
	Mixed                        // some inputs are ours, some are not
	Generate                     // a coinbase that pays us
)

// State says how a transaction stands.
type State uint8

// The states.
const (
	Confirmed  State = iota // in a block
	Pending                 // expected to confirm
	Conflicted              // another transaction, or an ancestor's rival, spent its inputs
	Dropped                 // left the mempool; nothing contradicts it
	Broken                  // its bytes cannot be read
)

// Row is one transaction as history shows it.
type Row struct {
	ID          chainhash.Hash
	Category    Category
	State       State
	Amount      btcutil.Amount  // our outputs minus our inputs
	Fee         *btcutil.Amount // nil unless all inputs are ours
	VSize       btc.VSize
	Block       *Block
	Time        int64           // block time, else first seen
	Address     string          // the one that matters
	Addresses   []string        // ours when received, the recipients when sent; at most maxAddresses
	Replaceable bool            // pending and signals BIP125
	ReplacedBy  *chainhash.Hash // for Conflicted: who took its inputs, where known
}

// maxAddresses bounds the addresses that a row lists: a payout of an exchange has thousands.
const maxAddresses = 200

// Use is a change of an address of ours: how many utxos came or went, and what they hold.
type Use struct {
	Coins  int
	Amount btcutil.Amount
}

// Update is news from the chain. Applying it twice changes nothing.
type Update struct {
	Tip     int32            // height under which the result is counted
	Fork    *int32           // blocks above this height are stale
	Txs     []Tx             // a nil Block means: in the mempool
	Gone    []chainhash.Hash // no longer in the mempool; ignored where confirmed
	Recheck []chainhash.Hash // known facts whose rows are to be computed again
}

// Changes are the rows to write.
type Changes struct {
	Txs       []Tx             // facts: new ones, and those that stand elsewhere now
	New       int              // how many of Txs are new
	Rows      []Row            // history rows, replaced as a whole
	Unrelated []chainhash.Hash // facts that touch no coin or script of ours: they have no row
	Coins     []Coin           // replaced as a whole
	Uses      map[Place]Use    // differences; a place in the map has been used
	Balance   Balance          // difference
}

// Spend is one known input: By spends OutPoint.
type Spend struct {
	OutPoint wire.OutPoint
	By       chainhash.Hash
}

// Book answers what is known already. Every method takes many keys and leaves out what it does
// not know.
type Book interface {
	// Tip is the height under which the stored balance was counted.
	Tip() int32
	Heads(ids []chainhash.Hash) (map[chainhash.Hash]Head, error)
	// Bodies leaves out transactions whose bytes cannot be read.
	Bodies(ids []chainhash.Hash) (map[chainhash.Hash]*wire.MsgTx, error)
	// Spenders lists all known inputs that spend an outpoint, whether they count or not.
	Spenders(ops []wire.OutPoint) ([]Spend, error)
	// Children lists all known inputs that spend any output of the transactions.
	Children(ids []chainhash.Hash) ([]Spend, error)
	// Above lists the transactions in blocks above a height.
	Above(height int32) ([]chainhash.Hash, error)
	// Coins finds coins by outpoint.
	Coins(ops []wire.OutPoint) (map[wire.OutPoint]Coin, error)
	// Flags tells which outpoints are frozen and reserved, whether a coin is known or not.
	Flags(ops []wire.OutPoint) (frozen, reserved map[wire.OutPoint]bool, err error)
	// Places finds scripts of ours; keys are the scripts as strings.
	Places(scripts [][]byte) (map[string]Place, error)
	// Young lists the coinbase utxos in blocks above a height.
	Young(height int32) ([]Coin, error)
}

// pendingFirst stands before everything that has a time.
const pendingFirst = 1 << 60

// order places a transaction in time: what is pending comes last of all; within a second the
// height decides (its lower 16 bits), then the txid, so that the order is the same every time.
func order(pending bool, time int64, height int32, id chainhash.Hash) int64 {
	tie := int64(height&0xffff)<<10 | int64(id[31])<<2 | int64(id[30])>>6
	o := min(max(time, 0), 1<<34-1)<<26 | tie
	if pending {
		o |= pendingFirst
	}
	return o
}

// PendingOrder is the least Order of a pending transaction.
const PendingOrder int64 = pendingFirst

// Order is the row's place in time; the newest is the greatest, pending ones are above all.
func (r Row) Order() int64 {
	var height int32
	if r.Block != nil {
		height = r.Block.Height
	}
	return order(r.State == Pending, r.Time, height, r.ID)
}

// Order is the coin's place in time, as its transaction's.
func (c Coin) Order() int64 {
	return order(c.Live && c.Height == 0, c.Time, c.Height, c.OutPoint.Hash)
}

// TimeOrder is the least Order of what has a time, in unix seconds, or a later one and is not
// pending; PendingOrder more is that of what is pending.
func TimeOrder(time int64) int64 { return min(max(time, 0), 1<<34-1) << 26 }
