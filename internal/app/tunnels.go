package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/remote"
	"specter/internal/remote/sshtunnel"
	"specter/internal/setting"
	"specter/internal/web"
)

// DefaultTunnelListen is where a tunnel's server listens when nobody says otherwise: its own
// loopback, for a proxy there.
const DefaultTunnelListen = "localhost:25441"

// tunnels keeps the SSH tunnels up. Everything that arrives through them comes out of one inlet.
type tunnels struct {
	settings *setting.Service
	noLogin  func() bool // nobody logs in to this Specter
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	now      func() time.Time
	log      *slog.Logger
	fixed    []setting.Tunnel // of the command line

	inlet *sshtunnel.Inlet
	keys  *sshtunnel.Keys
	hosts *sshtunnel.Hosts

	busy  sync.Mutex      // one change at a time; held while a line ends
	ctx   context.Context // of run; nil before. Guarded by busy
	mu    sync.Mutex      // over what follows, never over the network
	list  []setting.Tunnel
	lines map[string]*keptLine
}

// keptLine is a tunnel that is being kept up.
type keptLine struct {
	of   setting.Tunnel
	t    *sshtunnel.Tunnel
	end  func() // ends it and waits
	done chan struct{}
	err  error // why it ended by itself; read after done
}

// newTunnels reads what is stored; run brings it up.
func (a *App) newTunnels(ctx context.Context) (*tunnels, error) {
	own := a.own()
	t := &tunnels{settings: a.settings, dial: a.outside.named, now: a.c.Now, log: a.c.Log, inlet: sshtunnel.NewInlet(),
		keys: sshtunnel.NewKeys(own, a.sshAgent()), hosts: sshtunnel.NewHosts(own), lines: map[string]*keptLine{},
		noLogin: func() bool { return a.auth.Settings().Method == auth.MethodNone }}
	if t.now == nil {
		t.now = time.Now
	}
	for i, f := range a.c.Tunnels {
		f, err := cleanTunnel(f)
		if err != nil {
			return nil, err
		}
		f.ID = "start-" + strconv.Itoa(i+1)
		t.fixed = append(t.fixed, f)
	}
	stored, err := a.settings.Tunnels(ctx)
	t.list = append(slices.Clone(t.fixed), stored...)
	return t, err
}

// sshAgent is the way to the agent that the environment names; nil: there is none.
func (a *App) sshAgent() func() (net.Conn, error) {
	if a.c.Env == nil {
		return nil
	}
	socket, _ := a.c.Env("SSH_AUTH_SOCK")
	if socket == "" {
		return nil
	}
	return func() (net.Conn, error) { return net.DialTimeout("unix", socket, 5*time.Second) }
}

// cleanTunnel brings a tunnel's words into their one spelling.
func cleanTunnel(t setting.Tunnel) (setting.Tunnel, error) {
	target, err := sshtunnel.ParseTarget(t.Target)
	if err != nil {
		return t, err
	}
	t.Target = target.String()
	if t.Listen = strings.TrimSpace(t.Listen); t.Listen != "" {
		if t.Listen, err = sshtunnel.CleanBind(t.Listen); err != nil {
			return t, err
		}
	}
	if t.Names, err = cleanNames(t.Names); err != nil {
		return t, err
	}
	t.Local, t.Remote = strings.TrimSpace(t.Local), strings.TrimSpace(t.Remote)
	switch {
	case t.Remote == "":
		t.Local = ""
	default:
		if t.Remote, err = sshtunnel.CleanBind(t.Remote); err != nil || strings.HasPrefix(t.Remote, "0.0.0.0:") {
			return t, errs.E(errs.Invalid, "%.100q is no address of the node as the server sees it; write it as 127.0.0.1:8332", t.Remote)
		}
		if t.Local, err = cleanLocal(cmp.Or(t.Local, t.Remote[strings.LastIndexByte(t.Remote, ':')+1:])); err != nil {
			return t, err
		}
	}
	if t.Listen == "" && t.Remote == "" {
		return t, errs.E(errs.Invalid, "this tunnel would lead nowhere: say where the server listens, or which port of a node it brings here, or both")
	}
	return t, nil
}

