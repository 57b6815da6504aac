package wallet

import (
	"context"

	"specter/internal/chain"
	"specter/internal/errs"
)

// Rescan looks through old blocks again, from a height on. It goes on in the background, over a
// restart too; Record.Scan tells how far it is.
func (s *Service) Rescan(ctx context.Context, ref Ref, fromHeight int32) error {
	r, _, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	if fromHeight < 0 {
		return errs.E(errs.Invalid, "a rescan begins at block 0 or later")
	}
	if r.Scan != nil && r.Scan.Running {
		return errs.E(errs.Conflict, "a rescan is under way already; stop it first")
	}
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return err
	}
	if _, ok := src.(chain.Rescanner); !ok {
		return errs.E(errs.Unavailable, "this node cannot look through old blocks")
	}
	if err := s.c.Store.SetScan(ctx, r.ID, &Scan{Running: true, From: fromHeight}); err != nil {
		return err
	}
	s.tell(r, "scan")
	s.nudge()
	return nil
}

// AbortRescan stops a rescan; what it found so far stays.
func (s *Service) AbortRescan(ctx context.Context, ref Ref) error {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	if err := s.c.Store.SetScan(ctx, r.ID, nil); err != nil {
		return err
	}
	src, err := s.c.Sources.Source(ctx)
	if rescanner, ok := src.(chain.Rescanner); err == nil && ok {
		if err := rescanner.AbortRescan(ctx, r.NodeName); err != nil && ctx.Err() == nil {
			s.c.Log.Info("the node does not stop its rescan", "wallet", r.ID, "error", err)
		}
	}
	s.jobs.stop(r.ID)
	s.endProgress(r, w)
	s.tell(r, "scan")
	s.nudge()
	return nil
}

// scanOld runs a rescan that was asked for. Trouble with the node itself is tried again; what a
// person must decide (blocks that were pruned) ends it with the reason on the row.
func (s *Service) scanOld(ctx context.Context, r Record, src chain.Source) error {
	w := s.openOf(r)
	if w.broken != nil {
		return w.broken
	}
	rescanner, ok := src.(chain.Rescanner)
	if !ok {
		return s.endScan(ctx, r, errs.E(errs.Unavailable, "this node cannot look through old blocks"))
	}
	if err := s.sameNetwork(ctx, r, src); err != nil {
		return err
	}
	req, err := s.request(ctx, r, w)
	if err != nil {
		return err
	}
	s.progress(r, w, 0, 1)
	err = rescanner.Rescan(ctx, req, r.Scan.From)
	if ctx.Err() != nil {
		return ctx.Err() // the program ends, or somebody stopped it and said so in the row
	}
	if _, away := src.Status(ctx); err != nil && away != nil {
		return err // the node went away in the middle: again when it is back
	}
	s.endProgress(r, w)
	return s.endScan(ctx, r, err)
}

// endScan writes how a rescan ended, unless it was stopped meanwhile.
func (s *Service) endScan(ctx context.Context, r Record, failure error) error {
	now, err := s.c.Store.WalletByID(ctx, r.ID)
	if err != nil {
		return err
	}
	if now.Scan == nil || !now.Scan.Running {
		return nil
	}
	var scan *Scan
	if failure != nil {
		scan = &Scan{From: r.Scan.From, Error: failure.Error()}
	}
	if err := s.c.Store.SetScan(ctx, r.ID, scan); err != nil {
		return err
	}
	s.tell(r, "scan")
	return nil
}
