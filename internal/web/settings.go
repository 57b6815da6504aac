package web

import (
	"net/http"

	"specter/internal/errs"
	"specter/internal/node"
)

type settingsPage struct {
	settingsFrame
	Nodes []node.Node
}

func (s *Server) getSettings(w http.ResponseWriter, r *http.Request) error {
	f, err := s.settingsFrame(r, "general", s.tr(r, "Settings"))
	if err != nil {
		return err
	}
	v := settingsPage{settingsFrame: f}
	if v.Nodes, err = s.c.Nodes.List(r.Context()); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings", v)
}

// choices lists what each setting may be.
var choices = map[string][]string{
	settingUnit:  {unitBTC, unitSat},
	settingTheme: {"auto", "dark", "light"},
	settingHide:  {"no", "yes"},
}

// postSettings stores the settings that the form carries, all of them or one (the buttons of
// the top bar), and comes back to where it was pressed.
func (s *Server) postSettings(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	o, err := s.owner(r)
	if err != nil {
		return err
	}
	for name, words := range choices {
		if !r.Form.Has(name) {
			continue
		}
		value := r.FormValue(name)
		if oneOf(value, words...) != value {
			return errs.E(errs.Invalid, "%q is no choice for %s", limit(value, 40), name)
		}
		if err := s.c.Settings.PutSetting(r.Context(), string(o), name, value); err != nil {
			return err
		}
	}
	if r.FormValue("next") == "" {
		s.say(w, r, flashOK, "Settings saved.")
	}
	return s.back(w, r, "/settings")
}
