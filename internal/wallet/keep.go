package wallet

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc/txgraph"
	"specter/internal/chain"
	"specter/internal/errs"
)

// MaxGap is the most addresses that a wallet looks ahead.
const MaxGap = 10_000

// SetGap changes how many addresses are looked at beyond the highest used or handed-out one, and
// derives those that are missing. Coins that came to one of them before are found by a scan.
func (s *Service) SetGap(ctx context.Context, ref Ref, gap int) error {
	if gap < 1 || gap > MaxGap {
		return errs.E(errs.Invalid, "a wallet looks between 1 and %d addresses ahead, not %d", MaxGap, gap)
	}
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	if !w.desc.IsRanged() {
		return errs.E(errs.Invalid, "this wallet has a single address; there are none ahead")
	}
	if err := s.c.Store.SetGap(ctx, r.ID, uint32(gap)); err != nil {
		return err
	}
	if err := s.reach(ctx, r.ID, w, [2]int64{-1, -1}); err != nil {
		return err
	}
	s.tell(r, "wallet")
	s.jobs.want(r.ID) // the node is told at the next sync
	s.nudge()
	return nil
}

// KeyPool tells how many addresses of each branch are derived.
func (s *Service) KeyPool(ctx context.Context, ref Ref) (derived [2]uint32, err error) {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return derived, err
	}
	for b := range w.branches {
		if derived[b], err = s.c.Store.Derived(ctx, r.ID, uint32(b)); err != nil {
			return derived, err
		}
	}
	return derived, nil
}

// Losses tells what a person would lose by deleting a wallet.
func (s *Service) Losses(ctx context.Context, ref Ref) (Losses, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return Losses{}, err
	}
	return s.c.Store.Losses(ctx, r.ID)
}

// LooseTx is a stored transaction that is in no block.
type LooseTx struct {
	ID   chainhash.Hash
	Raw  []byte
	Seen int64 // unix seconds
	Gone bool  // left the mempool
}

// Rebuild asks the node for everything that it knows of a wallet and makes facts and rows of it
// anew. Labels, frozen coins and drafts stay; nothing is changed when the node is away.
func (s *Service) Rebuild(ctx context.Context, ref Ref) error {
	r, w, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return err
	}
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := s.sameNetwork(ctx, r, src); err != nil {
		return err
	}
	req, err := s.request(ctx, r, w)
	if err != nil {
		return err
	}
	req.From = nil
	defer s.endProgress(r, w)
	u, err := src.Sync(ctx, req)
	if err != nil {
		return err
	}
	if err := s.reach(ctx, r.ID, w, usedOf(u)); err != nil {
		return err
	}
	facts, gone, err := s.withLoose(ctx, r, u)
	if err != nil {
		return err
	}
	if err := s.applyFacts(ctx, r, w, facts, chunk{gone: gone, tip: &u.Tip, fresh: true}); err != nil {
		return err
	}
	s.note(ctx, r, nil)
	s.tell(r, "wallet")
	s.nudge()
	return nil
}

// withLoose adds the stored transactions that are in no block to what a node told: it forgets
// those that left its mempool.
func (s *Service) withLoose(ctx context.Context, r Record, u chain.Update) (facts []txgraph.Tx, gone []chainhash.Hash, err error) {
	facts, gone = s.facts(u.Txs), u.Gone
	told := map[chainhash.Hash]bool{}
	for _, f := range facts {
		told[f.ID] = true
	}
	lost := map[chainhash.Hash]bool{}
	for _, id := range gone {
		lost[id] = true
	}
	loose, err := s.c.Store.Loose(ctx, r.ID)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range loose {
		tx, err := ReadTx(l.Raw, l.ID)
		if told[l.ID] || err != nil {
			continue // one that cannot be read is repaired by being told again, or is gone
		}
		facts = append(facts, txgraph.Tx{ID: l.ID, Tx: tx, Head: txgraph.Head{Seen: l.Seen}})
		if l.Gone && !lost[l.ID] {
			gone = append(gone, l.ID)
		}
	}
	return facts, gone, nil
}
