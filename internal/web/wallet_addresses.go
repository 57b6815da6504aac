package web

import (
	"net/http"

	"specter/internal/wallet"
)

type addressesPage struct {
	walletPage
	List      list
	Addresses wallet.AddressPage
}

// IsChange reports whether the page shows the change branch.
func (p addressesPage) IsChange() bool { return p.List.Query.Filter == "change" }

func (s *Server) getAddresses(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "addresses", "")
	if err != nil {
		return err
	}
	v := addressesPage{walletPage: p}
	if v.List, err = s.listOf(r, p.page, "addresses", 50); err != nil {
		return err
	}
	v.List.Files = walletPath(p.Wallet.Alias, "")
	v.List.Query.Filter = oneOf(v.List.Query.Filter, "receive", "change", "used", "unused")
	if v.Addresses, err = s.c.Wallets.Addresses(r.Context(), p.Wallet.Ref(), v.List.Query); err != nil {
		return err
	}
	v.List.Total = v.Addresses.Total
	return s.render(w, r, http.StatusOK, "wallet_addresses", v)
}
