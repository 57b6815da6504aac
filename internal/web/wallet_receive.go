package web

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/wallet"
)

type receivePage struct {
	walletPage
	Address wallet.AddressRow
	URI     string
	QR      template.HTML
	Current bool   // the address is the one to hand out now, not one looked up
	Ask     string // amount that the payment request asks for, as typed
	AskErr  string
	At      string // the address as a descriptor, for devices
}

func (s *Server) getReceive(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "receive", "")
	if err != nil {
		return err
	}
	if p.USB, err = s.usbTargets(r, p); err != nil {
		return err
	}
	v := receivePage{walletPage: p, Current: true, Ask: limit(r.FormValue("amount"), 30)}
	if v.Address, err = s.c.Wallets.ReceiveAddress(r.Context(), p.Wallet.Ref()); err != nil {
		return err
	}
	return s.receive(w, r, v)
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request, v receivePage) error {
	v.URI = "bitcoin:" + v.Address.Address
	if v.Ask != "" {
		amount, err := parseAmount(v.Ask, v.Unit)
		if err != nil {
			v.AskErr = upperFirst(err.Error())
		} else if amount > 0 {
			v.URI += "?amount=" + strings.TrimSuffix(strings.TrimRight(btc.FormatBTC(amount), "0"), ".")
		}
	}
	at, err := s.c.Wallets.DescribeAddress(r.Context(), v.Wallet.Ref(), v.Address.Address)
	if err != nil {
		return err
	}
	v.At = at.Descriptor
	if v.QR, err = drawQR(v.URI, s.tr(r, "QR code of the address %s", v.Address.Address)); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "wallet_receive", v)
}

// parseAmount reads what a person typed in a unit.
func parseAmount(text, unit string) (btcutil.Amount, error) {
	if unit == unitSat {
		return btc.ParseSat(text)
	}
	return btc.ParseBTC(text)
}

// postNewAddress hands out the next address.
func (s *Server) postNewAddress(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.ref(r)
	if err != nil {
		return err
	}
	if _, err := s.c.Wallets.NewAddress(r.Context(), ref); err != nil {
		return err
	}
	return s.redirect(w, r, "/wallets/"+url.PathEscape(ref.Alias)+"/receive")
}
