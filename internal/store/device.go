package store

import (
	"context"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
)

var _ device.Store = (*DB)(nil)

const deviceColumns = `SELECT id, owner, alias, name, type, sealed, needs_secret, created FROM devices `

// Devices lists the owner's devices by name.
func (d *DB) Devices(ctx context.Context, owner string) ([]device.Device, error) {
	return d.devices(ctx, deviceColumns+`WHERE owner = ? ORDER BY name`, owner)
}

// Device finds a device by its alias.
func (d *DB) Device(ctx context.Context, owner, alias string) (device.Device, error) {
	return single(d.devices(ctx, deviceColumns+`WHERE owner = ? AND alias = ?`, owner, alias))
}

// DeviceByID finds a device by its row number.
func (d *DB) DeviceByID(ctx context.Context, owner string, id int64) (device.Device, error) {
	return single(d.devices(ctx, deviceColumns+`WHERE owner = ? AND id = ?`, owner, id))
}

func single(list []device.Device, err error) (device.Device, error) {
	if err != nil {
		return device.Device{}, err
	}
	if len(list) == 0 {
		return device.Device{}, errs.E(errs.NotFound, "there is no such device")
	}
	return list[0], nil
}

func (d *DB) devices(ctx context.Context, query string, args ...any) (out []device.Device, err error) {
	err = d.read(ctx, func(t *tx) error {
		err := t.each(query, args, func(scan func(...any) error) error {
			var v device.Device
			var created int64
			if err := scan(&v.ID, &v.Owner, &v.Alias, &v.Name, &v.Type, &v.Sealed, &v.NeedsSecret, &created); err != nil {
				return err
			}
			v.Created = moment(created)
			var err error
			if v.Sealed, err = d.openBytes(placeDevice(v.Owner, v.Alias), v.Sealed); err != nil {
				return err
			}
			out = append(out, v)
			return nil
		})
		for i := range out {
			if err == nil {
				out[i].Keys, err = t.deviceKeys(out[i].ID)
			}
		}
		return err
	})
	return out, err
}

func (t *tx) deviceKeys(id int64) (out []device.Key, err error) {
	err = t.each(`SELECT original, fingerprint, path, has_origin, xpub, script_type, purpose FROM device_keys WHERE device = ? ORDER BY place`, []any{id}, func(scan func(...any) error) error {
		var k device.Key
		var fingerprint []byte
		var path string
		if err := scan(&k.Original, &fingerprint, &path, &k.HasOrigin, &k.XPub, &k.ScriptType, &k.Purpose); err != nil {
			return err
		}
		copy(k.Fingerprint[:], fingerprint)
		var err error
		if k.Path, err = btc.ParsePath(path); err != nil {
			return err
		}
		out = append(out, k)
		return nil
	})
	return out, err
}

// PutDevice inserts a device whose ID is 0 and sets its ID, else replaces name, type, keys and seed.
func (d *DB) PutDevice(ctx context.Context, v *device.Device) error {
	id := v.ID
	err := d.write(ctx, func(t *tx) error {
		seed, err := d.sealBytes(placeDevice(v.Owner, v.Alias), v.Sealed)
		if err != nil {
			return err
		}
		if id == 0 {
			_, err = t.one(`INSERT INTO devices (owner, alias, name, type, sealed, needs_secret, created) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
				[]any{v.Owner, v.Alias, v.Name, v.Type, seed, flag(v.NeedsSecret), seconds(v.Created)}, &id)
		} else {
			err = t.must("device", `UPDATE devices SET name = ?, type = ?, sealed = ?, needs_secret = ? WHERE id = ? AND owner = ?`,
				v.Name, v.Type, seed, flag(v.NeedsSecret), id, v.Owner)
		}
		if unique(err) {
			return errs.E(errs.Conflict, "you have a device named %q already; choose another name", v.Name)
		}
		if err != nil {
			return err
		}
		return t.putKeys(id, v.Keys)
	})
	if err == nil {
		v.ID = id
	}
	return err
}

func (t *tx) putKeys(id int64, keys []device.Key) error {
	if _, err := t.exec(`DELETE FROM device_keys WHERE device = ?`, id); err != nil {
		return err
	}
	for i, k := range keys {
		if _, err := t.exec(`INSERT INTO device_keys (device, place, original, fingerprint, path, has_origin, xpub, script_type, purpose) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, i, k.Original, k.Fingerprint[:], k.Path.String(), flag(k.HasOrigin), k.XPub, k.ScriptType, k.Purpose); err != nil {
			return err
		}
	}
	return nil
}

// DeleteDevice removes a device with its keys.
func (d *DB) DeleteDevice(ctx context.Context, owner string, id int64) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("device", `DELETE FROM devices WHERE id = ? AND owner = ?`, id, owner)
	})
}
