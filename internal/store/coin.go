package store

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/txgraph"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// coinSort maps the words of a query to columns.
var coinSort = map[string]string{"": "ord", "amount": "amount", "address": "address", "label": coinLabel}

// coinLabel is wallet.CoinLabel in SQL, for order and search alone.
const coinLabel = `coalesce((SELECT label FROM labels l WHERE l.wallet = coins.wallet AND l.kind = 'addr' AND l.ref = coins.address), '')`

const coinColumns = `SELECT c.wallet, c.txid, c.vout, c.amount, c.address, c.branch, c.idx, c.height, c.time, c.coinbase, c.spent_by, c.frozen, c.reserved `

// CoinList is one page of the wallets' coins. Those of transactions that do not count are not
// listed.
func (d *DB) CoinList(ctx context.Context, ids []wallet.ID, p wallet.Page) (page wallet.CoinPage, err error) {
	page.Page, page.Size = p.Number, p.Size
	key := coinSort[p.Sort]
	if key == "" {
		key = "ord"
	}
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners(ids)
		if err != nil || len(owners) == 0 {
			return err
		}
		cond, args := coinCond(p)
		for _, o := range owners {
			var n int
			var sum int64
			if _, err := t.one(`SELECT count(*), coalesce(sum(amount), 0) FROM coins WHERE wallet = ?`+cond, append([]any{o.ID}, args...), &n, &sum); err != nil {
				return err
			}
			page.Total += n
			page.Amount += btcutil.Amount(sum)
		}
		query, all := paged("coins", key, p, owners, cond, args)
		err = t.each(coinColumns+`FROM (`+query+`) p JOIN coins c ON c.id = p.id ORDER BY p.key`+direction(p)+`, p.tie`+direction(p), all, func(scan func(...any) error) error {
			r, err := scanCoin(scan, owners)
			page.Rows = append(page.Rows, r)
			return err
		})
		if err != nil {
			return err
		}
		return t.nameCoins(page.Rows)
	})
	return page, err
}

// coinCond turns search and filter into SQL that begins with " AND".
func coinCond(p wallet.Page) (string, []any) {
	where := []string{"live = 1"}
	var args []any
	switch p.Filter {
	case "unspent":
		where = append(where, "spent_by IS NULL")
	case "free":
		where = append(where, "spent_by IS NULL AND frozen = 0 AND reserved = 0")
	case "frozen":
		where = append(where, "spent_by IS NULL AND frozen = 1")
	case "reserved":
		where = append(where, "spent_by IS NULL AND reserved > 0")
	case "spent":
		where = append(where, "spent_by IS NOT NULL")
	}
	if text := p.Find.Text; text != "" {
		c := `(instr(address, ?) > 0 OR EXISTS (SELECT 1 FROM labels l WHERE l.wallet = coins.wallet AND l.kind = 'addr' AND l.ref = coins.address AND instr(l.search, ?) > 0)
			OR EXISTS (SELECT 1 FROM history h WHERE h.wallet = coins.wallet AND h.txid = coins.txid AND instr(h.search, ?) > 0)`
		args = append(args, text, text, text)
		if e := p.Find.Exactly; e != nil {
			c += " OR amount = ?"
			args = append(args, int64(*e))
		}
		if txid, vout, ok := strings.Cut(text, ":"); ok && len(txid) == 2*chainhash.HashSize {
			if h, err := chainhash.NewHashFromStr(txid); err == nil {
				c += " OR txid = ? AND vout = ?"
				args = append(args, h[:], vout)
			}
		}
		where = append(where, c+")")
	}
	if c, a := amountRange("amount", p.Find); c != "" {
		where, args = append(where, c), append(args, a...)
	}
	if c, a := timeRange(p.Find); c != "" {
		where, args = append(where, c), append(args, a...)
	}
	return " AND " + strings.Join(where, " AND "), args
}

func scanCoin(scan func(...any) error, owners []wallet.Record) (r wallet.CoinRow, err error) {
	var txid, spent []byte
	var time int64
	err = scan(&r.Wallet, &txid, &r.OutPoint.Index, &r.Amount, &r.Address, &r.Branch, &r.Index, &r.Height, &time, &r.Coinbase, &spent, &r.Frozen, &r.ReservedBy)
	if err != nil {
		return r, err
	}
	copy(r.OutPoint.Hash[:], txid)
	r.Time, r.SpentBy = moment(time), hashOf(spent)
	o := ownerOf(owners, r.Wallet)
	r.WalletAlias, r.WalletName = o.Alias, o.Name
	r.Confirmations = txgraph.Confirmations(r.Height, o.Tip.Height)
	r.Immature = txgraph.Coin{Coinbase: r.Coinbase, Height: r.Height}.Immature(o.Tip.Height)
	return r, nil
}

