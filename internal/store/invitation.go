package store

import (
	"context"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

// AddInvitation stores an invitation under the hash of its secret and sets its ID.
func (d *DB) AddInvitation(ctx context.Context, i *auth.Invitation, hash []byte) error {
	var id int64
	err := d.write(ctx, func(t *tx) error {
		_, err := t.one(`INSERT INTO invitations (hash, created, expires) VALUES (?, ?, ?) RETURNING id`,
			[]any{hash, seconds(i.Created), seconds(i.Expires)}, &id)
		return err
	})
	if err == nil {
		i.ID = id
	}
	return err
}

// Invitations lists all invitations that were not used, oldest first.
func (d *DB) Invitations(ctx context.Context) (out []auth.Invitation, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT id, created, expires FROM invitations ORDER BY id`, nil, func(scan func(...any) error) error {
			var i auth.Invitation
			var created, expires int64
			if err := scan(&i.ID, &created, &expires); err != nil {
				return err
			}
			i.Created, i.Expires = moment(created), moment(expires)
			out = append(out, i)
			return nil
		})
	})
	return out, err
}

// InvitationByHash returns the invitation of a secret. errs.NotFound when there is none.
func (d *DB) InvitationByHash(ctx context.Context, hash []byte) (i auth.Invitation, err error) {
	err = d.read(ctx, func(t *tx) error {
		var created, expires int64
		found, err := t.one(`SELECT id, created, expires FROM invitations WHERE hash = ?`, []any{hash}, &i.ID, &created, &expires)
		if err == nil && !found {
			return errs.E(errs.NotFound, "there is no such invitation")
		}
		i.Created, i.Expires = moment(created), moment(expires)
		return err
	})
	return i, err
}

// RemoveInvitation removes an invitation.
func (d *DB) RemoveInvitation(ctx context.Context, id int64) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("invitation", `DELETE FROM invitations WHERE id = ?`, id)
	})
}

// UseInvitation removes the invitation and adds the user, both or neither. errs.NotFound when it
// was used already; errs.Conflict when the name is taken.
func (d *DB) UseInvitation(ctx context.Context, hash []byte, u auth.UserRow) error {
	return d.write(ctx, func(t *tx) error {
		if err := t.must("invitation", `DELETE FROM invitations WHERE hash = ?`, hash); err != nil {
			return err
		}
		return t.addUser(u)
	})
}

// SweepInvitations removes those that expired before a time.
func (d *DB) SweepInvitations(ctx context.Context, before time.Time) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM invitations WHERE expires > 0 AND expires < ?`, seconds(before))
		return err
	})
}
