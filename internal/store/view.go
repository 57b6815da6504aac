package store

import (
	"bytes"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/txgraph"
	"specter/internal/wallet"
)

// view is what is known of a wallet, inside a write transaction.
type view struct {
	t      *tx
	record wallet.Record
	flags  bool // there are frozen or reserved coins at all
	named  bool // there are labels at all
}

func (t *tx) view(id wallet.ID) (*view, error) {
	r, err := t.wallet(id)
	if err != nil {
		return nil, err
	}
	v := &view{t: t, record: r}
	_, err = t.one(`SELECT EXISTS (SELECT 1 FROM frozen WHERE wallet = ?) OR EXISTS (SELECT 1 FROM draft_coins WHERE wallet = ?), EXISTS (SELECT 1 FROM labels WHERE wallet = ?)`,
		[]any{id, id, id}, &v.flags, &v.named)
	return v, err
}

// Record is the wallet as it stands.
func (v *view) Record() wallet.Record { return v.record }

// Tip is the height under which the stored balance was counted.
func (v *view) Tip() int32 { return v.record.Tip.Height }

// Heads tells where transactions stand.
func (v *view) Heads(ids []chainhash.Hash) (map[chainhash.Hash]txgraph.Head, error) {
	out := make(map[chainhash.Hash]txgraph.Head, len(ids))
	for _, id := range ids {
		var h txgraph.Head
		var b txgraph.Block
		var hash []byte
		found, err := v.t.one(`SELECT height, block_hash, block_time, seen, gone FROM txs WHERE wallet = ? AND txid = ?`, []any{v.record.ID, id[:]},
			&b.Height, &hash, &b.Time, &h.Seen, &h.Gone)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if b.Height > 0 {
			copy(b.Hash[:], hash)
			h.Block = &b
		}
		out[id] = h
	}
	return out, nil
}

// Bodies reads transactions; those that cannot be read are left out.
func (v *view) Bodies(ids []chainhash.Hash) (map[chainhash.Hash]*wire.MsgTx, error) {
	out := make(map[chainhash.Hash]*wire.MsgTx, len(ids))
	for _, id := range ids {
		var raw []byte
		found, err := v.t.one(`SELECT raw FROM txs WHERE wallet = ? AND txid = ?`, []any{v.record.ID, id[:]}, &raw)
		if err != nil {
			return nil, err
		}
		if body, err := wallet.ReadTx(raw, id); found && err == nil {
			out[id] = body
		}
	}
	return out, nil
}

