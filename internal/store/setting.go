package store

import "context"

// Setting returns what was stored under a name for an owner ("": the program's own); "" when
// nothing was.
func (d *DB) Setting(ctx context.Context, owner, name string) (value string, err error) {
	err = d.read(ctx, func(t *tx) error {
		_, err := t.one(`SELECT value FROM settings WHERE owner = ? AND name = ?`, []any{owner, name}, &value)
		if err == nil {
			value, err = d.openText(placeSetting(owner, name), value)
		}
		return err
	})
	return value, err
}

// PutSetting stores a value under a name; "" forgets it.
func (d *DB) PutSetting(ctx context.Context, owner, name, value string) error {
	return d.PutSettings(ctx, owner, map[string]string{name: value})
}

// Settings returns all that an owner ("": the program) has stored, by name.
func (d *DB) Settings(ctx context.Context, owner string) (map[string]string, error) {
	out := map[string]string{}
	err := d.read(ctx, func(t *tx) error {
		return t.each(`SELECT name, value FROM settings WHERE owner = ?`, []any{owner}, func(scan func(...any) error) error {
			var name, value string
			if err := scan(&name, &value); err != nil {
				return err
			}
			var err error
			out[name], err = d.openText(placeSetting(owner, name), value)
			return err
		})
	})
	return out, err
}

// PutSettings stores values of an owner, all or none; "" forgets one.
func (d *DB) PutSettings(ctx context.Context, owner string, values map[string]string) error {
	return d.write(ctx, func(t *tx) error {
		for name, value := range values {
			if secretSettings[name] {
				var err error
				if value, err = d.sealText(placeSetting(owner, name), value); err != nil {
					return err
				}
			}
			if err := t.putSetting(owner, name, value); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) putSetting(owner, name, value string) error {
	if value == "" {
		_, err := t.exec(`DELETE FROM settings WHERE owner = ? AND name = ?`, owner, name)
		return err
	}
	_, err := t.exec(`INSERT INTO settings (owner, name, value) VALUES (?, ?, ?)
		ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value`, owner, name, value)
	return err
}
