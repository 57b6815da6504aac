package app

import (
	"context"
	"net"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/remote/cert"
	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// Tor is what the command line says about the onion service.
type Tor struct {
	On       bool   // it is wanted, whatever the owner has set
	Control  string // tor's control port; "": as the owner has set
	Password string // of the control port; "": as the owner has set, else the cookie
}

// onionService keeps the onion service up while it is wanted and people log in here.
type onionService struct {
	a       *App
	files   *files
	clients *tor.Clients
	wake    chan struct{}
	on      atomic.Bool            // wanted, by the owner or the command line
	name    atomic.Pointer[string] // of the service that runs; nil: none does

	mu      sync.Mutex
	service *tor.Service
	trouble string // why none runs though it is wanted
}

// newOnion reads what is stored; run brings the service up.
func (a *App) newOnion(ctx context.Context) (*onionService, error) {
	if _, err := tor.CleanControl(a.c.Tor.Control); err != nil {
		return nil, err
	}
	own := a.own()
	o := &onionService{a: a, files: own, clients: tor.NewClients(own), wake: make(chan struct{}, 1)}
	t, err := o.wanted(ctx)
	o.on.Store(t.On)
	return o, err
}

// wanted is what the owner has set, with the command line's word over it.
func (o *onionService) wanted(ctx context.Context) (setting.Tor, error) {
	t, err := o.a.settings.Tor(ctx)
	if err != nil {
		return t, err
	}
	t.On = (t.On || o.a.c.Tor.On) && o.a.c.Demo == nil
	if o.a.c.Tor.Control != "" {
		t.Control = o.a.c.Tor.Control
	}
	if o.a.c.Tor.Password != "" {
		t.Password = o.a.c.Tor.Password
	}
	return t, nil
}

// names is the name of the service that runs, where one does.
func (o *onionService) names() []string {
	if name := o.name.Load(); name != nil {
		return []string{*name}
	}
	return nil
}

// loginEvery is how often is looked whether people log in by now.
const loginEvery = 2 * time.Second

// run keeps the service as it is wanted until ctx ends.
func (o *onionService) run(ctx context.Context) {
	var had *tor.Config
	end := func() {}
	defer func() { end() }()
	tick := time.NewTicker(loginEvery)
	defer tick.Stop()
	for {
		want, err := o.config(ctx)
		o.say(err)
		if (want == nil) != (had == nil) || want != nil && !reflect.DeepEqual(*want, *had) {
			end()
			end, had = func() {}, want
			if want != nil {
				end = o.start(ctx, *want)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		case <-tick.C:
		}
	}
}

// config is the service as it is wanted now; nil where none is, with why not.
func (o *onionService) config(ctx context.Context) (*tor.Config, error) {
	if !o.on.Load() {
		return nil, nil
	}
	if m := o.a.auth.Settings().Method; m == auth.MethodNone || m == auth.MethodUnset {
		return nil, errNoLoginForTor
	}
	t, err := o.wanted(ctx)
	if err != nil {
		return nil, err
	}
	c := &tor.Config{Password: t.Password, Ports: []int{80}}
	if o.a.source != nil {
		c.Ports = []int{80, 443}
	}
	if c.Control, err = tor.CleanControl(t.Control); err != nil {
		return nil, err
	}
	if c.Clients, err = o.clients.List(); err != nil {
		return nil, err
	}
	c.Key, err = tor.OpenKey(o.files)
	return c, err
}

var errNoLoginForTor = errs.E(errs.Conflict, "nobody logs in to this Specter, so an onion service would open your wallets to whoever learns its address, and it is refused. Choose a login under Settings, Authentication, first")

func (o *onionService) say(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.trouble = ""; err != nil {
		o.trouble = err.Error()
	}
}

// start brings a service up; the func takes it down and waits for that.
func (o *onionService) start(ctx context.Context, c tor.Config) func() {
	c.Now, c.Log, c.Listen = o.a.outside.now, o.a.c.Log, o.listen
	// The control port stands in our own network, which CleanControl sees to.
	c.Dial = (&net.Dialer{}).DialContext
	s := tor.New(c)
	name := s.Name()
	o.mu.Lock()
	o.service = s
	o.mu.Unlock()
	o.name.Store(&name)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx) // it ends with ctx alone
	}()
	return func() {
		cancel()
		<-done
		o.name.Store(nil)
		o.mu.Lock()
		o.service = nil
		o.mu.Unlock()
	}
}

