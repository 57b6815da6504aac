package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
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
	err = d.read(ctx, func(t *tx) error {
		owners, err := t.owners(ids)
		if err != nil || len(owners) == 0 {
			return err
		}
		l, err := t.coinLister(p, owners)
		if err != nil {
			return err
		}
		if err := t.sumCoins(l, p, &page); err != nil {
			return err
		}
		if l.empty(p, page.Total) {
			return nil
		}
		query, all := l.page(p, l.extra())
		err = t.each(coinColumns+`FROM (`+query+`) p JOIN coins c ON c.id = p.id ORDER BY p.key`+direction(p)+`, p.tie`+direction(p), all, func(scan func(...any) error) error {
			r, err := scanCoin(scan, owners)
			page.Rows = append(page.Rows, r)
			return err
		})
		if err != nil {
			return err
		}
		page.Rows, page.Total, page.More = clip(l, p, page.Rows, page.Total, page.More)
		if l.frequent {
			page.Amount = 0
			for _, r := range page.Rows {
				page.Amount += r.Amount
			}
		}
		return t.nameCoins(page.Rows)
	})
	return page, err
}

// coinFilters are the conditions of the filters.
var coinFilters = map[string]string{
	"unspent":  "spent_by IS NULL",
	"free":     "spent_by IS NULL AND frozen = 0 AND reserved = 0",
	"frozen":   "spent_by IS NULL AND frozen = 1",
	"reserved": "spent_by IS NULL AND reserved > 0",
	"spent":    "spent_by IS NOT NULL",
}

// coinIndexes are what the filters' lists are read from.
var coinIndexes = map[string]string{"": "coins_ord", "unspent": "coins_utxo", "free": "coins_utxo", "frozen": "coins_frozen", "reserved": "coins_reserved", "spent": "coins_spent"}

// coinLister understands a query over the coins.
func (t *tx) coinLister(p wallet.Page, owners []wallet.Record) (*lister, error) {
	l := &lister{table: "coins", key: coinSort[p.Sort], owners: owners}
	if l.key == "" {
		l.key = "ord"
	}
	l.and("live = 1")
	l.index = coinIndexes[p.Filter]
	if c := coinFilters[p.Filter]; c != "" {
		l.and(c)
	}
	if err := t.findCoins(l, p.Find); err != nil {
		return nil, err
	}
	switch p.Filter {
	case "unspent", "free", "frozen", "reserved":
		l.amountIndex, l.amountCond = "coins_utxo_amount", " AND live = 1 AND spent_by IS NULL"
	}
	if err := t.findAmounts(l, p.Find, false); err != nil {
		return nil, err
	}
	l.times(p.Find)
	return l, nil
}

// findCoins narrows a list to coins whose address, label or transaction has a text.
func (t *tx) findCoins(l *lister, f wallet.Find) error {
	if f.Text == "" {
		return nil
	}
	ids, few, err := t.coinMatches(l.owners, f)
	if err != nil {
		return err
	}
	if few {
		l.ids = ids
		return nil
	}
	c := `(instr(address, ?) > 0 OR EXISTS (SELECT 1 FROM labels l WHERE l.wallet = coins.wallet AND l.kind = 'addr' AND l.ref = coins.address AND instr(l.search, ?) > 0)
		OR EXISTS (SELECT 1 FROM history h WHERE h.wallet = coins.wallet AND h.txid = coins.txid AND instr(h.search, ?) > 0)`
	args := []any{f.Text, f.Text, f.Text}
	if e := f.Exactly; e != nil {
		c += " OR amount = ?"
		args = append(args, int64(*e))
	}
	l.and(c+")", args...)
	l.frequent = true
	return nil
}

// maxCoinMatches is up to how many transactions coins are looked up by: each costs more than a
// row of history does.
const maxCoinMatches = 2_000

