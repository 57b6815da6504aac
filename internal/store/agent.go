package store

import (
	"context"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

const agentColumns = `agents.id, agents.owner, agents.name, agents.key, agents.created, agents.last_seen`

func agentDest(a *auth.Agent) (dest []any, done func()) {
	var created, seen int64
	return []any{&a.ID, &a.UserID, &a.Name, (*[]byte)(&a.Key), &created, &seen}, func() {
		a.Created, a.LastSeen = moment(created), moment(seen)
	}
}

// AddAgent stores an agent. errs.Conflict when its key is known already, or the user has most
// agents; errs.NotFound when there is no such user.
func (d *DB) AddAgent(ctx context.Context, a auth.Agent, most int) error {
	err := d.write(ctx, func(t *tx) error {
		var n int
		if _, err := t.one(`SELECT count(*) FROM agents WHERE owner = ?`, []any{a.UserID}, &n); err != nil {
			return err
		}
		if n >= most {
			return errs.E(errs.Conflict, "there are %d agents already; revoke one first", n)
		}
		_, err := t.exec(`INSERT INTO agents (id, owner, name, key, created, last_seen) VALUES (?, ?, ?, ?, ?, ?)`,
			a.ID, a.UserID, a.Name, []byte(a.Key), seconds(a.Created), seconds(a.LastSeen))
		return err
	})
	switch {
	case unique(err):
		return errs.E(errs.Conflict, "an agent with this key is paired already")
	case foreign(err):
		return errs.E(errs.NotFound, "there is no such user")
	}
	return err
}

// Agents lists a user's agents, oldest first.
func (d *DB) Agents(ctx context.Context, userID string) (out []auth.Agent, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(`SELECT `+agentColumns+` FROM agents WHERE owner = ? ORDER BY created, id`, []any{userID}, func(scan func(...any) error) error {
			var a auth.Agent
			dest, done := agentDest(&a)
			if err := scan(dest...); err != nil {
				return err
			}
			done()
			out = append(out, a)
			return nil
		})
	})
	return out, err
}

// AgentByID finds an agent of whichever user. errs.NotFound when there is none.
func (d *DB) AgentByID(ctx context.Context, id string) (a auth.Agent, err error) {
	err = d.read(ctx, func(t *tx) error {
		dest, done := agentDest(&a)
		found, err := t.one(`SELECT `+agentColumns+` FROM agents WHERE id = ?`, []any{id}, dest...)
		if err == nil && !found {
			return errs.E(errs.NotFound, "there is no such agent")
		}
		done()
		return err
	})
	return a, err
}

// SeeAgent notes when an agent was connected last.
func (d *DB) SeeAgent(ctx context.Context, id string, at time.Time) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE agents SET last_seen = ? WHERE id = ?`, seconds(at), id)
		return err
	})
}

// RenameAgent gives an agent of a user another name. errs.NotFound when the user has none of that id.
func (d *DB) RenameAgent(ctx context.Context, userID, id, name string) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("agent", `UPDATE agents SET name = ? WHERE owner = ? AND id = ?`, name, userID, id)
	})
}

// RemoveAgent removes an agent of a user. errs.NotFound when the user has none of that id.
func (d *DB) RemoveAgent(ctx context.Context, userID, id string) error {
	return d.write(ctx, func(t *tx) error {
		return t.must("agent", `DELETE FROM agents WHERE owner = ? AND id = ?`, userID, id)
	})
}
