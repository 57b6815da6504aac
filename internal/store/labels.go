package store

import (
	"context"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/wallet"
)

// AllLabels lists the labels of a wallet by kind and key.
func (d *DB) AllLabels(ctx context.Context, id wallet.ID) (out []wallet.Label, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT kind, ref, label FROM labels WHERE wallet = ? ORDER BY kind, ref`, []any{id}, func(scan func(...any) error) error {
			var l wallet.Label
			err := scan(&l.Kind, &l.Key, &l.Label)
			out = append(out, l)
			return err
		})
	})
	return out, err
}

// FrozenCoins lists the coins that the user froze.
func (d *DB) FrozenCoins(ctx context.Context, id wallet.ID) (out []wire.OutPoint, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT txid, vout FROM frozen WHERE wallet = ? ORDER BY txid, vout`, []any{id}, func(scan func(...any) error) error {
			var txid []byte
			var op wire.OutPoint
			err := scan(&txid, &op.Index)
			copy(op.Hash[:], txid)
			out = append(out, op)
			return err
		})
	})
	return out, err
}

// Knows tells which things a wallet has to do with.
func (d *DB) Knows(ctx context.Context, id wallet.ID, kind wallet.LabelKind, keys []string) (map[string]bool, error) {
	known := make(map[string]bool, len(keys))
	err := d.read(ctx, func(t *tx) error {
		for _, key := range keys {
			found, err := t.exists(`SELECT 1 FROM labels WHERE wallet = ? AND kind = ? AND ref = ?`, id, string(kind), key)
			if err != nil {
				return err
			}
			known[key] = found
		}
		if kind == wallet.LabelAddress {
			return t.knowAddresses(id, known)
		}
		return t.knowTxs(id, kind, known)
	})
	return known, err
}

func (t *tx) exists(query string, args ...any) (bool, error) {
	var n int
	return t.one(query, args, &n)
}

// knowTxs looks for what is named by a txid.
func (t *tx) knowTxs(id wallet.ID, kind wallet.LabelKind, known map[string]bool) error {
	for key, done := range known {
		if done {
			continue
		}
		txid, place, _ := strings.Cut(key, ":")
		h, err := chainhash.NewHashFromStr(txid)
		if err != nil {
			continue
		}
		switch kind {
		case wallet.LabelTx, wallet.LabelInput:
			known[key], err = t.exists(`SELECT 1 FROM history WHERE wallet = ? AND txid = ?`, id, h[:])
		case wallet.LabelOutput:
			known[key], err = t.exists(`SELECT 1 FROM coins WHERE wallet = ? AND txid = ? AND vout = CAST(? AS INTEGER)`, id, h[:], place)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// knowAddresses marks the addresses of the wallet and those that its transactions pay. Going
// through them all once costs less than an index that is kept for this alone.
func (t *tx) knowAddresses(id wallet.ID, known map[string]bool) error {
	mark := func(scan func(...any) error) error {
		var list string
		if err := scan(&list); err != nil {
			return err
		}
		for a := range strings.FieldsSeq(list) {
			if _, asked := known[a]; asked {
				known[a] = true
			}
		}
		return nil
	}
	if len(known) == 0 {
		return nil
	}
	if err := t.each(`SELECT address FROM addresses WHERE wallet = ?`, []any{id}, mark); err != nil {
		return err
	}
	return t.each(`SELECT addresses FROM history WHERE wallet = ?`, []any{id}, mark)
}

// fewLabels is up to how many labels the rows of each are looked for; for more, all rows are
// gone through once.
const fewLabels = 50

// PutLabels stores labels, freezes and thaws coins, all or nothing.
func (d *DB) PutLabels(ctx context.Context, id wallet.ID, labels []wallet.Label, freeze, thaw []wire.OutPoint) error {
	return d.write(ctx, func(t *tx) error {
		for _, l := range labels {
			err := t.putLabel(id, l.Kind, l.Key, l.Label)
			if err == nil && len(labels) <= fewLabels {
				err = t.renameRows(id, l.Kind, l.Key)
			}
			if err != nil {
				return err
			}
		}
		if len(labels) > fewLabels {
			if err := t.renameAll(id); err != nil {
				return err
			}
		}
		if len(freeze) > 0 {
			if err := t.freeze(id, freeze, true); err != nil {
				return err
			}
		}
		if len(thaw) > 0 {
			return t.freeze(id, thaw, false)
		}
		return nil
	})
}

// renamed is a row of history whose label changes.
type renamed struct {
	oldRow
	txid            chainhash.Hash
	addresses, name string
}

// renameAll computes the labels of all rows of a wallet's history and writes those that change.
func (t *tx) renameAll(id wallet.ID) error {
	words := map[wallet.LabelKind]map[string]string{wallet.LabelTx: {}, wallet.LabelAddress: {}}
	err := t.each(`SELECT kind, ref, label FROM labels WHERE wallet = ? AND kind IN ('tx', 'addr')`, []any{id}, func(scan func(...any) error) error {
		var kind wallet.LabelKind
		var ref, label string
		if err := scan(&kind, &ref, &label); err != nil {
			return err
		}
		words[kind][ref] = label
		return nil
	})
	if err != nil {
		return err
	}
	var rows []renamed
	err = t.each(`SELECT id, search, txid, addresses, label FROM history WHERE wallet = ?`, []any{id}, func(scan func(...any) error) error {
		var r renamed
		var txid []byte
		var was string
		if err := scan(&r.id, &r.search, &txid, &r.addresses, &was); err != nil {
			return err
		}
		copy(r.txid[:], txid)
		var names []string
		for a := range strings.FieldsSeq(r.addresses) {
			names = append(names, words[wallet.LabelAddress][a])
		}
		if r.name = wallet.RowLabel(words[wallet.LabelTx][r.txid.String()], names); r.name != was {
			rows = append(rows, r)
		}
		return nil
	})
	for i := 0; err == nil && i < len(rows); i++ {
		err = t.renameRow(rows[i].oldRow, rows[i].txid, rows[i].addresses, rows[i].name)
	}
	return err
}
