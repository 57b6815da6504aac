package web

import (
	"context"
	"net/http"
	"strings"

	"specter/internal/errs"
	"specter/internal/remote/doctor"
)

// Doctor tests how this Specter is reached: an address from outside, and the program itself.
type Doctor func(ctx context.Context, address string) []doctor.Finding

type doctorPage struct {
	settingsFrame
	Typed    string
	Asked    bool
	Findings []doctor.Finding
}

func (s *Server) doctorPage(r *http.Request) (doctorPage, error) {
	f, err := s.settingsFrame(r, "remote", s.tr(r, "Doctor"))
	if err == nil && s.c.Doctor == nil {
		err = errs.E(errs.NotFound, "there is no doctor here")
	}
	return doctorPage{settingsFrame: f, Typed: s.address(r) + "/"}, err
}

func (s *Server) getDoctor(w http.ResponseWriter, r *http.Request) error {
	v, err := s.doctorPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_doctor", v)
}

// postDoctor runs the tests and shows what was found, the worst first.
func (s *Server) postDoctor(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.doctorPage(r)
	if err != nil {
		return err
	}
	v.Asked, v.Typed = true, strings.TrimSpace(r.PostFormValue("address"))
	v.Findings = s.c.Doctor(r.Context(), v.Typed)
	return s.render(w, r, http.StatusOK, "settings_doctor", v)
}

// doctorRoutes are the doctor's page.
func (s *Server) doctorRoutes() []route {
	return []route{
		{"GET /settings/remote/doctor", forOwner, s.getDoctor},
		{"POST /settings/remote/doctor", forOwner, s.postDoctor},
	}
}
