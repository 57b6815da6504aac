package core

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

// Bounds of a scan. It goes in steps of some seconds, each a question of its own: a broken
// connection loses one step, progress is exact, and an abort takes effect soon.
const (
	firstStep = 500     // blocks
	largeStep = 100_000 // blocks
	stepTime  = 4 * time.Second
	lookAhead = 1000 // scripts: what Bitcoin Core itself keeps ahead of the used ones
	mark      = "specter"
	dayBlocks = 144
)

// resume is how far an interrupted scan came.
type resume struct{ from, next int32 }

// prepare brings the node's wallet to where it watches all that the request asks for, with the
// past since the birthday looked through. all is true when that may have brought up old
// transactions, so that everything must be listed.
func (s *Source) prepare(ctx context.Context, w *wallet, r chain.Request, info chainInfo) (all bool, err error) {
	holds, err := s.settle(ctx, w, r)
	if err != nil {
		return false, err
	}
	ready, err := s.ready(ctx, w, r, holds)
	if err != nil || ready {
		return false, err
	}
	if err := s.acquire(ctx, w); err != nil {
		return false, err
	}
	defer func() { <-w.busy }()
	if holds, err = s.settle(ctx, w, r); err != nil { // another Sync may have done it meanwhile
		return false, err
	}
	scanned, err := s.isScanned(ctx, w, holds)
	if err != nil {
		return false, err
	}
	if !scanned {
		from, err := s.startOf(ctx, r, info)
		if err != nil {
			return false, err
		}
		return true, s.firstScan(ctx, w, r, from, holds)
	}
	if short(r, holds) {
		err = s.widen(ctx, w, r, info, holds)
	}
	return true, err
}

