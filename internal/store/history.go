package store

import (
	"context"
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
	key := historySort[p.Sort]
	if key == "" {
		key = "ord"
	}
	cond, args := historyCond(p)
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners(ids)
		if err != nil {
			return err
		}
		if page.Total, err = t.countHistory(owners, cond, args); err != nil || len(owners) == 0 {
			return err
		}
		query, all := paged("history", key, p, owners, cond, args)
		return t.each(historyColumns+`FROM (`+query+`) p JOIN history h ON h.id = p.id ORDER BY p.key`+direction(p)+`, p.tie`+direction(p), all, func(scan func(...any) error) error {
			r, err := scanHistory(scan, owners)
			page.Rows = append(page.Rows, r)
			return err
		})
	})
	return page, err
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

// paged builds the query for one page of ids over several wallets: each wallet's rows come from
// its own index in order, and the database merges them.
func paged(table, key string, p wallet.Page, owners []wallet.Record, cond string, args []any) (string, []any) {
	var parts []string
	var all []any
	if len(owners) > maxMerged {
		marks := strings.Repeat("?, ", len(owners)-1) + "?"
		for _, o := range owners {
			all = append(all, o.ID)
		}
		parts, all = []string{`SELECT ` + key + ` AS key, ord AS tie, id FROM ` + table + ` WHERE wallet IN (` + marks + `)` + cond}, append(all, args...)
		owners = nil
	}
	for _, o := range owners {
		parts = append(parts, `SELECT `+key+` AS key, ord AS tie, id FROM `+table+` WHERE wallet = ?`+cond)
		all = append(append(all, o.ID), args...)
	}
	order := ` ORDER BY key` + direction(p)
	if key != "ord" {
		order += `, tie` + direction(p)
	}
	return strings.Join(parts, ` UNION ALL `) + order + ` LIMIT ? OFFSET ?`, append(all, p.Size, (p.Number-1)*p.Size)
}

// owners loads the wallets of a list, for names and tips. Those that are gone are left out.
func (t *tx) owners(ids []wallet.ID) (out []wallet.Record, err error) {
	for _, id := range ids {
		list, err := t.wallets(walletColumns+`WHERE id = ?`, id)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (t *tx) countHistory(owners []wallet.Record, cond string, args []any) (total int, err error) {
	for _, o := range owners {
		n := o.TxCount
		if cond != "" {
			if _, err := t.one(`SELECT count(*) FROM history WHERE wallet = ?`+cond, append([]any{o.ID}, args...), &n); err != nil {
				return 0, err
			}
		}
		total += n
	}
	return total, nil
}

// historyCond turns search and filter into SQL that begins with " AND", or "".
func historyCond(p wallet.Page) (string, []any) {
	var where []string
	var args []any
	switch p.Filter {
	case string(wallet.Receive), string(wallet.Send), string(wallet.SelfTransfer), string(wallet.Mixed), string(wallet.Generate):
		where, args = append(where, "category = ?"), append(args, p.Filter)
	case "unconfirmed":
		where, args = append(where, "ord >= ?"), append(args, txgraph.PendingOrder)
	case string(wallet.Broken), string(wallet.Conflicted), string(wallet.Dropped):
		where, args = append(where, "state = ?"), append(args, p.Filter)
	}
	if text := p.Find.Text; text != "" {
		c := "instr(search, ?) > 0"
		args = append(args, text)
		if rare := selective(text); indexed(rare) {
			c = "(" + c + " AND id IN (SELECT rowid FROM history_search WHERE search LIKE ?))"
			args = append(args, "%"+rare+"%")
		}
		if e := p.Find.Exactly; e != nil {
			c = "(" + c + " OR amount IN (?, ?))"
			args = append(args, int64(*e), -int64(*e))
		}
		where = append(where, c)
	}
	if c, a := amountRange("amount", p.Find); c != "" {
		where, args = append(where, c), append(args, a...)
	}
	if c, a := timeRange(p.Find); c != "" {
		where, args = append(where, c), append(args, a...)
	}
	if len(where) == 0 {
		return "", nil
	}
	return " AND " + strings.Join(where, " AND "), args
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

// amountRange compares magnitudes: money that went out counts like money that came in.
func amountRange(column string, f wallet.Find) (string, []any) {
	var where []string
	var args []any
	if f.Over != nil {
		where = append(where, "("+column+" > ? OR "+column+" < ?)")
		args = append(args, int64(*f.Over), -int64(*f.Over))
	}
	if f.Under != nil {
		where = append(where, "("+column+" < ? AND "+column+" > ?)")
		args = append(args, int64(*f.Under), -int64(*f.Under))
	}
	if f.Exactly != nil && f.Text == "" {
		where = append(where, column+" IN (?, ?)")
		args = append(args, int64(*f.Exactly), -int64(*f.Exactly))
	}
	return strings.Join(where, " AND "), args
}

func timeRange(f wallet.Find) (string, []any) {
	var where []string
	var args []any
	if !f.From.IsZero() {
		where, args = append(where, "time >= ?"), append(args, f.From.Unix())
	}
	if !f.To.IsZero() {
		where, args = append(where, "time < ?"), append(args, f.To.Unix())
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
