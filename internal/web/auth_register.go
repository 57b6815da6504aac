package web

import (
	"net/http"

	"specter/internal/auth"
	"specter/internal/errs"
)

type registerPage struct {
	page
	Secret string
	Name   string
	Min    int
	Dead   bool // the link is used up, revoked, too old or wrong
	Error  string
}

func (s *Server) registerPage(r *http.Request) registerPage {
	return registerPage{page: s.barePage(r, s.tr(r, "Make your account")), Secret: limit(r.FormValue("otp"), 200), Min: s.c.Auth.Settings().MinPassword, Error: s.unsafe(r)}
}

// getRegister is where an invitation leads. Looking does not use it up.
func (s *Server) getRegister(w http.ResponseWriter, r *http.Request) error {
	if s.unset() {
		return s.redirect(w, r, "/")
	}
	v := s.registerPage(r)
	if _, err := s.c.Auth.Invited(r.Context(), v.Secret); err != nil {
		if errs.Is(err, errs.Internal) {
			return err
		}
		v.Dead = true
		return s.render(w, r, http.StatusNotFound, "auth_register", v)
	}
	return s.render(w, r, http.StatusOK, "auth_register", v)
}

// postRegister makes the account; the invitation is used up by it.
func (s *Server) postRegister(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if s.unset() {
		return s.redirect(w, r, "/")
	}
	reg := auth.Registration{Secret: r.PostFormValue("otp"), Name: r.PostFormValue("username"), Password: r.PostFormValue("password"),
		Client: s.client(r), Agent: agentOf(r)}
	err := s.refuseUnsafe(r)
	if err == nil {
		err = samePassword(reg.Password, r.PostFormValue("again"))
	}
	if err == nil {
		_, err = s.c.Auth.Register(r.Context(), reg)
	}
	if err == nil {
		return s.redirect(w, r, "/auth/login?registered=yes")
	}
	if errs.Is(err, errs.Internal) {
		return err
	}
	v := s.registerPage(r)
	v.Name, v.Error = limit(reg.Name, 200), s.refusal(w, r, err)
	return s.render(w, r, statusOf(err), "auth_register", v)
}
