package store

import (
	"context"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
	"specter/internal/wallet"
)

var _ wallet.AdoptStore = (*DB)(nil)

// Adopt stores what another program knew of a wallet: how far addresses were handed out and used,
// coins that are frozen, and the height of its newest block. Nothing is ever lowered or thawed.
func (d *DB) Adopt(ctx context.Context, id wallet.ID, k wallet.Known) error {
	return d.write(ctx, func(t *tx) error {
		r, err := t.wallet(id)
		if err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE wallets SET next_receive = max(next_receive, ?, used_receive + 1), next_change = max(next_change, ?, used_change + 1) WHERE id = ?`,
			k.Next[0], k.Next[1], id); err != nil {
			return err
		}
		for _, p := range k.Used {
			if err := t.adoptUsed(id, p.Branch, p.Index); err != nil {
				return err
			}
		}
		if k.Tip != nil && r.Tip.Height == 0 {
			if _, err := t.exec(`UPDATE wallets SET tip_height = ?, tip_time = ? WHERE id = ?`, k.Tip.Height, seconds(k.Tip.Time), id); err != nil {
				return err
			}
		}
		return t.adoptFrozen(id, k)
	})
}

// adoptUsed marks an address as used, and all up to it as handed out.
func (t *tx) adoptUsed(id wallet.ID, branch, index uint32) error {
	if branch > 1 {
		return errs.E(errs.Internal, "no branch %d", branch)
	}
	if _, err := t.exec(`UPDATE addresses SET used = 1 WHERE wallet = ? AND branch = ? AND idx = ?`, id, branch, index); err != nil {
		return err
	}
	query := `UPDATE wallets SET used_receive = max(used_receive, ?), next_receive = max(next_receive, ? + 1) WHERE id = ?`
	if branch == 1 {
		query = `UPDATE wallets SET used_change = max(used_change, ?), next_change = max(next_change, ? + 1) WHERE id = ?`
	}
	_, err := t.exec(query, index, index, id)
	return err
}

// adoptFrozen freezes coins. The wish for one that is not known yet waits until the coin comes.
func (t *tx) adoptFrozen(id wallet.ID, k wallet.Known) error {
	for _, op := range k.Frozen {
		_, known, err := t.coin(id, op)
		if err != nil {
			return err
		}
		if known {
			err = t.freeze(id, []wire.OutPoint{op}, true)
		} else {
			_, err = t.exec(`INSERT INTO frozen (wallet, txid, vout) VALUES (?, ?, ?) ON CONFLICT (wallet, txid, vout) DO NOTHING`, id, op.Hash[:], op.Index)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// HoldLater notes that a draft holds coins which the wallet has not heard of: they are reserved
// when they come.
func (d *DB) HoldLater(ctx context.Context, id wallet.ID, draft wallet.DraftID, coins []wire.OutPoint) error {
	return d.write(ctx, func(t *tx) error {
		for _, op := range coins {
			if _, err := t.exec(`INSERT INTO draft_coins (draft, wallet, txid, vout) VALUES (?, ?, ?, ?) ON CONFLICT (draft, txid, vout) DO NOTHING`,
				draft, id, op.Hash[:], op.Index); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetUID replaces the program's uid.
func (d *DB) SetUID(ctx context.Context, uid string) error {
	return d.PutSetting(ctx, "", "uid", uid)
}
