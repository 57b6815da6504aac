package v1

import (
	"net/url"
	"slices"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// onionRoutes: the onion service, who may reach it, and the proxy for the ways out.
func onionRoutes() []Route {
	return []Route{
		{"GET", "/onion-service", auth.Admin, OwnerOnly, Whole, "readOnionService", getOnion, options{out: onionView{}}},
		{"PATCH", "/onion-service", auth.Admin, OwnerOnly, Whole, "changeOnionService", patchOnion, options{in: onionPatch{}, out: onionView{}, slow: true}},
		{"GET", "/onion-clients", auth.Admin, OwnerOnly, Whole, "listOnionClients", getOnionClients, options{out: onionClientPage{}, query: paged}},
		{"POST", "/onion-clients", auth.Admin, OwnerOnly, Whole, "createOnionClient", postOnionClient, options{in: nameInput{}, out: newOnionClientView{}, status: 201, secret: true}},
		{"DELETE", "/onion-clients/{name}", auth.Admin, OwnerOnly, Whole, "deleteOnionClient", deleteOnionClient, options{query: []string{"everybody"}}},
		{"POST", "/proxy-tests", auth.Admin, OwnerOnly, Whole, "testProxy", postProxyTest, options{out: stepsView{}, slow: true}},
	}
}

// onionView is the onion service and how it stands.
type onionView struct {
	Wanted          bool    `json:"wanted"`
	FromCommandLine bool    `json:"from_command_line"`
	Control         string  `json:"control"`
	ControlFixed    bool    `json:"control_from_command_line"`
	HasPassword     bool    `json:"has_password"`
	Address         *string `json:"address"`
	Made            bool    `json:"made"`
	Announced       bool    `json:"announced"`
	Since           moment  `json:"since"`
	Retry           moment  `json:"retry_at"`
	TorVersion      *string `json:"tor_version"`
	Trouble         *string `json:"trouble"`
	Clients         int     `json:"clients"`
	ForEverybody    bool    `json:"for_everybody"`
	Proxy           string  `json:"proxy"`
}

// onionPatch changes it. An empty password stands for tor's cookie.
type onionPatch struct {
	Wanted   *bool   `json:"wanted"`
	Control  *string `json:"control"`
	Password *string `json:"password"`
}

// onionClientView is somebody who may reach the onion service.
type onionClientView struct {
	Name   string `json:"name"`
	Public string `json:"public_key"`
	Made   moment `json:"made"`
}

// newOnionClientView is a client with its private key, which is told once.
type newOnionClientView struct {
	Name string `json:"name"`
	Key  string `json:"private_key"`
	Line string `json:"auth_private_line"`
}

// onionClientPage is a page of clients.
type onionClientPage struct {
	Items []onionClientView `json:"items"`
	paging
}

// triedView is one step of a test.
type triedView struct {
	Name    string  `json:"name"`
	About   *string `json:"about"`
	OK      bool    `json:"ok"`
	Trouble *string `json:"trouble"`
}

// stepsView is a test in its steps.
type stepsView struct {
	OK    bool        `json:"ok"`
	Steps []triedView `json:"steps"`
}

func tried(name, about string, err error) triedView {
	v := triedView{Name: name, About: maybe(about), OK: err == nil}
	if err != nil {
		v.Trouble = maybe(upperFirst(err.Error()))
	}
	return v
}

// allWell reports whether no step failed.
func allWell(steps []triedView) bool {
	return !slices.ContainsFunc(steps, func(s triedView) bool { return !s.OK })
}

// onion is the onion service, where this API has one.
func (c *call) onion() (Onion, error) {
	if c.s.c.Remote.Onion == nil {
		return nil, errs.E(errs.Unavailable, "this program makes no onion service here")
	}
	return c.s.c.Remote.Onion, nil
}

// onionState is the service and how it stands.
func (c *call) onionState() (Onion, tor.Standing, error) {
	o, err := c.onion()
	if err != nil {
		return nil, tor.Standing{}, err
	}
	s, err := o.Onion(c.ctx())
	return o, s, err
}

func getOnion(c *call) (any, error) {
	_, s, err := c.onionState()
	v := onionView{Wanted: s.On, FromCommandLine: s.Forced, Control: s.Control, ControlFixed: s.Fixed, HasPassword: s.Password, Address: c.onionAddress(s.Name),
		Made: s.State.Made, Announced: s.State.Up, Since: moment(s.State.Since), Retry: moment(s.State.Retry), TorVersion: maybe(s.State.Version),
		Trouble: maybe(s.Trouble), Clients: len(s.Clients), ForEverybody: len(s.Clients) == 0, Proxy: s.Proxy}
	if v.Trouble == nil {
		v.Trouble = maybe(s.State.Trouble)
	}
	return v, err
}

// patchOnion stores what the owner wants; switching on is tried at tor first.
func patchOnion(c *call) (any, error) {
	var in onionPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	o, err := c.onion()
	if err != nil {
		return nil, err
	}
	if err := o.ChangeOnion(c.ctx(), func(t *setting.Tor) error {
		over(&t.On, in.Wanted)
		over(&t.Control, in.Control)
		over(&t.Password, in.Password)
		return nil
	}); err != nil {
		return nil, err
	}
	return getOnion(c)
}

func getOnionClients(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	_, s, err := c.onionState()
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, s.Clients, func(one tor.Client) string { return one.Name })
	return onionClientPage{mapped(rows, func(one tor.Client) onionClientView {
		return onionClientView{one.Name, one.Public, moment(one.Made)}
	}), p}, err
}

// postOnionClient makes a key for somebody; its private part is told this once.
func postOnionClient(c *call) (any, error) {
	var in nameInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	o, err := c.onion()
	if err != nil {
		return nil, err
	}
	pass, err := o.AddOnionClient(c.ctx(), in.Name)
	return created{"/onion-clients/" + url.PathEscape(in.Name), newOnionClientView{in.Name, pass.Key, pass.Line}}, err
}

// deleteOnionClient shuts somebody out. Without any client the service is for everybody who knows
// its address: that must be said.
func deleteOnionClient(c *call) (any, error) {
	everybody := c.params.Get("everybody")
	if err := oneOf("everybody", everybody, []string{"no", "yes"}); err != nil {
		return nil, err
	}
	o, s, err := c.onionState()
	if err != nil {
		return nil, err
	}
	name := c.PathValue("name")
	if !slices.ContainsFunc(s.Clients, func(one tor.Client) bool { return one.Name == name }) {
		return nil, notFound("there is no such client")
	}
	if len(s.Clients) == 1 && everybody != "yes" {
		return nil, invalid("everybody", "without any client everybody who knows the address reaches the login; say everybody=yes to remove the last one")
	}
	return nil, o.RemoveOnionClient(c.ctx(), name)
}

func postProxyTest(c *call) (any, error) {
	o, err := c.onion()
	if err != nil {
		return nil, err
	}
	list, err := o.TestProxy(c.ctx())
	if err != nil {
		return nil, err
	}
	steps := mapped(list, func(s tor.ProxyStep) triedView { return tried(s.Name, "", s.Err) })
	return stepsView{allWell(steps), steps}, nil
}