// listen opens the port at which tor hands over, and serves it until it is closed.
func (o *onionService) listen(ours, theirs netip.Addr) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(ours.String(), "0"))
	if err != nil {
		return nil, err
	}
	g := tor.NewGate(l, theirs)
	go func() {
		if err := o.a.serveOnion(g); err != nil {
			o.a.c.Log.Warn("serving the onion service", "error", err)
		}
	}()
	return g, nil
}

// serveOnion serves what comes through Tor: TLS where it is spoken, and plain HTTP without being
// led to https, for Tor encrypts by itself.
func (a *App) serveOnion(l net.Listener) error {
	if a.source == nil {
		return served(a.server.Serve(l))
	}
	secure, plain := cert.Split(l, a.source.Config())
	done := make(chan error, 1)
	go func() { done <- served(a.server.Serve(plain)) }()
	err := served(a.server.Serve(secure))
	plain.Close()
	if other := <-done; err == nil {
		err = other
	}
	return err
}

// Onion is what the page shows.
func (o *onionService) Onion(ctx context.Context) (tor.Standing, error) {
	t, err := o.wanted(ctx)
	if err != nil {
		return tor.Standing{}, err
	}
	v := tor.Standing{On: t.On, Forced: o.a.c.Tor.On, Control: t.Control, Password: t.Password != "", Fixed: o.a.c.Tor.Control != "" || o.a.c.Tor.Password != ""}
	v.Clients, err = o.clients.List()
	if err != nil {
		v.Trouble = err.Error()
	}
	p, err := o.a.settings.Program(ctx)
	if err != nil {
		return v, err
	}
	v.Proxy, v.Outside = p.Proxy, p.Outside
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.service != nil {
		v.Name, v.State = o.service.Name(), o.service.State()
	}
	if v.Trouble == "" {
		v.Trouble = o.trouble
	}
	return v, nil
}

// ChangeOnion stores what the owner decides. To be switched on, the service needs a login here,
// and a tor that lets us in: that is tried first, so that the page can say what is wrong.
func (o *onionService) ChangeOnion(ctx context.Context, change func(*setting.Tor) error) error {
	_, err := o.a.settings.ChangeTor(ctx, func(t *setting.Tor) error {
		was := *t
		if err := change(t); err != nil {
			return err
		}
		var err error
		if t.Control, err = tor.CleanControl(t.Control); err != nil || !t.On {
			return err
		}
		if o.a.c.Demo != nil {
			return errs.E(errs.Conflict, "the demo is for this computer alone")
		}
		if m := o.a.auth.Settings().Method; m == auth.MethodNone || m == auth.MethodUnset {
			return errNoLoginForTor
		}
		if was == *t {
			return nil
		}
		return o.tryControl(ctx, *t)
	})
	if err != nil {
		return err
	}
	t, err := o.wanted(ctx)
	o.on.Store(t.On)
	o.look()
	return err
}

// tryControl logs in to tor once.
func (o *onionService) tryControl(ctx context.Context, t setting.Tor) error {
	l, _, err := tor.Connect(ctx, t.Control, t.Password, (&net.Dialer{}).DialContext)
	if err == nil {
		l.Close()
	}
	return err
}

// look has run look at what is wanted.
func (o *onionService) look() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// AddOnionClient makes a key for somebody; from the first one on, the service is for those alone
// who have one.
func (o *onionService) AddOnionClient(_ context.Context, name string) (tor.Pass, error) {
	k, err := tor.OpenKey(o.files)
	if err != nil {
		return tor.Pass{}, err
	}
	p, err := o.clients.Add(name, k.Name(), o.a.outside.now())
	o.look()
	return p, err
}

// RemoveOnionClient shuts somebody out.
func (o *onionService) RemoveOnionClient(_ context.Context, name string) error {
	err := o.clients.Remove(name)
	o.look()
	return err
}

// Status tells how the service stands; zero while none runs.
func (o *onionService) Status() tor.State {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.service == nil {
		return tor.State{}
	}
	return o.service.State()
}
