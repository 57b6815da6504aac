package demo

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
	"specter/internal/errs"
)

var (
	_ chain.Prover       = (*Chain)(nil)
	_ chain.HeaderTeller = (*Chain)(nil)
)

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
	return chain.Proof{Merkle: chain.MerkleProof(block.MsgBlock(), int(p.pos))}, nil
}

// Headers tells the headers of the active chain.
func (c *Chain) Headers(ctx context.Context, from int32, n int) ([]wire.BlockHeader, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	var out []wire.BlockHeader
	for h := max(from, 0); h <= c.index.tip().Height && len(out) < min(n, chain.MaxHeaders); h++ {
		header, err := c.chain.HeaderByHash(&c.index.blocks[h].Hash)
		if err != nil {
			return nil, err
		}
		out = append(out, header)
	}
	return out, nil
}
