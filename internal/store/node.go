package store

import (
	"context"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/node"
)

var _ node.Store = (*DB)(nil)

// Nodes lists all nodes by name.
func (d *DB) Nodes(ctx context.Context) (out []node.Node, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT id, alias, name, kind, network, protocol, host, port, login, password, cookie_file, datadir, autodetect, created
			FROM nodes ORDER BY name`, nil, func(scan func(...any) error) error {
			var n node.Node
			var network, password string
			var created int64
			err := scan(&n.ID, &n.Alias, &n.Name, &n.Kind, &network, &n.Protocol, &n.Host, &n.Port, &n.User, &password, &n.CookieFile, &n.Datadir, &n.Autodetect, &created)
			if err != nil {
				return err
			}
			if n.Network, err = btc.ParseNetwork(network); err != nil {
				return err
			}
			if password, err = d.openText(placeNode(n.Alias), password); err != nil {
				return err
			}
			n.Password, n.Created = node.NewSecret(password), moment(created)
			out = append(out, n)
			return nil
		})
	})
	return out, err
}

// SaveNode inserts a node whose ID is 0 and sets its ID, else updates it.
func (d *DB) SaveNode(ctx context.Context, n *node.Node) error {
	id := n.ID
	err := d.write(ctx, func(t *tx) error {
		password, err := d.sealText(placeNode(n.Alias), n.Password.Reveal())
		if err != nil {
			return err
		}
		args := []any{n.Alias, n.Name, string(n.Kind), n.Network.String(), n.Protocol, n.Host, n.Port, n.User, password, n.CookieFile, n.Datadir, flag(n.Autodetect)}
		if n.ID == 0 {
			_, err = t.one(`INSERT INTO nodes (alias, name, kind, network, protocol, host, port, login, password, cookie_file, datadir, autodetect, created)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`, append(args, seconds(n.Created)), &id)
		} else {
			err = t.must("node", `UPDATE nodes SET alias = ?, name = ?, kind = ?, network = ?, protocol = ?, host = ?, port = ?, login = ?, password = ?,
				cookie_file = ?, datadir = ?, autodetect = ? WHERE id = ?`, append(args, n.ID)...)
		}
		if unique(err) {
			return errs.E(errs.Conflict, "there is a node named %q already; choose another name", n.Name)
		}
		return err
	})
	if err == nil {
		n.ID = id
	}
	return err
}

// DeleteNode removes a node, and with it the mark that it is the active one.
func (d *DB) DeleteNode(ctx context.Context, id int64) error {
	return d.write(ctx, func(t *tx) error { return t.must("node", `DELETE FROM nodes WHERE id = ?`, id) })
}

// ActiveNode returns the ID of the active node; 0 when none is.
func (d *DB) ActiveNode(ctx context.Context) (id int64, err error) {
	err = d.read(ctx, func(t *tx) error {
		_, err := t.one(`SELECT id FROM nodes WHERE active = 1`, nil, &id)
		return err
	})
	return id, err
}

// SetActiveNode marks a node as the active one; 0: none.
func (d *DB) SetActiveNode(ctx context.Context, id int64) error {
	return d.write(ctx, func(t *tx) error {
		if _, err := t.exec(`UPDATE nodes SET active = 0 WHERE active = 1`); err != nil || id == 0 {
			return err
		}
		return t.must("node", `UPDATE nodes SET active = 1 WHERE id = ?`, id)
	})
}

// UID returns the program's uid; where there is none yet, fresh becomes it.
func (d *DB) UID(ctx context.Context, fresh string) (uid string, err error) {
	err = d.write(ctx, func(t *tx) error {
		if _, err := t.exec(`INSERT INTO settings (owner, name, value) VALUES ('', 'uid', ?) ON CONFLICT (owner, name) DO NOTHING`, fresh); err != nil {
			return err
		}
		_, err := t.one(`SELECT value FROM settings WHERE owner = '' AND name = 'uid'`, nil, &uid)
		return err
	})
	return uid, err
}
