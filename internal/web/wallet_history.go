package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
	"specter/internal/wallet"
)

type historyPage struct {
	walletPage
	List    list
	History wallet.HistoryPage
}

// AllWallets: the wallet's own table needs no column that names it.
func (historyPage) AllWallets() bool { return false }

type coinsPage struct {
	walletPage
	List  list
	Coins wallet.CoinPage
}

// AllWallets: see historyPage.
func (coinsPage) AllWallets() bool { return false }

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
	v := historyPage{walletPage: p, List: listOf(r, 25)}
	if v.History, err = s.c.Wallets.History(r.Context(), p.Wallet.Ref(), v.List.Query); err != nil {
		return err
	}
	v.List.Total = v.History.Total
	return s.render(w, r, http.StatusOK, "wallet_history", v)
}

func (s *Server) getCoins(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "history", "coins")
	if err != nil {
		return err
	}
	v := coinsPage{walletPage: p, List: listOf(r, 25)}
	v.List.Query.Filter = coinFilter(v.List.Query.Filter)
	if v.Coins, err = s.c.Wallets.Coins(r.Context(), p.Wallet.Ref(), v.List.Query); err != nil {
		return err
	}
	v.List.Total = v.Coins.Total
	return s.render(w, r, http.StatusOK, "wallet_coins", v)
}

// coinFilter: people who look at coins mean those that are still theirs.
func coinFilter(f string) string {
	if f == "all" {
		return ""
	}
	return oneOf(f, "unspent", "frozen", "reserved", "spent")
}

// postCoins does to the ticked coins what the pressed button says.
func (s *Server) postCoins(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	here := "/wallets/" + url.PathEscape(ref.Alias) + "/coins"
	coins, err := outPoints(r.Form["coin"])
	if err != nil {
		return err
	}
	if len(coins) == 0 {
		s.say(w, r, flashWarn, "Tick at least one coin first.")
		return s.back(w, r, here)
	}
	switch r.FormValue("action") {
	case "spend":
		return s.redirect(w, r, "/wallets/"+url.PathEscape(ref.Alias)+"/send?"+url.Values{"coin": r.Form["coin"]}.Encode())
	case "freeze", "unfreeze":
		if err := s.c.Wallets.Freeze(r.Context(), ref, coins, r.FormValue("action") == "freeze"); err != nil {
			return err
		}
		s.say(w, r, flashOK, map[bool]string{true: "Frozen: Specter will not spend these coins.", false: "Thawed: these coins can be spent again."}[r.FormValue("action") == "freeze"])
		return s.back(w, r, here)
	}
	return errs.E(errs.Invalid, "choose what to do with the coins")
}

// outPoints reads coins as forms name them: txid:vout.
func outPoints(texts []string) ([]wire.OutPoint, error) {
	if len(texts) > 5000 {
		return nil, errs.E(errs.Invalid, "these are too many coins at once; choose at most 5000")
	}
	var out []wire.OutPoint
	for _, t := range texts {
		op, err := wire.NewOutPointFromString(strings.TrimSpace(t))
		if err != nil {
			return nil, errs.E(errs.Invalid, "%q names no coin; a coin is written txid:number", limit(t, 80))
		}
		out = append(out, *op)
	}
	return out, nil
}
