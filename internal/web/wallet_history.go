package web

import (
	"net/http"
	"net/url"
	"strings"

	"specter/internal/wallet"
)

type historyPage struct {
	walletPage
	List    list
	History wallet.HistoryPage
	Proofs  proofs
}

// AllWallets: the wallet's own table needs no column that names it.
func (historyPage) AllWallets() bool { return false }

// getWallet goes to the wallet's history, or to its receive page while it is empty.
func (s *Server) getWallet(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "history", "")
	if err != nil {
		return err
	}
	for _, f := range p.Flashes {
		s.say(w, r, f.Kind, "%s", f.Text)
	}
	if p.Wallet.TxCount == 0 {
		return s.redirect(w, r, "/wallets/"+url.PathEscape(p.Wallet.Alias)+"/receive")
	}
	return s.redirect(w, r, "/wallets/"+url.PathEscape(p.Wallet.Alias)+"/history")
}

func (s *Server) getHistory(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "history", "history")
	if err != nil {
		return err
	}
	v := historyPage{walletPage: p}
	if v.List, err = s.listOf(r, p.page, "history", 25); err != nil {
		return err
	}
	v.List.Files, v.List.Currency = walletPath(p.Wallet.Alias, ""), s.currency(r, p.page)
	if v.History, err = s.c.Wallets.History(r.Context(), p.Wallet.Ref(), v.List.Query); err != nil {
		return err
	}
	v.List.Total, v.List.More = v.History.Total, v.History.More
	if v.Proofs, err = s.proofsOf(r, p.page, v.History.Rows); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "wallet_history", v)
}

// walletPath is the path of a wallet's page.
func walletPath(alias, page string) string {
	return strings.TrimSuffix("/wallets/"+url.PathEscape(alias)+"/"+page, "/")
}
