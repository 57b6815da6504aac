package web

import (
	"net/http"

	"specter/internal/airgap"
	"specter/internal/device"
	"specter/internal/wallet"
)

// setupRemark is a finding in the reader's language.
type setupRemark struct {
	Level wallet.Level
	Code  string
	Text  string
}

// setupRemarks translates findings.
func (s *Server) setupRemarks(r *http.Request, list []wallet.Finding) []setupRemark {
	var out []setupRemark
	for _, f := range list {
		out = append(out, setupRemark{f.Level, f.Code, s.tr(r, f.Format, f.Args...)})
	}
	return out
}

// grave tells whether a finding wants a tick before the wallet is made.
func grave(list []setupRemark) bool {
	for _, r := range list {
		if r.Level == wallet.Danger {
			return true
		}
	}
	return false
}

// comparer is a device on whose screen a first address can be compared, and how.
type comparer struct {
	Name, Alias, Type string
	How               string
}

// comparers lists the wallet's devices with what each can do to show an address.
func (s *Server) comparers(r *http.Request, list []wallet.Cosigner) []comparer {
	var out []comparer
	seen := map[int64]bool{}
	for _, c := range list {
		if c.DeviceID == 0 || seen[c.DeviceID] {
			continue
		}
		seen[c.DeviceID] = true
		v := comparer{Name: c.DeviceName, Alias: c.DeviceAlias, Type: c.DeviceType}
		profile, several := airgap.ProfileOf(c.DeviceType), len(list) > 1
		switch {
		case c.Hot:
			v.How = s.tr(r, "is a software key: it has no screen of its own to compare with")
		case several && profile.Register != "" && profile.Address:
			v.How = s.tr(r, "reads the address as a code, once it was told of the wallet")
		case several && profile.Register != "":
			v.How = s.tr(r, "lists the wallet's addresses, once it was told of the wallet")
		case profile.Address:
			v.How = s.tr(r, "reads the address as a code")
		case device.TypeOf(c.DeviceType).USB:
			v.How = s.tr(r, "shows it through the program of its maker")
		default:
			v.How = s.tr(r, "lists the addresses of its keys in its own menu")
		}
		out = append(out, v)
	}
	return out
}

// fileWords name the files that a wallet is written as: what it is called, and who reads it.
func (s *Server) fileWords(r *http.Request, format string) string {
	switch format {
	case "account-map":
		return s.tr(r, "Account map (Specter, Fully Noded, Sparrow, Gordian)")
	case "specter":
		return s.tr(r, "Specter backup with labels")
	case "descriptor":
		return s.tr(r, "Descriptor as text")
	case "core":
		return s.tr(r, "Bitcoin Core (importdescriptors)")
	case "electrum":
		return s.tr(r, "Electrum")
	case "sparrow":
		return s.tr(r, "Sparrow (output descriptor)")
	case "bsms":
		return s.tr(r, "BSMS (BIP129; Nunchuk)")
	case "caravan":
		return s.tr(r, "Caravan")
	case "coldcard":
		return s.tr(r, "Coldcard multisig file")
	case "keystone":
		return s.tr(r, "Keystone and Cobo Vault")
	case "passport":
		return s.tr(r, "Passport")
	case "jade":
		return s.tr(r, "Jade")
	case "specter-diy":
		return s.tr(r, "Specter-DIY")
	}
	return format
}