// coinMatches names the coins that match a text; few is false where they are too many.
func (t *tx) coinMatches(owners []wallet.Record, f wallet.Find) (out []int64, few bool, err error) {
	rows, few, err := t.matches(f.Text)
	if err != nil || !few || len(rows) > maxCoinMatches {
		return nil, false, err
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return nil, false, err
	}
	out = []int64{}
	take := func(query string, args ...any) error {
		ids, err := t.numbers(query+` LIMIT ?`, append(args, maxMatches+1)...)
		out = append(out, ids...)
		few = few && len(ids) <= maxMatches
		return err
	}
	if err := take(`SELECT c.id FROM json_each(?) j CROSS JOIN history h ON h.id = j.value CROSS JOIN coins c ON c.wallet = h.wallet AND c.txid = h.txid WHERE instr(h.search, ?) > 0`, string(list), f.Text); err != nil {
		return nil, false, err
	}
	for _, o := range owners {
		if err := t.coinsAtAddress(o.ID, f.Text, take); err != nil {
			return nil, false, err
		}
		if err := take(`SELECT c.id FROM labels l CROSS JOIN coins c ON c.wallet = l.wallet AND c.address = l.ref WHERE l.wallet = ? AND l.kind = 'addr' AND instr(l.search, ?) > 0`, o.ID, f.Text); err != nil {
			return nil, false, err
		}
		if e := f.Exactly; e != nil {
			if err := take(`SELECT id FROM coins WHERE wallet = ? AND amount = ?`, o.ID, int64(*e)); err != nil {
				return nil, false, err
			}
		}
		named, err := t.labelledOutputs(o.ID, f.Text)
		if err != nil {
			return nil, false, err
		}
		for _, op := range named {
			if err := take(`SELECT id FROM coins WHERE wallet = ? AND txid = ? AND vout = ?`, o.ID, op.Hash[:], op.Index); err != nil {
				return nil, false, err
			}
		}
	}
	return out, few, nil
}

// coinsAtAddress takes the coins whose address begins with a text or is it; where there is none it
// looks into all of them, which takes its time, if the text can be a part of an address at all.
func (t *tx) coinsAtAddress(id wallet.ID, text string, take func(query string, args ...any) error) error {
	if strings.ContainsFunc(text, func(r rune) bool { return r > 'z' || r < '0' || r > '9' && r < 'a' }) {
		return nil
	}
	var some bool
	if _, err := t.one(`SELECT EXISTS (SELECT 1 FROM coins WHERE wallet = ? AND address >= ? AND address < ?)`, []any{id, text, text + "~"}, &some); err != nil {
		return err
	}
	if some {
		return take(`SELECT id FROM coins WHERE wallet = ? AND address >= ? AND address < ?`, id, text, text+"~")
	}
	return take(`SELECT c.id FROM addresses a CROSS JOIN coins c ON c.wallet = a.wallet AND c.address = a.address WHERE a.wallet = ? AND a.used = 1 AND instr(lower(a.address), ?) > 0`, id, text)
}

// labelledOutputs lists the outpoints whose own label has a text, and the one that the text is.
func (t *tx) labelledOutputs(id wallet.ID, text string) (out []wire.OutPoint, err error) {
	add := func(ref string) {
		if op, err := wire.NewOutPointFromString(ref); err == nil {
			out = append(out, *op)
		}
	}
	add(text)
	err = t.each(`SELECT ref FROM labels WHERE wallet = ? AND kind = 'output' AND instr(search, ?) > 0 LIMIT ?`, []any{id, text, maxMatches}, func(scan func(...any) error) error {
		var ref string
		err := scan(&ref)
		add(ref)
		return err
	})
	return out, err
}

// sumCoins counts and adds up. What the wallets' totals tell is not counted again.
func (t *tx) sumCoins(l *lister, p wallet.Page, page *wallet.CoinPage) error {
	if l.frequent {
		return nil
	}
	if p.Find == (wallet.Find{}) && (p.Filter == "unspent" || p.Filter == "free") {
		for _, o := range l.owners {
			if err := t.sumFree(o, p.Filter == "free", page); err != nil {
				return err
			}
		}
		return nil
	}
	for _, g := range l.groups() {
		for _, a := range l.alternatives() {
			from, args := l.from(g, a)
			var n int
			var sum int64
			if _, err := t.one(`SELECT count(*), coalesce(sum(amount), 0)`+from, args, &n, &sum); err != nil {
				return err
			}
			page.Total += n
			page.Amount += btcutil.Amount(sum)
		}
	}
	return nil
}

// sumFree adds a wallet's utxos, without those that are held where only free ones count.
func (t *tx) sumFree(o wallet.Record, onlyFree bool, page *wallet.CoinPage) error {
	var n, frozen, reserved int
	var frozenSum, reservedSum int64
	if _, err := t.one(`SELECT utxos FROM wallets WHERE id = ?`, []any{o.ID}, &n); err != nil {
		return err
	}
	if onlyFree {
		if _, err := t.one(`SELECT count(*), coalesce(sum(amount), 0) FROM coins WHERE wallet = ? AND live = 1 AND spent_by IS NULL AND frozen = 1`, []any{o.ID}, &frozen, &frozenSum); err != nil {
			return err
		}
		if _, err := t.one(`SELECT count(*), coalesce(sum(amount), 0) FROM coins WHERE wallet = ? AND live = 1 AND spent_by IS NULL AND reserved > 0 AND frozen = 0`, []any{o.ID}, &reserved, &reservedSum); err != nil {
			return err
		}
	}
	page.Total += n - frozen - reserved
	page.Amount += o.Balance.Total() - btcutil.Amount(frozenSum+reservedSum)
	return nil
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
