package store

import (
	"context"
	"encoding/json"
	"time"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
	"specter/internal/wallet"
)

var _ wallet.Store = (*DB)(nil)

const walletColumns = `SELECT id, owner, network, alias, name, descriptor, script_type, threshold, cosigners, node_name, birthday, created,
	next_receive, next_change, used_receive, used_change, tip_height, tip_hash, tip_time, synced_at, sync_error, scan_state, scan_from, scan_error, scan_mode, scan_next, scan_found, gap,
	confirmed, pending, immature, frozen, reserved, tx_count FROM wallets `

// cosigner is a cosigner as its JSON has it.
type cosigner struct {
	Fingerprint string `json:"fingerprint"`
	Path        string `json:"path"`
	XPub        string `json:"xpub"`
	Expression  string `json:"expression"`
	Called      string `json:"called,omitempty"`
}

func scanWallet(scan func(...any) error) (r wallet.Record, err error) {
	var network, cosigners, scanState, scanError, scanMode, scanFound string
	var birthday, created, tipTime, synced int64
	var tipHash []byte
	var scanFrom, scanNext int32
	err = scan(&r.ID, &r.Owner, &network, &r.Alias, &r.Name, &r.Descriptor, &r.ScriptType, &r.Threshold, &cosigners, &r.NodeName, &birthday, &created,
		&r.Next[0], &r.Next[1], &r.Used[0], &r.Used[1], &r.Tip.Height, &tipHash, &tipTime, &synced, &r.SyncError, &scanState, &scanFrom, &scanError, &scanMode, &scanNext, &scanFound, &r.Gap,
		&r.Balance.Confirmed, &r.Balance.Pending, &r.Balance.Immature, &r.Balance.Frozen, &r.Balance.Reserved, &r.TxCount)
	if err != nil {
		return r, err
	}
	if r.Network, err = btc.ParseNetwork(network); err != nil {
		return r, err
	}
	if r.Cosigners, err = parseCosigners(cosigners); err != nil {
		r.SyncError = "the stored keys of this wallet cannot be read; restore the database from a backup" // it opens all the same
	}
	copy(r.Tip.Hash[:], tipHash)
	r.Birthday, r.Created, r.Tip.Time, r.SyncedAt = moment(birthday), moment(created), moment(tipTime), moment(synced)
	if scanState != "" || scanFound != "" {
		r.Scan = &wallet.Scan{Running: scanState == "running", Mode: wallet.ScanMode(scanMode), From: scanFrom, Next: scanNext, Error: scanError, Found: parseFound(scanFound)}
	}
	return r, nil
}

