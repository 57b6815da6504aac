package demo

import (
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/database"
	"github.com/btcsuite/btcd/wire/v2"
)

// dropped adds the wallet's transactions that a reorg has taken out of the chain and that are
// in neither a block nor the mempool now to those that are gone. tip is the wallet's newest
// block, which is stale; stale blocks stay in the database, so that nothing has to be
// remembered for this.
func (c *Chain) dropped(tip chainhash.Hash, scripts map[string][][]byte, gone []chainhash.Hash) ([]chainhash.Hash, error) {
	lost, err := c.stale(tip)
	if err != nil || len(lost) == 0 {
		return gone, err
	}
	ours := map[string]bool{}
	for _, list := range scripts {
		for _, script := range list {
			ours[string(script)] = true
		}
	}
	for id, tx := range lost {
		if !c.has(id) && c.concerns(tx, ours, lost) {
			gone = append(gone, id)
		}
	}
	slices.SortFunc(gone, func(a, b chainhash.Hash) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(gone), nil
}

// stale loads the transactions of the blocks from a stale one down to the active chain. A
// block that was never seen here has none.
func (c *Chain) stale(tip chainhash.Hash) (map[chainhash.Hash]*wire.MsgTx, error) {
	out := map[chainhash.Hash]*wire.MsgTx{}
	for hash := tip; !c.chain.MainChainHasBlock(&hash); {
		var raw []byte
		err := c.db.View(func(tx database.Tx) error {
			known, err := tx.HasBlock(&hash)
			if err != nil || !known {
				return err
			}
			b, err := tx.FetchBlock(&hash)
			raw = slices.Clone(b) // the memory is the database's
			return err
		})
		if err != nil || raw == nil {
			return out, err
		}
		block, err := decodeBlock(raw)
		if err != nil {
			return nil, err
		}
		for _, tx := range block.Transactions {
			out[tx.TxHash()] = tx
		}
		hash = block.Header.PrevBlock
	}
	return out, nil
}

// concerns reports whether a transaction pays to or spends from one of our scripts.
func (c *Chain) concerns(tx *wire.MsgTx, ours map[string]bool, lost map[chainhash.Hash]*wire.MsgTx) bool {
	for _, out := range tx.TxOut {
		if ours[string(out.PkScript)] {
			return true
		}
	}
	for _, in := range tx.TxIn {
		prev := lost[in.PreviousOutPoint.Hash]
		if prev == nil {
			if p := c.index.pool[in.PreviousOutPoint.Hash]; p != nil {
				prev = p.tx
			} else if at, ok := c.index.byTx[in.PreviousOutPoint.Hash]; ok {
				prev, _ = c.txAt(at)
			}
		}
		if prev != nil && int(in.PreviousOutPoint.Index) < len(prev.TxOut) && ours[string(prev.TxOut[in.PreviousOutPoint.Index].PkScript)] {
			return true
		}
	}
	return false
}
