package app

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/setting"
)

// tunnelled is a Specter at home that is reached through the server, by its own tunnel.
func (v *vps) tunnelled(c Config, ssh int) *house {
	v.t.Helper()
	h := owned(v.t, c)
	v.open(h, setting.Tunnel{Target: v.target(ssh), Listen: fmt.Sprintf("localhost:%d", v.end), Proxied: true, Names: []string{"https://VPS.test/"}})
	return h
}

// open makes a tunnel as the owner does, and puts its line where the page says.
func (v *vps) open(h *house, one setting.Tunnel) {
	v.t.Helper()
	if err := h.tunnels.PutTunnel(context.Background(), one); err != nil {
		v.t.Fatal(err)
	}
	list, err := h.tunnels.Tunnels(context.Background())
	if err != nil {
		v.t.Fatal(err)
	}
	v.Authorize(list[len(list)-1].Line)
	h.tunnels.RetryTunnel(context.Background(), list[len(list)-1].ID)
}

func (v *vps) up(c *http.Client, base string) time.Duration {
	v.t.Helper()
	start := time.Now()
	eventually(v.t, "the login page comes from outside", func() (bool, string) { return comesUp(c, base) })
	return time.Since(start)
}

var linkOf = regexp.MustCompile(`(?:href|src|action|hx-get|hx-post|data-events|data-hide|data-bridge|data-session|data-nav)="(/[^"]*)"`)

// strays are the addresses on a page that lie outside a folder.
func strays(page, folder string) []string {
	var out []string
	for _, m := range linkOf.FindAllStringSubmatch(page, -1) {
		if path := html.UnescapeString(m[1]); !below(strings.SplitN(path, "?", 2)[0], folder) {
			out = append(out, path)
		}
	}
	return out
}

