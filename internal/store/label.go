package store

import (
	"context"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/wallet"
)

func (t *tx) labels(id wallet.ID, kind wallet.LabelKind, keys []string) (map[string]string, error) {
	out := map[string]string{}
	for _, key := range keys {
		var label string
		found, err := t.one(`SELECT label FROM labels WHERE wallet = ? AND kind = ? AND ref = ?`, []any{id, string(kind), key}, &label)
		if err != nil {
			return nil, err
		}
		if found {
			out[key] = label
		}
	}
	return out, nil
}

// LabelsAt finds labels by their keys.
func (d *DB) LabelsAt(ctx context.Context, id wallet.ID, kind wallet.LabelKind, keys []string) (out map[string]string, err error) {
	err = d.read(ctx, func(t *tx) error {
		out, err = t.labels(id, kind, keys)
		return err
	})
	return out, err
}

// LabelsOf lists all labels of a kind by their keys.
func (d *DB) LabelsOf(ctx context.Context, id wallet.ID, kind wallet.LabelKind) (map[string]string, error) {
	out := map[string]string{}
	err := d.read(ctx, func(t *tx) error {
		return t.each(`SELECT ref, label FROM labels WHERE wallet = ? AND kind = ?`, []any{id, string(kind)}, func(scan func(...any) error) error {
			var ref, label string
			err := scan(&ref, &label)
			out[ref] = label
			return err
		})
	})
	return out, err
}

// SetLabel stores a label, or forgets it where it is empty, and names the rows that show it.
func (d *DB) SetLabel(ctx context.Context, id wallet.ID, kind wallet.LabelKind, key, label string) error {
	return d.write(ctx, func(t *tx) error { return t.setLabel(id, kind, key, label) })
}

func (t *tx) setLabel(id wallet.ID, kind wallet.LabelKind, key, label string) error {
	if err := t.putLabel(id, kind, key, label); err != nil {
		return err
	}
	return t.renameRows(id, kind, key)
}

// putLabel stores a label, or forgets it; rows that show it are not touched.
func (t *tx) putLabel(id wallet.ID, kind wallet.LabelKind, key, label string) error {
	var err error
	if label == "" {
		_, err = t.exec(`DELETE FROM labels WHERE wallet = ? AND kind = ? AND ref = ?`, id, string(kind), key)
	} else {
		_, err = t.exec(`INSERT INTO labels (wallet, kind, ref, label, search) VALUES (?, ?, ?, ?, ?) ON CONFLICT (wallet, kind, ref) DO UPDATE SET label = excluded.label, search = excluded.search`,
			id, string(kind), key, label, strings.ToLower(label))
	}
	return err
}

// renameRows computes the label of the rows of history that a label belongs to.
func (t *tx) renameRows(id wallet.ID, kind wallet.LabelKind, key string) error {
	type row struct {
		oldRow
		txid      []byte
		addresses string
	}
	var rows []row
	query, args := `SELECT id, search, txid, addresses FROM history WHERE wallet = ? AND txid = ?`, []any{id, []byte(nil)}
	switch kind {
	case wallet.LabelTx:
		h, err := chainhash.NewHashFromStr(key)
		if err != nil {
			return err
		}
		args[1] = h[:]
	case wallet.LabelAddress:
		query = `SELECT id, search, txid, addresses FROM history WHERE wallet = ? AND id IN (SELECT rowid FROM history_search WHERE search LIKE ?)`
		args[1] = "%" + strings.ToLower(key) + "%"
	default:
		return nil
	}
	err := t.each(query, args, func(scan func(...any) error) error {
		var r row
		if err := scan(&r.id, &r.search, &r.txid, &r.addresses); err != nil {
			return err
		}
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		txid := chainhash.Hash(r.txid)
		name, err := t.rowLabel(id, txid, strings.Fields(r.addresses))
		if err != nil {
			return err
		}
		if err := t.renameRow(r.oldRow, txid, r.addresses, name); err != nil {
			return err
		}
	}
	return nil
}

// renameRow gives a row of history its label, and the search index the row.
func (t *tx) renameRow(old oldRow, txid chainhash.Hash, addresses, name string) error {
	fresh := oldRow{old.id, searchText(txid, addresses, name)}
	if _, err := t.exec(`UPDATE history SET label = ?, search = ? WHERE id = ?`, name, fresh.search, old.id); err != nil {
		return err
	}
	if fresh.search != old.search {
		t.unindex(old)
		t.index(fresh)
	}
	return nil
}

func (t *tx) rowLabel(id wallet.ID, txid chainhash.Hash, addresses []string) (string, error) {
	own, err := t.labels(id, wallet.LabelTx, []string{txid.String()})
	if err != nil {
		return "", err
	}
	theirs, err := t.labels(id, wallet.LabelAddress, addresses)
	if err != nil {
		return "", err
	}
	names := make([]string, len(addresses))
	for i, a := range addresses {
		names[i] = theirs[a]
	}
	return wallet.RowLabel(own[txid.String()], names), nil
}
