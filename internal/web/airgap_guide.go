package web

import (
	"net/http"
	"slices"

	"specter/internal/airgap"
	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// guide tells how one type of device works with Specter, in steps.
type guide struct {
	About    string
	Export   []string // how its public keys come in
	Register []string // how it learns of a wallet
	Check    []string // how it shows an address of its own accord
	Sign     []string
	Message  []string
	Limits   []string
}

type guidePage struct {
	page
	Type    device.Type
	Types   []device.Type // for the list of all
	Guide   guide
	Profile airgap.Profile
	Mine    []device.Device // of this type
}

// getGuides lists the devices' guides.
func (s *Server) getGuides(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Devices, one by one"))
	if err != nil {
		return err
	}
	p.Section = "new-device"
	return s.render(w, r, http.StatusOK, "guides", guidePage{page: p, Types: device.Types()})
}

// getGuide is the guide of one type of device.
func (s *Server) getGuide(w http.ResponseWriter, r *http.Request) error {
	i := slices.IndexFunc(device.Types(), func(t device.Type) bool { return t.ID == r.PathValue("type") })
	if i < 0 {
		return errs.E(errs.NotFound, "Specter knows no device type %q", limit(r.PathValue("type"), 40))
	}
	t := device.Types()[i]
	p, err := s.page(r, t.Name)
	if err != nil {
		return err
	}
	p.Section = "new-device"
	v := guidePage{page: p, Type: t, Guide: s.words(r).guideOf(t.ID), Profile: airgap.ProfileOf(t.ID)}
	for _, d := range p.Devices {
		if d.Type == t.ID {
			v.Mine = append(v.Mine, d)
		}
	}
	return s.render(w, r, http.StatusOK, "guide", v)
}

// getCameraHelp tells why the browser gives no camera, and what to do.
func (s *Server) getCameraHelp(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "The camera needs HTTPS"))
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "help_camera", p)
}

// limitsFor says what a type of device cannot do with a wallet.
func (s *Server) limitsFor(r *http.Request, typeID string, w wallet.Record) []string {
	t := device.TypeOf(typeID)
	var out []string
	if w.ScriptType == "tr" && !t.Taproot {
		out = append(out, s.tr(r, "%s cannot sign for taproot wallets.", t.Name))
	}
	if w.Multisig() && typeID == "keycardshell" {
		out = append(out, s.tr(r, "%s keeps no multisig wallets: it cannot tell your change from a payment.", t.Name))
	}
	if len(w.Cosigners) > 15 {
		out = append(out, s.tr(r, "The wallet has %d keys; most devices stop at 15.", len(w.Cosigners)))
	}
	return out
}