// acquire takes the wallet's token; another import or scan may have to end first.
func (s *Source) acquire(ctx context.Context, w *wallet) error {
	select {
	case w.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Source) ready(ctx context.Context, w *wallet, r chain.Request, holds []held) (bool, error) {
	if short(r, holds) {
		return false, nil
	}
	return s.isScanned(ctx, w, holds)
}

// isScanned tells whether a first scan has ended. The node does not say, so the last act of ours
// is a mark inside its wallet: a label on the first address. Wallets of the old program have no
// mark; their descriptors are active, which ours never are, and they are not scanned again.
func (s *Source) isScanned(ctx context.Context, w *wallet, holds []held) (bool, error) {
	active := true
	for _, h := range holds {
		if h.listed == nil {
			return false, nil
		}
		active = active && h.listed.Active
	}
	s.mu.Lock()
	done, inNode := w.scanned, w.inNode
	s.mu.Unlock()
	if done || active {
		return true, nil
	}
	var addresses map[string]json.RawMessage
	err := s.c.walletCall(ctx, inNode, "getaddressesbylabel", []any{mark}, &addresses)
	if isCode(err, codeNoLabel) {
		return false, nil
	}
	if err == nil {
		s.mu.Lock()
		w.scanned = true
		s.mu.Unlock()
	}
	return err == nil, err
}

// need is the first index that need not be watched: the gap beyond what is used or handed out.
func need(r chain.Request, h held) int64 {
	n := int64(h.Keychain.Next)
	if h.listed != nil {
		n = max(n, h.listed.Next)
	}
	return n + int64(r.Gap)
}

// short tells whether the node watches too few scripts of some keychain, or none.
func short(r chain.Request, holds []held) bool {
	for _, h := range holds {
		if h.listed == nil {
			return true
		}
		if h.Ranged && (len(h.listed.Range) != 2 || h.listed.Range[1]+1 < need(r, h)) {
			return true
		}
	}
	return false
}

// firstScan imports what is missing, looks through the blocks from a height and sets the mark.
func (s *Source) firstScan(ctx context.Context, w *wallet, r chain.Request, from int32, holds []held) error {
	var missing []held
	for _, h := range holds {
		if h.listed == nil {
			missing = append(missing, h)
		}
	}
	end := int32(toTip)
	if len(missing) > 0 {
		s.mu.Lock()
		w.resume, w.scanned = resume{}, false
		s.mu.Unlock()
		var err error
		if end, err = s.importHeld(ctx, w, r, missing); err != nil {
			return err
		}
	}
	if err := s.scan(ctx, w, r, from, end); err != nil {
		return err
	}
	return s.setMark(ctx, w, holds)
}

// startOf tells the height to scan from, or why this node cannot. The node's own clock of
// blocks runs up to hours behind: a day's blocks are taken along.
func (s *Source) startOf(ctx context.Context, r chain.Request, info chainInfo) (int32, error) {
	if !r.Birthday.IsZero() && r.Birthday.Unix() >= info.MedianTime {
		return info.Blocks + 1, nil // the import itself looks two hours back
	}
	from := int32(0)
	if !r.Birthday.IsZero() {
		h, err := s.medianAt(ctx, info, r.Birthday.Unix())
		if err != nil {
			return 0, err
		}
		from = max(h-dayBlocks, 0)
	}
	return from, s.notPruned(ctx, from, info)
}

// notPruned refuses a scan over blocks that the node has thrown away.
func (s *Source) notPruned(ctx context.Context, from int32, info chainInfo) error {
	if !info.Pruned || from >= info.PruneTo {
		return nil
	}
	heads, err := s.headers(ctx, []int32{info.PruneTo})
	if err != nil {
		return err
	}
	return errs.E(errs.Unavailable, "this node has thrown away the blocks below %d (%s), and the scan would begin at block %d. "+
		"Use a node that keeps all blocks, or begin at block %d if the wallet has no older coins%w",
		info.PruneTo, unix(heads[0].Time).Format("2 January 2006"), from, info.PruneTo, quietly{&chain.PrunedError{Lowest: info.PruneTo}})
}

// quietly is a cause whose words stand in the sentence already.
type quietly struct{ error }

// Error says nothing.
func (quietly) Error() string { return "" }

// Unwrap is the cause.
func (q quietly) Unwrap() error { return q.error }

// widen makes the node watch further scripts and looks through the blocks since the last sync
// for them: earlier ones were not handed out then.
func (s *Source) widen(ctx context.Context, w *wallet, r chain.Request, info chainInfo, holds []held) error {
	end, err := s.importHeld(ctx, w, r, narrow(r, holds))
	if err != nil {
		return err
	}
	from := int32(0)
	if len(r.From) > 0 {
		from = max(min(r.From[0].Height, info.Blocks)-dayBlocks, 0)
	}
	if info.Pruned {
		from = max(from, info.PruneTo)
	}
	r.Passed = nil // only blocks of late: a rescan's own place stays
	return s.scan(ctx, w, r, from, end)
}

// narrow lists the keychains of which the node watches too few scripts.
func narrow(r chain.Request, holds []held) []held {
	var out []held
	for _, h := range holds {
		if short(r, []held{h}) {
			out = append(out, h)
		}
	}
	return out
}

// setMark tells the node's wallet that the scan has ended.
func (s *Source) setMark(ctx context.Context, w *wallet, holds []held) error {
	s.mu.Lock()
	inNode := w.inNode
	w.scanned = true
	s.mu.Unlock()
	script, err := holds[0].Script(0)
	if err != nil {
		return err
	}
	address, ok := btc.AddressOf(script, s.c.c.Network)
	if !ok {
		return nil // a script without an address: after the next start it is scanned again
	}
	err = s.c.walletCall(ctx, inNode, "setlabel", []any{address, mark}, nil)
	if _, refused := asRPC(err); refused {
		s.log.Info("the node's wallet takes no mark; it is scanned again after the next start", "error", err)
		return nil
	}
	return err
}

// importHeld imports descriptors, or gives them longer ranges; a range never shrinks, and the
// node's next index stays. The timestamp is now: the node then looks through the last two hours
// and the mempool, and older blocks are for scan. end is the first height that the node has
// surely looked through.
func (s *Source) importHeld(ctx context.Context, w *wallet, r chain.Request, list []held) (end int32, err error) {
	if len(list) == 0 {
		return toTip, nil
	}
	reqs := make([]args, len(list))
	for i, h := range list {
		q := args{"desc": h.Descriptor, "timestamp": "now", "internal": h.Internal}
		if h.Ranged {
			first, last := int64(0), need(r, h)+lookAhead-1
			if h.listed != nil && len(h.listed.Range) == 2 {
				first, last = h.listed.Range[0], max(last, h.listed.Range[1])
				q["next_index"] = min(max(h.listed.Next, first), last)
				q["active"] = h.listed.Active
			}
			q["range"] = []int64{first, last}
		}
		reqs[i] = q
	}
	if err := s.untilFree(ctx, func() error { return s.importOnce(ctx, w, reqs) }); err != nil {
		return 0, err
	}
	info, err := s.c.chainInfo(ctx)
	if err != nil {
		return 0, err
	}
	return s.medianAt(ctx, info, info.MedianTime-2*3600)
}

func (s *Source) importOnce(ctx context.Context, w *wallet, reqs []args) error {
	var out []struct {
		Success bool      `json:"success"`
		Error   *RPCError `json:"error"`
	}
	s.mu.Lock()
	inNode := w.inNode
	s.mu.Unlock()
	if err := s.c.longCall(ctx, inNode, "importdescriptors", []any{reqs}, &out); err != nil {
		return err
	}
	if len(out) != len(reqs) {
		return errs.E(errs.Unavailable, "the node's answer to importdescriptors is incomplete")
	}
	for _, o := range out {
		if !o.Success && o.Error != nil {
			o.Error.Method = "importdescriptors"
			if says(o.Error, "rescan") {
				return o.Error
			}
			return badDescriptor(o.Error)
		}
		if !o.Success {
			return errs.E(errs.Unavailable, "the node did not import the wallet and does not say why")
		}
	}
	return nil
}

// untilFree repeats an act while the node's wallet is being scanned for somebody else.
func (s *Source) untilFree(ctx context.Context, act func() error) error {
	for {
		err := act()
		if !isCode(err, codeWallet) || !says(err, "currently rescanning") {
			return err
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

var errStopped = errors.New("the scan was stopped")

// toTip as the end of a scan means: to the tip.
const toTip = math.MaxInt32

// scan looks through the blocks from a height up to, but without, another, in steps. It goes on
// where an earlier scan from the same height was interrupted.
func (s *Source) scan(ctx context.Context, w *wallet, r chain.Request, from, end int32) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	w.stop = cancel
	next := from
	if w.resume.next > from && w.resume.from == from {
		next = w.resume.next
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		w.stop = nil
		s.mu.Unlock()
	}()
	err := s.steps(ctx, w, r, from, next, end)
	if err != nil && errors.Is(context.Cause(ctx), errStopped) {
		return &errs.Error{Kind: errs.Conflict, Message: "the scan was stopped before its end", Cause: errStopped}
	}
	if ctx.Err() != nil { // nobody waits any longer: the node need not go on
		s.abort(context.WithoutCancel(ctx), w)
	}
	return err
}

func (s *Source) steps(ctx context.Context, w *wallet, r chain.Request, from, next, end int32) error {
	step := int32(firstStep)
	for {
		info, err := s.c.chainInfo(ctx)
		if err != nil {
			return err
		}
		stop := min(end, info.Blocks+1)
		if r.Progress != nil {
			r.Progress(int(min(max(next, from), max(stop, from))-from), int(max(stop-from, 0)))
		}
		if next >= stop {
			s.mu.Lock()
			w.resume = resume{}
			s.mu.Unlock()
			return nil
		}
		last := min(next+step, stop) - 1
		began := time.Now()
		if err := s.untilFree(ctx, func() error { return s.scanStep(ctx, w, next, last) }); err != nil {
			return err
		}
		next = last + 1
		s.mu.Lock()
		w.resume = resume{from, next}
		s.mu.Unlock()
		if r.Passed != nil {
			r.Passed(next)
		}
		if took := time.Since(began); took < stepTime/2 {
			step = min(step*2, largeStep)
		} else if took > stepTime*2 {
			step = max(step/2, 10)
		}
	}
}

// scanStep looks through a stretch of blocks; it may take long on a slow disk.
func (s *Source) scanStep(ctx context.Context, w *wallet, first, last int32) error {
	s.mu.Lock()
	inNode := w.inNode
	s.mu.Unlock()
	err := s.c.longCall(ctx, inNode, "rescanblockchain", []any{first, last}, nil)
	switch {
	case isCode(err, codeMisc) && says(err, "aborted"):
		return &errs.Error{Kind: errs.Conflict, Message: "the scan was stopped before its end", Cause: err}
	case isCode(err, codeMisc) && says(err, "pruned"):
		return errs.E(errs.Unavailable, "this node has thrown away the blocks around %d; use a node that keeps all blocks%w", first, quietly{&chain.PrunedError{Lowest: first + 1}})
	}
	return err
}

// Rescan looks through the blocks from a height on for a wallet and returns when done; the next
// Sync then tells everything there is, whatever its From. r.Progress counts blocks.
func (s *Source) Rescan(ctx context.Context, r chain.Request, fromHeight int32) error {
	b, end := s.bound(ctx)
	defer end()
	return s.door(ctx, s.rescan(b, r, fromHeight))
}

func (s *Source) rescan(ctx context.Context, r chain.Request, from int32) error {
	info, err := s.c.chainInfo(ctx)
	if err != nil {
		return err
	}
	from = max(from, 0)
	if err := s.notPruned(ctx, from, info); err != nil {
		return err
	}
	w := s.wallet(r.Name)
	if err := s.acquire(ctx, w); err != nil {
		return err
	}
	defer func() { <-w.busy }()
	err = s.rescanHeld(ctx, w, r, from)
	s.mu.Lock()
	w.listAll = true // even half a scan may have found something
	s.mu.Unlock()
	s.signal()
	return err
}

// rescanHeld scans under the wallet's token. Where the node does not watch the wallet yet, this
// becomes its first scan, whatever the birthday: the person said where to begin.
func (s *Source) rescanHeld(ctx context.Context, w *wallet, r chain.Request, from int32) error {
	holds, err := s.settle(ctx, w, r)
	if err != nil {
		return err
	}
	scanned, err := s.isScanned(ctx, w, holds)
	if err != nil {
		return err
	}
	if !scanned {
		return s.firstScan(ctx, w, r, from, holds)
	}
	if _, err := s.importHeld(ctx, w, r, narrow(r, holds)); err != nil {
		return err
	}
	return s.scan(ctx, w, r, from, toTip)
}

// AbortRescan stops the running scan of a wallet, a first one or a later one. What it has found
// so far stays. No scan: no error.
func (s *Source) AbortRescan(ctx context.Context, name string) error {
	s.mu.Lock()
	w := s.wallets[name]
	if w == nil || w.stop == nil {
		s.mu.Unlock()
		return nil
	}
	stop := w.stop
	s.mu.Unlock()
	stop(errStopped)
	s.abort(ctx, w)
	return nil
}

// abort tells the node to end the step that is under way.
func (s *Source) abort(ctx context.Context, w *wallet) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s.mu.Lock()
	inNode := w.inNode
	s.mu.Unlock()
	if inNode == "" {
		return
	}
	if err := s.c.walletCall(ctx, inNode, "abortrescan", nil, nil); err != nil {
		s.log.Debug("abort a scan", "error", err)
	}
}
