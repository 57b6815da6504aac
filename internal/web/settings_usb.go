package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"

	"specter/internal/errs"
	"specter/internal/setting"
)

// usbRoutes are the pages about USB devices. The bridge's own page keeps the old Specter's
// address; the bridge itself (/hwi/api/) is no page and answered elsewhere.
func (s *Server) usbRoutes() []route {
	return append(s.agentRoutes(), []route{
		{"GET /settings/usb", forUser, s.getUSB},
		{"POST /settings/usb", forUser, s.postUSB},
		{"POST /settings/usb/test", forUser, s.postTestUSB},
		{"GET /hwi/{$}", forEveryone, s.getBridge},
		{"GET /hwi/settings/{$}", forOwner, s.getWhitelist},
		{"POST /hwi/settings/{$}", forOwner, s.postWhitelist},
	}...)
}

// localBridge is where pages ask for the devices at this server, below the path that it is mounted at:
// a proxy may pass on nothing else.
const localBridge = "/hwi/api/"

// BridgeURL is where the scripts of this page ask for devices; pages put it into a data-bridge
// attribute, which also widens their policy by just this address.
func (p page) BridgeURL() string {
	if setting.BridgeInBrowser(p.Chosen.Bridge) {
		return p.Chosen.Bridge
	}
	return p.Prefix + localBridge
}

// BridgeForwarded reports whether a page must say that its request is not to be sent on.
func (p page) BridgeForwarded() bool { return setting.BridgeInBrowser(p.Chosen.Bridge) }

// bridgeMark is in a page exactly if its scripts ask a bridge: no text of a person's or a
// stranger's comes out with a quotation mark.
var bridgeMark = []byte(` data-bridge="`)

// bridgePolicy lets a page that asks a bridge reach the user's own on their computer. policy is
// what the page has otherwise.
func bridgePolicy(policy string, r *http.Request, body []byte) (string, bool) {
	v, known := wishesOf(r.Context())
	if !known || !bytes.Contains(body, bridgeMark) || !setting.BridgeInBrowser(v.Bridge) {
		return policy, false
	}
	u, err := url.Parse(v.Bridge) // clean: it came through setting.CleanBridge
	if err != nil {
		return policy, false
	}
	return strings.Replace(policy, "connect-src 'self'", "connect-src 'self' "+u.Scheme+"://"+u.Host, 1), true
}

type usbPage struct {
	settingsFrame
	Kind    string // local, agent, remote, own
	Own     string // the address in the form
	Origin  string // under which the browser knows this server
	Report  *BridgeReport
	Agents  []BridgeAgent
	Pairing *pairingView
	Error   string
}

func (s *Server) usbPage(r *http.Request) (usbPage, error) {
	f, err := s.settingsFrame(r, "usb", s.tr(r, "USB devices"))
	if err != nil {
		return usbPage{}, err
	}
	if s.c.Bridge == nil {
		return usbPage{}, errs.E(errs.Unavailable, "this Specter uses no USB devices")
	}
	v := usbPage{settingsFrame: f, Kind: "own", Own: f.Chosen.Bridge, Origin: s.origin(r) + "/"}
	switch f.Chosen.Bridge {
	case "":
		v.Kind = "local"
	case setting.AgentBridge:
		v.Kind, v.Own = "agent", ""
	case setting.RemoteBridge:
		v.Kind, v.Own = "remote", ""
	}
	v.Agents, err = s.agents(r)
	return v, err
}

// origin is the name under which the browser knows this server, as it stands in whitelists.
func (s *Server) origin(r *http.Request) string {
	return strings.TrimSuffix(s.address(r), s.c.URLPrefix)
}

// InBrowser reports whether the page itself asks the chosen bridge.
func (p usbPage) InBrowser() bool { return setting.BridgeInBrowser(p.Chosen.Bridge) }

// WhitelistURL is the settings page of the chosen bridge.
func (p usbPage) WhitelistURL() string {
	if p.Chosen.Bridge == "" {
		return "/hwi/settings/"
	}
	return strings.TrimSuffix(p.Chosen.Bridge, "api/") + "settings/"
}

// Remote is the address of the bridge on the person's own computer.
func (p usbPage) Remote() string { return setting.RemoteBridge }

func (s *Server) getUSB(w http.ResponseWriter, r *http.Request) error {
	v, err := s.usbPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_usb", v)
}

