package wallet

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// BalancePoint is a balance at the end of a day (UTC).
type BalancePoint struct {
	Time    time.Time
	Balance btcutil.Amount
}

// maxPoints bounds a series.
const maxPoints = 5_000

// seriesBox keeps the days of the wallets that were asked for last.
type seriesBox struct {
	mu   sync.Mutex
	days map[ID]keptDays
}

// keptDays are right as long as the wallet's rows are what they were.
type keptDays struct {
	tip     chainhash.Hash
	count   int
	balance Balance
	list    []Day
}

// BalanceSeries is the wallet's balance over time in at most so many points, the last one today.
// It has none while the wallet has no transaction.
func (s *Service) BalanceSeries(ctx context.Context, ref Ref, points int) ([]BalancePoint, error) {
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	return s.balances(ctx, []Record{r}, points)
}

// BalanceSeriesAll is BalanceSeries over all wallets of an owner on a network.
func (s *Service) BalanceSeriesAll(ctx context.Context, o Owner, n btc.Network, points int) ([]BalancePoint, error) {
	list, err := s.c.Store.Wallets(ctx, o, n)
	if err != nil {
		return nil, err
	}
	return s.balances(ctx, list, points)
}

func (s *Service) balances(ctx context.Context, list []Record, points int) ([]BalancePoint, error) {
	if points < 1 || points > maxPoints {
		return nil, errs.E(errs.Invalid, "a chart has 1 to %d points", maxPoints)
	}
	sums := map[int64]btcutil.Amount{}
	for _, r := range list {
		days, err := s.daysOf(ctx, r)
		if err != nil {
			return nil, err
		}
		for _, d := range days {
			sums[d.Day] += d.Delta
		}
	}
	return spread(sums, s.c.Now().Unix()/86_400, points), nil
}

// daysOf reads the days of a wallet, unless its rows are what they were.
func (s *Service) daysOf(ctx context.Context, r Record) ([]Day, error) {
	b := &s.series
	b.mu.Lock()
	kept, ok := b.days[r.ID]
	b.mu.Unlock()
	if ok && kept.tip == r.Tip.Hash && kept.count == r.TxCount && kept.balance == r.Balance {
		return kept.list, nil
	}
	list, err := s.c.Store.Days(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.days == nil || len(b.days) > 1_000 {
		b.days = map[ID]keptDays{}
	}
	b.days[r.ID] = keptDays{r.Tip.Hash, r.TxCount, r.Balance, list}
	return list, nil
}

// spread puts the balance at so many moments between the first day and today. A day that has no
// date (a transaction whose time nobody knows) counts from the beginning.
func spread(sums map[int64]btcutil.Amount, today int64, points int) []BalancePoint {
	var days []int64
	var sum btcutil.Amount
	for d, delta := range sums {
		if d <= 0 {
			sum += delta
			continue
		}
		days = append(days, d)
	}
	if len(days) == 0 {
		return nil
	}
	slices.Sort(days)
	first := days[0]
	today = max(today, days[len(days)-1])
	points = int(min(int64(points), today-first+1))
	var out []BalancePoint
	for i := range points {
		end := today
		if points > 1 {
			end = first + (today-first)*int64(i)/int64(points-1)
		}
		for len(days) > 0 && days[0] <= end {
			sum += sums[days[0]]
			days = days[1:]
		}
		out = append(out, BalancePoint{Time: time.Unix(end*86_400, 0).UTC(), Balance: sum})
	}
	return out
}
