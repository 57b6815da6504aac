package store

import (
	"context"
	"math"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/wallet"
)

// HistoryRows lists which rows of history match a query, in its order.
func (d *DB) HistoryRows(ctx context.Context, ids []wallet.ID, p wallet.Page) ([]wallet.RowID, error) {
	return d.rowIDs(ctx, ids, p, (*tx).historyLister)
}

// CoinRows lists which coins match a query, in its order.
func (d *DB) CoinRows(ctx context.Context, ids []wallet.ID, p wallet.Page) ([]wallet.RowID, error) {
	return d.rowIDs(ctx, ids, p, (*tx).coinLister)
}

func (d *DB) rowIDs(ctx context.Context, ids []wallet.ID, p wallet.Page, list func(*tx, wallet.Page, []wallet.Record) (*lister, error)) (out []wallet.RowID, err error) {
	p.Number, p.Size = 1, math.MaxInt32
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners(ids)
		if err != nil || len(owners) == 0 {
			return err
		}
		l, err := list(t, p, owners)
		if err != nil {
			return err
		}
		query, all := l.page(p, 0)
		return t.each(`SELECT p.id FROM (`+query+`) p ORDER BY p.key`+direction(p)+`, p.tie`+direction(p), all, func(scan func(...any) error) error {
			var id wallet.RowID
			err := scan(&id)
			out = append(out, id)
			return err
		})
	})
	return out, err
}

// HistoryAt reads rows of history of the wallets; those that are gone are left out.
func (d *DB) HistoryAt(ctx context.Context, ids []wallet.ID, rows []wallet.RowID) (out []wallet.HistoryRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners(ids)
		if err != nil {
			return err
		}
		for _, row := range rows {
			err := t.each(historyColumns+`FROM history h WHERE h.id = ?`, []any{row}, func(scan func(...any) error) error {
				r, err := scanHistory(scan, owners)
				if ownerOf(owners, r.Wallet).ID != 0 {
					out = append(out, r)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// CoinsByRow reads coins of the wallets; those that are gone are left out.
func (d *DB) CoinsByRow(ctx context.Context, ids []wallet.ID, rows []wallet.RowID) (out []wallet.ListedCoin, err error) {
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners(ids)
		if err != nil {
			return err
		}
		var list []wallet.CoinRow
		for _, row := range rows {
			err := t.each(coinColumns+`FROM coins c WHERE c.id = ?`, []any{row}, func(scan func(...any) error) error {
				r, err := scanCoin(scan, owners)
				if ownerOf(owners, r.Wallet).ID != 0 {
					list = append(list, r)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := t.nameCoins(list); err != nil {
			return err
		}
		for _, r := range list {
			c := wallet.ListedCoin{CoinRow: r}
			if _, err := t.one(`SELECT category FROM history WHERE wallet = ? AND txid = ?`, []any{r.Wallet, r.OutPoint.Hash[:]}, &c.Category); err != nil {
				return err
			}
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// AddressesFrom lists addresses of a branch from an index on, at most n.
func (d *DB) AddressesFrom(ctx context.Context, id wallet.ID, branch, from uint32, n int) (out []wallet.AddressRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(addressColumns+`WHERE a.wallet = ? AND a.branch = ? AND a.idx >= ? ORDER BY a.idx LIMIT ?`, []any{id, branch, from, n}, func(scan func(...any) error) error {
			r, err := scanAddress(scan)
			out = append(out, r)
			return err
		})
	})
	return out, err
}

// BalanceAt adds up what confirmed in blocks before a moment.
func (d *DB) BalanceAt(ctx context.Context, id wallet.ID, before time.Time) (sum btcutil.Amount, err error) {
	err = d.read(ctx, func(t *tx) error {
		_, err := t.one(`SELECT coalesce(sum(amount), 0) FROM history WHERE wallet = ? AND state = 'confirmed' AND time < ?`, []any{id, before.Unix()}, &sum)
		return err
	})
	return sum, err
}
