package core

import (
	"context"
	"slices"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
)

// The watch's rhythm. News is to be noticed within two seconds.
const (
	watchEvery = time.Second
	watchAway  = 2 * time.Second // between tries while the node is away
	watchAfter = 4               // rounds in which wallets are looked at after the mempool moved: they hear of it a little later
)

// snapshot is what the last Sync told of a wallet, as far as the watch compares it.
type snapshot struct {
	tip     chainhash.Hash
	pending []chainhash.Hash // in the mempool, sorted
}

func snapshotOf(tip chainhash.Hash, l *listing, pool map[chainhash.Hash]bool) *snapshot {
	n := &snapshot{tip: tip}
	for _, id := range l.pending() {
		if pool[id] {
			n.pending = append(n.pending, id)
		}
	}
	slices.SortFunc(n.pending, func(a, b chainhash.Hash) int { return slices.Compare(a[:], b[:]) })
	return n
}

func (a *snapshot) same(b *snapshot) bool {
	return a.tip == b.tip && slices.Equal(a.pending, b.pending)
}

// remember keeps what a Sync told, for the watch to compare with.
func (s *Source) remember(name string, tip chainhash.Hash, l *listing, pool map[chainhash.Hash]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.wallets[name]; w != nil {
		w.seen = snapshotOf(tip, l, pool)
	}
}

// watch looks for news until ctx ends: a new tip, or a wallet whose part of the mempool moved.
func (s *Source) watch(ctx context.Context) {
	var last base
	hot, away := 0, false
	for ctx.Err() == nil {
		began := time.Now()
		now, err := s.base(ctx)
		wait := watchEvery
		switch {
		case err != nil:
			away, wait = true, watchAway
		default:
			if away || now.tip != last.tip {
				s.signal() // back again, or a block
			}
			if away || now != last {
				hot = watchAfter
			}
			away, last = false, now
			if hot > 0 {
				hot--
				s.watchWallets(ctx, now.tip)
			}
			// A large wallet on a slow node must not keep the node busy with our questions.
			wait = max(wait, min(3*time.Since(began), 30*time.Second))
		}
		select {
		case <-ctx.Done():
		case <-s.poke:
			hot = watchAfter
		case <-time.After(wait):
		}
	}
}

// base is what tells cheaply that something happened at all.
type base struct {
	tip  chainhash.Hash
	pool mempoolInfo
}

func (s *Source) base(ctx context.Context) (base, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var tip hash
	var b base
	err := s.all(ctx, []*call{
		{method: "getbestblockhash", result: &tip},
		{method: "getmempoolinfo", result: &b.pool},
	})
	b.tip = tip.Hash
	return b, err
}

// watchWallets compares each wallet with what its last Sync told, and signals once where that is
// old. The wallet is looked at again after its next Sync.
func (s *Source) watchWallets(ctx context.Context, tip chainhash.Hash) {
	type look struct {
		name, inNode string
		seen         *snapshot
	}
	s.mu.Lock()
	var looks []look
	for name, w := range s.wallets {
		if w.seen != nil {
			looks = append(looks, look{name, w.inNode, w.seen})
		}
	}
	s.mu.Unlock()
	for _, k := range looks {
		if ctx.Err() != nil {
			return
		}
		if k.seen.tip == tip && s.unchanged(ctx, k.inNode, k.seen) {
			continue
		}
		s.mu.Lock()
		if w := s.wallets[k.name]; w != nil && w.seen == k.seen {
			w.seen = nil
			s.signal()
		}
		s.mu.Unlock()
	}
}

// unchanged tells whether a wallet's unconfirmed transactions are as they were. A wallet that
// cannot be asked counts as changed: the next Sync finds out.
func (s *Source) unchanged(ctx context.Context, inNode string, seen *snapshot) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l, err := s.list(ctx, inNode, &seen.tip)
	if err != nil {
		return false
	}
	pool, err := s.inMempool(ctx, l.pending())
	return err == nil && snapshotOf(l.last, l, pool).same(seen)
}
