package store

import (
	"context"

	"specter/internal/btc"
	"specter/internal/wallet"
)

// Registrations lists the devices that know a wallet.
func (d *DB) Registrations(ctx context.Context, id wallet.ID) (out []wallet.Registration, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT fingerprint, kind, name, policy_id, proof, registered FROM registrations WHERE wallet = ? ORDER BY fingerprint, kind`,
			[]any{id}, func(scan func(...any) error) error {
				var r wallet.Registration
				var fp []byte
				var at int64
				if err := scan(&fp, &r.Kind, &r.Name, &r.ID, &r.Proof, &at); err != nil {
					return err
				}
				copy(r.Fingerprint[:], fp)
				r.At = moment(at)
				out = append(out, r)
				return nil
			})
	})
	return out, err
}

// PutRegistration notes that a device knows a wallet, over what was noted of it before.
func (d *DB) PutRegistration(ctx context.Context, id wallet.ID, r wallet.Registration) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO registrations (wallet, fingerprint, kind, name, policy_id, proof, registered) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (wallet, fingerprint, kind) DO UPDATE SET name = excluded.name, policy_id = excluded.policy_id, proof = excluded.proof, registered = excluded.registered`,
			id, r.Fingerprint[:], r.Kind, r.Name, present(r.ID), present(r.Proof), r.At.Unix())
		return err
	})
}

// present is bytes that are there, if only none: NULL is something else.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// DropRegistration forgets that a device knows a wallet.
func (d *DB) DropRegistration(ctx context.Context, id wallet.ID, fp btc.Fingerprint, kind string) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM registrations WHERE wallet = ? AND fingerprint = ? AND kind = ?`, id, fp[:], kind)
		return err
	})
}
