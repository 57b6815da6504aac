package web

import (
	"html/template"
	"net/http"
	"slices"

	"specter/internal/errs"
	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// torPage is the page "Tor": the onion service, who may reach it, and the way out.
type torPage struct {
	settingsFrame
	tor.Standing
	Address string          // what one types into Tor Browser; "" no service runs
	QR      template.HTML   // of Address
	Pass    *tor.Pass       // of a client that was made just now
	For     string          // whose
	Typed   string          // the control port in the form
	Steps   []tor.ProxyStep // of a test of the proxy
	Error   string
}

// DefaultControl is where tor's control port is as a rule.
func (torPage) DefaultControl() string { return tor.DefaultControl }

// TorLines are what torrc needs, for a cookie that Specter's user may read.
func (torPage) TorLines() string {
	return "ControlPort 9051\nCookieAuthentication 1\nCookieAuthFileGroupReadable 1"
}

func (s *Server) torPage(r *http.Request) (torPage, error) {
	f, err := s.settingsFrame(r, "remote", s.tr(r, "Tor"))
	if err != nil {
		return torPage{}, err
	}
	if s.c.Onion == nil {
		return torPage{}, errs.E(errs.NotFound, "this program makes no onion service")
	}
	v := torPage{settingsFrame: f}
	if v.Standing, err = s.c.Onion.Onion(r.Context()); err != nil {
		return v, err
	}
	v.Typed = v.Control
	if v.Name != "" {
		v.Address = "http://" + v.Name + s.c.URLPrefix + "/"
		v.QR, err = drawQR(v.Address, s.tr(r, "The onion address"))
	}
	return v, err
}

func (s *Server) getTor(w http.ResponseWriter, r *http.Request) error {
	v, err := s.torPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_tor", v)
}

// postTor stores what the owner wants; switching on is tried at tor first.
func (s *Server) postTor(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.torPage(r)
	if err != nil {
		return err
	}
	err = s.c.Onion.ChangeOnion(r.Context(), func(t *setting.Tor) error {
		if r.PostForm.Has("on") {
			if err := readYes(&t.On, r.PostFormValue("on")); err != nil {
				return err
			}
		}
		if r.PostForm.Has("control") {
			t.Control = r.PostFormValue("control")
		}
		switch password := r.PostFormValue("password"); {
		case r.PostFormValue("way") == "cookie":
			t.Password = ""
		case password != "":
			t.Password = password
		case r.PostFormValue("way") == "password" && t.Password == "":
			return errs.E(errs.Invalid, "type the password of tor's control port")
		}
		return nil
	})
	if err != nil {
		return s.torRefused(w, r, v, err)
	}
	s.say(w, r, flashOK, "Settings saved.")
	return s.redirect(w, r, "/settings/remote/tor")
}

// torRefused shows the page again with why not.
func (s *Server) torRefused(w http.ResponseWriter, r *http.Request, v torPage, err error) error {
	if errs.KindOf(err) == errs.Internal {
		return err
	}
	v.Error = s.sentence(r, err)
	if r.PostForm.Has("control") {
		v.Typed = r.PostFormValue("control")
	}
	return s.render(w, r, statusOf(err), "settings_tor", v)
}

// postTorClient makes a key for somebody and shows it, this once.
func (s *Server) postTorClient(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.torPage(r)
	if err != nil {
		return err
	}
	name := r.PostFormValue("name")
	pass, err := s.c.Onion.AddOnionClient(r.Context(), name)
	if err != nil {
		return s.torRefused(w, r, v, err)
	}
	if v, err = s.torPage(r); err != nil {
		return err
	}
	v.Pass, v.For = &pass, name
	return s.render(w, r, http.StatusOK, "settings_tor", v)
}

// postTorRemove shuts somebody out.
func (s *Server) postTorRemove(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.torPage(r)
	if err != nil {
		return err
	}
	name := r.PostFormValue("name")
	last := len(v.Clients) == 1 && slices.ContainsFunc(v.Clients, func(c tor.Client) bool { return c.Name == name })
	if last && r.PostFormValue("sure") != "yes" {
		return s.torRefused(w, r, v, errs.E(errs.Invalid, "without any key everybody who knows the address reaches the login. Tick the box to remove the last one"))
	}
	if err := s.c.Onion.RemoveOnionClient(r.Context(), name); err != nil {
		return s.torRefused(w, r, v, err)
	}
	s.say(w, r, flashOK, "The key of %s no longer opens the onion service.", name)
	return s.redirect(w, r, "/settings/remote/tor")
}

// postTorTest tries the proxy for the ways out.
func (s *Server) postTorTest(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.torPage(r)
	if err != nil {
		return err
	}
	if v.Steps, err = s.c.Onion.TestProxy(r.Context()); err != nil {
		return s.torRefused(w, r, v, err)
	}
	return s.render(w, r, http.StatusOK, "settings_tor", v)
}

// proxyStepWords name the steps of a test of the proxy.
func (c catalogue) proxyStepWords(name string) string {
	switch name {
	case "proxy":
		return c.t("A SOCKS5 proxy answers")
	case "tor":
		return c.t("It leads to Tor")
	case "own":
		return c.t("It reaches this Specter's onion service")
	}
	return c.t("It reaches an onion service")
}

// torRoutes are the page about Tor.
func (s *Server) torRoutes() []route {
	return []route{
		{"GET /settings/remote/tor", forOwner, s.getTor},
		{"POST /settings/remote/tor", forOwner, s.postTor},
		{"POST /settings/remote/tor/clients", forOwner, s.postTorClient},
		{"POST /settings/remote/tor/clients/remove", forOwner, s.postTorRemove},
		{"POST /settings/remote/tor/test", forOwner, s.postTorTest},
	}
}