func parseCosigners(text string) ([]wallet.Cosigner, error) {
	var list []cosigner
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, err
	}
	out := make([]wallet.Cosigner, len(list))
	for i, c := range list {
		path, err := btc.ParsePath(c.Path)
		if err != nil {
			return nil, err
		}
		out[i] = wallet.Cosigner{Path: path, XPub: c.XPub, Expression: c.Expression, Called: c.Called}
		if c.Fingerprint != "" {
			if out[i].Fingerprint, err = btc.ParseFingerprint(c.Fingerprint); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (d *DB) wallets(ctx context.Context, query string, args ...any) (out []wallet.Record, err error) {
	err = d.read(ctx, func(t *tx) error {
		out, err = t.wallets(query, args...)
		return err
	})
	return out, err
}

func (t *tx) wallets(query string, args ...any) (out []wallet.Record, err error) {
	err = t.each(query, args, func(scan func(...any) error) error {
		r, err := scanWallet(scan)
		out = append(out, r)
		return err
	})
	return out, err
}

func (t *tx) wallet(id wallet.ID) (wallet.Record, error) {
	return oneWallet(t.wallets(walletColumns+`WHERE id = ?`, id))
}

func oneWallet(list []wallet.Record, err error) (wallet.Record, error) {
	if err != nil {
		return wallet.Record{}, err
	}
	if len(list) == 0 {
		return wallet.Record{}, errs.E(errs.NotFound, "there is no such wallet")
	}
	return list[0], nil
}

// Wallets lists an owner's wallets of a network by name.
func (d *DB) Wallets(ctx context.Context, o wallet.Owner, n btc.Network) ([]wallet.Record, error) {
	return d.wallets(ctx, walletColumns+`WHERE owner = ? AND network = ? ORDER BY name`, string(o), n.String())
}

// WalletIDs lists an owner's wallets of a network by name, and nothing of them but their numbers.
func (d *DB) WalletIDs(ctx context.Context, o wallet.Owner, n btc.Network) (out []wallet.ID, err error) {
	err = d.read(ctx, func(t *tx) error {
		list, err := t.numbers(`SELECT id FROM wallets WHERE owner = ? AND network = ? ORDER BY name`, string(o), n.String())
		for _, id := range list {
			out = append(out, wallet.ID(id))
		}
		return err
	})
	return out, err
}

// AllWallets lists every wallet of everybody.
func (d *DB) AllWallets(ctx context.Context) ([]wallet.Record, error) {
	return d.wallets(ctx, walletColumns+`ORDER BY id`)
}

// Wallet finds a wallet by owner, network and alias.
func (d *DB) Wallet(ctx context.Context, ref wallet.Ref) (wallet.Record, error) {
	return oneWallet(d.wallets(ctx, walletColumns+`WHERE owner = ? AND network = ? AND alias = ?`, string(ref.Owner), ref.Network.String(), ref.Alias))
}

// WalletByID finds a wallet by its row number.
func (d *DB) WalletByID(ctx context.Context, id wallet.ID) (wallet.Record, error) {
	return oneWallet(d.wallets(ctx, walletColumns+`WHERE id = ?`, id))
}

// AddWallet stores a new wallet with its first addresses and sets its ID.
func (d *DB) AddWallet(ctx context.Context, r *wallet.Record, first []wallet.AddressRow) error {
	list := make([]cosigner, len(r.Cosigners))
	for i, c := range r.Cosigners {
		list[i] = cosigner{Path: c.Path.String(), XPub: c.XPub, Expression: c.Expression, Called: c.Called}
		if !c.Fingerprint.IsZero() {
			list[i].Fingerprint = c.Fingerprint.String()
		}
	}
	cosigners, err := json.Marshal(list)
	if err != nil {
		return err
	}
	var id wallet.ID
	scan, gap := scanColumns(r.Scan), r.Gap
	if gap == 0 {
		gap = 20 // as the schema has it
	}
	err = d.write(ctx, func(t *tx) error {
		_, err := t.one(`INSERT INTO wallets (owner, network, alias, name, descriptor, script_type, threshold, cosigners, node_name, birthday, created, gap, scan_state, scan_from, scan_error, scan_mode, scan_next, scan_found)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			append([]any{string(r.Owner), r.Network.String(), r.Alias, r.Name, r.Descriptor, r.ScriptType, r.Threshold, string(cosigners), r.NodeName,
				seconds(r.Birthday), seconds(r.Created), gap}, scan...), &id)
		if unique(err) {
			return errs.E(errs.Conflict, "you have a wallet named %q already; choose another name", r.Name)
		}
		if err != nil {
			return err
		}
		return t.addAddresses(id, first)
	})
	if err == nil {
		r.ID = id
	}
	return err
}

// RenameWallet changes the display name; errs.Conflict when the owner has it already.
func (d *DB) RenameWallet(ctx context.Context, id wallet.ID, name string) error {
	return d.write(ctx, func(t *tx) error {
		err := t.must("wallet", `UPDATE wallets SET name = ? WHERE id = ?`, name, id)
		if unique(err) {
			return errs.E(errs.Conflict, "you have a wallet named %q already; choose another name", name)
		}
		return err
	})
}

// DeleteWallet removes a wallet with everything that belongs to it.
func (d *DB) DeleteWallet(ctx context.Context, id wallet.ID) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO history_search (history_search, rowid, search) SELECT 'delete', id, search FROM history WHERE wallet = ?`, id)
		if err != nil {
			return err
		}
		return t.must("wallet", `DELETE FROM wallets WHERE id = ?`, id)
	})
}

// SetSynced notes the outcome of a sync; a zero time leaves the last success as it was.
func (d *DB) SetSynced(ctx context.Context, id wallet.ID, at time.Time, trouble string) error {
	return d.write(ctx, func(t *tx) error {
		if at.IsZero() {
			return t.must("wallet", `UPDATE wallets SET sync_error = ? WHERE id = ?`, trouble, id)
		}
		return t.must("wallet", `UPDATE wallets SET synced_at = ?, sync_error = ? WHERE id = ?`, seconds(at), trouble, id)
	})
}

// KnownBlocks lists blocks of the chain as the wallet saw it, newest first.
func (d *DB) KnownBlocks(ctx context.Context, id wallet.ID) (out []chain.Block, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT height, hash, time FROM (
			SELECT height, hash, time FROM (SELECT height, hash, time FROM tips WHERE wallet = ? ORDER BY height DESC LIMIT 60)
			UNION SELECT height, block_hash, block_time FROM (SELECT height, block_hash, block_time FROM txs WHERE wallet = ? AND height > 0 ORDER BY height DESC LIMIT 20)
			) ORDER BY height DESC`, []any{id, id}, func(scan func(...any) error) error {
			var b chain.Block
			var hash []byte
			var time int64
			if err := scan(&b.Height, &hash, &time); err != nil {
				return err
			}
			copy(b.Hash[:], hash)
			b.Time = moment(time)
			out = append(out, b)
			return nil
		})
	})
	return out, err
}
