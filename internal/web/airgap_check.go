package web

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"specter/internal/device"
	"specter/internal/wallet"
)

// receiveOnly is a descriptor's receive branch without checksum, for forms that know one branch.
func receiveOnly(descriptor string) string {
	body, _, _ := strings.Cut(descriptor, "#")
	return strings.ReplaceAll(body, "/<0;1>/*", "/0/*")
}

// checkPage shows an address to a device, which derives it itself.
type checkPage struct {
	walletPage
	Address wallet.AddressRow
	Text    string
	QR      template.HTML
	Own     []device.Device // of the wallet, that check by code
	Guides  []guideFor
	At      string // the address as a descriptor, for devices
}

type guideFor struct {
	Device device.Device
	Steps  []string
}

// getCheck shows an address as the code that devices check.
func (s *Server) getCheck(w http.ResponseWriter, r *http.Request) error {
	p, err := s.walletPage(r, "addresses", "")
	if err != nil {
		return err
	}
	if p.USB, err = s.usbTargets(r, p); err != nil {
		return err
	}
	v := checkPage{walletPage: p, Own: p.Checkers()}
	if v.Address, err = s.c.Wallets.AddressInfo(r.Context(), p.Wallet.Ref(), r.PathValue("address")); err != nil {
		return err
	}
	at, err := s.c.Wallets.DescribeAddress(r.Context(), p.Wallet.Ref(), v.Address.Address)
	if err != nil {
		return err
	}
	v.At, v.Text = at.Descriptor, "bitcoin:"+v.Address.Address
	if v.Address.Branch == 0 {
		v.Text += "?index=" + strconv.FormatUint(uint64(v.Address.Index), 10)
	}
	if v.QR, err = drawQR(v.Text, s.tr(r, "QR code of the address %s", v.Address.Address)); err != nil {
		return err
	}
	for _, d := range p.walletDevices() {
		if steps := s.words(r).guideOf(d.Type).Check; len(steps) > 0 && !d.Hot() {
			v.Guides = append(v.Guides, guideFor{d, steps})
		}
	}
	return s.render(w, r, http.StatusOK, "address_check", v)
}
