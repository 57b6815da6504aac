package web_test

import (
	"context"
	"slices"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// steward is the program as the owner's pages see it: its settings lie with the house's others.
type steward struct {
	h     *house
	lines []string
	busy  bool // the database is being compacted
}

func (s *steward) ChangeProgram(ctx context.Context, change func(*setting.Program) error) (setting.Program, error) {
	return setting.New(s.h).ChangeProgram(ctx, change)
}
func (s *steward) LogLines() []string { return slices.Clone(s.lines) }
func (s *steward) Storage(context.Context) (setting.Storage, error) {
	return setting.Storage{Database: 12_345_678, Spare: 2_000_000, Free: 90_000_000_000, Rows: []setting.Rows{{Table: "history", Count: 1000}}}, nil
}
func (s *steward) Compact(context.Context) (before, after int64, err error) {
	if s.busy {
		return 0, 0, errs.E(errs.Conflict, "the database is being compacted already")
	}
	return 12_345_678, 10_345_678, nil
}

// oracle tells prices and nothing else.
type oracle struct {
	quote *rates.Quote // nil: nobody answers
	asked int
}

func (o *oracle) FeeRates(context.Context, wallet.Owner) rates.Table { return rates.Table{} }
func (o *oracle) Price(context.Context, wallet.Owner) (rates.Quote, bool) {
	o.asked++
	if o.quote == nil {
		return rates.Quote{}, false
	}
	return *o.quote, true
}
func (o *oracle) Senders(context.Context, wallet.Owner, btc.Network) []wallet.Sender { return nil }
