package store

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc/txgraph"
	"specter/internal/wallet"
)

// Walk runs f inside one read transaction.
func (d *DB) Walk(ctx context.Context, ids []wallet.ID, f func(wallet.Walk) error) error {
	return d.read(ctx, func(t *tx) error {
		owners, err := t.records(ids)
		if err != nil {
			return err
		}
		return f(&walk{t: t, owners: owners})
	})
}

// walk reads rows of wallets in a transaction.
type walk struct {
	t      *tx
	owners []wallet.Record
}

// Records lists the wallets.
func (w *walk) Records() []wallet.Record { return w.owners }

// walkColumns are the columns of a history row, and what the transaction pays the wallet.
const walkColumns = historyColumns + `, coalesce((SELECT sum(p.amount) FROM coins p WHERE p.wallet = h.wallet AND p.txid = h.txid), 0) `

const walkCoins = walkColumns + `, c.vout, c.amount, c.address, c.branch, c.idx, c.coinbase, c.frozen, c.reserved,
	coalesce((SELECT label FROM labels l WHERE l.wallet = c.wallet AND l.kind = 'addr' AND l.ref = c.address), '')
	FROM coins c JOIN history h ON h.wallet = c.wallet AND h.txid = c.txid
	WHERE c.wallet = ? AND c.live = 1 AND c.spent_by IS NULL ORDER BY c.ord DESC`

// EachTx shows the transactions, the newest first.
func (w *walk) EachTx(f func(wallet.WalkTx) error) error {
	if len(w.owners) == 0 {
		return nil
	}
	replaces, err := w.replaces()
	if err != nil {
		return err
	}
	if len(w.owners) == 1 {
		return w.eachTx(walkColumns+`FROM history h WHERE h.wallet = ? ORDER BY h.ord DESC`, []any{w.owners[0].ID}, replaces, f)
	}
	query, args := (&lister{table: "history", key: "ord", owners: w.owners}).page(wallet.Page{Desc: true, Number: 1, Size: -1}, 0)
	return w.eachTx(walkColumns+`FROM (`+query+`) k JOIN history h ON h.id = k.id ORDER BY k.key DESC`, args, replaces, f)
}

func (w *walk) eachTx(query string, args []any, replaces map[replacer][]chainhash.Hash, f func(wallet.WalkTx) error) error {
	return w.t.each(query, args, func(scan func(...any) error) error {
		var r wallet.WalkTx
		var err error
		r.HistoryRow, err = scanHistory(func(dest ...any) error { return scan(append(dest, &r.Paid)...) }, w.owners)
		if err != nil {
			return err
		}
		r.Replaces = replaces[replacer{r.Wallet, r.TxID}]
		return f(r)
	})
}

// replacer is a transaction that pushed others out.
type replacer struct {
	wallet wallet.ID
	txid   chainhash.Hash
}

// replaces lists what was pushed out, by whom: few rows of any history.
func (w *walk) replaces() (map[replacer][]chainhash.Hash, error) {
	out := map[replacer][]chainhash.Hash{}
	for _, o := range w.owners {
		err := w.t.each(`SELECT txid, replaced_by FROM history WHERE wallet = ? AND replaced_by IS NOT NULL`, []any{o.ID}, func(scan func(...any) error) error {
			var old, by []byte
			if err := scan(&old, &by); err != nil {
				return err
			}
			if a, b := hashOf(old), hashOf(by); a != nil && b != nil {
				key := replacer{o.ID, *b}
				out[key] = append(out[key], *a)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// EachCoin shows the utxos, the newest first, each with its transaction.
func (w *walk) EachCoin(f func(wallet.CoinRow, wallet.WalkTx) error) error {
	for _, o := range w.owners {
		if err := w.eachCoin(o, f); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) eachCoin(o wallet.Record, f func(wallet.CoinRow, wallet.WalkTx) error) error {
	outputs, err := w.outputLabels(o.ID)
	if err != nil {
		return err
	}
	return w.t.each(walkCoins, []any{o.ID}, func(scan func(...any) error) error {
		var tx wallet.WalkTx
		var c wallet.CoinRow
		var address string
		var err error
		tx.HistoryRow, err = scanHistory(func(dest ...any) error {
			return scan(append(dest, &tx.Paid, &c.OutPoint.Index, &c.Amount, &c.Address, &c.Branch, &c.Index, &c.Coinbase, &c.Frozen, &c.ReservedBy, &address)...)
		}, w.owners)
		if err != nil {
			return err
		}
		c.Wallet, c.WalletAlias, c.WalletName = tx.Wallet, tx.WalletAlias, tx.WalletName
		c.OutPoint.Hash, c.Height, c.Confirmations, c.Time = tx.TxID, tx.Height, tx.Confirmations, tx.Time
		c.Immature = txgraph.Coin{Coinbase: c.Coinbase, Height: c.Height}.Immature(o.Tip.Height)
		c.Label = wallet.CoinLabel(outputs[c.OutPoint.String()], address, tx.Label)
		return f(c, tx)
	})
}

// outputLabels loads the labels of a wallet's outputs: people give few.
func (w *walk) outputLabels(id wallet.ID) (map[string]string, error) {
	out := map[string]string{}
	err := w.t.each(`SELECT ref, label FROM labels WHERE wallet = ? AND kind = 'output'`, []any{id}, func(scan func(...any) error) error {
		var ref, label string
		err := scan(&ref, &label)
		out[ref] = label
		return err
	})
	return out, err
}

// EachAddress shows the addresses of a branch by index.
func (w *walk) EachAddress(branch uint32, f func(wallet.AddressRow) error) error {
	for _, o := range w.owners {
		err := w.t.each(addressColumns+`WHERE a.wallet = ? AND a.branch = ? ORDER BY a.idx`, []any{o.ID, branch}, func(scan func(...any) error) error {
			r, err := scanAddress(scan)
			if err != nil {
				return err
			}
			return f(r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
