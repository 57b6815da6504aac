package store

import (
	"context"
	"time"
)

// keptAnswers bounds the answers that are kept of one user; the oldest beyond it go.
const keptAnswers = 5_000

// IdempotentAnswer returns the answer that was stored under a user's key at or after a time, and
// the fingerprint of the request that it answered. found is false when there is none.
func (d *DB) IdempotentAnswer(ctx context.Context, user string, key []byte, after time.Time) (print, answer []byte, found bool, err error) {
	err = d.read(ctx, func(t *tx) error {
		found, err = t.one(`SELECT print, answer FROM idempotency WHERE owner = ? AND key = ? AND at >= ?`,
			[]any{user, key, after.Unix()}, &print, &answer)
		if err == nil {
			answer, err = d.openBytes(placeAnswer(user, key), answer)
		}
		return err
	})
	return print, answer, found, err
}

// PutIdempotentAnswer stores an answer under a user's key. In the same transaction the answers of
// all users from before a time are forgotten, and a user's oldest beyond keptAnswers.
func (d *DB) PutIdempotentAnswer(ctx context.Context, user string, key, print, answer []byte, now, before time.Time) error {
	answer, err := d.sealBytes(placeAnswer(user, key), answer)
	if err != nil {
		return err
	}
	return d.write(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM idempotency WHERE at < ?`, before.Unix()); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO idempotency (owner, key, at, print, answer) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (owner, key) DO UPDATE SET at = excluded.at, print = excluded.print, answer = excluded.answer`,
			user, key, now.Unix(), print, answer)
		if err != nil {
			return err
		}
		_, err = t.exec(`DELETE FROM idempotency WHERE id IN
			(SELECT id FROM idempotency WHERE owner = ? ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?)`, user, keptAnswers)
		return err
	})
}
