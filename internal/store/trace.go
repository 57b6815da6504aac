package store

import (
	"context"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/wallet"
)

// Rivals lists the other transactions that spend what a transaction spends. One whose bytes
// cannot be read has none that are known.
func (d *DB) Rivals(ctx context.Context, id wallet.ID, txid chainhash.Hash) (out []chainhash.Hash, err error) {
	err = d.read(ctx, func(t *tx) error {
		var raw []byte
		if _, err := t.one(`SELECT raw FROM txs WHERE wallet = ? AND txid = ?`, []any{id, txid[:]}, &raw); err != nil {
			return err
		}
		body, err := wallet.ReadTx(raw, txid)
		if err != nil {
			return nil
		}
		for _, in := range body.TxIn {
			op := in.PreviousOutPoint
			list, err := t.hashes(`SELECT txid FROM spends WHERE wallet = ? AND prev_txid = ? AND prev_vout = ? AND txid <> ?`, id, op.Hash[:], op.Index, txid[:])
			if err != nil {
				return err
			}
			out = addNew(out, list)
		}
		return nil
	})
	return out, err
}

// SpendersOf lists the transactions known that spend an output of a transaction.
func (d *DB) SpendersOf(ctx context.Context, id wallet.ID, txid chainhash.Hash) (out []chainhash.Hash, err error) {
	err = d.read(ctx, func(t *tx) error {
		list, err := t.hashes(`SELECT txid FROM spends WHERE wallet = ? AND prev_txid = ?`, id, txid[:])
		out = addNew(nil, list)
		return err
	})
	return out, err
}

func addNew(to, from []chainhash.Hash) []chainhash.Hash {
	for _, h := range from {
		if !slices.Contains(to, h) {
			to = append(to, h)
		}
	}
	return to
}

// Dropped lists transactions that left the mempool, without those given up, the newest first.
func (d *DB) Dropped(ctx context.Context, id wallet.ID) (out []wallet.HistoryRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners([]wallet.ID{id})
		if err != nil {
			return err
		}
		return t.each(historyColumns+`FROM history h WHERE h.wallet = ? AND h.state = 'dropped'
			AND NOT EXISTS (SELECT 1 FROM abandoned a WHERE a.wallet = h.wallet AND a.txid = h.txid) ORDER BY h.ord DESC`, []any{id}, func(scan func(...any) error) error {
			r, err := scanHistory(scan, owners)
			out = append(out, r)
			return err
		})
	})
	return out, err
}

// SetAbandoned gives a dropped transaction up, or takes that back.
func (d *DB) SetAbandoned(ctx context.Context, id wallet.ID, txid chainhash.Hash, abandoned bool) error {
	return d.write(ctx, func(t *tx) error {
		query := `DELETE FROM abandoned WHERE wallet = ? AND txid = ?`
		if abandoned {
			query = `INSERT INTO abandoned (wallet, txid) VALUES (?, ?) ON CONFLICT (wallet, txid) DO NOTHING`
		}
		_, err := t.exec(query, id, txid[:])
		return err
	})
}

// maxEndings bounds how many rows are looked through for addresses.
const maxEndings = 500

// Ending finds addresses in the history that end with a text, at most limit.
func (d *DB) Ending(ctx context.Context, id wallet.ID, text string, limit int) (out []string, err error) {
	if len(text) < 4 || strings.ContainsAny(text, "%_ ") {
		return nil, nil
	}
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT addresses FROM history WHERE wallet = ? AND id IN (SELECT rowid FROM history_search WHERE search LIKE ?) LIMIT ?`,
			[]any{id, "%" + strings.ToLower(text) + " %", maxEndings}, func(scan func(...any) error) error {
				var list string
				if err := scan(&list); err != nil {
					return err
				}
				for _, a := range strings.Fields(list) {
					if strings.HasSuffix(a, text) && len(out) < limit && !slices.Contains(out, a) {
						out = append(out, a)
					}
				}
				return nil
			})
	})
	return out, err
}

// Days sums what transactions that count did to the balance, by UTC day, in order.
func (d *DB) Days(ctx context.Context, id wallet.ID) (out []wallet.Day, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT time / 86400, sum(amount) FROM history WHERE wallet = ? AND state IN ('confirmed', 'pending') GROUP BY 1 ORDER BY 1`, []any{id}, func(scan func(...any) error) error {
			var day wallet.Day
			err := scan(&day.Day, &day.Delta)
			out = append(out, day)
			return err
		})
	})
	return out, err
}

// lent reports whether a draft may hold a coin that is not free: one that the transaction spends
// whose place it takes, or one of a parent that left the mempool.
func (t *tx) lent(s *wallet.StoredDraft, op wire.OutPoint, live bool) (bool, error) {
	if s.Parents && !live {
		return true, nil
	}
	if s.Replaces == nil {
		return false, nil
	}
	var ok bool
	_, err := t.one(`SELECT EXISTS (SELECT 1 FROM spends WHERE wallet = ? AND prev_txid = ? AND prev_vout = ? AND txid = ?)`,
		[]any{s.Wallet, op.Hash[:], op.Index, s.Replaces[:]}, &ok)
	return ok, err
}
