package web

import (
	"net/http"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

type consolidatePage struct {
	walletPage
	Rate   string // as typed
	Advice wallet.Advice
	Known  bool   // there is advice
	To     string // where the joined coin goes
	Error  string
}

// Outcome is what the joined coin would be.
func (p consolidatePage) Outcome() btcutil.Amount { return p.Advice.Amount - p.Advice.CostNow }

// Loss is what joining costs more than it saves.
func (p consolidatePage) Loss() btcutil.Amount { return -p.Advice.Saves }

// getConsolidate advises which small coins to join at a feerate, today's where none is typed, and
// leads to the filled-in send form.
func (s *Server) getConsolidate(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "history", "coins")
	if err != nil {
		return err
	}
	v := consolidatePage{walletPage: p, Rate: strings.TrimSpace(limit(r.URL.Query().Get("feerate"), 30))}
	rate := btc.FeeRate(0)
	if v.Rate != "" {
		rate, err = btc.ParseFeeRate(v.Rate)
	}
	if err == nil {
		v.Advice, err = s.c.Wallets.Consolidation(r.Context(), p.Wallet.Ref(), rate)
	}
	if err == nil && len(v.Advice.Coins) > 0 {
		var a wallet.AddressRow
		a, err = s.c.Wallets.ReceiveAddress(r.Context(), p.Wallet.Ref())
		v.To = a.Address
	}
	if err != nil {
		if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
			return err
		}
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "wallet_consolidate", v)
	}
	v.Known = true
	if v.Rate == "" {
		v.Rate = v.Advice.FeeRate.String()
	}
	return s.render(w, r, http.StatusOK, "wallet_consolidate", v)
}
