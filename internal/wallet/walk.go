package wallet

import (
	"context"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
)

// WalkStore reads many rows as they were at one moment.
type WalkStore interface {
	// Walk runs f inside one read transaction. f must not wait for anything outside: the
	// transaction holds a connection.
	Walk(ctx context.Context, ids []ID, f func(Walk) error) error
}

// Walk shows the rows of wallets at one moment, one by one: it holds none of them in memory. The
// funcs end at the first error of theirs and return it.
type Walk interface {
	// Records lists the wallets, without their devices.
	Records() []Record
	// EachTx shows the transactions, the newest first.
	EachTx(f func(WalkTx) error) error
	// EachCoin shows the utxos, the newest first, each with its transaction.
	EachCoin(f func(CoinRow, WalkTx) error) error
	// EachAddress shows the addresses of a branch by index.
	EachAddress(branch uint32, f func(AddressRow) error) error
}

// WalkTx is a transaction with what only long lists tell of it.
type WalkTx struct {
	HistoryRow
	Paid     btcutil.Amount   // sum of its outputs that are the wallet's
	Replaces []chainhash.Hash // those that it pushed out
}

// Walk shows a wallet's rows at one moment. f must not wait for anything outside.
func (s *Service) Walk(ctx context.Context, ref Ref, f func(Walk) error) error {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	return s.c.Store.Walk(ctx, []ID{r.ID}, f)
}

// WalkAll is Walk over all wallets of an owner on a network.
func (s *Service) WalkAll(ctx context.Context, o Owner, n btc.Network, f func(Walk) error) error {
	ids, err := s.ids(ctx, o, n)
	if err != nil {
		return err
	}
	return s.c.Store.Walk(ctx, ids, f)
}

// Own finds which of some scripts are the wallet's addresses, by script.
func (s *Service) Own(ctx context.Context, ref Ref, scripts [][]byte) (map[string]AddressRow, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	return s.c.Store.AddressesOf(ctx, r.ID, scripts)
}
