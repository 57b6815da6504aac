package web

import (
	"net/http"
	"net/url"
	"time"
)

type balancePage struct {
	walletPage
	Chart     *chart // nil: nothing to draw yet
	YearStart time.Time
	Today     time.Time
}

// getBalance shows a wallet's balance over time, and the form for its statement.
func (s *Server) getBalance(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "history", "balance")
	if err != nil {
		return err
	}
	v := balancePage{walletPage: p}
	v.YearStart, v.Today = s.thisYear()
	days, err := s.c.Wallets.BalanceSeries(r.Context(), p.Wallet.Ref(), chartDays)
	if err != nil {
		return err
	}
	v.Chart = drawChart(days, readPeriod(r), "/wallets/"+url.PathEscape(p.Wallet.Alias)+"/balance")
	return s.render(w, r, http.StatusOK, "wallet_balance", v)
}

// thisYear is what a statement's form begins with.
func (s *Server) thisYear() (from, to time.Time) {
	now := s.now().UTC()
	return time.Date(now.Year(), 1, 1, 0, 0, 0, 0, time.UTC), now
}
