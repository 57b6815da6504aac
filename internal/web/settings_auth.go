package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

// settingsFrame is what every tab of the settings has.
type settingsFrame struct {
	page
	Tab string // general, auth, account, tokens, users, record
}

func (s *Server) settingsFrame(r *http.Request, tab, title string) (settingsFrame, error) {
	p, err := s.page(r, title)
	if err != nil {
		return settingsFrame{}, err
	}
	p.Section = "settings"
	return settingsFrame{page: p, Tab: tab}, nil
}

type authPage struct {
	settingsFrame
	Auth        auth.Settings
	Method      auth.Method // chosen in the form
	Open        bool        // other machines can reach this Specter
	PIN         bool        // the node's password may be chosen
	NeedCurrent bool        // the current password is asked when the method changes
	Error       string
}

// IdleDays and AbsoluteDays are the limits of sessions for the form.
func (p authPage) IdleDays() int { return days(p.Auth.Idle) }

// AbsoluteDays counts from the login.
func (p authPage) AbsoluteDays() int { return days(p.Auth.Absolute) }

func days(d time.Duration) int { return max(1, int((d+12*time.Hour)/(24*time.Hour))) }

func (s *Server) authPage(r *http.Request) (authPage, error) {
	f, err := s.settingsFrame(r, "auth", s.tr(r, "Authentication"))
	if err != nil {
		return authPage{}, err
	}
	v := s.c.Auth.Settings()
	return authPage{settingsFrame: f, Auth: v, Method: v.Method, Open: s.open(), PIN: s.c.CheckPIN != nil, NeedCurrent: asksPassword(v.Method)}, nil
}

// asksPassword tells whether a change away from a method asks for the current password.
func asksPassword(m auth.Method) bool { return m != auth.MethodNone && m != auth.MethodUnset }

func (s *Server) getAuthSettings(w http.ResponseWriter, r *http.Request) error {
	v, err := s.authPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_auth", v)
}