// postUSB stores which bridge the user's pages ask.
func (s *Server) postUSB(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.usbPage(r)
	if err != nil {
		return err
	}
	v.Kind, v.Own = r.PostFormValue("kind"), r.PostFormValue("url")
	address := ""
	switch v.Kind {
	case "local":
	case "agent":
		address = setting.AgentBridge
	case "remote":
		address = setting.RemoteBridge
	case "own":
		address = v.Own
	default:
		return errs.E(errs.Invalid, "choose where your devices are")
	}
	_, err = s.settings.ChangeUser(r.Context(), v.User.ID, func(u *setting.User) error {
		if v.Kind == "own" && strings.TrimSpace(v.Own) == "" {
			return errs.E(errs.Invalid, "write the address of your bridge")
		}
		u.Bridge = address
		return nil
	})
	switch {
	case errs.Is(err, errs.Invalid), errs.Is(err, errs.Denied):
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "settings_usb", v)
	case err != nil:
		return err
	}
	s.say(w, r, flashOK, "Settings saved.")
	return s.redirect(w, r, "/settings/usb")
}

// postTestUSB tries the bridge that this server reaches, step by step.
func (s *Server) postTestUSB(w http.ResponseWriter, r *http.Request) error {
	v, err := s.usbPage(r)
	if err != nil {
		return err
	}
	report, err := s.c.Bridge.TestBridge(r.Context(), v.User.ID, s.origin(r))
	if err != nil {
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "settings_usb", v)
	}
	v.Report = &report
	return s.render(w, r, http.StatusOK, "settings_usb", v)
}

// bridgeStepWords name the steps of a test.
func (c catalogue) bridgeStepWords(name string) string {
	switch name {
	case "address":
		return c.t("The address")
	case "reach":
		return c.t("The way to the bridge")
	case "tls":
		return c.t("The encrypted connection")
	case "bridge":
		return c.t("A bridge answers")
	case "origin":
		return c.t("It lets this Specter in")
	case "device":
		return c.t("A device")
	case "agent":
		return c.t("The agent")
	}
	return c.t("It looks for devices")
}

func (s *Server) getBridge(w http.ResponseWriter, r *http.Request) error {
	return s.redirect(w, r, "/hwi/settings/")
}

type whitelistPage struct {
	page
	Domains string // in the form
	Afar    bool
	Token   string
	Anybody bool // "*" is on the list
	Error   string
}

func (s *Server) whitelistPage(r *http.Request) (whitelistPage, error) {
	p, err := s.page(r, s.tr(r, "USB bridge"))
	if err != nil {
		return whitelistPage{}, err
	}
	p.Section, p.Bare = "settings", s.c.BridgeOnly
	b, err := s.settings.Bridge(r.Context())
	if err != nil || s.c.Bridge == nil {
		return whitelistPage{}, errs.E(errs.Unavailable, "this Specter has no USB bridge: %w", err)
	}
	v := whitelistPage{page: p, Domains: strings.Join(b.Origins, "\n"), Afar: b.Afar, Token: b.Token}
	for _, o := range b.Origins {
		v.Anybody = v.Anybody || o == "*"
	}
	return v, nil
}

// BridgeOnly reports whether the program is a bridge and nothing else.
func (p whitelistPage) BridgeOnly() bool { return p.Bare }

func (s *Server) getWhitelist(w http.ResponseWriter, r *http.Request) error {
	v, err := s.whitelistPage(r)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "hwi_settings", v)
}

// postWhitelist stores who may ask the bridge. The fields action and whitelisted_domains are the
// old Specter's.
func (s *Server) postWhitelist(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.whitelistPage(r)
	if err != nil {
		return err
	}
	switch action := r.PostFormValue("action"); action {
	case "update":
		v.Domains, v.Afar = r.PostFormValue("whitelisted_domains"), r.PostFormValue("afar") == "yes"
		err = s.c.Bridge.SetWhitelist(r.Context(), v.Domains, v.Afar)
	case "new-token", "drop-token":
		err = s.c.Bridge.SetToken(r.Context(), action == "new-token")
	default:
		err = errs.E(errs.Invalid, "this page does not know that action")
	}
	switch {
	case errs.Is(err, errs.Invalid):
		v.Error = s.sentence(r, err)
		return s.render(w, r, statusOf(err), "hwi_settings", v)
	case err != nil:
		return err
	}
	switch r.PostFormValue("action") {
	case "new-token":
		s.say(w, r, flashOK, "The token is made.")
	case "drop-token":
		s.say(w, r, flashOK, "The token is gone; programs that use it are shut out.")
	default:
		s.say(w, r, flashOK, "The whitelist is saved.")
	}
	return s.redirect(w, r, "/hwi/settings/")
}