// Spenders lists all known inputs that spend the outpoints.
func (v *view) Spenders(ops []wire.OutPoint) (out []txgraph.Spend, err error) {
	for _, op := range ops {
		err := v.t.each(`SELECT txid FROM spends WHERE wallet = ? AND prev_txid = ? AND prev_vout = ?`, []any{v.record.ID, op.Hash[:], op.Index}, func(scan func(...any) error) error {
			var by []byte
			if err := scan(&by); err != nil {
				return err
			}
			out = append(out, txgraph.Spend{OutPoint: op, By: chainhash.Hash(by)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Children lists all known inputs that spend outputs of the transactions.
func (v *view) Children(ids []chainhash.Hash) (out []txgraph.Spend, err error) {
	for _, id := range ids {
		err := v.t.each(`SELECT prev_vout, txid FROM spends WHERE wallet = ? AND prev_txid = ?`, []any{v.record.ID, id[:]}, func(scan func(...any) error) error {
			s := txgraph.Spend{OutPoint: wire.OutPoint{Hash: id}}
			var by []byte
			if err := scan(&s.OutPoint.Index, &by); err != nil {
				return err
			}
			s.By = chainhash.Hash(by)
			out = append(out, s)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Above lists the transactions in blocks above a height.
func (v *view) Above(height int32) ([]chainhash.Hash, error) {
	return v.t.hashes(`SELECT txid FROM txs WHERE wallet = ? AND height > max(?, 0)`, v.record.ID, height)
}

func (t *tx) hashes(query string, args ...any) (out []chainhash.Hash, err error) {
	err = t.each(query, args, func(scan func(...any) error) error {
		var id []byte
		if err := scan(&id); err != nil {
			return err
		}
		out = append(out, chainhash.Hash(id))
		return nil
	})
	return out, err
}

const graphCoin = `SELECT txid, vout, amount, script, branch, idx, live, height, time, coinbase, spent_by, frozen, reserved > 0 FROM coins `

func scanGraphCoin(scan func(...any) error) (c txgraph.Coin, err error) {
	var txid, spent []byte
	err = scan(&txid, &c.OutPoint.Index, &c.Amount, &c.Script, &c.Place.Branch, &c.Place.Index, &c.Live, &c.Height, &c.Time, &c.Coinbase, &spent, &c.Frozen, &c.Reserved)
	if err != nil {
		return c, err
	}
	copy(c.OutPoint.Hash[:], txid)
	c.SpentBy = hashOf(spent)
	return c, nil
}

func hashOf(b []byte) *chainhash.Hash {
	if len(b) != chainhash.HashSize {
		return nil
	}
	h := chainhash.Hash(b)
	return &h
}

// bytesOf is a hash as a column has it: NULL where there is none.
func bytesOf(h *chainhash.Hash) []byte {
	if h == nil {
		return nil
	}
	return bytes.Clone(h[:])
}

// coin finds a coin by outpoint.
func (t *tx) coin(id wallet.ID, op wire.OutPoint) (c txgraph.Coin, found bool, err error) {
	err = t.each(graphCoin+`WHERE wallet = ? AND txid = ? AND vout = ?`, []any{id, op.Hash[:], op.Index}, func(scan func(...any) error) (err error) {
		found = true
		c, err = scanGraphCoin(scan)
		return err
	})
	return c, found, err
}

// Coins finds coins by outpoint.
func (v *view) Coins(ops []wire.OutPoint) (map[wire.OutPoint]txgraph.Coin, error) {
	out := map[wire.OutPoint]txgraph.Coin{}
	for _, op := range ops {
		c, found, err := v.t.coin(v.record.ID, op)
		if err != nil {
			return nil, err
		}
		if found {
			out[op] = c
		}
	}
	return out, nil
}

// Flags tells which outpoints are frozen, and which a draft holds.
func (v *view) Flags(ops []wire.OutPoint) (frozen, reserved map[wire.OutPoint]bool, err error) {
	frozen, reserved = map[wire.OutPoint]bool{}, map[wire.OutPoint]bool{}
	if !v.flags {
		return frozen, reserved, nil
	}
	for _, op := range ops {
		var f, r bool
		args := []any{v.record.ID, op.Hash[:], op.Index, v.record.ID, op.Hash[:], op.Index}
		if _, err := v.t.one(`SELECT EXISTS (SELECT 1 FROM frozen WHERE wallet = ? AND txid = ? AND vout = ?),
			EXISTS (SELECT 1 FROM draft_coins WHERE wallet = ? AND txid = ? AND vout = ?)`, args, &f, &r); err != nil {
			return nil, nil, err
		}
		if f {
			frozen[op] = true
		}
		if r {
			reserved[op] = true
		}
	}
	return frozen, reserved, nil
}

// Places finds scripts of the wallet.
func (v *view) Places(scripts [][]byte) (map[string]txgraph.Place, error) {
	out := map[string]txgraph.Place{}
	for _, s := range scripts {
		var p txgraph.Place
		found, err := v.t.one(`SELECT branch, idx FROM addresses WHERE wallet = ? AND script = ? ORDER BY branch, idx LIMIT 1`, []any{v.record.ID, s}, &p.Branch, &p.Index)
		if err != nil {
			return nil, err
		}
		if found {
			out[string(s)] = p
		}
	}
	return out, nil
}

// Young lists the coinbase utxos in blocks above a height.
func (v *view) Young(height int32) (out []txgraph.Coin, err error) {
	err = v.t.each(graphCoin+`WHERE wallet = ? AND coinbase = 1 AND live = 1 AND spent_by IS NULL AND height > ?`, []any{v.record.ID, height}, func(scan func(...any) error) error {
		c, err := scanGraphCoin(scan)
		out = append(out, c)
		return err
	})
	return out, err
}

// Labels finds labels by their keys.
func (v *view) Labels(kind wallet.LabelKind, keys []string) (map[string]string, error) {
	if !v.named {
		return map[string]string{}, nil
	}
	return v.t.labels(v.record.ID, kind, keys)
}
