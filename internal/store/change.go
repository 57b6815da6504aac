package store

import (
	"context"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/txgraph"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// Change runs f with a view of the wallet and saves what it returns, in one transaction.
func (d *DB) Change(ctx context.Context, id wallet.ID, f func(v wallet.View) (*wallet.ChangeSet, error)) error {
	return d.write(ctx, func(t *tx) error {
		v, err := t.view(id)
		if err != nil {
			return err
		}
		c, err := f(v)
		if err != nil || c == nil {
			return err
		}
		return t.save(v, c)
	})
}

// save writes facts and rows.
func (t *tx) save(v *view, c *wallet.ChangeSet) error {
	if c.Fork != nil {
		if _, err := t.exec(`DELETE FROM tips WHERE wallet = ? AND height > ?`, v.record.ID, *c.Fork); err != nil {
			return err
		}
	}
	count := 0
	if c.Changes != nil {
		unrelated := make(map[chainhash.Hash]bool, len(c.Unrelated))
		for _, id := range c.Unrelated {
			unrelated[id] = true
		}
		for _, f := range c.Txs {
			if err := t.putFact(v.record.ID, f, !unrelated[f.ID]); err != nil {
				return err
			}
		}
		var err error
		if count, err = t.putRows(v, c); err != nil {
			return err
		}
		for _, coin := range c.Coins {
			if err := t.putCoin(v, coin); err != nil {
				return err
			}
		}
		utxos := 0
		for p, u := range c.Uses {
			utxos += u.Coins
			if _, err := t.exec(`UPDATE addresses SET used = 1, coins = coins + ?, amount = amount + ? WHERE wallet = ? AND branch = ? AND idx = ?`,
				u.Coins, int64(u.Amount), v.record.ID, p.Branch, p.Index); err != nil {
				return err
			}
		}
		if utxos != 0 {
			if err := t.must("wallet", `UPDATE wallets SET utxos = utxos + ? WHERE id = ?`, utxos, v.record.ID); err != nil {
				return err
			}
		}
		if err := t.addBalance(v.record.ID, c.Balance); err != nil {
			return err
		}
	}
	return t.putProgress(v.record, c, count)
}

func (t *tx) addBalance(id wallet.ID, b txgraph.Balance) error {
	if b == (txgraph.Balance{}) {
		return nil
	}
	return t.must("wallet", `UPDATE wallets SET confirmed = confirmed + ?, pending = pending + ?, immature = immature + ?, frozen = frozen + ?, reserved = reserved + ? WHERE id = ?`,
		int64(b.Confirmed), int64(b.Pending), int64(b.Immature), int64(b.Frozen), int64(b.Reserved), id)
}

// putProgress writes used indexes, the number of rows and the tip.
func (t *tx) putProgress(r wallet.Record, c *wallet.ChangeSet, count int) error {
	err := t.must("wallet", `UPDATE wallets SET used_receive = max(used_receive, ?), used_change = max(used_change, ?),
		next_receive = max(next_receive, ? + 1), next_change = max(next_change, ? + 1), tx_count = tx_count + ? WHERE id = ?`,
		c.Used[0], c.Used[1], c.Used[0], c.Used[1], count, r.ID)
	if err != nil || c.Tip == nil {
		return err
	}
	err = t.must("wallet", `UPDATE wallets SET tip_height = ?, tip_hash = ?, tip_time = ? WHERE id = ?`, c.Tip.Height, c.Tip.Hash[:], seconds(c.Tip.Time), r.ID)
	if err != nil {
		return err
	}
	if _, err := t.exec(`INSERT INTO tips (wallet, height, hash, time) VALUES (?, ?, ?, ?) ON CONFLICT (wallet, height) DO UPDATE SET hash = excluded.hash, time = excluded.time`,
		r.ID, c.Tip.Height, c.Tip.Hash[:], seconds(c.Tip.Time)); err != nil {
		return err
	}
	// A reorg deeper than this finds the fork by the sparse ones and the blocks of transactions.
	_, err = t.exec(`DELETE FROM tips WHERE wallet = ? AND height < ? AND height % 1000 <> 0`, r.ID, c.Tip.Height-100)
	return err
}

// putFact writes a transaction and what it spends. An unreadable one keeps its bytes.
func (t *tx) putFact(id wallet.ID, f txgraph.Tx, related bool) error {
	var height int32
	var hash []byte
	var time int64
	if b := f.Head.Block; b != nil {
		height, hash, time = b.Height, b.Hash[:], b.Time
	}
	if f.Tx == nil {
		return t.must("transaction", `UPDATE txs SET height = ?, block_hash = ?, block_time = ?, seen = ?, gone = ? WHERE wallet = ? AND txid = ?`,
			height, hash, time, f.Head.Seen, flag(f.Head.Gone), id, f.ID[:])
	}
	_, err := t.exec(`INSERT INTO txs (wallet, txid, raw, height, block_hash, block_time, seen, gone, related) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (wallet, txid) DO UPDATE SET raw = excluded.raw, height = excluded.height, block_hash = excluded.block_hash,
		block_time = excluded.block_time, seen = excluded.seen, gone = excluded.gone, related = excluded.related`,
		id, f.ID[:], wallet.WriteTx(f.Tx), height, hash, time, f.Head.Seen, flag(f.Head.Gone), flag(related))
	if err != nil {
		return err
	}
	for _, in := range f.Tx.TxIn {
		op := in.PreviousOutPoint
		if _, err := t.exec(`INSERT INTO spends (wallet, prev_txid, prev_vout, txid) VALUES (?, ?, ?, ?) ON CONFLICT (wallet, prev_txid, prev_vout, txid) DO NOTHING`,
			id, op.Hash[:], op.Index, f.ID[:]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) putCoin(v *view, c txgraph.Coin) error {
	address, _ := btc.AddressOf(c.Script, v.record.Network)
	_, err := t.exec(`INSERT INTO coins (wallet, txid, vout, amount, script, address, branch, idx, live, height, time, coinbase, spent_by, frozen, reserved, ord)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT (wallet, txid, vout) DO UPDATE SET amount = excluded.amount, branch = excluded.branch, idx = excluded.idx, live = excluded.live,
		height = excluded.height, time = excluded.time, spent_by = excluded.spent_by, frozen = excluded.frozen, ord = excluded.ord`,
		v.record.ID, c.OutPoint.Hash[:], c.OutPoint.Index, int64(c.Amount), c.Script, address, c.Place.Branch, c.Place.Index, flag(c.Live), c.Height, c.Time,
		flag(c.Coinbase), bytesOf(c.SpentBy), flag(c.Frozen), c.Order())
	if err != nil || !c.Reserved {
		return err
	}
	_, err = t.exec(`UPDATE coins SET reserved = coalesce((SELECT min(draft) FROM draft_coins d WHERE d.wallet = coins.wallet AND d.txid = coins.txid AND d.vout = coins.vout), 0)
		WHERE wallet = ? AND txid = ? AND vout = ?`, v.record.ID, c.OutPoint.Hash[:], c.OutPoint.Index)
	return err
}

// shift changes flags of coins and the totals with them.
func (t *tx) shift(id wallet.ID, set func(c *txgraph.Coin) error, coins []wire.OutPoint) error {
	r, err := t.wallet(id)
	if err != nil {
		return err
	}
	var sum txgraph.Balance
	for _, op := range coins {
		c, found, err := t.coin(id, op)
		if err != nil {
			return err
		}
		if !found {
			return errs.E(errs.NotFound, "the wallet has no coin %s", op)
		}
		before := c.Balance(r.Tip.Height)
		if err := set(&c); err != nil {
			return err
		}
		sum = sum.Plus(c.Balance(r.Tip.Height)).Minus(before)
	}
	return t.addBalance(id, sum)
}

// putRows writes history; it returns by how many rows history grew.
func (t *tx) putRows(v *view, c *wallet.ChangeSet) (grown int, err error) {
	for _, row := range c.Rows {
		n, err := t.putRow(v.record.ID, row, c.Labels[row.ID])
		if err != nil {
			return 0, err
		}
		grown += n
	}
	for _, id := range c.Unrelated {
		old, found, err := t.rowOf(v.record.ID, id)
		if err != nil {
			return 0, err
		}
		if !found {
			continue
		}
		t.unindex(old)
		if _, err := t.exec(`DELETE FROM history WHERE id = ?`, old.id); err != nil {
			return 0, err
		}
		grown--
	}
	return grown, nil
}

// oldRow is what is needed to replace a row of history and its entry in the search index.
type oldRow struct {
	id     int64
	search string
}

func (t *tx) rowOf(id wallet.ID, txid chainhash.Hash) (o oldRow, found bool, err error) {
	found, err = t.one(`SELECT id, search FROM history WHERE wallet = ? AND txid = ?`, []any{id, txid[:]}, &o.id, &o.search)
	return o, found, err
}

func (t *tx) unindex(o oldRow) { t.search = append(t.search, searchChange{o, true}) }

func (t *tx) index(o oldRow) { t.search = append(t.search, searchChange{o, false}) }

// writeSearch brings the search index up to date, in the order of the changes.
func (t *tx) writeSearch() error {
	for _, c := range t.search {
		query := `INSERT INTO history_search (rowid, search) VALUES (?, ?)`
		if c.remove {
			query = `INSERT INTO history_search (history_search, rowid, search) VALUES ('delete', ?, ?)`
		}
		if _, err := t.exec(query, c.row.id, c.row.search); err != nil {
			return err
		}
	}
	return nil
}

var categories = [...]wallet.Category{wallet.Receive, wallet.Send, wallet.SelfTransfer, wallet.Mixed, wallet.Generate}
var states = [...]wallet.TxState{wallet.Confirmed, wallet.Pending, wallet.Conflicted, wallet.Dropped, wallet.Broken}

// putRow writes a row; it returns 1 when it is new. A broken one keeps what was known of it.
func (t *tx) putRow(id wallet.ID, row txgraph.Row, label string) (int, error) {
	old, found, err := t.rowOf(id, row.ID)
	if err != nil {
		return 0, err
	}
	if row.State == txgraph.Broken && found {
		_, err := t.exec(`UPDATE history SET state = 'broken', trouble = ? WHERE id = ?`, brokenRow, old.id)
		return 0, err
	}
	trouble := ""
	if row.State == txgraph.Broken {
		trouble = brokenRow
	}
	var height int32
	var hash []byte
	if row.Block != nil {
		height, hash = row.Block.Height, row.Block.Hash[:]
	}
	var fee any
	if row.Fee != nil {
		fee = int64(*row.Fee)
	}
	addresses := strings.Join(row.Addresses, " ")
	search := searchText(row.ID, addresses, label)
	args := []any{string(categories[row.Category]), string(states[row.State]), int64(row.Amount), fee, int64(row.VSize), height, hash, row.Time,
		row.Address, addresses, label, flag(row.Replaceable), bytesOf(row.ReplacedBy), trouble, row.Order(), search}
	if found {
		_, err := t.exec(`UPDATE history SET category = ?, state = ?, amount = ?, fee = ?, vsize = ?, height = ?, block_hash = ?, time = ?,
			address = ?, addresses = ?, label = ?, replaceable = ?, replaced_by = ?, trouble = ?, ord = ?, search = ? WHERE id = ?`, append(args, old.id)...)
		if err != nil || search == old.search {
			return 0, err
		}
		t.unindex(old)
		t.index(oldRow{old.id, search})
		return 0, nil
	}
	fresh := oldRow{search: search}
	_, err = t.one(`INSERT INTO history (category, state, amount, fee, vsize, height, block_hash, time, address, addresses, label, replaceable, replaced_by, trouble, ord, search, wallet, txid)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, append(args, id, row.ID[:]), &fresh.id)
	if err != nil {
		return 0, err
	}
	t.index(fresh)
	return 1, nil
}

const brokenRow = "the stored transaction cannot be read; repair fetches it again from the node"

func searchText(id chainhash.Hash, addresses, label string) string {
	return strings.ToLower(id.String() + " " + addresses + " " + label)
}
