package wallet

import (
	"context"
	"sync"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/chain"
	"specter/internal/errs"
)

// market is what blocks cost now, as far as the node and the fee source tell. Zero: not known.
type market struct {
	fast  btc.FeeRate // for the next block
	usual btc.FeeRate // within an hour
	calm  btc.FeeRate // within a week
	floor chain.PoolFloor
	at    time.Time
	from  chain.Source
}

// marketAge is how old it may get, and marketWait how long a person waits for a fresh one.
const (
	marketAge  = time.Minute
	marketWait = 3 * time.Second
)

// marketBox holds the last one.
type marketBox struct {
	mu   sync.Mutex
	last market
	busy sync.Mutex // held while somebody asks
}

// market tells what blocks cost now. What cannot be learned stays unknown; that is no error.
func (s *Service) market(ctx context.Context) market {
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return market{}
	}
	if m := s.lastMarket(); m.from == src && time.Since(m.at) < marketAge {
		return m
	}
	s.prices.busy.Lock()
	defer s.prices.busy.Unlock()
	if m := s.lastMarket(); m.from == src && time.Since(m.at) < marketAge {
		return m
	}
	ctx, cancel := context.WithTimeout(ctx, marketWait)
	defer cancel()
	m := market{from: src, at: time.Now()}
	if s.c.FeeRate != nil {
		m.fast, m.usual, m.calm = s.estimate(ctx, 1), s.estimate(ctx, 6), s.estimate(ctx, 1008)
	}
	if p, ok := src.(chain.Pool); ok {
		if f, err := p.PoolFloor(ctx); err == nil {
			m.floor = f
		}
	}
	if m.floor.MinRelay == 0 {
		if st, err := src.Status(ctx); err == nil {
			m.floor.MinRelay = st.MinRelay
		}
	}
	s.prices.mu.Lock()
	defer s.prices.mu.Unlock()
	s.prices.last = m
	return m
}

func (s *Service) estimate(ctx context.Context, blocks int) btc.FeeRate {
	rate, err := s.c.FeeRate(ctx, blocks)
	if err != nil {
		return 0
	}
	return rate
}

// lastMarket is the last one known, however old: pages that only read do not ask the node.
func (s *Service) lastMarket() market {
	s.prices.mu.Lock()
	defer s.prices.mu.Unlock()
	return s.prices.last
}

// poolEntry asks the node about a transaction of its mempool; errs.NotFound where it is not
// there, errs.Unavailable where the source cannot tell.
func (s *Service) poolEntry(ctx context.Context, txid chainhash.Hash) (chain.PoolEntry, error) {
	src, err := s.c.Sources.Source(ctx)
	if err != nil {
		return chain.PoolEntry{}, err
	}
	p, ok := src.(chain.Pool)
	if !ok {
		return chain.PoolEntry{}, errs.E(errs.Unavailable, "this node does not tell about its mempool")
	}
	return p.PoolEntry(ctx, txid)
}
