package v1

import (
	"context"
	"net/url"
	"slices"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/setting"
)

// tunnelRoutes: the ways in through SSH servers.
func tunnelRoutes() []Route {
	const one = "/tunnels/{id}"
	return []Route{
		{"GET", "/tunnels", auth.Admin, OwnerOnly, Whole, "listTunnels", getTunnels, options{out: tunnelPage{}, query: paged}},
		{"POST", "/tunnels", auth.Admin, OwnerOnly, Whole, "createTunnel", postTunnel, options{in: tunnelInput{}, out: tunnelView{}, status: 201}},
		{"GET", one, auth.Admin, OwnerOnly, Whole, "readTunnel", getTunnel, options{out: tunnelView{}}},
		{"PATCH", one, auth.Admin, OwnerOnly, Whole, "changeTunnel", patchTunnel, options{in: tunnelPatch{}, out: tunnelView{}}},
		{"DELETE", one, auth.Admin, OwnerOnly, Whole, "deleteTunnel", deleteTunnel, options{}},
		{"POST", one + "/pause", auth.Admin, OwnerOnly, Whole, "pauseTunnel", tunnelAction(func(ctx context.Context, t Tunnels, id string) error {
			return t.PauseTunnel(ctx, id, true)
		}), options{out: tunnelView{}}},
		{"POST", one + "/resume", auth.Admin, OwnerOnly, Whole, "resumeTunnel", tunnelAction(func(ctx context.Context, t Tunnels, id string) error {
			return t.PauseTunnel(ctx, id, false)
		}), options{out: tunnelView{}}},
		{"POST", one + "/retry", auth.Admin, OwnerOnly, Whole, "retryTunnel", tunnelAction(func(ctx context.Context, t Tunnels, id string) error {
			return t.RetryTunnel(ctx, id)
		}), options{out: tunnelView{}}},
		{"PUT", one + "/host-key", auth.Admin, OwnerOnly, Whole, "acceptHostKey", putHostKey, options{in: hostKeyInput{}, out: tunnelView{}}},
		{"DELETE", one + "/host-key", auth.Admin, OwnerOnly, Whole, "forgetHostKey", tunnelAction(func(ctx context.Context, t Tunnels, id string) error {
			return t.ForgetHost(ctx, id)
		}), options{out: tunnelView{}}},
	}
}

// tunnelView is a tunnel and how it stands.
type tunnelView struct {
	ID              string   `json:"id"`
	Server          string   `json:"server"`
	Listen          string   `json:"listen"`
	Proxied         bool     `json:"proxied"`
	Names           []string `json:"names"`
	Local           string   `json:"local"`
	Node            string   `json:"node"`
	Paused          bool     `json:"paused"`
	FromCommandLine bool     `json:"from_command_line"`
	Up              bool     `json:"up"`
	Since           moment   `json:"since"`
	Address         *string  `json:"address"`
	LocalAt         *string  `json:"local_at"`
	Trouble         *string  `json:"trouble"`
	Retry           moment   `json:"retry_at"`
	Tries           int      `json:"tries"`
	HostKey         *string  `json:"host_key"`
	AuthorizedKey   string   `json:"authorized_key"`
}

// tunnelPage is a page of tunnels.
type tunnelPage struct {
	Items []tunnelView `json:"items"`
	paging
}

// tunnelInput asks for a tunnel.
type tunnelInput struct {
	Server  string   `json:"server" need:"yes"`
	Listen  string   `json:"listen"`
	Proxied bool     `json:"proxied"`
	Names   []string `json:"names"`
	Local   string   `json:"local"`
	Node    string   `json:"node"`
}

// tunnelPatch changes a tunnel; what is left out stays.
type tunnelPatch struct {
	Server  *string   `json:"server"`
	Listen  *string   `json:"listen"`
	Proxied *bool     `json:"proxied"`
	Names   *[]string `json:"names"`
	Local   *string   `json:"local"`
	Node    *string   `json:"node"`
}

// hostKeyInput names the key of a tunnel's server.
type hostKeyInput struct {
	Fingerprint string `json:"fingerprint" need:"yes"`
}

