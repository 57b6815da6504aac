package wallet

import (
	"context"
	"errors"
	"time"

	"specter/internal/chain"
	"specter/internal/errs"
)

// ScanRequest asks to look for older coins, in one of the ways.
type ScanRequest struct {
	FromHeight *int32    // through the blocks from this height on
	Since      time.Time // through the blocks since this moment
	Whole      bool      // through all blocks
	Coins      bool      // in the node's set of unspent outputs: for pruned nodes, or when it must be quick
}

// sinceSlack is how much before a day its first block is looked for: block times are not exact.
const sinceSlack = 2 * time.Hour

// StartScan looks for older coins. It goes on in the background, over a restart of this program
// or of the node too; Record.Scan tells how far it is. errs.Conflict while one is under way.
func (s *Service) StartScan(ctx context.Context, ref Ref, q ScanRequest) error {
	r, _, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	ways := 0
	for _, said := range []bool{q.FromHeight != nil, !q.Since.IsZero(), q.Whole, q.Coins} {
		if said {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errs.E(errs.Invalid, "say in one way where to look: from a block, since a day, through the whole chain, or for unspent coins")
	case q.FromHeight != nil && *q.FromHeight < 0:
		return errs.E(errs.Invalid, "a rescan begins at block 0 or later")
	case q.Since.After(s.c.Now()):
		return errs.E(errs.Invalid, "that day is still to come; look since an earlier one")
	case r.Scan != nil && r.Scan.Running:
		return errs.E(errs.Conflict, "a rescan is under way already; stop it first")
	}
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return err
	}
	scan, err := q.begin(ctx, src)
	if err != nil {
		return err
	}
	if err := s.c.Store.SetScan(ctx, r.ID, scan); err != nil {
		return err
	}
	s.tell(r, "scan")
	s.nudge()
	return nil
}

// begin is the scan that a request asks of a source.
func (q ScanRequest) begin(ctx context.Context, src chain.Source) (*Scan, error) {
	if q.Coins {
		if _, ok := src.(chain.CoinFinder); !ok {
			return nil, errs.E(errs.Unavailable, "this node cannot look through the unspent outputs")
		}
		return &Scan{Running: true, Mode: ScanCoins}, nil
	}
	if _, ok := src.(chain.Rescanner); !ok {
		return nil, errs.E(errs.Unavailable, "this node cannot look through old blocks")
	}
	scan := &Scan{Running: true}
	if q.FromHeight != nil {
		scan.From = *q.FromHeight
	}
	if !q.Since.IsZero() {
		finder, ok := src.(chain.HeightFinder)
		if !ok {
			return nil, errs.E(errs.Unavailable, "this node cannot tell the block of a day; give the block's height")
		}
		height, err := finder.HeightAt(ctx, q.Since.Add(-sinceSlack))
		if err != nil {
			return nil, err
		}
		scan.From = height
	}
	return scan, nil
}

// Rescan looks through old blocks again, from a height on.
func (s *Service) Rescan(ctx context.Context, ref Ref, fromHeight int32) error {
	return s.StartScan(ctx, ref, ScanRequest{FromHeight: &fromHeight})
}

// AbortRescan stops a scan; what it found so far stays.
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

// scanTries is how often a scan is tried again, though the node answers otherwise, before the
// reason is put to the person.
const scanTries = 3

// scanOld runs a scan that was asked for, and takes in what it found before the row says that it
// has ended. Trouble with the node itself is tried again; what a person must decide (blocks that
// were pruned) ends it with the reason on the row.
func (s *Service) scanOld(ctx context.Context, r Record, src chain.Source) error {
	w := s.openOf(r)
	if w.broken != nil {
		return w.broken
	}
	if err := s.sameNetwork(ctx, r, src); err != nil {
		return err
	}
	req, err := s.request(ctx, r, w)
	if err != nil {
		return err
	}
	s.progress(r, w, 0, 1)
	defer s.endProgress(r, w)
	var found *CoinsScan
	if r.Scan.Mode == ScanCoins {
		found, err = s.findCoins(ctx, r, w, req, src)
	} else {
		err = s.scanBlocks(ctx, r, w, req, src)
	}
	if err == nil {
		err = s.syncWallet(ctx, r.ID, src)
	}
	if ctx.Err() != nil {
		return ctx.Err() // the program ends, or somebody stopped it and said so in the row
	}
	if err != nil && s.again(ctx, w, src, err) {
		return err
	}
	w.scanFails = 0
	return s.endScan(ctx, r, found, err)
}

