package web

import (
	"net/http"
	"net/url"

	"specter/internal/device"
	"specter/internal/errs"
	"specter/internal/wallet"
)

type devicePage struct {
	page
	Device device.Device
	Type   device.Type
	Types  []device.Type
	Uses   []wallet.Record // wallets of this network that have one of its keys
	Others []string        // names of wallets that have one, on any network
	Error  string
	Name   string // as typed
}

func (s *Server) devicePage(r *http.Request) (devicePage, error) {
	p, err := s.page(r, "")
	if err != nil {
		return devicePage{}, err
	}
	d, err := s.c.Devices.Get(r.Context(), string(p.Owner), r.PathValue("alias"))
	if err != nil {
		return devicePage{}, err
	}
	p.Title, p.Section = d.Name, "device:"+d.Alias
	v := devicePage{page: p, Device: d, Type: device.TypeOf(d.Type), Types: device.Types(), Name: d.Name}
	for _, rec := range p.Wallets {
		for _, c := range rec.Cosigners {
			if hasKey(d, c.XPub) {
				v.Uses = append(v.Uses, rec)
				break
			}
		}
	}
	v.Others, err = s.c.Devices.Uses(r.Context(), string(p.Owner), d)
	return v, err
}

func hasKey(d device.Device, xpub string) bool {
	for _, k := range d.Keys {
		if k.XPub == xpub {
			return true
		}
	}
	return false
}

func (s *Server) getDevice(w http.ResponseWriter, r *http.Request) error {
	v, err := s.devicePage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "device", v)
}

// deviceChange runs one change of a device; a refusal is shown on its page.
func (s *Server) deviceChange(w http.ResponseWriter, r *http.Request, do func(owner, alias string) (done, next string, err error)) error {
	if err := parseForm(r); err != nil {
		return err
	}
	o, err := s.owner(r)
	if err != nil {
		return err
	}
	alias := r.PathValue("alias")
	done, next, err := do(string(o), alias)
	if err == nil {
		s.say(w, r, flashOK, "%s", done)
		if next == "" {
			next = "/devices/" + url.PathEscape(alias)
		}
		return s.redirect(w, r, next)
	}
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Internal) {
		return err
	}
	v, pageErr := s.devicePage(r)
	if pageErr != nil {
		return err
	}
	s.note(r, err)
	v.Error = s.sentence(r, err)
	if name := r.FormValue("name"); name != "" {
		v.Name = name
	}
	return s.render(w, r, statusOf(err), "device", v)
}

func (s *Server) postRenameDevice(w http.ResponseWriter, r *http.Request) error {
	return s.deviceChange(w, r, func(owner, alias string) (string, string, error) {
		_, err := s.c.Devices.Rename(r.Context(), owner, alias, r.FormValue("name"))
		return s.tr(r, "The device has a new name."), "", err
	})
}

func (s *Server) postDeviceType(w http.ResponseWriter, r *http.Request) error {
	return s.deviceChange(w, r, func(owner, alias string) (string, string, error) {
		_, err := s.c.Devices.SetType(r.Context(), owner, alias, r.FormValue("type"))
		return s.tr(r, "The device type is changed."), "", err
	})
}

func (s *Server) postDeleteKey(w http.ResponseWriter, r *http.Request) error {
	return s.deviceChange(w, r, func(owner, alias string) (string, string, error) {
		_, err := s.c.Devices.RemoveKey(r.Context(), owner, alias, r.FormValue("xpub"), r.FormValue("script"))
		return s.tr(r, "The key is removed."), "", err
	})
}

func (s *Server) postForget(w http.ResponseWriter, r *http.Request) error {
	return s.deviceChange(w, r, func(owner, alias string) (string, string, error) {
		if r.FormValue("sure") != "yes" {
			return "", "", errs.E(errs.Invalid, "tick the box to say that you mean it")
		}
		return s.tr(r, "The device is forgotten."), "/", s.c.Devices.Forget(r.Context(), owner, alias)
	})
}
