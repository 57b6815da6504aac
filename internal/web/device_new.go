package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"specter/internal/device"
	"specter/internal/errs"
)

type deviceTypesPage struct {
	page
	Types []device.Type
	Hot   bool // software keys may be made
}

// getNewDevice is the grid of device types.
func (s *Server) getNewDevice(w http.ResponseWriter, r *http.Request) error {
	p, err := s.page(r, s.tr(r, "Add device"))
	if err != nil {
		return err
	}
	p.Section = "new-device"
	hot, err := s.hotAllowed(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "device_types", deviceTypesPage{p, device.Types(), hot})
}

// keysPage is the form that takes keys: of a new device, or more of one that exists.
type keysPage struct {
	page
	Type     device.Type
	Device   *device.Device // nil: a new one
	Name     string
	Keys     string
	Parsed   device.Parsed
	Doubts   []string // about keys that were understood
	Error    string
	NameOnly bool // the error is about the name
}

// Action is where the form goes.
func (p keysPage) Action() string {
	if p.Device != nil {
		return "/devices/" + url.PathEscape(p.Device.Alias) + "/keys"
	}
	return "/new-device/" + p.Type.ID
}

func (s *Server) keysPage(r *http.Request) (keysPage, error) {
	id := r.PathValue("type")
	i := slices.IndexFunc(device.Types(), func(t device.Type) bool { return t.ID == id && !t.Hot })
	if i < 0 {
		return keysPage{}, errs.E(errs.NotFound, "Specter knows no device type %q", limit(id, 40))
	}
	t := device.Types()[i]
	p, err := s.page(r, s.tr(r, "Add %s", t.Name))
	p.Section = "new-device"
	return keysPage{page: p, Type: t}, err
}

func (s *Server) getNewDeviceKeys(w http.ResponseWriter, r *http.Request) error {
	v, err := s.keysPage(r)
	if err != nil {
		return err
	}
	v.Keys = limit(r.FormValue("keys"), 500) // of a wallet's key that no device holds yet
	return s.render(w, r, http.StatusOK, "device_keys", v)
}

// readKeys parses what was typed and uploaded. Whatever could not be read stays visible: the
// text comes back with the files' text in it, line by line problems beside it.
func (s *Server) readKeys(r *http.Request, v *keysPage) error {
	pieces, err := foreign(r, "keys", "file")
	if err != nil {
		return err
	}
	var text []string
	for _, p := range pieces {
		text = append(text, string(p))
	}
	v.Keys = strings.Join(text, "\n")
	var all device.Parsed
	for _, data := range pieces {
		p, err := s.c.Devices.ParseKeys(data)
		if err != nil {
			return err
		}
		all.Keys = append(all.Keys, p.Keys...)
		all.Problems = append(all.Problems, p.Problems...)
	}
	v.Parsed = all
	v.Doubts = s.keyDoubts(r, *v)
	if len(all.Keys) == 0 {
		return errs.E(errs.Invalid, "type or paste at least one key, or choose the file that the device exported")
	}
	return nil
}

// postNewDevice reads the keys and shows them; pressed again with nothing in doubt it stores.
func (s *Server) postNewDevice(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.keysPage(r)
	if err != nil {
		return err
	}
	v.Name = r.FormValue("name")
	err = s.readKeys(r, &v)
	if err == nil && (r.FormValue("action") == "look" || v.doubtful() && r.FormValue("action") != "anyway") {
		return s.render(w, r, http.StatusOK, "device_keys", v)
	}
	var d device.Device
	if err == nil {
		d, err = s.c.Devices.Create(r.Context(), string(v.Owner), v.Name, v.Type.ID, v.Parsed.Keys)
	}
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "device_keys", v)
	}
	s.say(w, r, flashOK, "The device %q is added. Add the next one, or make a wallet.", d.Name)
	return s.redirect(w, r, "/devices/"+url.PathEscape(d.Alias))
}

// getAddKeys is the same form for a device that exists.
func (s *Server) getAddKeys(w http.ResponseWriter, r *http.Request) error {
	v, err := s.addKeysPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "device_keys", v)
}

func (s *Server) addKeysPage(r *http.Request) (keysPage, error) {
	p, err := s.devicePage(r)
	if err != nil {
		return keysPage{}, err
	}
	p.Title = s.tr(r, "Add keys to %s", p.Device.Name)
	return keysPage{page: p.page, Type: device.TypeOf(p.Device.Type), Device: &p.Device, Name: p.Device.Name}, nil
}

func (s *Server) postAddKeys(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.addKeysPage(r)
	if err != nil {
		return err
	}
	err = s.readKeys(r, &v)
	if err == nil && (r.FormValue("action") == "look" || v.doubtful() && r.FormValue("action") != "anyway") {
		return s.render(w, r, http.StatusOK, "device_keys", v)
	}
	if err == nil {
		_, err = s.c.Devices.AddKeys(r.Context(), string(v.Owner), v.Device.Alias, v.Parsed.Keys)
	}
	if err != nil {
		s.note(r, err)
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "device_keys", v)
	}
	s.say(w, r, flashOK, "Keys added.")
	return s.redirect(w, r, "/devices/"+url.PathEscape(v.Device.Alias))
}
