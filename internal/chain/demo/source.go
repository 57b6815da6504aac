package demo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

// enter locks the chain for a call, unless its context has ended.
func (c *Chain) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.lock()
}

// Tx returns a transaction of the mempool or the active chain.
func (c *Chain) Tx(ctx context.Context, id chainhash.Hash) (*wire.MsgTx, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	if p := c.index.pool[id]; p != nil {
		return p.tx.Copy(), nil
	}
	if p, ok := c.index.byTx[id]; ok {
		return c.txAt(p)
	}
	return nil, errs.E(errs.NotFound, "the demo chain knows no transaction %s", id)
}

func (c *Chain) txAt(p place) (*wire.MsgTx, error) {
	block, err := c.chain.BlockByHeight(p.height)
	if err != nil {
		return nil, err
	}
	return block.MsgBlock().Transactions[p.pos], nil
}

// Broadcast puts a transaction into the mempool. One that is there or in a block is fine.
func (c *Chain) Broadcast(ctx context.Context, tx *wire.MsgTx) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	return c.accept(tx.Copy())
}

func (c *Chain) accept(tx *wire.MsgTx) error {
	if c.has(tx.TxHash()) {
		return nil
	}
	missing, _, err := c.pool.MaybeAcceptTransaction(btcutil.NewTx(tx), true, true)
	if err != nil {
		return refusal(err)
	}
	if len(missing) > 0 {
		return missingInputs()
	}
	return c.follow()
}

// has reports whether a transaction is in the mempool or a block.
func (c *Chain) has(id chainhash.Hash) bool {
	_, confirmed := c.index.byTx[id]
	return confirmed || c.index.pool[id] != nil
}

func missingInputs() error {
	return errs.E(errs.Invalid, "the node refused the transaction: a coin that it spends is not there or was spent (missing inputs)")
}

// refusal turns btcd's rule errors into Invalid ones; anything else is trouble of our own.
func refusal(err error) error {
	var pool mempool.RuleError
	var rule blockchain.RuleError
	if errors.As(err, &pool) || errors.As(err, &rule) {
		return errs.E(errs.Invalid, "the node refused the transaction: %w", err)
	}
	return err
}

// TestAccept tests a transaction against consensus and policy without keeping it.
func (c *Chain) TestAccept(ctx context.Context, tx *wire.MsgTx) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.has(tx.TxHash()) {
		return nil
	}
	r, err := c.pool.CheckMempoolAcceptance(btcutil.NewTx(tx.Copy()))
	switch {
	case err != nil:
		return refusal(err)
	case len(r.MissingParents) > 0:
		return missingInputs()
	}
	return nil
}

// quiet is what confirms within so many blocks while the mempool is nearly empty.
var quiet = []struct {
	blocks int
	rate   btc.FeeRate
}{{1, 8_000}, {2, 6_000}, {6, 4_000}, {24, 2_000}, {1008, 1_000}}

// FeeRate estimates from what waits in the mempool: the rate of the transaction that would be
// the last one in after so many full blocks, but no less than on a quiet day.
func (c *Chain) FeeRate(ctx context.Context, blocks int) (btc.FeeRate, error) {
	blocks = min(max(blocks, 1), 1008)
	if err := c.enter(ctx); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	rate := minRelay
	for _, q := range quiet {
		if blocks <= q.blocks {
			rate = q.rate
			break
		}
	}
	waiting := c.pool.TxDescs()
	slices.SortFunc(waiting, func(a, b *mempool.TxDesc) int { return cmp.Compare(b.FeePerKB, a.FeePerKB) })
	room := int64(blocks) * blockchain.MaxBlockWeight
	for _, d := range waiting {
		if room -= blockchain.GetTransactionWeight(d.Tx); room < 0 {
			rate = max(rate, btc.FeeRate(d.FeePerKB)+minRelay)
			break
		}
	}
	return rate, nil
}

// Status tells of a chain that is always synced and has no peers.
func (c *Chain) Status(ctx context.Context) (chain.Status, error) {
	if err := c.enter(ctx); err != nil {
		return chain.Status{}, err
	}
	defer c.mu.Unlock()
	tip := c.index.tip()
	return chain.Status{
		Network: btc.Regtest, Tip: tip, Headers: tip.Height, Synced: true, Progress: 1, SeesMempool: true,
		Version: "demo chain inside Specter", MinRelay: minRelay, MempoolTxs: c.pool.Count(),
	}, nil
}

// HeightAt finds the first block at or after a time, or the tip where there is none.
func (c *Chain) HeightAt(ctx context.Context, t time.Time) (int32, error) {
	if err := c.enter(ctx); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	return c.index.heightAt(t), nil
}

// heightAt: block times may step back a little, but never before the median of eleven, so the
// search keeps to running maxima by looking some blocks further down.
func (x *index) heightAt(t time.Time) int32 {
	n := sort.Search(len(x.blocks), func(i int) bool { return !x.blocks[i].Time.Before(t) })
	for low := max(0, n-11); low < n; low++ {
		if !x.blocks[low].Time.Before(t) {
			n = low
		}
	}
	return int32(min(n, len(x.blocks)-1))
}