// nameCoins fills in the labels of the rows of a page.
func (t *tx) nameCoins(rows []wallet.CoinRow) error {
	for i := range rows {
		r := &rows[i]
		var output, address, tx string
		var others int
		_, err := t.one(`SELECT coalesce((SELECT label FROM labels WHERE wallet = ?1 AND kind = 'output' AND ref = ?2), ''),
			coalesce((SELECT label FROM labels WHERE wallet = ?1 AND kind = 'addr' AND ref = ?3), ''),
			coalesce((SELECT label FROM labels WHERE wallet = ?1 AND kind = 'tx' AND ref = ?4), ''),
			(SELECT count(*) FROM (SELECT 1 FROM coins WHERE wallet = ?1 AND address = ?3 LIMIT 2))`,
			[]any{r.Wallet, r.OutPoint.String(), r.Address, r.OutPoint.Hash.String()}, &output, &address, &tx, &others)
		if err != nil {
			return err
		}
		r.Label, r.Reused = wallet.CoinLabel(output, address, tx), others > 1
	}
	return nil
}

// CoinsAt finds coins by outpoint, whatever their state.
func (d *DB) CoinsAt(ctx context.Context, id wallet.ID, ops []wire.OutPoint) (map[wire.OutPoint]wallet.CoinRow, error) {
	out := map[wire.OutPoint]wallet.CoinRow{}
	err := d.read(ctx, func(t *tx) error {
		owners, err := t.owners([]wallet.ID{id})
		if err != nil {
			return err
		}
		var rows []wallet.CoinRow
		for _, op := range ops {
			err := t.each(coinColumns+`FROM coins c WHERE c.wallet = ? AND c.txid = ? AND c.vout = ?`, []any{id, op.Hash[:], op.Index}, func(scan func(...any) error) error {
				r, err := scanCoin(scan, owners)
				rows = append(rows, r)
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := t.nameCoins(rows); err != nil {
			return err
		}
		for _, r := range rows {
			out[r.OutPoint] = r
		}
		return nil
	})
	return out, err
}

// Spendable lists the utxos that a draft may spend. Coinbase outputs that are not mature are
// left out.
func (d *DB) Spendable(ctx context.Context, id wallet.ID) (out []wallet.SpendableCoin, err error) {
	err = d.read(ctx, func(t *tx) error {
		r, err := t.wallet(id)
		if err != nil {
			return err
		}
		return t.each(`SELECT c.txid, c.vout, c.amount, c.script, c.branch, c.idx, c.height, c.coinbase,
			c.height = 0 AND coalesce((SELECT h.category FROM history h WHERE h.wallet = c.wallet AND h.txid = c.txid) IN ('send', 'selftransfer'), 0)
			FROM coins c WHERE c.wallet = ? AND c.live = 1 AND c.spent_by IS NULL AND c.frozen = 0 AND c.reserved = 0 ORDER BY c.ord`, []any{id}, func(scan func(...any) error) error {
			var c wallet.SpendableCoin
			var txid []byte
			var coinbase bool
			if err := scan(&txid, &c.OutPoint.Index, &c.Amount, &c.Script, &c.Branch, &c.Index, &c.Height, &coinbase, &c.Own); err != nil {
				return err
			}
			if (txgraph.Coin{Coinbase: coinbase, Height: c.Height}).Immature(r.Tip.Height) {
				return nil
			}
			copy(c.OutPoint.Hash[:], txid)
			out = append(out, c)
			return nil
		})
	})
	return out, err
}

// SetFrozen freezes or thaws coins, all or none.
func (d *DB) SetFrozen(ctx context.Context, id wallet.ID, coins []wire.OutPoint, frozen bool) error {
	return d.write(ctx, func(t *tx) error { return t.freeze(id, coins, frozen) })
}

func (t *tx) freeze(id wallet.ID, coins []wire.OutPoint, frozen bool) error {
	return t.shift(id, func(c *txgraph.Coin) error {
		c.Frozen = frozen
		query := `DELETE FROM frozen WHERE wallet = ? AND txid = ? AND vout = ?`
		if frozen {
			query = `INSERT INTO frozen (wallet, txid, vout) VALUES (?, ?, ?) ON CONFLICT (wallet, txid, vout) DO NOTHING`
		}
		if _, err := t.exec(query, id, c.OutPoint.Hash[:], c.OutPoint.Index); err != nil {
			return err
		}
		return t.must("coin", `UPDATE coins SET frozen = ? WHERE wallet = ? AND txid = ? AND vout = ?`, flag(frozen), id, c.OutPoint.Hash[:], c.OutPoint.Index)
	}, coins)
}

// setReserved notes which draft holds a coin; 0: none.
func (t *tx) setReserved(id wallet.ID, c *txgraph.Coin, draft wallet.DraftID) error {
	c.Reserved = draft > 0
	return t.must("coin", `UPDATE coins SET reserved = ? WHERE wallet = ? AND txid = ? AND vout = ?`, draft, id, c.OutPoint.Hash[:], c.OutPoint.Index)
}

// free tells why a coin cannot be taken by a new draft; nil: it can.
func free(c *txgraph.Coin) error {
	name := hex.EncodeToString(c.OutPoint.Hash[:4])
	switch {
	case !c.UTXO():
		return errs.E(errs.Conflict, "coin %s… has been spent meanwhile; make the payment again", name)
	case c.Frozen:
		return errs.E(errs.Conflict, "coin %s… has been frozen meanwhile; make the payment again", name)
	case c.Reserved:
		return errs.E(errs.Conflict, "coin %s… has been taken by another draft meanwhile; make the payment again", name)
	}
	return nil
}
