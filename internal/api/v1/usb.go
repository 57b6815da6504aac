package v1

import (
	"encoding/hex"
	"slices"
	"strings"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// usbRoutes: the bridge to signing devices, the agents that bring them, and what devices know.
func usbRoutes() []Route {
	const known = "/wallets/{alias}/registrations"
	return []Route{
		{"GET", "/bridge", auth.Admin, OwnerOnly, Whole, "readBridge", getBridge, options{out: bridgeView{}}},
		{"PATCH", "/bridge", auth.Admin, OwnerOnly, Whole, "changeBridge", patchBridge, options{in: bridgePatch{}, out: bridgeView{}}},
		{"POST", "/bridge/token", auth.Admin, OwnerOnly, Whole, "createBridgeToken", postBridgeToken, options{out: bridgeTokenView{}, secret: true}},
		{"DELETE", "/bridge/token", auth.Admin, OwnerOnly, Whole, "deleteBridgeToken", deleteBridgeToken, options{}},
		{"POST", "/bridge-tests", auth.Write, AnyUser, Whole, "testBridge", postBridgeTest, options{out: bridgeReportView{}, slow: true}},
		{"GET", "/agents", auth.Admin, AnyUser, Whole, "listAgents", getAgents, options{out: agentPage{}, query: paged}},
		{"POST", "/agent-pairings", auth.Admin, AnyUser, Whole, "pairAgent", postPairing, options{out: pairingView{}, secret: true}},
		{"GET", "/agents/{id}", auth.Admin, AnyUser, Whole, "readAgent", getAgent, options{out: agentView{}}},
		{"PATCH", "/agents/{id}", auth.Admin, AnyUser, Whole, "renameAgent", patchAgent, options{in: nameInput{}, out: agentView{}}},
		{"DELETE", "/agents/{id}", auth.Admin, AnyUser, Whole, "revokeAgent", deleteAgent, options{}},
		{"GET", known, auth.Write, AnyUser, OneWallet, "listRegistrations", getRegistrations, options{out: registrationPage{}, query: paged}},
		{"PUT", known, auth.Write, AnyUser, OneWallet, "keepRegistration", putRegistration, options{in: registrationInput{}}},
		{"DELETE", known + "/{fingerprint}/{kind}", auth.Write, AnyUser, OneWallet, "forgetRegistration", deleteRegistration, options{}},
	}
}

// bridgeView is who may ask the bridge of this server.
type bridgeView struct {
	Origins  []string `json:"origins"`
	Afar     bool     `json:"from_other_computers"`
	HasToken bool     `json:"has_token"`
}

// bridgePatch changes it.
type bridgePatch struct {
	Origins *[]string `json:"origins"`
	Afar    *bool     `json:"from_other_computers"`
}

// bridgeTokenView is a new token of the bridge, which is told once.
type bridgeTokenView struct {
	Token string `json:"token"`
}

// bridgeReportView is a test of a bridge.
type bridgeReportView struct {
	OK      bool        `json:"ok"`
	Version *string     `json:"version"`
	Devices int         `json:"devices"`
	Steps   []triedView `json:"steps"`
}

// agentView is an agent and whether it is connected.
type agentView struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Created   moment `json:"created"`
	LastSeen  moment `json:"last_seen"`
	Connected bool   `json:"connected"`
	Since     moment `json:"connected_since"`
}

// agentPage is a page of agents.
type agentPage struct {
	Items []agentView `json:"items"`
	paging
}

// pairingView is the code for one agent, which is told once.
type pairingView struct {
	Code        string  `json:"code"`
	Until       moment  `json:"until"`
	Fingerprint *string `json:"authority_fingerprint"`
	Address     string  `json:"address"`
}

// registrationView is a device that was told of the wallet.
type registrationView struct {
	Fingerprint string `json:"fingerprint"`
	Kind        string `json:"kind"`
	Name        string `json:"name"`
	ID          string `json:"policy_id"`
	Proof       string `json:"proof"`
	At          moment `json:"at"`
}

// registrationPage is a page of them.
type registrationPage struct {
	Items []registrationView `json:"items"`
	paging
}

// registrationInput is what a device answered when it was told of the wallet.
type registrationInput struct {
	Fingerprint string `json:"fingerprint" need:"yes"`
	Kind        string `json:"kind" need:"yes"`
	Name        string `json:"name" need:"yes"`
	ID          string `json:"policy_id"`
	Proof       string `json:"proof"`
}

// usb is the bridge, where this API has one.
func (c *call) usb() (USB, error) {
	if c.s.c.USB == nil {
		return nil, errs.E(errs.Unavailable, "this Specter uses no USB devices")
	}
	return c.s.c.USB, nil
}

func getBridge(c *call) (any, error) {
	b, err := c.s.settings.Bridge(c.ctx())
	return bridgeView{texts(b.Origins), b.Afar, b.Token != ""}, err
}

func patchBridge(c *call) (any, error) {
	var in bridgePatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	b, err := c.s.settings.Bridge(c.ctx())
	if err != nil {
		return nil, err
	}
	over(&b.Origins, in.Origins)
	over(&b.Afar, in.Afar)
	if slices.ContainsFunc(b.Origins, func(o string) bool { return strings.ContainsAny(o, "\r\n") }) {
		return nil, invalid("origins", "an origin is one line")
	}
	if err := u.SetWhitelist(c.ctx(), strings.Join(b.Origins, "\n"), b.Afar); err != nil {
		return nil, err
	}
	return getBridge(c)
}

