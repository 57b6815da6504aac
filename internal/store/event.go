package store

import (
	"context"
	"math"
	"strings"
	"time"

	"specter/internal/auth"
)

const eventColumns = `id, at, owner, client, what, detail`

// AddEvent writes a line of the record.
func (d *DB) AddEvent(ctx context.Context, e auth.Event) error {
	return d.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO auth_events (at, owner, client, what, detail) VALUES (?, ?, ?, ?, ?)`, seconds(e.At), e.UserID, e.Client, e.What, e.Detail)
		return err
	})
}

// Events lists a user's events ("": all) before an id (0: from the newest), newest first.
func (d *DB) Events(ctx context.Context, userID string, before int64, limit int) ([]auth.Event, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	if userID == "" {
		return d.events(ctx, `SELECT `+eventColumns+` FROM auth_events WHERE id < ? ORDER BY id DESC LIMIT ?`, before, limit)
	}
	return d.events(ctx, `SELECT `+eventColumns+` FROM auth_events WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?`, userID, before, limit)
}

// EventsSince lists the newest events of some sorts since a time, newest first.
func (d *DB) EventsSince(ctx context.Context, since time.Time, what []string, limit int) ([]auth.Event, error) {
	args := []any{seconds(since)}
	for _, w := range what {
		args = append(args, w)
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(what)), ", ")
	return d.events(ctx, `SELECT `+eventColumns+` FROM auth_events WHERE at >= ? AND what IN (`+marks+`) ORDER BY id DESC LIMIT ?`, append(args, limit)...)
}

func (d *DB) events(ctx context.Context, query string, args ...any) (out []auth.Event, err error) {
	err = d.read(ctx, func(t *tx) error {
		return t.each(query, args, func(scan func(...any) error) error {
			var e auth.Event
			var at int64
			if err := scan(&e.ID, &at, &e.UserID, &e.Client, &e.What, &e.Detail); err != nil {
				return err
			}
			e.At = moment(at)
			out = append(out, e)
			return nil
		})
	})
	return out, err
}

// SweepEvents removes events before a time, and all but the newest: keep of one sort apart, rest
// of the others together.
func (d *DB) SweepEvents(ctx context.Context, before time.Time, apart string, keep, rest int) error {
	return d.write(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM auth_events WHERE at < ?`, seconds(before)); err != nil {
			return err
		}
		for _, part := range []struct {
			where string
			n     int
		}{{`what = ?`, keep}, {`what <> ?`, rest}} {
			_, err := t.exec(`DELETE FROM auth_events WHERE `+part.where+` AND id <=
				(SELECT id FROM auth_events WHERE `+part.where+` ORDER BY id DESC LIMIT 1 OFFSET ?)`, apart, apart, part.n)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
