package web

import (
	"net/http"
	"net/url"

	"specter/internal/auth"
	"specter/internal/errs"
)

type setupPage struct {
	page
	Secret string
	Name   string
	Min    int  // characters of a password
	Open   bool // other machines can reach this Specter: a login is needed
	Import bool // an old Specter is taken over next
	Beside bool // an old Specter's files lie in the data folder
	Error  string
}

// Restore is where a backup is restored instead.
func (p setupPage) Restore() string {
	return "/setup/restore?" + url.Values{"secret": {p.Secret}}.Encode()
}

// Take is this page with an old Specter to come.
func (p setupPage) Take() string {
	return "/setup?" + url.Values{"secret": {p.Secret}, "then": {"import"}}.Encode()
}

// firstStart answers everything while nobody owns this Specter yet: it says where the link is,
// and nothing else. There is no default password.
func (s *Server) firstStart(w http.ResponseWriter, r *http.Request, page bool) {
	message := s.tr(r, "This Specter has no owner yet. Open the link that it printed when it started: it stands in the terminal, or in its log.")
	if !page || isHTMX(r) {
		http.Error(w, message, http.StatusUnauthorized)
		return
	}
	s.write(w, r, http.StatusForbidden, "auth_first", "layout", s.barePage(r, s.tr(r, "Welcome to Specter")))
}

func (s *Server) unset() bool {
	return s.c.Auth.Settings().Method == auth.MethodUnset
}

func (s *Server) setupPage(r *http.Request) setupPage {
	return setupPage{page: s.barePage(r, s.tr(r, "Welcome to Specter")), Secret: limit(r.FormValue("secret"), 200), Name: "admin",
		Min: s.c.Auth.Settings().MinPassword, Open: s.open(), Import: r.FormValue("then") == "import", Error: s.unsafe(r),
		Beside: s.c.Imports != nil && s.c.Auth.FirstSecret(r.FormValue("secret")) == nil && s.c.Imports.OldFolder(r.Context()) != ""}
}

// open tells whether other machines can reach this Specter.
func (s *Server) open() bool { return s.c.Open != nil && s.c.Open() }

// getSetup is where the printed link leads. When there is an owner, it leads nowhere any more.
func (s *Server) getSetup(w http.ResponseWriter, r *http.Request) error {
	if !s.unset() {
		return s.redirect(w, r, "/")
	}
	v := s.setupPage(r)
	if v.Secret == "" {
		s.firstStart(w, r, true)
		return nil
	}
	return s.render(w, r, http.StatusOK, "auth_setup", v)
}

// postSetup names the owner, or opens the house to this computer without a login.
func (s *Server) postSetup(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if !s.unset() {
		return s.redirect(w, r, "/")
	}
	req := auth.SetupRequest{Secret: r.PostFormValue("secret"), Name: r.PostFormValue("name"), Password: r.PostFormValue("password"),
		NoLogin: r.PostFormValue("login") == "none", Client: s.client(r), Agent: agentOf(r)}
	cookie, err := "", error(nil)
	if req.NoLogin {
		req.Password = ""
	} else if err = s.refuseUnsafe(r); err == nil {
		err = samePassword(req.Password, r.PostFormValue("again"))
	}
	if err == nil {
		cookie, err = s.c.Auth.Setup(r.Context(), req)
	}
	if err != nil {
		if errs.Is(err, errs.Internal) {
			return err
		}
		v := s.setupPage(r)
		v.Name, v.Error = limit(req.Name, 200), s.refusal(w, r, err)
		return s.render(w, r, statusOf(err), "auth_setup", v)
	}
	if cookie != "" {
		s.setSession(w, r, cookie)
		s.setBrowser(w, r, auth.OwnerID)
	}
	if s.c.Imports != nil && (r.PostFormValue("then") == "import" || s.c.Imports.OldFolder(r.Context()) != "") {
		return s.redirect(w, r, "/settings/import")
	}
	return s.redirect(w, r, "/welcome")
}

// samePassword holds the two fields of a new password against each other.
func samePassword(password, again string) error {
	if password != again {
		return errs.E(errs.Invalid, "the two passwords differ; type the same one twice")
	}
	return nil
}
