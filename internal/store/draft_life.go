package store

import (
	"context"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/txgraph"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// IdleDrafts lists a wallet's drafts that wait for signatures and have not changed since a time.
func (d *DB) IdleDrafts(ctx context.Context, id wallet.ID, since time.Time) ([]wallet.StoredDraft, error) {
	return d.drafts(ctx, draftColumns+`WHERE wallet = ? AND state NOT IN ('broadcast', 'expired') AND changed < ? ORDER BY id`, id, since.Unix())
}

// ExpireDraft releases the coins and leaves the draft as a row.
func (d *DB) ExpireDraft(ctx context.Context, id wallet.ID, draft wallet.DraftID, revision int64) error {
	return d.write(ctx, func(t *tx) error {
		s, err := oneDraft(t.drafts(draftColumns+`WHERE wallet = ? AND id = ?`, id, draft))
		if err != nil {
			return err
		}
		r, err := t.exec(`UPDATE drafts SET state = 'expired', revision = revision + 1 WHERE id = ? AND revision = ?`, draft, revision)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errs.E(errs.Conflict, "the draft has changed meanwhile; look at it again")
		}
		if _, err := t.exec(`DELETE FROM draft_coins WHERE draft = ?`, draft); err != nil {
			return err
		}
		return t.release(id, s.Coins)
	})
}

// RenewDraft holds the coins of an expired draft again.
func (d *DB) RenewDraft(ctx context.Context, s *wallet.StoredDraft) error {
	err := d.write(ctx, func(t *tx) error {
		r, err := t.exec(`UPDATE drafts SET state = ?, changed = ?, revision = revision + 1 WHERE id = ? AND wallet = ? AND revision = ? AND state = 'expired'`,
			string(s.State), seconds(s.Changed), s.ID, s.Wallet, s.Revision)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errs.E(errs.Conflict, "the draft has changed meanwhile; look at it again")
		}
		return t.hold(s)
	})
	if err == nil {
		s.Revision++
	}
	return err
}

// release frees coins that a draft held: another draft that waits for one inherits it. A coin
// that is not known (any more) is nobody's, and no reason to keep a draft for ever.
func (t *tx) release(id wallet.ID, coins []wire.OutPoint) error {
	known := make([]wire.OutPoint, 0, len(coins))
	for _, op := range coins {
		_, found, err := t.coin(id, op)
		if err != nil {
			return err
		}
		if found {
			known = append(known, op)
		}
	}
	err := t.shift(id, func(c *txgraph.Coin) error {
		var heir wallet.DraftID
		_, err := t.one(`SELECT coalesce(min(draft), 0) FROM draft_coins WHERE wallet = ? AND txid = ? AND vout = ?`, []any{id, c.OutPoint.Hash[:], c.OutPoint.Index}, &heir)
		if err != nil {
			return err
		}
		return t.setReserved(id, c, heir)
	}, known)
	if err != nil {
		return fmt.Errorf("release the coins: %w", err)
	}
	return nil
}
