package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/setting"
)

// agentRoutes are the parts of the page about USB devices that are about agents. Agents themselves
// come in elsewhere (/hwi/agent/).
func (s *Server) agentRoutes() []route {
	return []route{
		{"POST /settings/usb/agents", forUser, s.postPairAgent},
		{"POST /settings/usb/agents/{id}/name", forUser, s.postAgentName},
		{"POST /settings/usb/agents/{id}/revoke", forUser, s.postRevokeAgent},
	}
}

// pairingView is a code as it is shown, this once.
type pairingView struct {
	BridgePairing
	Command string
	QR      template.HTML
	Plain   bool // the page came by plain HTTP from another computer
	Here    bool // the page came by a name of this very computer
}

// ByAgent reports whether the user's pages ask the user's agents.
func (p usbPage) ByAgent() bool { return p.Chosen.Bridge == setting.AgentBridge }

// agents lists those of who asks.
func (s *Server) agents(r *http.Request) ([]BridgeAgent, error) {
	by, err := s.identity(r)
	if err != nil {
		return nil, err
	}
	return s.c.Bridge.Agents(r.Context(), by)
}

// postPairAgent makes a code and shows it. It is in no address and no log: the agent finds it
// behind the # of the address, which is never sent.
func (s *Server) postPairAgent(w http.ResponseWriter, r *http.Request) error {
	v, err := s.usbPage(r)
	if err != nil {
		return err
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	code, err := s.c.Bridge.PairAgent(r.Context(), by, r.TLS != nil)
	if err != nil {
		return err
	}
	show := &pairingView{BridgePairing: code}
	address := s.address(r) + "/#" + code.Code
	if code.Fingerprint != "" {
		address += "." + code.Fingerprint
	}
	show.Command = fmt.Sprintf("specter agent \"%s\"", address)
	if show.QR, err = drawQR(address, s.tr(r, "Address of this server with the pairing code")); err != nil {
		return err
	}
	host := r.Host
	if u, err := url.Parse("//" + r.Host); err == nil {
		host = u.Hostname()
	}
	show.Here = host == "localhost" || host == "127.0.0.1" || host == "::1"
	show.Plain = !door.IsHTTPS(r) && !show.Here && !strings.HasSuffix(host, ".onion")
	v.Pairing = show
	return s.render(w, r, http.StatusOK, "settings_usb", v)
}

// postAgentName gives an agent another name.
func (s *Server) postAgentName(w http.ResponseWriter, r *http.Request) error {
	if s.c.Bridge == nil {
		return errs.E(errs.Unavailable, "this Specter uses no USB devices")
	}
	if err := parseForm(r); err != nil {
		return err
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	if err := s.c.Bridge.RenameAgent(r.Context(), by, r.PathValue("id"), r.PostFormValue("name")); err != nil {
		return err
	}
	s.say(w, r, flashOK, "The agent has its new name.")
	return s.redirect(w, r, "/settings/usb")
}

// postRevokeAgent shuts an agent out.
func (s *Server) postRevokeAgent(w http.ResponseWriter, r *http.Request) error {
	if s.c.Bridge == nil {
		return errs.E(errs.Unavailable, "this Specter uses no USB devices")
	}
	by, err := s.identity(r)
	if err != nil {
		return err
	}
	if err := s.c.Bridge.RevokeAgent(r.Context(), by, r.PathValue("id")); err != nil {
		return err
	}
	s.say(w, r, flashOK, "The agent is revoked and cut off.")
	return s.redirect(w, r, "/settings/usb")
}