// Shown by 1: our tunnel and plain ssh, in front of them nginx with http, https, two kinds of
// prefixes and a password of its own.
func TestReachedThroughAServerWithNginx(t *testing.T) {
	for _, ours := range []bool{true, false} {
		name := map[bool]string{true: "our tunnel", false: "plain ssh"}[ours]
		t.Run(name, func(t *testing.T) {
			v := newVPS(t)
			log := &lockedBuffer{}
			c := Config{API: yes(), Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
			if ours {
				v.tunnelled(c, v.Port)
			} else {
				c.Trusted, c.Hosts = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, []string{"vps.test"}
				v.plainTunnel(owned(t, c))
			}
			t.Logf("up after %v", v.up(v.visitor(), v.secure()))
			for _, prefix := range []string{"", "/specter", "/stripped", "/private"} {
				t.Run("https"+prefix, func(t *testing.T) { v.visit(t, prefix) })
			}
			t.Run("http", func(t *testing.T) {
				c := v.visitor()
				_, _, body, err := send(c, "GET", v.plain()+"/auth/login", nil)
				if err != nil || !strings.Contains(body, `data-test="unsafe"`) {
					t.Errorf("over plain HTTP the login page asks for a password: %v", err)
				}
				code, head, _, err := send(c, "POST", v.plain()+"/auth/login", url.Values{"username": {"admin"}, "password": {"correct horse battery"}})
				if err != nil || code != http.StatusForbidden || head.Get("Set-Cookie") != "" {
					t.Errorf("a password over plain HTTP: %d %v %v", code, head, err)
				}
			})
			text := log.String()
			if !strings.Contains(text, "client="+v.address) {
				t.Error("the log does not name the visitor's own address")
			}
			for _, line := range strings.Split(text, "\n") {
				if strings.Contains(line, "msg=request") && (strings.Contains(line, "client=127.") || strings.Contains(line, "client=::1") || strings.Contains(line, "client=fd53")) {
					t.Errorf("the log names the tunnel's end as the client: %s", line)
				}
			}
		})
	}
}

// visit logs in below a prefix and looks around.
func (v *vps) visit(t *testing.T, prefix string) {
	t.Helper()
	c, base := v.visitor(), v.secure()+prefix
	proxy := []string{}
	if prefix == "/private" {
		if code, _, _, _ := send(c, "GET", base+"/auth/login", nil); code != http.StatusUnauthorized {
			t.Errorf("without the proxy's password: %d", code)
		}
		r, _ := http.NewRequest("GET", base, nil)
		r.SetBasicAuth("proxy", "door")
		proxy = []string{"Authorization", r.Header.Get("Authorization")}
	}
	page := func(method, path string, form url.Values, want int) (http.Header, string) {
		t.Helper()
		code, head, body, err := send(c, method, base+path, form, proxy...)
		if err != nil || code != want {
			t.Fatalf("%s %s: %d, %v\n%.300s", method, path, code, err, body)
		}
		if out := strays(body, prefix); prefix != "" && len(out) > 0 {
			t.Errorf("%s leads out of %s: %q", path, prefix, out)
		}
		if to := head.Get("Location"); to != "" && !strings.HasPrefix(strings.TrimPrefix(to, v.secure()), prefix+"/") {
			t.Errorf("%s redirects to %s", path, to)
		}
		for _, k := range head.Values("Set-Cookie") {
			if one, err := http.ParseSetCookie(k); err != nil || !one.Secure || !below(strings.TrimSuffix(one.Path, "/"), prefix) {
				t.Errorf("%s sets %s", path, k)
			}
		}
		return head, body
	}
	page("GET", "/", nil, http.StatusSeeOther)
	page("GET", "/auth/login", nil, 200)
	page("POST", "/auth/login", url.Values{"username": {"admin"}, "password": {"wrong"}}, http.StatusForbidden)
	page("POST", "/auth/login", url.Values{"username": {"admin"}, "password": {"correct horse battery"}}, http.StatusSeeOther)
	for _, path := range []string{"/overview", "/settings", "/settings/remote", "/settings/usb", "/nodes", "/new-device", "/hwi/settings/"} {
		page("GET", path, nil, 200)
	}
	if _, body := page("GET", "/settings/account", nil, 200); !strings.Contains(body, v.address) {
		t.Error("the list of sessions does not name the visitor's own address")
	}
	page("POST", "/auth/logout", nil, http.StatusSeeOther)
}

// What the owner sees while the way is broken, and how soon it is whole again.
func TestABrokenWayIsToldAndMended(t *testing.T) {
	v := newVPS(t)
	c := newCable(t, fmt.Sprintf("127.0.0.1:%d", v.Port))
	_, port, _ := strings.Cut(c.Addr().String(), ":")
	var line int
	fmt.Sscan(port, &line)
	h := v.tunnelled(Config{}, line)
	street := v.visitor()
	v.up(street, v.secure())
	owner := newVisitor(t)
	post := url.Values{"username": {"admin"}, "password": {"correct horse battery"}}
	owner.post(h.URL()+"auth/login", post)
	says := func(what string) {
		t.Helper()
		eventually(t, "the page says "+what, func() (bool, string) {
			_, _, body := owner.get(h.URL() + "settings/remote")
			return strings.Contains(html.UnescapeString(body), what), fmt.Sprint(h.tunnels.Tunnels(context.Background()))
		})
	}
	// Ten seconds are what the tunnel may wait before it tries again; how long a try takes is the
	// machine's affair.
	mended := func(what string, over time.Time) { // over: the end of a wait that was cut short
		t.Helper()
		seen, waited := over, time.Duration(0)
		start := time.Now()
		eventually(t, what+": the login page comes from outside", func() (bool, string) {
			list, err := h.tunnels.Tunnels(context.Background())
			if err != nil {
				return false, err.Error()
			}
			if next := list[0].Status.Retry; next.After(time.Now()) && !next.Equal(seen) {
				seen, waited = next, waited+time.Until(next)
			}
			return comesUp(street, v.secure())
		})
		t.Logf("%s: reached again after %v, %v of it by the tunnel's own choice", what, time.Since(start).Round(10*time.Millisecond), waited.Round(10*time.Millisecond))
		if waited > 10*time.Second {
			t.Errorf("%s: the tunnel waited %v", what, waited)
		}
	}
	says(">up<")

	v.Stop()
	c.sever(true)
	says(">down<")
	if code, _, _, _ := send(street, "GET", v.secure()+"/", nil); code != http.StatusBadGateway {
		t.Errorf("meanwhile nginx answers %d", code)
	}
	v.Start()
	c.sever(false)
	mended("sshd killed and started", time.Time{})

	c.sever(true)
	says(">down<")
	c.sever(false)
	mended("line cut and mended", time.Time{})

	v.stopNginx()
	v.startNginx()
	mended("nginx restarted", time.Time{})
	says(">up<")

	v.Stop()
	c.sever(true)
	v.NewHostKey()
	v.Start()
	c.sever(false)
	says("shows another key than before")
	if ok, _ := comesUp(street, v.secure()); ok {
		t.Error("the tunnel came up to a server that may be an impostor")
	}
	list, err := h.tunnels.Tunnels(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	owner.post(h.URL()+"settings/remote/tunnels/"+list[0].ID+"/forget", url.Values{})
	mended("another host key, the old one forgotten", list[0].Status.Retry)
}

func TestNoTunnelWhileNobodyLogsIn(t *testing.T) {
	ctx := context.Background()
	h := open(t, Config{})
	secret, _, err := h.auth.SetupLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.auth.Setup(ctx, auth.SetupRequest{Secret: secret, NoLogin: true}); err != nil {
		t.Fatal(err)
	}
	in := setting.Tunnel{Target: "me@127.0.0.1:1", Listen: "25441"}
	if err := h.tunnels.PutTunnel(ctx, in); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "nobody logs in") {
		t.Errorf("a way in without a login: %v", err)
	}
	node := setting.Tunnel{Target: "me@127.0.0.1:1", Remote: "localhost:8332", Local: "0"}
	if err := h.tunnels.PutTunnel(ctx, node); err != nil {
		t.Errorf("the way to a node lets nobody in, and was refused: %v", err)
	}
	code, _, body := newVisitor(t).get(h.URL() + "settings/remote")
	if code != 200 || !strings.Contains(body, `data-test="no-login"`) {
		t.Errorf("the page does not say why: %d", code)
	}
	h.stop()
	c := h.cfg
	c.Tunnels = []setting.Tunnel{in}
	if a, err := New(ctx, c); !errs.Is(err, errs.Denied) {
		a.close()
		t.Errorf("started with --tunnel and without a login: %v", err)
	}
}

func TestLoginStaysOnWhileATunnelLetsOthersIn(t *testing.T) {
	ctx := context.Background()
	h := owned(t, Config{})
	if err := h.tunnels.PutTunnel(ctx, setting.Tunnel{Target: "me@127.0.0.1:1", Listen: "25441"}); err != nil {
		t.Fatal(err)
	}
	owner, err := h.auth.User(ctx, auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	off := h.auth.Settings()
	off.Method = auth.MethodNone
	if err := h.auth.SetSettings(ctx, auth.Identity{User: owner}, off, "correct horse battery"); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "tunnels") {
		t.Errorf("the login was switched off under a tunnel: %v", err)
	}
	list, err := h.tunnels.Tunnels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.tunnels.PauseTunnel(ctx, list[0].ID, true); err != nil {
		t.Fatal(err)
	}
	if err := h.auth.SetSettings(ctx, auth.Identity{User: owner}, off, "correct horse battery"); err != nil {
		t.Errorf("with the tunnel paused: %v", err)
	}
	if err := h.tunnels.PauseTunnel(ctx, list[0].ID, false); !errs.Is(err, errs.Conflict) {
		t.Errorf("the tunnel was resumed without a login: %v", err)
	}
}
