package wallet

import (
	"context"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// defaultDraftDays is after how many days without a signature a draft lets its coins go.
const defaultDraftDays = 30

// draftLife is how long a draft of an owner holds coins without activity; 0: for ever.
func (s *Service) draftLife(ctx context.Context, o Owner) time.Duration {
	days := defaultDraftDays
	if s.c.DraftDays != nil {
		days = s.c.DraftDays(ctx, o)
	}
	return time.Duration(max(days, 0)) * 24 * time.Hour
}

// expires is when a draft lets its coins go; zero: never.
func (s *Service) expires(ctx context.Context, r Record, d StoredDraft) time.Time {
	life := s.draftLife(ctx, r.Owner)
	if life == 0 || d.State == Broadcast || d.State == Expired {
		return time.Time{}
	}
	return d.Changed.Add(life)
}

// ExpireDrafts releases the coins of all drafts that nobody has signed for long, and returns how
// many there were. Run does so every hour.
func (s *Service) ExpireDrafts(ctx context.Context) (int, error) {
	all, err := s.c.Store.AllWallets(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, r := range all {
		life := s.draftLife(ctx, r.Owner)
		if life == 0 {
			continue
		}
		idle, err := s.c.Store.IdleDrafts(ctx, r.ID, s.c.Now().Add(-life))
		if err != nil {
			return n, err
		}
		for _, d := range idle {
			expired, err := s.expire(ctx, r, d)
			if err != nil {
				return n, err
			}
			if expired {
				n++
			}
		}
	}
	return n, nil
}

// expire releases a draft's coins, unless somebody signed it meanwhile.
func (s *Service) expire(ctx context.Context, r Record, d StoredDraft) (bool, error) {
	w := s.openOf(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	err := s.c.Store.ExpireDraft(ctx, r.ID, d.ID, d.Revision)
	if errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.tell(r, "draft")
	s.tell(r, "wallet")
	return true, nil
}

// RenewDraft holds the coins of an expired draft again. errs.Conflict where one of them was
// frozen, reserved or spent meanwhile.
func (s *Service) RenewDraft(ctx context.Context, ref Ref, id DraftID) (Draft, error) {
	return s.changeDraft(ctx, ref, id, func(r Record, _ *openWallet, d *StoredDraft) error { return s.renew(ctx, r, d) })
}

// renew does so under the wallet's lock. A draft that has not expired stays as it is.
func (s *Service) renew(ctx context.Context, r Record, d *StoredDraft) error {
	if d.State != Expired {
		return nil
	}
	p, err := psbt.Parse(d.PSBT)
	if err != nil {
		return broken(err)
	}
	tx, err := p.UnsignedTx()
	if err != nil {
		return broken(err)
	}
	ops := make([]wire.OutPoint, len(tx.TxIn))
	for i, in := range tx.TxIn {
		ops[i] = in.PreviousOutPoint
	}
	rows, err := s.c.Store.CoinsAt(ctx, r.ID, ops)
	if err != nil {
		return err
	}
	d.Coins = nil
	for _, op := range ops {
		c, ours := rows[op]
		if !ours {
			continue
		}
		lent := d.Replaces != nil && c.SpentBy != nil && *c.SpentBy == *d.Replaces || d.Parents && c.SpentBy == nil
		if !isFree(c) && !lent {
			return whyNot(op, rows)
		}
		d.Coins = append(d.Coins, op)
	}
	d.State, d.Changed = Unsigned, s.c.Now()
	if err := settle(d, p); err != nil {
		return err
	}
	imported := d.Import
	d.Import = false // it has to hold what it asks for
	err = s.c.Store.RenewDraft(ctx, d)
	d.Import = imported
	if err == nil {
		s.tell(r, "draft")
		s.tell(r, "wallet")
	}
	return err
}

// Comparison is two drafts side by side.
type Comparison struct {
	A, B    Draft
	Inputs  []InputPair  // every coin that one of them spends
	Outputs []OutputPair // every address that one of them pays
	SameFee bool
}

// InputPair tells which of two drafts spend a coin.
type InputPair struct {
	Input DraftInput
	A, B  bool
}

// OutputPair is what two drafts pay to an address; -1: nothing.
type OutputPair struct {
	Output TxOutput
	A, B   int64 // sat
}

// Compare puts two drafts of a wallet side by side.
func (s *Service) Compare(ctx context.Context, ref Ref, a, b DraftID) (Comparison, error) {
	var c Comparison
	var err error
	if c.A, err = s.Draft(ctx, ref, a); err != nil {
		return c, err
	}
	if c.B, err = s.Draft(ctx, ref, b); err != nil {
		return c, err
	}
	if c.A.State == DraftBroken || c.B.State == DraftBroken {
		return c, errs.E(errs.Unavailable, "a draft that cannot be read cannot be compared")
	}
	at := map[wire.OutPoint]int{}
	for _, in := range c.A.Inputs {
		at[in.OutPoint] = len(c.Inputs)
		c.Inputs = append(c.Inputs, InputPair{Input: in, A: true})
	}
	for _, in := range c.B.Inputs {
		if i, both := at[in.OutPoint]; both {
			c.Inputs[i].B = true
			continue
		}
		c.Inputs = append(c.Inputs, InputPair{Input: in, B: true})
	}
	pays := map[string]int{}
	place := func(o TxOutput) *OutputPair {
		key := string(o.Script)
		if _, known := pays[key]; !known {
			pays[key] = len(c.Outputs)
			c.Outputs = append(c.Outputs, OutputPair{Output: o, A: -1, B: -1})
		}
		return &c.Outputs[pays[key]]
	}
	for _, o := range c.A.Outputs {
		p := place(o)
		p.A = max(p.A, 0) + int64(o.Amount)
	}
	for _, o := range c.B.Outputs {
		p := place(o)
		p.B = max(p.B, 0) + int64(o.Amount)
	}
	c.SameFee = c.A.Fee == c.B.Fee
	return c, nil
}
