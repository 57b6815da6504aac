package store

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc/txgraph"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// historySort maps the words of a query to indexed columns.
var historySort = map[string]string{"": "ord", "amount": "amount", "category": "category", "label": "label"}

const historyColumns = `SELECT h.wallet, h.txid, h.category, h.state, h.amount, h.fee, h.vsize, h.height, h.block_hash, h.time, h.label, h.address,
	h.replaceable, h.replaced_by, h.trouble,
	h.state = 'dropped' AND EXISTS (SELECT 1 FROM abandoned a WHERE a.wallet = h.wallet AND a.txid = h.txid) `

// History is one page of the wallets' transactions.
func (d *DB) History(ctx context.Context, ids []wallet.ID, p wallet.Page) (page wallet.HistoryPage, err error) {
	page.Page, page.Size = p.Number, p.Size
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners(ids)
		if err != nil || len(owners) == 0 {
			return err
		}
		l, err := t.historyLister(p, owners)
		if err != nil {
			return err
		}
		if page.Total, page.More, err = l.count(t, p); err != nil {
			return err
		}
		if l.empty(p, page.Total) {
			return nil
		}
		query, all := l.page(p, l.extra())
		err = t.each(historyColumns+`FROM (`+query+`) p JOIN history h ON h.id = p.id ORDER BY p.key`+direction(p)+`, p.tie`+direction(p), all, func(scan func(...any) error) error {
			r, err := scanHistory(scan, owners)
			page.Rows = append(page.Rows, r)
			return err
		})
		page.Rows, page.Total, page.More = clip(l, p, page.Rows, page.Total, page.More)
		return err
	})
	return page, err
}

// historyLister understands a query over the history.
func (t *tx) historyLister(p wallet.Page, owners []wallet.Record) (*lister, error) {
	l := &lister{table: "history", key: historySort[p.Sort], owners: owners, amountIndex: "history_amount"}
	if l.key == "" {
		l.key = "ord"
	}
	switch p.Filter {
	case string(wallet.Receive), string(wallet.Send), string(wallet.SelfTransfer), string(wallet.Mixed), string(wallet.Generate):
		l.and("category = ?", p.Filter)
	case "unconfirmed":
		l.and("ord >= ?", txgraph.PendingOrder)
	case string(wallet.Broken), string(wallet.Conflicted), string(wallet.Dropped):
		l.and("state = ?", p.Filter)
	}
	if err := t.findText(l, p.Find); err != nil {
		return nil, err
	}
	if err := t.findAmounts(l, p.Find, true); err != nil {
		return nil, err
	}
	l.times(p.Find)
	if l.cond == "" && len(l.arms) == 0 && l.ids == nil {
		for _, o := range owners {
			l.known += o.TxCount
		}
		l.counted = true
	}
	return l, nil
}

// findText narrows a list to rows of history with a text: to those that the search index names
// where they are few, else row by row, which is fast where they are many.
func (t *tx) findText(l *lister, f wallet.Find) error {
	if f.Text == "" {
		return nil
	}
	c, args := "instr(search, ?) > 0", []any{f.Text}
	if e := f.Exactly; e != nil {
		c, args = "("+c+" OR amount IN (?, ?))", append(args, int64(*e), -int64(*e))
	}
	l.and(c, args...)
	ids, few, err := t.matches(f.Text)
	if err != nil || !few {
		l.frequent = true
		return err
	}
	if e := f.Exactly; e != nil {
		for _, o := range l.owners {
			same, err := t.numbers(`SELECT id FROM history WHERE wallet = ? AND amount IN (?, ?) LIMIT ?`, o.ID, int64(*e), -int64(*e), maxMatches)
			if err != nil {
				return err
			}
			ids = append(ids, same...)
		}
	}
	l.ids = ids
	return nil
}

// maxMatches is up to how many rows the search index is asked for.
const maxMatches = 5_000

// matches asks the search index; few is false where it names too many rows, or cannot know.
func (t *tx) matches(text string) (ids []int64, few bool, err error) {
	rare := selective(text)
	if !indexed(rare) {
		return nil, false, nil
	}
	ids, err = t.numbers(`SELECT rowid FROM history_search WHERE search LIKE ? LIMIT ?`, "%"+rare+"%", maxMatches+1)
	if ids == nil {
		ids = []int64{}
	}
	return ids, len(ids) <= maxMatches, err
}

func (t *tx) numbers(query string, args ...any) (out []int64, err error) {
	err = t.each(query, args, func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		out = append(out, n)
		return err
	})
	return out, err
}

// direction of an order: descending unless a column was asked for in ascending order.
func direction(p wallet.Page) string {
	if p.Desc {
		return " DESC"
	}
	return ""
}

// maxMerged is how many wallets a query merges; more are sorted together.
const maxMerged = 100

