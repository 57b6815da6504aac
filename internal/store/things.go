package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
)

// SettingBackupState begins the names under which the program notes how backups went.
const SettingBackupState = "backup-last"

// Thing is one thing that a person would miss: what it is, whose, and a digest of what it says.
type Thing struct {
	Kind   string // of ThingKinds
	Key    string // the same thing has the same key in every copy
	Name   string // for people
	Digest [16]byte
}

// ThingKinds lists what is told of as things.
var ThingKinds = []string{"user", "node", "device", "wallet", "label", "frozen", "draft", "token", "setting"}

// things says how each kind is read: key, name, then what it says. What is sealed is left out: it
// differs each time it is written.
var things = map[string]string{
	"user":    `SELECT id, name, role, password FROM users`,
	"node":    `SELECT alias, name, kind, network, protocol, host, port, login, cookie_file, datadir, autodetect, active FROM nodes`,
	"device":  `SELECT d.owner || '/' || d.alias, d.name, d.type, d.needs_secret, (SELECT group_concat(original || ' ' || purpose, '|') FROM (SELECT original, purpose FROM device_keys k WHERE k.device = d.id ORDER BY place)) FROM devices d`,
	"wallet":  `SELECT owner || '/' || network || '/' || alias, name, descriptor, threshold, cosigners, node_name, birthday, gap, next_receive, next_change FROM wallets`,
	"label":   `SELECT w.owner || '/' || w.network || '/' || w.alias || '/' || l.kind || '/' || l.ref, w.name || ': ' || l.label, l.label FROM labels l JOIN wallets w ON w.id = l.wallet`,
	"frozen":  `SELECT w.owner || '/' || w.network || '/' || w.alias || '/' || lower(hex(f.txid)) || ':' || f.vout, w.name || ': ' || lower(hex(f.txid)) || ':' || f.vout FROM frozen f JOIN wallets w ON w.id = f.wallet`,
	"draft":   `SELECT w.owner || '/' || w.network || '/' || w.alias || '/' || d.id || '/' || lower(hex(d.txid)), w.name || ': ' || CASE d.note WHEN '' THEN 'no. ' || d.id ELSE d.note END, d.state, d.note, d.psbt, d.final FROM drafts d JOIN wallets w ON w.id = d.wallet`,
	"token":   `SELECT owner || '/' || id, description, hash, expires, scope FROM tokens`,
	"setting": `SELECT owner || '/' || name, name, value FROM settings`,
}

// EachThing hands every thing to f, kind by kind, as of one moment. Nothing is gathered.
func (d *DB) EachThing(ctx context.Context, f func(Thing) error) error {
	return d.read(ctx, func(t *tx) error {
		for _, kind := range ThingKinds {
			if err := t.eachThing(kind, f); err != nil {
				return fmt.Errorf("read every %s: %w", kind, err)
			}
		}
		return nil
	})
}

func (t *tx) eachThing(kind string, f func(Thing) error) error {
	s, err := t.prepare(things[kind] + ` ORDER BY 1`)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(t.ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		says := values[1:]
		if kind == "label" || kind == "frozen" || kind == "draft" {
			says = values[2:] // their names are made for people, of their wallets' too
		}
		h := sha256.New()
		for _, v := range says {
			if b, is := v.([]byte); is {
				fmt.Fprintf(h, "%x;", b)
			} else {
				fmt.Fprintf(h, "%q;", fmt.Sprint(v))
			}
		}
		if name, is := values[1].(string); is && kind == "setting" && (secretSettings[name] || name == settingWraps || strings.HasPrefix(name, SettingBackupState)) {
			continue // sealed, or no word of anybody
		}
		one := Thing{Kind: kind, Key: fmt.Sprint(values[0]), Name: fmt.Sprint(values[1])}
		copy(one.Digest[:], h.Sum(nil))
		if err := f(one); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Writes is a number that changes whenever the database was written by this program or another.
func (d *DB) Writes(ctx context.Context) (n int64, err error) {
	err = d.w.QueryRowContext(ctx, `SELECT total_changes() + (SELECT data_version FROM pragma_data_version)`).Scan(&n)
	return n, door(err)
}