func postBridgeToken(c *call) (any, error) {
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	if err := u.SetToken(c.ctx(), true); err != nil {
		return nil, err
	}
	b, err := c.s.settings.Bridge(c.ctx())
	return bridgeTokenView{b.Token}, err
}

func deleteBridgeToken(c *call) (any, error) {
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	return nil, u.SetToken(c.ctx(), false)
}

// base is the address under which who asks knows this program.
func (c *call) base() string {
	scheme := "http://"
	if door.IsHTTPS(c.Request) {
		scheme = "https://"
	}
	return scheme + c.Host
}

// postBridgeTest tries the bridge that the user has chosen in the settings.
func postBridgeTest(c *call) (any, error) {
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	r, err := u.TestBridge(c.ctx(), c.user(), c.base()+"/")
	if err != nil {
		return nil, err
	}
	steps := mapped(r.Steps, func(s BridgeStep) triedView { return tried(s.Name, s.About, s.Err) })
	return bridgeReportView{allWell(steps), maybe(r.Version), r.Devices, steps}, nil
}

func agentOf(a BridgeAgent) agentView {
	v := agentView{ID: a.ID, Name: a.Name, Created: moment(a.Created), LastSeen: moment(a.LastSeen), Connected: a.Connected}
	if a.Connected {
		v.Since = moment(a.Since)
	}
	return v
}

func getAgents(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	all, err := u.Agents(c.ctx(), c.id)
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(a BridgeAgent) string { return a.ID })
	return agentPage{mapped(rows, agentOf), p}, err
}

func getAgent(c *call) (any, error) {
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	all, err := u.Agents(c.ctx(), c.id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(a BridgeAgent) bool { return a.ID == c.PathValue("id") })
	if i < 0 {
		return nil, notFound("there is no such agent")
	}
	return agentOf(all[i]), nil
}

// postPairing makes the code by which one agent is let in, and the address that is given to it.
func postPairing(c *call) (any, error) {
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	p, err := u.PairAgent(c.ctx(), c.id, c.TLS != nil)
	if err != nil {
		return nil, err
	}
	v := pairingView{Code: p.Code, Until: moment(p.Until), Fingerprint: maybe(p.Fingerprint), Address: c.base() + c.s.c.URLPrefix + "/#" + p.Code}
	if p.Fingerprint != "" {
		v.Address += "." + p.Fingerprint
	}
	return v, nil
}

func patchAgent(c *call) (any, error) {
	var in nameInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	if err := u.RenameAgent(c.ctx(), c.id, c.PathValue("id"), in.Name); err != nil {
		return nil, err
	}
	return getAgent(c)
}

func deleteAgent(c *call) (any, error) {
	u, err := c.usb()
	if err != nil {
		return nil, err
	}
	return nil, u.RevokeAgent(c.ctx(), c.id, c.PathValue("id"))
}

func getRegistrations(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	all, err := c.s.c.Wallets.Registrations(c.ctx(), c.ref())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(r wallet.Registration) string { return r.Fingerprint.String() + " " + r.Kind })
	return registrationPage{mapped(rows, func(r wallet.Registration) registrationView {
		return registrationView{r.Fingerprint.String(), r.Kind, r.Name, hex.EncodeToString(r.ID), hex.EncodeToString(r.Proof), moment(r.At)}
	}), p}, err
}

// fingerprint reads a device's; name is the field or parameter that holds it.
func fingerprint(name, text string) (btc.Fingerprint, error) {
	fp, err := btc.ParseFingerprint(text)
	if err != nil {
		return fp, invalid(name, "%q is no device's fingerprint: eight hexadecimal digits", limit(text, 40))
	}
	return fp, nil
}

// putRegistration keeps what a device answered, over what it answered before.
func putRegistration(c *call) (any, error) {
	var in registrationInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	fp, err := fingerprint("fingerprint", in.Fingerprint)
	if err != nil {
		return nil, err
	}
	r := wallet.Registration{Fingerprint: fp, Kind: in.Kind, Name: in.Name}
	if r.ID, err = hex.DecodeString(in.ID); err != nil {
		return nil, invalid("policy_id", "policy_id is hexadecimal")
	}
	if r.Proof, err = hex.DecodeString(in.Proof); err != nil {
		return nil, invalid("proof", "proof is hexadecimal")
	}
	return nil, c.s.c.Wallets.KeepRegistration(c.ctx(), c.ref(), r)
}

func deleteRegistration(c *call) (any, error) {
	fp, err := fingerprint("fingerprint", c.PathValue("fingerprint"))
	if err != nil {
		return nil, err
	}
	return nil, c.s.c.Wallets.ForgetRegistration(c.ctx(), c.ref(), fp, c.PathValue("kind"))
}

// bridgeWord is the user's choice of bridge in the API's words: the server's own is "".
func bridgeWord(u setting.User) string { return strings.TrimSuffix(u.Bridge, ":") }

// bridgeChosen is the choice as it is stored.
func bridgeChosen(word string) string {
	if word == strings.TrimSuffix(setting.AgentBridge, ":") {
		return setting.AgentBridge
	}
	return word
}
