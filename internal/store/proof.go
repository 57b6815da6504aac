package store

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/chain"
	"specter/internal/wallet"
)

// Unproved lists confirmed transactions without a proof for their block, the newest first, and
// those whose proof failed before a moment.
func (d *DB) Unproved(ctx context.Context, id wallet.ID, failedBefore time.Time, n int) (out []wallet.Unproved, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT h.txid, h.height, h.block_hash, h.time FROM history h LEFT JOIN proofs p ON p.wallet = h.wallet AND p.txid = h.txid
			WHERE h.wallet = ? AND h.state = 'confirmed' AND h.block_hash IS NOT NULL
			AND (p.txid IS NULL OR p.block_hash <> h.block_hash OR p.trouble <> '' AND p.checked < ?) ORDER BY h.ord DESC LIMIT ?`,
			[]any{id, failedBefore.Unix(), n}, func(scan func(...any) error) error {
				var txid, block []byte
				var u wallet.Unproved
				var at int64
				if err := scan(&txid, &u.Block.Height, &block, &at); err != nil {
					return err
				}
				copy(u.TxID[:], txid)
				copy(u.Block.Hash[:], block)
				u.Block.Time = moment(at)
				out = append(out, u)
				return nil
			})
	})
	return out, err
}

// PutProof notes that a transaction was proved to be in a block, or why it was not.
func (d *DB) PutProof(ctx context.Context, id wallet.ID, txid chainhash.Hash, b chain.Block, at time.Time, trouble string) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO proofs (wallet, txid, block_hash, checked, trouble) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (wallet, txid) DO UPDATE SET block_hash = excluded.block_hash, checked = excluded.checked, trouble = excluded.trouble`,
			id, txid[:], b.Hash[:], at.Unix(), trouble)
		return err
	})
}

// Proofs finds the proofs of transactions for the blocks that they are in now.
func (d *DB) Proofs(ctx context.Context, id wallet.ID, ids []chainhash.Hash) (map[chainhash.Hash]wallet.Proof, error) {
	out := map[chainhash.Hash]wallet.Proof{}
	err := d.read(ctx, func(t *tx) error {
		for _, txid := range ids {
			var at int64
			var trouble string
			found, err := t.one(`SELECT p.checked, p.trouble FROM proofs p JOIN history h ON h.wallet = p.wallet AND h.txid = p.txid AND h.block_hash = p.block_hash
				WHERE p.wallet = ? AND p.txid = ? AND h.state = 'confirmed'`, []any{id, txid[:]}, &at, &trouble)
			if err != nil {
				return err
			}
			if found {
				out[txid] = wallet.Proof{Proved: trouble == "", Trouble: trouble, Checked: moment(at)}
			}
		}
		return nil
	})
	return out, err
}
