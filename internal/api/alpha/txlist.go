package alpha

import (
	"context"
	"net/http"

	"specter/internal/auth"
	"specter/internal/wallet"
)

// aside runs f when one of the few places for answers that read many rows is free.
func (s *Server) aside(ctx context.Context, f func() error) error {
	select {
	case s.large <- struct{}{}:
		defer func() { <-s.large }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) spool() *spool { return &spool{dir: s.c.DataDir} }

// getFullTxList answers the transactions of all the owner's wallets on the active network, the
// newest first.
func (s *Server) getFullTxList(w http.ResponseWriter, r *http.Request, c call) error {
	if !c.May(auth.Read) {
		return refuse(http.StatusForbidden, lacksRead)
	}
	n, err := s.network(r.Context())
	if err != nil {
		return err
	}
	out := s.spool()
	defer out.close()
	err = s.aside(r.Context(), func() error {
		return s.c.Wallets.WalkAll(r.Context(), wallet.Owner(c.User.ID), n, func(k wallet.Walk) error {
			tips := map[wallet.ID]int32{}
			for _, rec := range k.Records() {
				tips[rec.ID] = rec.Tip.Height
			}
			return writeTxs(k, tips, out)
		})
	})
	if err != nil {
		return err
	}
	out.text("\n")
	return send(w, out)
}

const lacksRead = "The token may not do this: it lacks the right read."

// writeTxs writes the transactions as a JSON array, to one place or several.
func writeTxs(k wallet.Walk, tips map[wallet.ID]int32, out *spool) error {
	out.text("[")
	var b []byte
	first := true
	err := k.EachTx(func(t wallet.WalkTx) error {
		b = b[:0]
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendRecord(b, &t, tips[t.Wallet]), '}')
		_, err := out.Write(b)
		return err
	})
	out.text("]")
	if err == nil {
		err = out.err
	}
	return err
}