// owners loads what lists tell of their wallets: name, alias, height of the tip, balance and how
// many transactions there are, in the order of ids. Those that are gone are left out.
func (t *tx) owners(ids []wallet.ID) (out []wallet.Record, err error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	err = t.each(`SELECT w.id, w.alias, w.name, w.tip_height, w.tx_count, w.confirmed, w.pending, w.immature, w.frozen, w.reserved FROM json_each(?) j CROSS JOIN wallets w ON w.id = j.value ORDER BY j.key`, []any{string(list)}, func(scan func(...any) error) error {
		var r wallet.Record
		b := &r.Balance
		err := scan(&r.ID, &r.Alias, &r.Name, &r.Tip.Height, &r.TxCount, &b.Confirmed, &b.Pending, &b.Immature, &b.Frozen, &b.Reserved)
		out = append(out, r)
		return err
	})
	return out, err
}

// records loads the wallets of a list. Those that are gone are left out.
func (t *tx) records(ids []wallet.ID) (out []wallet.Record, err error) {
	for _, id := range ids {
		list, err := t.wallets(walletColumns+`WHERE id = ?`, id)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// selective leaves out how every address of a network begins: to find what all rows have, the
// index is slower than reading them.
func selective(text string) string {
	for _, common := range []string{"bcrt1", "bc1", "tb1"} {
		if rest, ok := strings.CutPrefix(text, common); ok {
			return rest
		}
	}
	return text
}

// indexed reports whether the search index can find a text: it knows groups of three
// characters, and a pattern's own signs would have to be escaped, which it cannot.
func indexed(text string) bool {
	return utf8.RuneCountInString(text) >= 3 && !strings.ContainsAny(text, "%_")
}

// amountRange compares amounts of which none is negative.
func amountRange(column string, f wallet.Find) (string, []any) {
	var where []string
	var args []any
	if f.Over != nil {
		where, args = append(where, column+" > ?"), append(args, int64(*f.Over))
	}
	if f.Under != nil {
		where, args = append(where, column+" < ?"), append(args, int64(*f.Under))
	}
	if f.Exactly != nil && f.Text == "" {
		where, args = append(where, column+" = ?"), append(args, int64(*f.Exactly))
	}
	return strings.Join(where, " AND "), args
}

// scanHistory reads a row; names and confirmations come from its wallet.
func scanHistory(scan func(...any) error, owners []wallet.Record) (r wallet.HistoryRow, err error) {
	var txid, block, replaced []byte
	var fee *int64
	var time int64
	err = scan(&r.Wallet, &txid, &r.Category, &r.State, &r.Amount, &fee, &r.VSize, &r.Height, &block, &time, &r.Label, &r.Address,
		&r.Replaceable, &replaced, &r.Trouble, &r.Abandoned)
	if err != nil {
		return r, err
	}
	copy(r.TxID[:], txid)
	copy(r.BlockHash[:], block)
	r.Time, r.ReplacedBy = moment(time), hashOf(replaced)
	if fee != nil {
		f := btcutil.Amount(*fee)
		r.Fee = &f
	}
	o := ownerOf(owners, r.Wallet)
	r.WalletAlias, r.WalletName = o.Alias, o.Name
	r.Confirmations = txgraph.Confirmations(r.Height, o.Tip.Height)
	return r, nil
}

func ownerOf(owners []wallet.Record, id wallet.ID) wallet.Record {
	for _, o := range owners {
		if o.ID == id {
			return o
		}
	}
	return wallet.Record{}
}

// HistoryRow finds one transaction of a wallet.
func (d *DB) HistoryRow(ctx context.Context, id wallet.ID, txid chainhash.Hash) (r wallet.HistoryRow, err error) {
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners([]wallet.ID{id})
		if err != nil {
			return err
		}
		found := false
		err = t.each(historyColumns+`FROM history h WHERE wallet = ? AND txid = ?`, []any{id, txid[:]}, func(scan func(...any) error) (err error) {
			found = true
			r, err = scanHistory(scan, owners)
			return err
		})
		if err == nil && !found {
			err = errs.E(errs.NotFound, "the wallet has no transaction %s", txid)
		}
		return err
	})
	return r, err
}

// Unconfirmed lists the transactions that are in no block and have not been told to be gone.
func (d *DB) Unconfirmed(ctx context.Context, id wallet.ID) (out []chainhash.Hash, err error) {
	err = d.read(ctx, func(t *tx) error {
		out, err = t.hashes(`SELECT txid FROM txs WHERE wallet = ? AND height = 0 AND gone = 0 ORDER BY id`, id)
		return err
	})
	return out, err
}

// Unrelated lists facts that touched nothing of the wallet when they came.
func (d *DB) Unrelated(ctx context.Context, id wallet.ID) (out []chainhash.Hash, err error) {
	err = d.read(ctx, func(t *tx) error {
		out, err = t.hashes(`SELECT txid FROM txs WHERE wallet = ? AND related = 0`, id)
		return err
	})
	return out, err
}

// RawTx returns the stored bytes of a transaction.
func (d *DB) RawTx(ctx context.Context, id wallet.ID, txid chainhash.Hash) (raw []byte, err error) {
	err = d.read(ctx, func(t *tx) error {
		found, err := t.one(`SELECT raw FROM txs WHERE wallet = ? AND txid = ?`, []any{id, txid[:]}, &raw)
		if err == nil && !found {
			err = errs.E(errs.NotFound, "the wallet has no transaction %s", txid)
		}
		return err
	})
	return raw, err
}
