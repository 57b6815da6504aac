package demo

import (
	"context"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/chain"
)

var _ chain.CoinFinder = (*Chain)(nil)

// FindCoins looks for coins of a wallet, at once. This chain keeps all blocks and an index, so
// that none is missing, and its next Sync also tells what was spent.
func (c *Chain) FindCoins(ctx context.Context, r chain.Request, end uint32) (chain.CoinReport, error) {
	rep := chain.CoinReport{Used: map[string]uint32{}}
	floor, err := c.begin(ctx, r)
	if err != nil {
		return rep, err
	}
	for _, k := range r.Keychains {
		n := int(max(end, k.Next+r.Gap))
		if !k.Ranged {
			n = 1
		}
		scripts, err := c.derive(k, min(n, maxScripts))
		if err != nil {
			return rep, err
		}
		if floor, err = c.countCoins(ctx, &rep, k, scripts, floor); err != nil {
			return rep, err
		}
	}
	if err := c.enter(ctx); err != nil {
		return rep, err
	}
	rep.Tip = c.index.tip()
	c.watched[r.Name] = &watch{Floor: floor}
	c.mu.Unlock()
	c.signal()
	if r.Progress != nil {
		r.Progress(100, 100)
	}
	return rep, nil
}

// countCoins adds the coins of some scripts to a report; it returns the height of the oldest, or
// the floor where that is lower.
func (c *Chain) countCoins(ctx context.Context, rep *chain.CoinReport, k chain.Keychain, scripts [][]byte, floor int32) (int32, error) {
	if err := c.enter(ctx); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	for i, script := range scripts {
		for _, p := range c.index.byScript[string(script)] {
			tx, err := c.txAt(p)
			if err != nil {
				return 0, err
			}
			for v, out := range tx.TxOut {
				if !slices.Equal(out.PkScript, script) {
					continue
				}
				entry, err := c.chain.FetchUtxoEntry(wire.OutPoint{Hash: tx.TxHash(), Index: uint32(v)})
				if err != nil {
					return 0, err
				}
				if entry == nil || entry.IsSpent() {
					continue
				}
				rep.Coins++
				rep.Amount += btcutil.Amount(out.Value)
				floor = min(floor, p.height)
				if k.Ranged {
					rep.Used[k.ID] = uint32(i)
				}
			}
		}
	}
	return floor, nil
}
