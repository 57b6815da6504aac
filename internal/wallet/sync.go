package wallet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"specter/internal/chain"
	"specter/internal/errs"
)

// How often Run looks whether another node became the active one and whether a retry is due,
// and how often every wallet is synced though nobody told of news.
const (
	lookEvery = time.Second
	syncEvery = time.Minute
)

// expireEvery is how often Run looks for drafts that have expired.
const expireEvery = time.Hour

// Run keeps all wallets in step with the chain until ctx ends: at once when the source tells of
// news, again later when the node is away. Nothing that a page reads waits for it.
func (s *Service) Run(ctx context.Context) error {
	defer s.jobs.wg.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var source chain.Source
	var changed <-chan struct{}
	var last time.Time
	trouble := ""
	var tidied time.Time
	for {
		if time.Since(tidied) > expireEvery {
			tidied = time.Now()
			if _, err := s.ExpireDrafts(ctx); err != nil && ctx.Err() == nil {
				s.c.Log.Error("let expired drafts go", "error", err)
			}
		}
		now, err := s.c.Sources.Source(ctx)
		switch {
		case err != nil:
			source, changed = nil, nil
			if err.Error() != trouble && ctx.Err() == nil {
				trouble = err.Error()
				s.noteAll(ctx, trouble)
			}
		case now != source:
			source, changed, trouble = now, now.Changed(), ""
			last = time.Time{}
		}
		if source != nil {
			force := time.Since(last) > syncEvery
			if force {
				last = time.Now()
				s.jobs.wg.Go(func() { s.market(ctx) }) // pages read what it learns
			}
			s.kickAll(ctx, force)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			last = time.Time{}
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// nudge makes Run look at once.
func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// noteAll tells every wallet that there is no source.
func (s *Service) noteAll(ctx context.Context, trouble string) {
	all, err := s.c.Store.AllWallets(ctx)
	if err != nil {
		s.c.Log.Error("list the wallets", "error", err)
	}
	for _, r := range all {
		s.note(ctx, r, errors.New(trouble))
	}
}

// kickAll starts the work of all wallets, or of those that are new or due for a retry.
func (s *Service) kickAll(ctx context.Context, force bool) {
	all, err := s.c.Store.AllWallets(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.c.Log.Error("list the wallets", "error", err)
		}
		return
	}
	now := time.Now()
	for _, r := range all {
		wanted := r.Scan != nil && r.Scan.Running // does nothing where it runs already
		s.jobs.kick(ctx, r.ID, now, force || wanted || !s.jobs.known(r.ID), func(ctx context.Context) error { return s.work(ctx, r.ID) })
	}
}

// work does what a wallet wants: a scan of old blocks that was asked for, then a sync.
func (s *Service) work(ctx context.Context, id ID) error {
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return err
	}
	r, err := s.c.Store.WalletByID(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	if r.Scan != nil && r.Scan.Running {
		err = s.scanOld(ctx, r, src)
	}
	if err == nil {
		err = s.syncWallet(ctx, id, src)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.note(ctx, r, err)
	return err
}

// Sync brings a wallet in step with the chain now, and waits for it.
func (s *Service) Sync(ctx context.Context, ref Ref) error {
	r, _, err := s.ready(ctx, ref)
	if err != nil {
		return err
	}
	src, err := s.c.Sources.Source(ctx)
	if err == nil {
		err = s.syncWallet(ctx, r.ID, src)
	}
	if ctx.Err() == nil {
		s.note(ctx, r, err)
	}
	return err
}

// storedEvery is how old the stored time of the last sync may get while nothing happens: a
// write for every entry of the mempool would wear the disk out.
const storedEvery = time.Minute

// note keeps the outcome of a sync on the wallet's row.
func (s *Service) note(ctx context.Context, r Record, err error) {
	w := s.openOf(r)
	now, trouble := s.c.Now(), ""
	if err != nil {
		trouble, now = err.Error(), time.Time{}
	}
	if r, err := s.c.Store.WalletByID(ctx, r.ID); err == nil && r.SyncError == trouble && (trouble != "" || now.Sub(r.SyncedAt) < storedEvery) {
		w.live.Lock()
		w.at = now
		w.live.Unlock()
		return
	}
	if err := s.c.Store.SetSynced(ctx, r.ID, now, trouble); err != nil {
		if !errs.Is(err, errs.NotFound) && ctx.Err() == nil {
			s.c.Log.Error("note the outcome of a sync", "wallet", r.ID, "error", err)
		}
		return
	}
	if err != nil {
		s.c.Log.Warn("sync", "wallet", r.ID, "error", err)
	}
	if trouble != r.SyncError {
		s.tell(r, "wallet")
	}
}

// maxRounds bounds how often a sync follows newly found addresses.
const maxRounds = 20

// syncWallet asks the source and applies the answer, until no address moves any more.
func (s *Service) syncWallet(ctx context.Context, id ID, src chain.Source) error {
	r, err := s.c.Store.WalletByID(ctx, id)
	if err != nil {
		return err
	}
	w := s.openOf(r)
	if w.broken != nil {
		return w.broken
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
	defer s.endProgress(r, w)
	for range maxRounds {
		moved, err := s.syncRound(ctx, r.ID, w, src)
		if err != nil || !moved {
			return err
		}
	}
	return nil
}

// sameNetwork refuses a source of another network: its answers would be about another chain.
func (s *Service) sameNetwork(ctx context.Context, r Record, src chain.Source) error {
	st, err := src.Status(ctx)
	if err != nil {
		return err
	}
	if st.Network != r.Network {
		return errs.E(errs.Unavailable, "the connected node is on %s, this wallet is on %s", st.Network, r.Network)
	}
	return nil
}

// syncRound is one question and its answer. moved tells that addresses were used or handed out
// which the question did not cover.
func (s *Service) syncRound(ctx context.Context, id ID, w *openWallet, src chain.Source) (moved bool, err error) {
	r, err := s.c.Store.WalletByID(ctx, id)
	if err != nil {
		return false, err
	}
	req, err := s.request(ctx, r, w)
	if err != nil {
		return false, err
	}
	u, err := s.ask(ctx, r, req, src)
	if err != nil {
		return false, err
	}
	if err := s.apply(ctx, r, w, u); err != nil {
		return false, err
	}
	after, err := s.c.Store.WalletByID(ctx, id)
	if err != nil {
		return false, err
	}
	if after.Tip != r.Tip || after.Balance != r.Balance || len(u.Txs)+len(u.Gone) > 0 {
		s.tell(r, "wallet")
	}
	return after.Next != r.Next, nil
}

// request says what we know and want to know of a wallet.
func (s *Service) request(ctx context.Context, r Record, w *openWallet) (chain.Request, error) {
	from, err := s.c.Store.KnownBlocks(ctx, r.ID)
	if err != nil {
		return chain.Request{}, err
	}
	unconfirmed, err := s.c.Store.Unconfirmed(ctx, r.ID)
	if err != nil {
		return chain.Request{}, err
	}
	if r.Tip.Hash == [32]byte{} {
		from = nil // a first sync that was cut short begins again, and so does what was taken over
	}
	q := chain.Request{Name: r.NodeName, From: from, Birthday: r.Birthday, Gap: r.Gap, Unconfirmed: unconfirmed,
		Progress: func(done, total int) { s.progress(r, w, done, total) }}
	for i, d := range w.branches {
		q.Keychains = append(q.Keychains, chain.Keychain{
			ID: fmt.Sprint(i), Descriptor: d.String(), Ranged: d.IsRanged(), Internal: i == 1, Next: r.Next[i],
			Script: func(index uint32) ([]byte, error) {
				row, err := w.derive(r.Network, uint32(i), index)
				return row.Script, err
			},
		})
	}
	return q, nil
}

// progressEvery is how often pages hear how far a scan is.
const progressEvery = time.Second

// progress keeps how far a scan is, in memory alone.
func (s *Service) progress(r Record, w *openWallet, done, total int) {
	if total <= 0 || done >= total {
		return
	}
	w.live.Lock()
	if w.scan == nil {
		w.scan = &Scan{Running: true}
		if r.Scan != nil {
			w.scan.From, w.scan.Mode = r.Scan.From, r.Scan.Mode
		}
	}
	w.scan.Progress = float64(done) / float64(total)
	due := time.Since(w.told) > progressEvery
	if due {
		w.told = time.Now()
	}
	w.live.Unlock()
	if due {
		s.tell(r, "scan")
	}
}

func (s *Service) endProgress(r Record, w *openWallet) {
	w.live.Lock()
	scanned := w.scan != nil
	w.scan = nil
	w.live.Unlock()
	if scanned {
		s.tell(r, "scan")
	}
}
