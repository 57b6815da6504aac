package wallet

import (
	"context"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Coins is one page of a wallet's coins, the newest first unless asked otherwise.
func (s *Service) Coins(ctx context.Context, ref Ref, q Query) (CoinPage, error) {
	p, err := newestFirst(q)
	if err != nil {
		return CoinPage{}, err
	}
	r, _, err := s.find(ctx, ref)
	if err != nil {
		return CoinPage{}, err
	}
	return s.coinList(ctx, []ID{r.ID}, p)
}

// CoinsAll is Coins over all wallets of an owner on a network.
func (s *Service) CoinsAll(ctx context.Context, o Owner, n btc.Network, q Query) (CoinPage, error) {
	p, err := newestFirst(q)
	if err != nil {
		return CoinPage{}, err
	}
	ids, err := s.ids(ctx, o, n)
	if err != nil {
		return CoinPage{}, err
	}
	return s.coinList(ctx, ids, p)
}

// coinList reads a page and says of its coins what looks suspicious or costs too much.
func (s *Service) coinList(ctx context.Context, ids []ID, p Page) (CoinPage, error) {
	page, err := s.c.Store.CoinList(ctx, ids, p)
	if err == nil {
		s.markCoins(ctx, page.Rows)
	}
	return page, err
}

// maxFreeze bounds how many coins one call may freeze.
const maxFreeze = 10_000

// Freeze marks coins as not to be spent, or takes the mark away; all of them or none.
func (s *Service) Freeze(ctx context.Context, ref Ref, coins []wire.OutPoint, frozen bool) error {
	r, w, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	if len(coins) > maxFreeze {
		return errs.E(errs.Invalid, "at most %d coins at a time", maxFreeze)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := s.c.Store.SetFrozen(ctx, r.ID, coins, frozen); err != nil {
		return err
	}
	s.tell(r, "wallet")
	return nil
}
