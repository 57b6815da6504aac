package demo

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/mining"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// Mine mines n blocks with what is in the mempool; their coinbases pay to a script. A nil
// script pays to the miner, of whom nothing else is known.
func (c *Chain) Mine(n int, to []byte) ([]chainhash.Hash, error) {
	if err := c.lock(); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	return c.mine(n, to, c.full)
}

func (c *Chain) mine(n int, to []byte, g *mining.BlkTmplGenerator) ([]chainhash.Hash, error) {
	if to == nil {
		to = minerScript
	}
	var out []chainhash.Hash
	for range n {
		if err := c.mineOne(g, to); err != nil {
			return out, err
		}
		out = append(out, c.chain.BestSnapshot().Hash)
	}
	return out, c.follow()
}

// mineOne mines a block and takes its transactions out of the mempool.
func (c *Chain) mineOne(g *mining.BlkTmplGenerator, to []byte) error {
	template, err := g.NewBlockTemplate(nil)
	if err != nil {
		return fmt.Errorf("make a block: %w", err)
	}
	block := template.Block
	block.Transactions[0].TxOut[0].PkScript = to
	c.nonce++
	if err := g.UpdateExtraNonce(block, template.Height, c.nonce); err != nil {
		return fmt.Errorf("make a block: %w", err)
	}
	if !solve(block) {
		return errs.E(errs.Internal, "no nonce solves the block")
	}
	mined := btcutil.NewBlock(block)
	mined.SetHeight(template.Height)
	if _, orphan, err := c.chain.ProcessBlock(mined, blockchain.BFNone); err != nil || orphan {
		return fmt.Errorf("the chain refused its own block (orphan %v): %w", orphan, err)
	}
	for _, tx := range mined.Transactions()[1:] {
		c.pool.RemoveTransaction(tx, false)
		c.pool.RemoveDoubleSpends(tx)
	}
	return nil
}

// solve finds a nonce; at regtest's difficulty every second one does.
func solve(b *wire.MsgBlock) bool {
	target := blockchain.CompactToBig(b.Header.Bits)
	for nonce := uint32(0); nonce < math.MaxUint32; nonce++ {
		b.Header.Nonce = nonce
		hash := b.BlockHash()
		if blockchain.HashToBig(&hash).Cmp(target) <= 0 {
			return true
		}
	}
	return false
}

// randomNonce makes the first extra nonce, so that a chain opened again does not repeat one.
func randomNonce() (uint64, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, err
	}
	return uint64(binary.LittleEndian.Uint32(b[:])) << 16, nil
}

// Reorg takes depth blocks off the tip and mines depth+1 empty ones in their place. With keep,
// what the old blocks had confirmed is back in the mempool where it is still valid, and the
// next Mine confirms it again; without, it is gone.
func (c *Chain) Reorg(depth int, keep bool) error {
	if err := c.lock(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if err := c.rewind(depth, keep); err != nil {
		return err
	}
	_, err := c.mine(depth+1, nil, c.empty)
	return err
}

// rewind takes depth blocks off the tip, as invalidateblock does.
func (c *Chain) rewind(depth int, keep bool) error {
	best := c.chain.BestSnapshot()
	if depth < 1 || int32(depth) > best.Height {
		return errs.E(errs.Invalid, "the chain has %d blocks; %d of them cannot be taken off", best.Height, depth)
	}
	var back []*btcutil.Tx
	lowest := best.Height - int32(depth) + 1
	for h := lowest; h <= best.Height; h++ {
		block, err := c.chain.BlockByHeight(h)
		if err != nil {
			return err
		}
		back = append(back, block.Transactions()[1:]...)
	}
	hash, err := c.chain.BlockHashByHeight(lowest)
	if err != nil {
		return err
	}
	if err := c.chain.InvalidateBlock(hash); err != nil {
		return fmt.Errorf("take blocks off the chain: %w", err)
	}
	if !keep {
		back = nil
	}
	c.refill(back)
	return nil
}

// refill empties the mempool and offers it what blocks gave back and then what it held: a
// transaction that spent a vanished coinbase is not taken again.
func (c *Chain) refill(back []*btcutil.Tx) {
	waiting := back
	for _, d := range c.pool.TxDescs() {
		waiting = append(waiting, d.Tx)
	}
	for _, tx := range waiting {
		c.pool.RemoveTransaction(tx, true)
	}
	// Parents may stand behind their children, so that it takes rounds until nothing moves.
	for moved := true; moved; {
		moved = false
		var later []*btcutil.Tx
		for _, tx := range waiting {
			missing, _, err := c.pool.MaybeAcceptTransaction(tx, false, false)
			switch {
			case err == nil && len(missing) == 0:
				moved = true
			case err == nil:
				later = append(later, tx)
			}
		}
		waiting = later
	}
}

// Evict throws a transaction and its descendants out of the mempool.
func (c *Chain) Evict(id chainhash.Hash) error {
	if err := c.lock(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	tx, err := c.pool.FetchTransaction(&id)
	if err != nil {
		return errs.E(errs.NotFound, "transaction %s is not in the mempool", id)
	}
	c.pool.RemoveTransaction(tx, true)
	return c.follow()
}

// Run mines a block every interval until ctx ends. A block that cannot be mined ends it too.
func (c *Chain) Run(ctx context.Context, interval time.Duration) error {
	if interval <= 0 {
		return errs.E(errs.Invalid, "the time between two blocks must be more than 0")
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := c.Mine(1, nil); err != nil {
				return err
			}
		}
	}
}
