package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

type accountPage struct {
	settingsFrame
	Min      int
	Sessions []sessionRow
	After    int  // minutes until the automatic logout; 0 never
	Custom   bool // After is none of the menu's
	Method   auth.Method
	Error    string
}

// sessionRow is a browser that is logged in.
type sessionRow struct {
	auth.Session
	Here  bool   // this very one
	Words string // browser and system
}

// Hours is the custom time for the form.
func (p accountPage) Hours() string {
	if !p.Custom {
		return ""
	}
	return strconv.FormatFloat(float64(p.After)/60, 'f', -1, 64)
}

func (s *Server) accountPage(r *http.Request) (accountPage, error) {
	f, err := s.settingsFrame(r, "account", s.tr(r, "Account"))
	if err != nil {
		return accountPage{}, err
	}
	id, err := s.identity(r)
	if err != nil {
		return accountPage{}, err
	}
	v := accountPage{settingsFrame: f, Min: s.c.Auth.Settings().MinPassword, Method: s.c.Auth.Settings().Method}
	after, err := s.autoLogout(r.Context(), id.User.ID)
	if err != nil {
		return v, err
	}
	v.After = int(after / time.Minute)
	v.Custom = v.After != 0 && v.After != 60 && v.After != 240 && v.After != 1440
	list, err := s.c.Auth.Sessions(r.Context(), id.User.ID)
	for _, one := range list {
		v.Sessions = append(v.Sessions, sessionRow{one, id.Session != nil && id.Session.ID == one.ID, agentWords(one.Agent)})
	}
	return v, err
}

// agentWords picks browser and system out of what a browser says about itself.
func agentWords(agent string) string {
	pick := func(pairs ...string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	browser := pick("Firefox/", "Firefox", "Edg/", "Edge", "OPR/", "Opera", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := pick("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	switch {
	case browser == "":
		return limit(agent, 60)
	case system == "":
		return browser
	}
	return browser + " · " + system
}

func (s *Server) getAccount(w http.ResponseWriter, r *http.Request) error {
	v, err := s.accountPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_account", v)
}

// accountChange runs one change of the own account. A refusal is shown on the account's page.
func (s *Server) accountChange(w http.ResponseWriter, r *http.Request, do func(by auth.Identity) (done string, err error)) error {
	if err := parseForm(r); err != nil {
		return err
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	done, err := do(by)
	if err == nil {
		s.say(w, r, flashOK, "%s", done)
		return s.redirect(w, r, "/settings/account")
	}
	if errs.Is(err, errs.Internal) {
		return err
	}
	v, pageErr := s.accountPage(r)
	if pageErr != nil {
		return err
	}
	v.Error = s.refusal(w, r, err)
	return s.render(w, r, statusOf(err), "settings_account", v)
}

// postPassword changes the own password; every other session of the user ends with it.
func (s *Server) postPassword(w http.ResponseWriter, r *http.Request) error {
	return s.accountChange(w, r, func(by auth.Identity) (string, error) {
		password := r.PostFormValue("password")
		if err := samePassword(password, r.PostFormValue("again")); err != nil {
			return "", err
		}
		return s.tr(r, "Your password is changed. Other browsers have to log in again."), s.c.Auth.ChangePassword(r.Context(), by, r.PostFormValue("current"), password, s.client(r))
	})
}

func (s *Server) postName(w http.ResponseWriter, r *http.Request) error {
	return s.accountChange(w, r, func(by auth.Identity) (string, error) {
		return s.tr(r, "Your name is changed."), s.c.Auth.RenameUser(r.Context(), by.User.ID, strings.TrimSpace(r.PostFormValue("name")))
	})
}

// postLogoutAfter keeps the wish when to be logged out.
func (s *Server) postLogoutAfter(w http.ResponseWriter, r *http.Request) error {
	return s.accountChange(w, r, func(by auth.Identity) (string, error) {
		minutes, err := readLogoutAfter(r.PostFormValue("after"), r.PostFormValue("hours"))
		if err != nil {
			return "", err
		}
		return s.tr(r, "Settings saved."), s.settings.SetLogoutAfter(r.Context(), by.User.ID, minutes)
	})
}

// readLogoutAfter reads the menu (minutes) or the field beside it (hours).
func readLogoutAfter(after, hours string) (minutes int, err error) {
	if after != "custom" {
		return strconv.Atoi(oneOf(after, "240", "0", "60", "1440"))
	}
	h, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(hours), ",", ".", 1), 64)
	minutes = 0
	if err == nil && h > 0 && h <= maxLogout.Hours() {
		minutes = int(h*60 + .5)
	}
	if minutes < 1 {
		return 0, errs.E(errs.Invalid, "type the hours as a number up to %d, for example 2 or 0.5", int(maxLogout.Hours()))
	}
	return minutes, nil
}

func (s *Server) postEndSession(w http.ResponseWriter, r *http.Request) error {
	return s.accountChange(w, r, func(by auth.Identity) (string, error) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return "", errs.E(errs.NotFound, "there is no such session")
		}
		s.active.forget(id)
		return s.tr(r, "That browser is logged out."), s.c.Auth.EndSession(r.Context(), by.User.ID, id)
	})
}

func (s *Server) postEndOthers(w http.ResponseWriter, r *http.Request) error {
	return s.accountChange(w, r, func(by auth.Identity) (string, error) {
		keep := int64(0)
		if by.Session != nil {
			keep = by.Session.ID
		}
		return s.tr(r, "All other browsers are logged out."), s.c.Auth.EndOtherSessions(r.Context(), by.User.ID, keep)
	})
}