// cleanLocal reads a port of this machine's loopback; other machines have no business at the
// node's port.
func cleanLocal(text string) (string, error) {
	host, port := "127.0.0.1", text
	if h, p, err := net.SplitHostPort(text); err == nil {
		host, port = h, p
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || !loopback(host) {
		return "", errs.E(errs.Invalid, "%.100q is no port of this computer alone; write 8332 or 127.0.0.1:8332", text)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.FormatUint(n, 10)), nil
}

// cleanNames reads host names and addresses; a scheme and a path that were copied along go.
func cleanNames(list []string) ([]string, error) {
	var out []string
	for _, text := range list {
		name := strings.TrimSpace(text)
		if _, rest, ok := strings.Cut(name, "://"); ok {
			name = rest
		}
		name, _, _ = strings.Cut(name, "/")
		if h, _, err := net.SplitHostPort(name); err == nil {
			name = h
		}
		if name = strings.ToLower(strings.Trim(name, "[].")); name == "" {
			continue
		}
		if _, err := netip.ParseAddr(name); err != nil && (len(name) > 253 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "") {
			return nil, errs.E(errs.Invalid, "%.100q is no host name; write it as my.example", text)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// opens reports whether a tunnel lets others in.
func opens(t setting.Tunnel) bool { return t.Listen != "" && !t.Paused }

// open reports whether any tunnel lets others in.
func (t *tunnels) open() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.list, opens)
}

// names are those under which the tunnels' servers are known.
func (t *tunnels) names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, one := range t.list {
		if !opens(one) {
			continue
		}
		if target, err := sshtunnel.ParseTarget(one.Target); err == nil {
			out = append(out, target.Host)
		}
		out = append(out, one.Names...)
	}
	return out
}

// errNoLogin is what a way in from outside meets while nobody logs in.
var errNoLogin = errs.E(errs.Conflict, "nobody logs in to this Specter, so a tunnel would open your wallets to the whole world, and it is refused. Choose a login under Settings, Authentication first")

// run brings the tunnels up and keeps them up until ctx ends.
func (t *tunnels) run(ctx context.Context) {
	t.busy.Lock()
	t.ctx = ctx
	t.bring(t.list)
	t.busy.Unlock()
	<-ctx.Done()
	t.busy.Lock()
	defer t.busy.Unlock()
	t.bring(nil)
}

// bring makes the running lines those of a list. The caller holds busy.
func (t *tunnels) bring(list []setting.Tunnel) {
	if t.ctx == nil {
		return
	}
	wanted := map[string]setting.Tunnel{}
	for _, one := range list {
		if !one.Paused && !(one.Listen != "" && t.noLogin()) {
			wanted[one.ID] = one
		}
	}
	var leaving []*keptLine
	t.mu.Lock()
	for id, l := range t.lines {
		if w, stays := wanted[id]; !stays || !same(w, l.of) {
			leaving = append(leaving, l)
			delete(t.lines, id)
		}
	}
	t.mu.Unlock()
	for _, l := range leaving {
		l.end()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, w := range wanted {
		if t.lines[id] == nil {
			if l, err := t.start(w); err != nil {
				t.log.Error("a tunnel cannot be started", "server", w.Target, "error", err)
			} else {
				t.lines[id] = l
			}
		}
	}
}

// same reports whether two tunnels need the same line; names change nothing in it.
func same(a, b setting.Tunnel) bool {
	a.Names, b.Names = nil, nil
	return a.ID == b.ID && a.Target == b.Target && a.Listen == b.Listen && a.Proxied == b.Proxied && a.Local == b.Local && a.Remote == b.Remote && a.Paused == b.Paused
}

func (t *tunnels) start(of setting.Tunnel) (*keptLine, error) {
	target, err := sshtunnel.ParseTarget(of.Target)
	if err != nil {
		return nil, err
	}
	c := sshtunnel.Config{Target: target, Listen: of.Listen, Keys: t.keys, Hosts: t.hosts, Take: t.inlet.Take(of.Proxied), Dial: t.dial, Now: t.now, Log: t.log}
	if of.Remote != "" {
		c.Forward = &sshtunnel.Forward{Local: of.Local, Remote: of.Remote}
	}
	ctx, cancel := context.WithCancel(t.ctx)
	l := &keptLine{of: of, t: sshtunnel.New(c), done: make(chan struct{})}
	l.end = func() { cancel(); <-l.done }
	go func() {
		defer close(l.done)
		if l.err = l.t.Run(ctx); l.err != nil && !errors.Is(l.err, context.Canceled) {
			t.log.Warn("a tunnel has ended", "server", of.Target, "error", l.err)
		}
	}()
	return l, nil
}

// status is how a line stands; one that has ended says why.
func (l *keptLine) status() remote.Status {
	s := l.t.Status()
	select {
	case <-l.done:
		if l.err != nil {
			s.Up, s.Trouble = false, l.err.Error()
		}
	default:
	}
	return s
}

// Tunnels lists them for the owner's page.
func (t *tunnels) Tunnels(context.Context) ([]web.TunnelState, error) {
	t.mu.Lock()
	list := slices.Clone(t.list)
	lines := map[string]*keptLine{}
	for id, l := range t.lines {
		lines[id] = l
	}
	t.mu.Unlock()
	var out []web.TunnelState
	for i, one := range list {
		s := web.TunnelState{Tunnel: one, Fixed: i < len(t.fixed)}
		if l := lines[one.ID]; l != nil {
			s.Status, s.LocalAt = l.status(), l.t.Local()
		} else if one.Listen != "" && !one.Paused && t.noLogin() {
			s.Status.Trouble = errNoLogin.Error()
		}
		if target, err := sshtunnel.ParseTarget(one.Target); err == nil {
			s.Fingerprint = t.hosts.Fingerprint(target)
		}
		var err error
		if s.Line, err = t.authorized(list, one.Target); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// authorized is the line for a server. sshd looks at the first line of a key alone, so the one
// line allows what all tunnels to that server need.
func (t *tunnels) authorized(list []setting.Tunnel, target string) (string, error) {
	var binds, reached []string
	for _, one := range list {
		if one.Target != target {
			continue
		}
		if one.Listen != "" && !slices.Contains(binds, one.Listen) {
			binds = append(binds, one.Listen)
		}
		if one.Remote != "" && !slices.Contains(reached, one.Remote) {
			reached = append(reached, one.Remote)
		}
	}
	return t.keys.AuthorizedKey(binds, reached)
}

// PutTunnel makes or changes a tunnel.
func (t *tunnels) PutTunnel(ctx context.Context, one setting.Tunnel) error {
	one, err := cleanTunnel(one)
	if err != nil {
		return err
	}
	if one.ID == "" {
		_, err := t.AddTunnel(ctx, one)
		return err
	}
	return t.change(ctx, func(list []setting.Tunnel) ([]setting.Tunnel, error) {
		i, err := t.find(list, one.ID)
		if err != nil {
			return nil, err
		}
		one.Paused = list[i].Paused
		list[i] = one
		return list, nil
	})
}

// find is a tunnel's place in the stored list.
func (t *tunnels) find(list []setting.Tunnel, id string) (int, error) {
	if slices.ContainsFunc(t.fixed, func(f setting.Tunnel) bool { return f.ID == id }) {
		return 0, errs.E(errs.Conflict, "this tunnel comes from the command line; change it there and start Specter again")
	}
	i := slices.IndexFunc(list, func(one setting.Tunnel) bool { return one.ID == id })
	if i < 0 {
		return 0, errs.E(errs.NotFound, "there is no such tunnel any more")
	}
	return i, nil
}

// change alters the stored tunnels and brings the lines in step. It refuses a way in while
// nobody logs in.
func (t *tunnels) change(ctx context.Context, alter func([]setting.Tunnel) ([]setting.Tunnel, error)) error {
	t.busy.Lock()
	defer t.busy.Unlock()
	after, err := t.settings.ChangeTunnels(ctx, func(list []setting.Tunnel) ([]setting.Tunnel, error) {
		before := len(list)
		list, err := alter(list)
		if err == nil && len(list) >= before && slices.ContainsFunc(list, opens) && t.noLogin() {
			return nil, errNoLogin
		}
		return list, err
	})
	if err != nil {
		return err
	}
	all := append(slices.Clone(t.fixed), after...)
	t.mu.Lock()
	t.list = all
	t.mu.Unlock()
	t.bring(all)
	return nil
}

// PauseTunnel takes a tunnel down until it is resumed.
func (t *tunnels) PauseTunnel(ctx context.Context, id string, paused bool) error {
	return t.change(ctx, func(list []setting.Tunnel) ([]setting.Tunnel, error) {
		i, err := t.find(list, id)
		if err == nil {
			list[i].Paused = paused
		}
		return list, err
	})
}

// RemoveTunnel forgets a tunnel.
func (t *tunnels) RemoveTunnel(ctx context.Context, id string) error {
	return t.change(ctx, func(list []setting.Tunnel) ([]setting.Tunnel, error) {
		i, err := t.find(list, id)
		if err != nil {
			return nil, err
		}
		return slices.Delete(list, i, i+1), nil
	})
}

// running is a tunnel of the list and its line, where it has one.
func (t *tunnels) running(id string) (setting.Tunnel, *keptLine, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.list, func(one setting.Tunnel) bool { return one.ID == id })
	if i < 0 {
		return setting.Tunnel{}, nil, errs.E(errs.NotFound, "there is no such tunnel any more")
	}
	return t.list[i], t.lines[id], nil
}

// RetryTunnel has a tunnel tried now; one that had ended is started again.
func (t *tunnels) RetryTunnel(_ context.Context, id string) error {
	t.busy.Lock()
	defer t.busy.Unlock()
	_, l, err := t.running(id)
	if err != nil || l == nil {
		return err
	}
	select {
	case <-l.done:
		t.mu.Lock()
		delete(t.lines, id)
		list := t.list
		t.mu.Unlock()
		t.bring(list)
	default:
		l.t.Retry()
	}
	return nil
}

// ForgetHost drops the pinned key of a tunnel's server and tries again.
func (t *tunnels) ForgetHost(ctx context.Context, id string) error {
	one, _, err := t.running(id)
	if err != nil {
		return err
	}
	target, err := sshtunnel.ParseTarget(one.Target)
	if err != nil {
		return err
	}
	if err := t.hosts.Forget(target); err != nil {
		return err
	}
	t.log.Warn("the pinned key of an SSH server was forgotten by the owner", "server", one.Target)
	return t.RetryTunnel(ctx, id)
}

// throughTunnel reports whether a request came out of the inlet: nothing else has its address.
func throughTunnel(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.Equal(sshtunnel.Plain.AsSlice())
}

// posing reports whether a request has an address that stands for a tunnel's server and did not
// come through a tunnel: on a network where somebody took that address.
func posing(r *http.Request) bool {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && (a.Addr().WithZone("") == sshtunnel.Trusted || a.Addr().WithZone("") == sshtunnel.Plain) && !throughTunnel(r)
}
