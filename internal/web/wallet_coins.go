package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
	"specter/internal/wallet"
)

type coinsPage struct {
	walletPage
	List   list
	Coins  wallet.CoinPage
	Chosen map[string]bool // ticked, while they are added up without script
	Sum    btcutil.Amount
}

// AllWallets: the wallet's own table needs no column that names it.
func (coinsPage) AllWallets() bool { return false }

// Choosing: the coins of one wallet can be ticked.
func (coinsPage) Choosing() bool { return true }

// Ticked reports whether a coin was chosen.
func (p coinsPage) Ticked(c wallet.CoinRow) bool { return p.Chosen[c.OutPoint.String()] }

// SumText is what the page's script shows first.
func (p coinsPage) SumText() string { return p.AmtText(p.Sum) }

func (s *Server) coinsPage(r *http.Request) (coinsPage, error) {
	p, err := s.walletPage(r, "history", "coins")
	if err != nil {
		return coinsPage{}, err
	}
	v := coinsPage{walletPage: p}
	if v.List, err = s.listOf(r, p.page, "coins", 25); err != nil {
		return v, err
	}
	v.List.Files, v.List.Currency = walletPath(p.Wallet.Alias, ""), s.currency(r, p.page)
	v.List.Query.Filter = coinFilter(v.List.Query.Filter)
	if v.Coins, err = s.c.Wallets.Coins(r.Context(), p.Wallet.Ref(), v.List.Query); err != nil {
		return v, err
	}
	v.List.Total, v.List.More = v.Coins.Total, v.Coins.More
	return v, nil
}

func (s *Server) getCoins(w http.ResponseWriter, r *http.Request) error {
	v, err := s.coinsPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "wallet_coins", v)
}

// coinFilter: people who look at coins mean those that are still theirs.
func coinFilter(f string) string {
	if f == "all" {
		return ""
	}
	return oneOf(f, "unspent", "free", "frozen", "reserved", "spent")
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
	here := walletPath(ref.Alias, "coins")
	coins, err := outPoints(r.Form["coin"])
	if err != nil {
		return err
	}
	if len(coins) == 0 {
		s.say(w, r, flashWarn, "Tick at least one coin first.")
		return s.back(w, r, here)
	}
	switch action := r.FormValue("action"); action {
	case "spend":
		if len(coins) > maxSpent {
			return errs.E(errs.Invalid, "one payment can spend at most %d coins chosen here; take fewer, or let the consolidation join them first", maxSpent)
		}
		return s.redirect(w, r, walletPath(ref.Alias, "send")+"?"+url.Values{"coin": r.Form["coin"]}.Encode())
	case "freeze", "unfreeze":
		if err := s.c.Wallets.Freeze(r.Context(), ref, coins, action == "freeze"); err != nil {
			return err
		}
		s.say(w, r, flashOK, map[bool]string{true: "Frozen: Specter will not spend these coins.", false: "Thawed: these coins can be spent again."}[action == "freeze"])
		return s.back(w, r, here)
	case "sum":
		return s.sumCoins(w, r, coins)
	}
	return errs.E(errs.Invalid, "choose what to do with the coins")
}

// maxSpent bounds the coins that travel to the send form in its address.
const maxSpent = 400

// sumCoins draws the list that the form stands on again, with the ticked coins added up: what the
// page's script does while ticking.
func (s *Server) sumCoins(w http.ResponseWriter, r *http.Request, coins []wire.OutPoint) error {
	here := &url.URL{Path: walletPath(r.PathValue("alias"), "coins")}
	if next, ok := localPath(r.FormValue("next")); ok {
		if u, err := url.Parse(next); err == nil && u.Path == here.Path {
			here.RawQuery = u.RawQuery
		}
	}
	again := r.Clone(r.Context())
	again.Method, again.URL = http.MethodGet, here
	v, err := s.coinsPage(again)
	if err != nil {
		return err
	}
	v.Chosen = map[string]bool{}
	for _, c := range v.Coins.Rows {
		if slices.Contains(coins, c.OutPoint) {
			v.Chosen[c.OutPoint.String()] = true
			v.Sum += c.Amount
		}
	}
	return s.render(w, r, http.StatusOK, "wallet_coins", v)
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
