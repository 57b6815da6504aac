package web

import (
	"net/http"
	"time"

	"specter/internal/wallet"
)

type overviewPage struct {
	page
	Tab     string // history, coins
	List    list
	History wallet.HistoryPage
	Coins   wallet.CoinPage
	Proofs  proofs
	Chart   *chart // nil: nothing to draw yet
	// days that the statement's form begins with
	YearStart, Today time.Time
	NoBackup         bool // the owner's, and for long
}

// Choosing: coins of several wallets are not chosen together.
func (overviewPage) Choosing() bool { return false }

// AllWallets makes the shared tables show the column that names the wallet.
func (overviewPage) AllWallets() bool { return true }

// getHome sends people where they have something to do, as the old Specter did: the overview of
// several wallets, the only wallet, or the welcome page.
func (s *Server) getHome(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, "")
	if err != nil {
		return err
	}
	for _, f := range p.Flashes { // this page is only a signpost: keep the sentence for the next
		s.say(w, r, f.Kind, "%s", f.Text)
	}
	switch len(p.Wallets) {
	case 0:
		return s.redirect(w, r, "/welcome")
	case 1:
		return s.redirect(w, r, "/wallets/"+p.Wallets[0].Alias)
	}
	return s.redirect(w, r, "/overview")
}

func (s *Server) getOverview(w http.ResponseWriter, r *http.Request) error {
	return s.overview(w, r, "history")
}

func (s *Server) getOverviewCoins(w http.ResponseWriter, r *http.Request) error {
	return s.overview(w, r, "coins")
}

func (s *Server) overview(w http.ResponseWriter, r *http.Request, tab string) error {
	p, err := s.page(r, s.tr(r, "Wallets overview"))
	if err != nil {
		return err
	}
	p.Section = "overview"
	v := overviewPage{page: p, Tab: tab}
	v.YearStart, v.Today = s.thisYear()
	v.NoBackup = s.noBackup(r, p)
	if v.List, err = s.listOf(r, p, tab, 25); err != nil {
		return err
	}
	v.List.Files, v.List.Period, v.List.Currency = "/overview", r.URL.Query().Get("period"), s.currency(r, p)
	if v.List.Period != "" {
		v.List.Period = readPeriod(r)
	}
	if tab == "coins" {
		v.List.Query.Filter = coinFilter(v.List.Query.Filter)
		v.Coins, err = s.c.Wallets.CoinsAll(r.Context(), p.Owner, p.Network, v.List.Query)
		v.List.Total, v.List.More = v.Coins.Total, v.Coins.More
	} else {
		v.History, err = s.c.Wallets.HistoryAll(r.Context(), p.Owner, p.Network, v.List.Query)
		v.List.Total, v.List.More = v.History.Total, v.History.More
	}
	if err != nil {
		return err
	}
	if v.Proofs, err = s.proofsOf(r, p, v.History.Rows); err != nil {
		return err
	}
	if !liveOnly(r) { // the chart stands outside of what is drawn again
		days, err := s.c.Wallets.BalanceSeriesAll(r.Context(), p.Owner, p.Network, chartDays)
		if err != nil {
			return err
		}
		v.Chart = drawChart(days, readPeriod(r), "/overview")
	}
	return s.render(w, r, http.StatusOK, "overview", v)
}

// Total adds up the balances of all wallets.
func (p page) Total() wallet.Balance {
	var t wallet.Balance
	for _, w := range p.Wallets {
		b := w.Balance
		t = wallet.Balance{Confirmed: t.Confirmed + b.Confirmed, Pending: t.Pending + b.Pending, Immature: t.Immature + b.Immature,
			Frozen: t.Frozen + b.Frozen, Reserved: t.Reserved + b.Reserved}
	}
	return t
}
