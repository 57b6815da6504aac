package demo

import (
	"context"
	"errors"
	"slices"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

var (
	_ chain.Pool      = (*Chain)(nil)
	_ chain.Packager  = (*Chain)(nil)
	_ chain.Abandoner = (*Chain)(nil)
)

// PoolEntry tells about a transaction of the mempool and its unconfirmed relatives.
func (c *Chain) PoolEntry(ctx context.Context, id chainhash.Hash) (chain.PoolEntry, error) {
	if err := c.enter(ctx); err != nil {
		return chain.PoolEntry{}, err
	}
	defer c.mu.Unlock()
	if c.index.pool[id] == nil {
		return chain.PoolEntry{}, errs.E(errs.NotFound, "the transaction %s is not in the mempool", id)
	}
	fees := map[chainhash.Hash]btcutil.Amount{}
	children := map[chainhash.Hash][]chainhash.Hash{}
	for _, d := range c.pool.TxDescs() {
		fees[*d.Tx.Hash()] = btcutil.Amount(d.Fee)
		for _, parent := range parents(d.Tx.MsgTx()) {
			children[parent] = append(children[parent], *d.Tx.Hash())
		}
	}
	size := func(id chainhash.Hash) btc.VSize {
		return btc.Weight(blockchain.GetTransactionWeight(btcutil.NewTx(c.index.pool[id].tx))).VSize()
	}
	sum := func(next func(chainhash.Hash) []chainhash.Hash) (fee btcutil.Amount, v btc.VSize, n int) {
		for _, id := range c.relatives(id, next) {
			fee, v, n = fee+fees[id], v+size(id), n+1
		}
		return fee, v, n
	}
	e := chain.PoolEntry{Fee: fees[id], VSize: size(id)}
	e.AncestorFee, e.AncestorVSize, e.Ancestors = sum(func(id chainhash.Hash) []chainhash.Hash { return parents(c.index.pool[id].tx) })
	e.DescendantFee, e.DescendantVSize, e.Descendants = sum(func(id chainhash.Hash) []chainhash.Hash { return children[id] })
	return e, nil
}

// parents lists the transactions that one spends from, each once.
func parents(tx *wire.MsgTx) []chainhash.Hash {
	var out []chainhash.Hash
	for _, in := range tx.TxIn {
		if !slices.Contains(out, in.PreviousOutPoint.Hash) {
			out = append(out, in.PreviousOutPoint.Hash)
		}
	}
	return out
}

// relatives lists a transaction of the mempool and those that it leads to.
func (c *Chain) relatives(id chainhash.Hash, next func(chainhash.Hash) []chainhash.Hash) []chainhash.Hash {
	out := []chainhash.Hash{id}
	seen := map[chainhash.Hash]bool{id: true}
	for i := 0; i < len(out); i++ {
		for _, n := range next(out[i]) {
			if c.index.pool[n] != nil && !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	return out
}

// PoolFloor tells what the mempool takes: it is never full.
func (c *Chain) PoolFloor(ctx context.Context) (chain.PoolFloor, error) {
	if err := c.enter(ctx); err != nil {
		return chain.PoolFloor{}, err
	}
	defer c.mu.Unlock()
	return chain.PoolFloor{MinRelay: minRelay, Min: minRelay, Increment: minRelay}, nil
}

// SubmitPackage takes parents and a child. btcd's mempool judges each on its own, so that a
// parent below the relay feerate is refused, with the reason; what was taken before is taken
// back then.
func (c *Chain) SubmitPackage(ctx context.Context, txs []*wire.MsgTx) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	var taken []*btcutil.Tx
	for _, tx := range txs {
		if c.has(tx.TxHash()) {
			continue
		}
		if err := c.accept(tx.Copy()); err != nil {
			for _, t := range taken {
				c.pool.RemoveTransaction(t, true)
			}
			var rule mempool.RuleError
			if errors.As(err, &rule) {
				err = errs.E(errs.Invalid, "the node refused a transaction of the package: %w", rule)
			}
			if e := c.follow(); e != nil {
				return e
			}
			return err
		}
		taken = append(taken, btcutil.NewTx(tx))
	}
	return nil
}

// Abandon has nothing to forget: the chain keeps no wallet of its own. A transaction that is in
// the mempool is not given up.
func (c *Chain) Abandon(ctx context.Context, _ string, id chainhash.Hash) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.has(id) {
		return errs.E(errs.Conflict, "the node still holds the transaction %s; it cannot be given up", id)
	}
	return nil
}