// again tells whether a scan that failed is to be tried again: where the node is away, and a few
// times where it answers but says that it cannot now.
func (s *Service) again(ctx context.Context, w *openWallet, src chain.Source, failure error) bool {
	var pruned *chain.PrunedError
	if !errs.Is(failure, errs.Unavailable) || errors.As(failure, &pruned) {
		return false
	}
	if _, err := src.Status(ctx); err != nil {
		return true
	}
	w.scanFails++
	return w.scanFails <= scanTries
}

// scanBlocks looks through blocks, from where an interrupted scan was.
func (s *Service) scanBlocks(ctx context.Context, r Record, w *openWallet, req chain.Request, src chain.Source) error {
	rescanner, ok := src.(chain.Rescanner)
	if !ok {
		return errs.E(errs.Conflict, "this node cannot look through old blocks")
	}
	from := max(r.Scan.From, r.Scan.Next)
	if done := int(from - r.Scan.From); done > 0 { // the bar goes on where it was
		req.Progress = func(n, total int) { s.progress(r, w, done+n, done+total) }
	}
	req.Passed = func(next int32) {
		if err := s.c.Store.ScanPassed(ctx, r.ID, next); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("note how far a scan is", "wallet", r.ID, "error", err)
		}
	}
	return rescanner.Rescan(ctx, req, from)
}

// Bounds of a search for coins.
const (
	coinsAhead = 1000 // addresses of each branch that are looked for, as Bitcoin Core does
	maxMissing = 1000 // missing coins that are told one by one
)

// findCoins looks in the set of unspent outputs, and makes the wallet know the addresses that
// have coins.
func (s *Service) findCoins(ctx context.Context, r Record, w *openWallet, req chain.Request, src chain.Source) (*CoinsScan, error) {
	finder, ok := src.(chain.CoinFinder)
	if !ok {
		return nil, errs.E(errs.Conflict, "this node cannot look through the unspent outputs")
	}
	rep, err := finder.FindCoins(ctx, req, max(coinsAhead, r.Gap))
	if err != nil {
		return nil, err
	}
	used := usedOf(chain.Update{Used: rep.Used})
	if err := s.reach(ctx, r.ID, w, used); err != nil {
		return nil, err
	}
	for b, last := range used {
		if last >= 0 {
			if err := s.c.Store.HandOut(ctx, r.ID, uint32(b), uint32(last)+1); err != nil {
				return nil, err
			}
		}
	}
	found := &CoinsScan{Height: rep.Tip.Height, Coins: rep.Coins, Amount: rep.Amount}
	for _, m := range rep.Missing[:min(len(rep.Missing), maxMissing)] {
		found.Missing = append(found.Missing, MissingCoin(m))
	}
	return found, nil
}

// endScan writes how a scan ended, unless it was stopped meanwhile.
func (s *Service) endScan(ctx context.Context, r Record, found *CoinsScan, failure error) error {
	now, err := s.c.Store.WalletByID(ctx, r.ID)
	if err != nil {
		return err
	}
	if now.Scan == nil || !now.Scan.Running {
		return nil
	}
	var scan *Scan
	switch {
	case failure != nil:
		scan = &Scan{Mode: now.Scan.Mode, From: now.Scan.From, Next: now.Scan.Next, Error: failure.Error()}
	case found != nil:
		scan = &Scan{Mode: now.Scan.Mode, Found: found}
	}
	if err := s.c.Store.SetScan(ctx, r.ID, scan); err != nil {
		return err
	}
	s.tell(r, "scan")
	return nil
}
