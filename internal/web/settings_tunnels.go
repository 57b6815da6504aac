package web

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"strings"

	"specter/internal/errs"
	"specter/internal/setting"
)

// tunnelForm is a tunnel as it stands in the form: what is stored, or what was just refused.
type tunnelForm struct {
	ID, Target, Listen, Names, Local, Remote string
	In, Node, Proxied                        bool // what the tunnel is for; a proxy is believed
	Error                                    string
}

// newTunnelForm is the form for another tunnel: a proxy on the server, as in the guide.
func newTunnelForm() tunnelForm {
	return tunnelForm{Listen: "localhost:25441", In: true, Proxied: true, Local: "8332", Remote: "localhost:8332"}
}

func formOf(t setting.Tunnel) tunnelForm {
	return tunnelForm{ID: t.ID, Target: t.Target, Listen: cmp.Or(t.Listen, "localhost:25441"), Names: strings.Join(t.Names, " "), Proxied: t.Proxied,
		In: t.Listen != "", Node: t.Remote != "", Local: cmp.Or(t.Local, "8332"), Remote: cmp.Or(t.Remote, "localhost:8332")}
}

func readTunnelForm(r *http.Request) tunnelForm {
	v := func(name string) string { return limit(strings.TrimSpace(r.PostFormValue(name)), 300) }
	return tunnelForm{ID: v("id"), Target: v("target"), Listen: v("listen"), Names: limit(r.PostFormValue("names"), 2000), Local: v("local"), Remote: v("remote"),
		In: v("in") == "yes", Node: v("node") == "yes", Proxied: v("proxied") == "yes"}
}

// tunnel is what the form asks for.
func (f tunnelForm) tunnel() setting.Tunnel {
	t := setting.Tunnel{ID: f.ID, Target: f.Target}
	if f.In {
		t.Listen, t.Proxied, t.Names = f.Listen, f.Proxied, strings.FieldsFunc(f.Names, func(c rune) bool { return strings.ContainsRune(" \t\r\n,;", c) })
	}
	if f.Node {
		t.Local, t.Remote = f.Local, f.Remote
	}
	return t
}

// tunnelView is one tunnel of the page.
type tunnelView struct {
	TunnelState
	Form tunnelForm
	Open bool // the form is shown: what was typed was refused
}

// NodePort is the port of this computer at which the node is found; "" while there is none.
func (v tunnelView) NodePort() string {
	_, port, err := net.SplitHostPort(v.LocalAt)
	if err != nil {
		return ""
	}
	return port
}

// tunnelsView is the part of the remote page about tunnels.
type tunnelsView struct {
	List    []tunnelView
	Form    tunnelForm // of another tunnel
	NoLogin bool       // nobody logs in, so that no way in may be opened
}

// tunnelsView lists the tunnels; refused is what was typed and not taken, nil: nothing.
func (s *Server) tunnelsView(r *http.Request, refused *tunnelForm) (*tunnelsView, error) {
	if s.c.Tunnels == nil {
		return nil, nil
	}
	list, err := s.c.Tunnels.Tunnels(r.Context())
	if err != nil {
		return nil, err
	}
	v := &tunnelsView{Form: newTunnelForm(), NoLogin: !asksPassword(s.c.Auth.Settings().Method)}
	if refused != nil && refused.ID == "" {
		v.Form = *refused
	}
	for _, one := range list {
		row := tunnelView{TunnelState: one, Form: formOf(one.Tunnel)}
		if refused != nil && refused.ID == one.ID {
			row.Form, row.Open = *refused, true
		}
		v.List = append(v.List, row)
	}
	return v, nil
}

// postTunnel makes or changes a tunnel.
func (s *Server) postTunnel(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if s.c.Tunnels == nil {
		return errNoTunnels
	}
	f := readTunnelForm(r)
	err := s.c.Tunnels.PutTunnel(r.Context(), f.tunnel())
	if errs.Is(err, errs.Invalid) || errs.Is(err, errs.Conflict) {
		f.Error = s.sentence(r, err)
		v, failed := s.remotePage(r, &f)
		if failed != nil {
			return failed
		}
		return s.render(w, r, statusOf(err), "settings_remote", v)
	}
	if err != nil {
		return err
	}
	s.say(w, r, flashOK, "The tunnel is saved. Put its line into the server's authorized_keys, if it is not there yet.")
	return s.redirect(w, r, "/settings/remote")
}

var errNoTunnels = errs.E(errs.Unavailable, "this program keeps no tunnels here")

// tunnelAction is a button of one tunnel; done says what came of it.
func (s *Server) tunnelAction(do func(ctx context.Context, id string) error, done func(w http.ResponseWriter, r *http.Request)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := parseForm(r); err != nil {
			return err
		}
		if err := do(r.Context(), r.PathValue("id")); err != nil {
			return err
		}
		done(w, r)
		return s.redirect(w, r, "/settings/remote")
	}
}

// tunnelRoutes are the buttons of the remote page's tunnels.
func (s *Server) tunnelRoutes() []route {
	t := s.c.Tunnels
	if t == nil {
		t = noTunnels{}
	}
	pause := func(ctx context.Context, id string) error { return t.PauseTunnel(ctx, id, true) }
	resume := func(ctx context.Context, id string) error { return t.PauseTunnel(ctx, id, false) }
	return []route{
		{"POST /settings/remote/tunnels", forOwner, s.postTunnel},
		{"POST /settings/remote/tunnels/{id}/pause", forOwner, s.tunnelAction(pause, func(w http.ResponseWriter, r *http.Request) {
			s.say(w, r, flashOK, "The tunnel is taken down.")
		})},
		{"POST /settings/remote/tunnels/{id}/resume", forOwner, s.tunnelAction(resume, func(w http.ResponseWriter, r *http.Request) {
			s.say(w, r, flashOK, "The tunnel is being brought up.")
		})},
		{"POST /settings/remote/tunnels/{id}/retry", forOwner, s.tunnelAction(t.RetryTunnel, func(w http.ResponseWriter, r *http.Request) {
			s.say(w, r, flashOK, "The server is being asked again.")
		})},
		{"POST /settings/remote/tunnels/{id}/forget", forOwner, s.tunnelAction(t.ForgetHost, func(w http.ResponseWriter, r *http.Request) {
			s.say(w, r, flashOK, "The server's old key is forgotten; the next one that it shows is remembered.")
		})},
		{"POST /settings/remote/tunnels/{id}/delete", forOwner, s.tunnelAction(t.RemoveTunnel, func(w http.ResponseWriter, r *http.Request) {
			s.say(w, r, flashOK, "The tunnel is removed.")
		})},
	}
}

// noTunnels stands where the program keeps none.
type noTunnels struct{}

func (noTunnels) Tunnels(context.Context) ([]TunnelState, error)  { return nil, nil }
func (noTunnels) PutTunnel(context.Context, setting.Tunnel) error { return errNoTunnels }
func (noTunnels) PauseTunnel(context.Context, string, bool) error { return errNoTunnels }
func (noTunnels) RemoveTunnel(context.Context, string) error      { return errNoTunnels }
func (noTunnels) RetryTunnel(context.Context, string) error       { return errNoTunnels }
func (noTunnels) ForgetHost(context.Context, string) error        { return errNoTunnels }
