package wallet

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// Label is a word of the user's about one thing.
type Label struct {
	Kind  LabelKind
	Key   string // txid, address, outpoint, txid:input, public key or xpub, in its one spelling
	Label string
}

// LabelStore keeps labels by the thousand.
type LabelStore interface {
	// Knows tells which things a wallet has to do with: its transactions and their inputs, its
	// coins, its addresses and those that its transactions pay, and whatever has a label.
	Knows(ctx context.Context, id ID, kind LabelKind, keys []string) (map[string]bool, error)
	// AllLabels lists the labels of a wallet by kind and key.
	AllLabels(ctx context.Context, id ID) ([]Label, error)
	// FrozenCoins lists the coins that the user froze, spent ones too.
	FrozenCoins(ctx context.Context, id ID) ([]wire.OutPoint, error)
	// PutLabels stores labels ("" forgets one), freezes and thaws coins: all of it or nothing.
	// Rows that show the labels are brought up to date.
	PutLabels(ctx context.Context, id ID, labels []Label, freeze, thaw []wire.OutPoint) error
}

// RowID is the number of a row in a list, good for a while.
type RowID int64

// TableStore reads whole lists: first which rows there are, then the rows a few at a time, so
// that neither memory nor a transaction is held while a slow reader takes them.
type TableStore interface {
	HistoryRows(ctx context.Context, ids []ID, p Page) ([]RowID, error)          // Number and Size of p are not looked at
	HistoryAt(ctx context.Context, ids []ID, rows []RowID) ([]HistoryRow, error) // in that order; those gone are left out
	CoinRows(ctx context.Context, ids []ID, p Page) ([]RowID, error)
	CoinsByRow(ctx context.Context, ids []ID, rows []RowID) ([]ListedCoin, error)
	// AddressesFrom lists addresses of a branch from an index on, at most n.
	AddressesFrom(ctx context.Context, id ID, branch, from uint32, n int) ([]AddressRow, error)
	// BalanceAt adds up what confirmed before a moment.
	BalanceAt(ctx context.Context, id ID, before time.Time) (btcutil.Amount, error)
}

// ListedCoin is a coin with what its transaction did.
type ListedCoin struct {
	CoinRow
	Category Category
}
