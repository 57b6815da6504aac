package store

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/wallet"
)

// foundCoins is what a search for coins found, as its JSON has it.
type foundCoins struct {
	Height  int32         `json:"height"`
	Coins   int           `json:"coins"`
	Sat     int64         `json:"sat"`
	Missing []missingCoin `json:"missing,omitempty"`
}

type missingCoin struct {
	OutPoint string `json:"outpoint"`
	Sat      int64  `json:"sat"`
	Height   int32  `json:"height"`
}

// parseFound reads a stored report; one that cannot be read counts as none.
func parseFound(text string) *wallet.CoinsScan {
	var f foundCoins
	if text == "" || json.Unmarshal([]byte(text), &f) != nil {
		return nil
	}
	out := &wallet.CoinsScan{Height: f.Height, Coins: f.Coins, Amount: btcutil.Amount(f.Sat)}
	for _, m := range f.Missing {
		id, vout, _ := strings.Cut(m.OutPoint, ":")
		hash, err := chainhash.NewHashFromStr(id)
		index, bad := strconv.ParseUint(vout, 10, 32)
		if err != nil || bad != nil {
			continue
		}
		out.Missing = append(out.Missing, wallet.MissingCoin{OutPoint: wire.OutPoint{Hash: *hash, Index: uint32(index)}, Amount: btcutil.Amount(m.Sat), Height: m.Height})
	}
	return out
}

func writeFound(c *wallet.CoinsScan) string {
	if c == nil {
		return ""
	}
	f := foundCoins{Height: c.Height, Coins: c.Coins, Sat: int64(c.Amount)}
	for _, m := range c.Missing {
		f.Missing = append(f.Missing, missingCoin{m.OutPoint.String(), int64(m.Amount), m.Height})
	}
	data, err := json.Marshal(f)
	if err != nil {
		return "" // numbers and short texts always have a JSON
	}
	return string(data)
}

// scanColumns are state, from, error, mode, next and found.
func scanColumns(s *wallet.Scan) []any {
	if s == nil {
		return []any{"", 0, "", "", 0, ""}
	}
	state := ""
	switch {
	case s.Running:
		state = "running"
	case s.Error != "":
		state = "failed"
	}
	return []any{state, s.From, s.Error, string(s.Mode), s.Next, writeFound(s.Found)}
}

// SetScan notes that older coins are to be looked for, why that failed, or what it found; nil:
// nothing is.
func (d *DB) SetScan(ctx context.Context, id wallet.ID, s *wallet.Scan) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("wallet", `UPDATE wallets SET scan_state = ?, scan_from = ?, scan_error = ?, scan_mode = ?, scan_next = ?, scan_found = ? WHERE id = ?`,
			append(scanColumns(s), id)...)
	})
}

// ScanPassed notes how far a running scan of blocks is; a scan that was stopped stays stopped.
func (d *DB) ScanPassed(ctx context.Context, id wallet.ID, next int32) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE wallets SET scan_next = max(scan_next, ?) WHERE id = ? AND scan_state = 'running' AND scan_mode = ''`, next, id)
		return err
	})
}

// SetGap changes how many addresses a wallet looks ahead.
func (d *DB) SetGap(ctx context.Context, id wallet.ID, gap uint32) error {
	return d.write(ctx, func(t *tx) error { return t.must("wallet", `UPDATE wallets SET gap = ? WHERE id = ?`, gap, id) })
}

// Losses counts what a person would lose with a wallet.
func (d *DB) Losses(ctx context.Context, id wallet.ID) (l wallet.Losses, err error) {
	err = d.read(ctx, func(t *tx) error {
		_, err := t.one(`SELECT (SELECT count(*) FROM labels WHERE wallet = ?), (SELECT count(*) FROM frozen WHERE wallet = ?),
			(SELECT count(*) FROM drafts WHERE wallet = ? AND state <> 'broadcast'), tx_count FROM wallets WHERE id = ?`,
			[]any{id, id, id, id}, &l.Labels, &l.Frozen, &l.Drafts, &l.Txs)
		return err
	})
	return l, err
}

// Rebuild forgets facts and rows, then saves what f says, in one transaction. Labels, frozen
// coins, drafts, handed-out addresses and proofs stay.
func (d *DB) Rebuild(ctx context.Context, id wallet.ID, f func(v wallet.View) (*wallet.ChangeSet, error)) error {
	return d.write(ctx, func(t *tx) error {
		if err := t.wipe(id); err != nil {
			return err
		}
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

// wipe removes what follows from the chain.
func (t *tx) wipe(id wallet.ID) error {
	if _, err := t.exec(`INSERT INTO history_search (history_search, rowid, search) SELECT 'delete', id, search FROM history WHERE wallet = ?`, id); err != nil {
		return err
	}
	for _, table := range []string{"history", "coins", "spends", "txs", "tips"} {
		if _, err := t.exec(`DELETE FROM `+table+` WHERE wallet = ?`, id); err != nil {
			return err
		}
	}
	if _, err := t.exec(`UPDATE addresses SET used = 0, coins = 0, amount = 0 WHERE wallet = ?`, id); err != nil {
		return err
	}
	return t.must("wallet", `UPDATE wallets SET tip_height = 0, tip_hash = zeroblob(32), tip_time = 0, confirmed = 0, pending = 0, immature = 0,
		frozen = 0, reserved = 0, tx_count = 0, utxos = 0 WHERE id = ?`, id)
}

// Loose lists the stored transactions that are in no block.
func (d *DB) Loose(ctx context.Context, id wallet.ID) (out []wallet.LooseTx, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT txid, raw, seen, gone FROM txs WHERE wallet = ? AND height = 0 ORDER BY id`, []any{id}, func(scan func(...any) error) error {
			var l wallet.LooseTx
			var txid []byte
			if err := scan(&txid, &l.Raw, &l.Seen, &l.Gone); err != nil {
				return err
			}
			copy(l.ID[:], txid)
			out = append(out, l)
			return nil
		})
	})
	return out, err
}
