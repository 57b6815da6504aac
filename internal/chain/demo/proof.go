package demo

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

var _ chain.Prover = (*Chain)(nil)

// Proof proves a transaction of the active chain.
func (c *Chain) Proof(ctx context.Context, txid chainhash.Hash, b chain.Block) (chain.Proof, error) {
	if err := c.enter(ctx); err != nil {
		return chain.Proof{}, err
	}
	defer c.mu.Unlock()
	p, known := c.index.byTx[txid]
	height, active := c.index.heightOf(b)
	if !known || !active || p.height != height {
		return chain.Proof{}, errs.E(errs.NotFound, "the demo chain has no transaction %s in that block", txid)
	}
	block, err := c.chain.BlockByHeight(height)
	if err != nil {
		return chain.Proof{}, err
	}
	out := chain.Proof{Merkle: chain.MerkleProof(block.MsgBlock(), int(p.pos))}
	for h := height + 1; h <= min(height+chain.ProofHeaders, c.index.tip().Height); h++ {
		above, err := c.chain.BlockByHeight(h)
		if err != nil {
			return chain.Proof{}, err
		}
		out.Above = append(out.Above, above.MsgBlock().Header)
	}
	return out, nil
}