func tunnelOf(t TunnelState) tunnelView {
	return tunnelView{ID: t.ID, Server: t.Target, Listen: t.Listen, Proxied: t.Proxied, Names: texts(t.Names), Local: t.Local, Node: t.Remote, Paused: t.Paused,
		FromCommandLine: t.Fixed, Up: t.Status.Up, Since: moment(t.Status.Since), Address: maybe(t.Status.Address), LocalAt: maybe(t.LocalAt), Trouble: maybe(t.Status.Trouble),
		Retry: moment(t.Status.Retry), Tries: t.Status.Tries, HostKey: maybe(t.Fingerprint), AuthorizedKey: t.Line}
}

var errNoTunnels = errs.E(errs.Unavailable, "this program keeps no tunnels here")

// tunnels are the tunnels, where this API has them.
func (c *call) tunnels() (Tunnels, error) {
	if c.s.c.Remote.Tunnels == nil {
		return nil, errNoTunnels
	}
	return c.s.c.Remote.Tunnels, nil
}

func getTunnels(c *call) (any, error) {
	l, err := c.list()
	if err != nil {
		return nil, err
	}
	t, err := c.tunnels()
	if err != nil {
		return nil, err
	}
	all, err := t.Tunnels(c.ctx())
	if err != nil {
		return nil, err
	}
	rows, p, err := sliced(l, all, func(t TunnelState) string { return t.ID })
	return tunnelPage{mapped(rows, tunnelOf), p}, err
}

// tunnel is the one of an id as it stands now.
func (c *call) tunnel(t Tunnels, id string) (tunnelView, error) {
	all, err := t.Tunnels(c.ctx())
	if err != nil {
		return tunnelView{}, err
	}
	i := slices.IndexFunc(all, func(one TunnelState) bool { return one.ID == id })
	if i < 0 {
		return tunnelView{}, notFound("there is no such tunnel")
	}
	return tunnelOf(all[i]), nil
}

func getTunnel(c *call) (any, error) {
	t, err := c.tunnels()
	if err != nil {
		return nil, err
	}
	return c.tunnel(t, c.PathValue("id"))
}

func postTunnel(c *call) (any, error) {
	var in tunnelInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	t, err := c.tunnels()
	if err != nil {
		return nil, err
	}
	id, err := t.AddTunnel(c.ctx(), setting.Tunnel{Target: in.Server, Listen: in.Listen, Proxied: in.Proxied, Names: in.Names, Local: in.Local, Remote: in.Node})
	if err != nil {
		return nil, err
	}
	v, err := c.tunnel(t, id)
	return created{"/tunnels/" + url.PathEscape(id), v}, err
}

func patchTunnel(c *call) (any, error) {
	var in tunnelPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	t, err := c.tunnels()
	if err != nil {
		return nil, err
	}
	id := c.PathValue("id")
	if err := t.ChangeTunnel(c.ctx(), id, func(one *setting.Tunnel) {
		over(&one.Target, in.Server)
		over(&one.Listen, in.Listen)
		over(&one.Proxied, in.Proxied)
		over(&one.Names, in.Names)
		over(&one.Local, in.Local)
		over(&one.Remote, in.Node)
	}); err != nil {
		return nil, err
	}
	return c.tunnel(t, id)
}

func deleteTunnel(c *call) (any, error) {
	t, err := c.tunnels()
	if err != nil {
		return nil, err
	}
	return nil, t.RemoveTunnel(c.ctx(), c.PathValue("id"))
}

// tunnelAction does one thing with a tunnel and answers how it stands then.
func tunnelAction(do func(ctx context.Context, t Tunnels, id string) error) handler {
	return func(c *call) (any, error) {
		t, err := c.tunnels()
		if err != nil {
			return nil, err
		}
		if err := do(c.ctx(), t, c.PathValue("id")); err != nil {
			return nil, err
		}
		return c.tunnel(t, c.PathValue("id"))
	}
}

// putHostKey pins the key of a server before it is met, or instead of the one that it had.
func putHostKey(c *call) (any, error) {
	var in hostKeyInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	return tunnelAction(func(ctx context.Context, t Tunnels, id string) error { return t.ExpectHost(ctx, id, in.Fingerprint) })(c)
}
