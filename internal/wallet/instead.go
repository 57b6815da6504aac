package wallet

import (
	"context"

	"specter/internal/btc/spend"
	"specter/internal/errs"
)

// DraftRequest returns a draft as a request that can be changed: its Preview and its NewDraft
// take the draft's place. The draft's coins come along as chosen by hand, so that changing an
// amount never mixes in others. errs.Conflict for one that was sent or cannot be read.
func (s *Service) DraftRequest(ctx context.Context, ref Ref, id DraftID) (SpendRequest, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return SpendRequest{}, err
	}
	d, err := s.Draft(ctx, ref, id)
	if err != nil {
		return SpendRequest{}, err
	}
	stored, err := s.c.Store.Draft(ctx, r.ID, id)
	if err != nil {
		return SpendRequest{}, err
	}
	switch {
	case d.State == Broadcast:
		return SpendRequest{}, errs.E(errs.Conflict, "the draft was sent; edit its transaction instead")
	case d.State == DraftBroken:
		return SpendRequest{}, errs.E(errs.Conflict, "%s", d.Trouble)
	case stored.Parents || len(d.Recipients) == 0:
		return SpendRequest{}, errs.E(errs.Conflict, "this draft pays for another transaction and has no recipients to edit; delete it and make another")
	}
	q := SpendRequest{Recipients: d.Recipients, FeeRate: d.FeeRate, NoRBF: !d.Replaceable, Note: d.Note, Replaces: d.Replaces, Instead: id}
	if d.LockTime == 0 || int64(d.LockTime) > int64(r.Tip.Height) {
		q.LockTime = &d.LockTime // others are the tip of their day, which is no wish
	}
	for _, in := range d.Inputs {
		q.Coins = append(q.Coins, in.OutPoint)
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, q.Coins)
	if err != nil {
		return SpendRequest{}, err
	}
	if len(rows) != len(q.Coins) {
		return SpendRequest{}, errs.E(errs.Conflict, "the draft spends coins that are not of this wallet; it cannot be edited here")
	}
	return q, nil
}

// instead finds the draft whose place a request takes; the zero draft where it takes none.
func (s *Service) instead(ctx context.Context, r Record, id DraftID) (StoredDraft, error) {
	if id == 0 {
		return StoredDraft{}, nil
	}
	d, err := s.c.Store.Draft(ctx, r.ID, id)
	if err == nil && d.State == Broadcast {
		err = errs.E(errs.Conflict, "draft %d was sent meanwhile; edit its transaction instead", id)
	}
	return d, err
}

// heldBy lists the coins that a draft holds and that only it keeps from being spent.
func (s *Service) heldBy(ctx context.Context, r Record, id DraftID) ([]SpendableCoin, error) {
	d, err := s.instead(ctx, r, id)
	if err != nil || len(d.Coins) == 0 {
		return nil, err
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, d.Coins)
	if err != nil {
		return nil, err
	}
	var out []SpendableCoin
	for _, op := range d.Coins {
		c, ours := rows[op]
		if !ours || c.ReservedBy != id {
			continue
		}
		if c.ReservedBy = 0; !isFree(c) {
			continue
		}
		a, err := s.c.Store.AddressAt(ctx, r.ID, c.Branch, c.Index)
		if err != nil {
			return nil, err
		}
		coin := SpendableCoin{OutPoint: op, Amount: c.Amount, Script: a.Script, Branch: c.Branch, Index: c.Index, Height: c.Height}
		if c.Height == 0 {
			made, err := s.c.Store.HistoryRow(ctx, r.ID, op.Hash)
			coin.Own = err == nil && (made.Category == Send || made.Category == SelfTransfer)
		}
		out = append(out, coin)
	}
	return out, nil
}

// swap stores a draft in the place of another. Until the new one is there the old one is a row
// without coins, which can be renewed: a crash in between loses nothing.
func (s *Service) swap(ctx context.Context, r Record, d *StoredDraft, id DraftID) error {
	old, err := s.instead(ctx, r, id)
	if err != nil {
		return err
	}
	expired := old.State == Expired
	if !expired {
		if err := s.c.Store.ExpireDraft(ctx, r.ID, id, old.Revision); err != nil {
			return err
		}
	}
	if _, err := s.c.Store.AddDraft(ctx, d); err != nil {
		if !expired {
			old.State, old.Revision = stateBefore(old), old.Revision+1
			if back := s.c.Store.RenewDraft(ctx, &old); back != nil {
				s.c.Log.Error("a draft that was being edited has let its coins go", "draft", id, "error", back)
			}
		}
		return err
	}
	return s.c.Store.DeleteDraft(ctx, r.ID, id)
}

// stateBefore is the state that a draft goes back to; a broken one has none of the others.
func stateBefore(d StoredDraft) DraftState {
	if d.State == DraftBroken {
		return Unsigned
	}
	return d.State
}

// spendCoin is a stored coin as the planner wants it.
func spendCoin(c SpendableCoin, confirmations int32) spend.Coin {
	return spend.Coin{OutPoint: c.OutPoint, Amount: c.Amount, Script: c.Script, Branch: c.Branch, Index: c.Index,
		Confirmations: confirmations, Own: c.Own}
}
