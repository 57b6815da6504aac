package web

import (
	"html/template"
	"net/http"

	"specter/internal/wallet"
)

// addressCoins is how many of an address's coins its page lists.
const addressCoins = 25

type addressPage struct {
	walletPage
	Address  wallet.AddressWords
	QR       template.HTML
	Coins    wallet.CoinPage // spent ones too
	Explorer string          // of the user; "" none
}

// getAddress shows one address of the wallet: what it is, what it holds, and how other programs
// are told of it.
func (s *Server) getAddress(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "addresses", "")
	if err != nil {
		return err
	}
	if p.USB, err = s.usbTargets(r, p); err != nil {
		return err
	}
	v := addressPage{walletPage: p, Explorer: s.explorer(r, p.page)}
	if v.Address, err = s.c.Wallets.DescribeAddress(r.Context(), p.Wallet.Ref(), r.PathValue("address")); err != nil {
		return err
	}
	if v.Coins, err = s.c.Wallets.Coins(r.Context(), p.Wallet.Ref(), wallet.Query{Search: v.Address.Address, Size: addressCoins}); err != nil {
		return err
	}
	if v.QR, err = drawQR("bitcoin:"+v.Address.Address, s.tr(r, "QR code of the address %s", v.Address.Address)); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "address", v)
}