// postAuthSettings changes how people log in. Before anything changes, the way back in is
// proved: the PIN is tried against the node, a password must be there or is set along.
func (s *Server) postAuthSettings(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.authPage(r)
	if err != nil {
		return err
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	want, err := readAuthSettings(r, v.Auth)
	v.Method = want.Method
	var key wayIn
	if err == nil {
		key, err = s.wayBackIn(r, by, v.Auth.Method, want.Method)
	}
	if err == nil {
		err = s.c.Auth.SetSettings(r.Context(), by, want, r.PostFormValue("current"))
	}
	if err != nil {
		if errs.Is(err, errs.Internal) {
			return err
		}
		v.Auth, v.Error = want, s.refusal(w, r, err)
		v.User.Password = v.User.Password || key.fresh
		return s.render(w, r, statusOf(err), "settings_auth", v)
	}
	s.say(w, r, flashOK, "Settings saved.")
	if key.fresh || by.Session == nil && key.secret != "" {
		s.stayIn(w, r, by, key.secret)
	}
	return s.redirect(w, r, "/settings/auth")
}

// readAuthSettings puts what the form says over the settings.
func readAuthSettings(r *http.Request, v auth.Settings) (auth.Settings, error) {
	v.Method = auth.Method(oneOf(r.PostFormValue("method"), string(v.Method), string(auth.MethodNone), string(auth.MethodPassword), string(auth.MethodRPC), string(auth.MethodUsers)))
	for name, into := range map[string]func(int){
		"min-password":     func(n int) { v.MinPassword = n },
		"invitation-hours": func(n int) { v.InvitationHours = n },
		"idle-days":        func(n int) { v.Idle = time.Duration(n) * 24 * time.Hour },
		"absolute-days":    func(n int) { v.Absolute = time.Duration(n) * 24 * time.Hour },
	} {
		text := r.PostFormValue(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 10_000 {
			return v, errs.E(errs.Invalid, "%q is no number that can stand here", limit(text, 20))
		}
		into(n)
	}
	return v, nil
}

// wayIn is what opens the door after a change of the method.
type wayIn struct {
	secret string
	fresh  bool // a password that was set along, which ended the sessions
}

// wayBackIn makes sure that the owner can log in by a new method, before it is the method.
func (s *Server) wayBackIn(r *http.Request, by auth.Identity, from, to auth.Method) (wayIn, error) {
	if from == to {
		return wayIn{}, nil
	}
	switch to {
	case auth.MethodRPC:
		pin := r.PostFormValue("pin")
		if s.c.CheckPIN == nil {
			return wayIn{}, errs.E(errs.Unavailable, "connect a node with a password first; its password is the PIN")
		}
		if pin == "" {
			return wayIn{}, errs.E(errs.Invalid, "type the node's RPC password, to prove that it opens the door")
		}
		return wayIn{secret: pin}, s.c.CheckPIN(r.Context(), pin)
	case auth.MethodPassword, auth.MethodUsers:
		u, err := s.c.Auth.User(r.Context(), by.User.ID)
		if err != nil || u.Password {
			return wayIn{secret: r.PostFormValue("current")}, err
		}
		return s.firstPassword(r, by, from)
	}
	return wayIn{}, nil
}

// firstPassword gives the owner a password who has none. Whoever logs in with the PIN until now
// proves it first: a browser that was left open shall not be enough.
func (s *Server) firstPassword(r *http.Request, by auth.Identity, from auth.Method) (wayIn, error) {
	password := r.PostFormValue("password")
	if password == "" {
		return wayIn{}, errs.E(errs.Invalid, "choose a password first; type it twice below")
	}
	if err := samePassword(password, r.PostFormValue("again")); err != nil {
		return wayIn{}, err
	}
	if from == auth.MethodRPC {
		if s.c.CheckPIN == nil {
			return wayIn{}, errs.E(errs.Unavailable, "the node cannot be asked for its password now, so nothing was changed")
		}
		if err := s.c.CheckPIN(r.Context(), r.PostFormValue("current")); err != nil {
			return wayIn{}, err
		}
	}
	return wayIn{password, true}, s.c.Auth.SetPassword(r.Context(), by.User.ID, password)
}

// stayIn logs the owner in by the new method, so that a change does not throw out who made it.
// Where that fails the login page comes, which is no harm.
func (s *Server) stayIn(w http.ResponseWriter, r *http.Request, by auth.Identity, secret string) {
	cookie, u, err := s.c.Auth.Login(r.Context(), auth.Login{Name: by.User.Name, Password: secret, Client: s.client(r), Agent: agentOf(r),
		Old: s.sessionCookie(r), Browser: s.browserCookie(r)})
	if err != nil {
		s.log.Info("after a change of the login method the owner has to log in again", "err", err)
		return
	}
	s.setSession(w, r, cookie)
	s.setBrowser(w, r, u.ID)
}

// settingAPI is the switch of the REST API, the program's own setting: "yes" or not.
const settingAPI = "api-active"

// apiActive tells whether the API answers, and whether the environment has decided that.
func (s *Server) apiActive(ctx context.Context) (active, forced bool, err error) {
	if s.c.APIForced != nil {
		return *s.c.APIForced, true, nil
	}
	v, err := s.c.Settings.Setting(ctx, "", settingAPI)
	return v == "yes", false, err
}

// postAPI turns the API on or off.
func (s *Server) postAPI(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if s.c.APIForced != nil {
		return errs.E(errs.Conflict, "the environment decides this: SPECTER_API_ACTIVE is set. Change it there and start Specter again")
	}
	value := oneOf(r.PostFormValue("active"), "no", "yes")
	if err := s.c.Settings.PutSetting(r.Context(), "", settingAPI, value); err != nil {
		return err
	}
	if value == "yes" {
		s.say(w, r, flashOK, "The API answers now.")
	} else {
		s.say(w, r, flashOK, "The API is off. Tokens are kept.")
	}
	return s.redirect(w, r, "/settings/tokens")
}
