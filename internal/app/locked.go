package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/remote/cert"
	"specter/internal/web"
)

// waitForOwner serves the one page that asks for the owner's password, until it opens the stored
// secrets or ctx ends. Nothing else runs meanwhile: no node is asked and no page is there. The
// listener stays open over the change, so that the browser's next request waits and is answered.
func (a *App) waitForOwner(ctx context.Context) error {
	opened, shut := make(chan struct{}), make(chan struct{})
	g := &lockGate{a: a, opened: opened, shut: shut}
	rooms, err := a.lockedRooms(ctx, g)
	if err != nil {
		return err
	}
	source, err := a.certificatesWhileLocked()
	if err != nil {
		return err
	}
	c := door.Config{Hosts: append(a.c.Hosts, machineNames()...), Trusted: a.c.Trusted, Log: a.c.Log, Now: a.c.Now,
		Fail: func(w http.ResponseWriter, r *http.Request, status int, err error) {
			refuse(w, moved(r, rooms.prefixOf(r), ""), status, err)
		}}
	server, towards := newServer(a.c.Log), newServer(a.c.Log)
	server.Handler = door.New(c, rooms)
	towards.Handler = door.New(c, a.towards(rooms))
	if a.c.Out != nil {
		a.source = source
		if _, err := fmt.Fprintf(a.c.Out, "Specter is locked. Log in as the owner to open it: %s\n", a.URL()); err != nil && !errors.Is(err, os.ErrClosed) {
			a.c.Log.Warn("the address of the pages could not be printed", "error", err)
		}
		a.source = nil
	}
	kept := &keptOpen{Listener: a.listener}
	doors := map[net.Listener]*http.Server{kept: server}
	if source != nil {
		secure, plain := cert.Split(kept, source.Config())
		doors = map[net.Listener]*http.Server{secure: server, plain: towards}
	}
	done := make(chan error, len(doors))
	for l, s := range doors {
		go func() { done <- served(s.Serve(l)) }()
	}
	select {
	case <-opened:
	case <-ctx.Done():
	case err = <-done:
		done <- nil
	}
	kept.Close() // whoever is sent on from here waits for the pages that come
	close(shut)
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for l, s := range doors {
		if s.Shutdown(grace) != nil {
			s.Close()
		}
		l.Close() // where the server did not get to it
	}
	for range doors {
		if e := <-done; err == nil {
			err = e
		}
	}
	kept.rest()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return a.sealEverything(ctx)
}

// lockedRooms are the one page and the answers to programs, below each prefix as the pages are that
// come after: the same form is sent again to them.
func (a *App) lockedRooms(ctx context.Context, g *lockGate) (*mounts, error) {
	method, err := loginMethod(ctx, a.db)
	if err != nil {
		return nil, err
	}
	m, err := newMounts(a.c.URLPrefix, map[string]bool{"api": true, "auth": true, "healthz": true, "hwi": true, "static": true}, func(prefix string) (http.Handler, error) {
		page, err := web.NewLocked(web.LockedConfig{Open: g.open, Unsafe: a.unsafe, Prefix: prefix, Names: method == auth.MethodUsers, Version: a.c.Version, Log: a.c.Log})
		if err != nil {
			return nil, err
		}
		return lockedDoors(prefix, page), nil
	})
	if err == nil {
		m.full = a.noteFull()
	}
	return m, err
}

// certificatesWhileLocked is like certificates, but for keys that are locked themselves: then a
// certificate is made for this one page.
func (a *App) certificatesWhileLocked() (cert.Source, error) {
	if a.c.TLS.Mode == "" || a.c.TLS.Mode == TLSFiles {
		return a.certificates()
	}
	return cert.NewSelf(cert.SelfConfig{Files: &passing{}, Names: a.names, Subject: a.c.TLS.Subject, Now: a.c.Now})
}

// lockedDoors answers programs in their own words, and people with the page.
func lockedDoors(prefix string, page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/healthz/liveness" || path == "/api/healthz/liveness":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"message":"i am alive"}`+"\n") // nobody is left to tell
		case below(path, "/api"), below(path, "/healthz"), below(path, "/hwi/api"):
			refuse(w, r, http.StatusServiceUnavailable, errStillLocked)
		default:
			page.ServeHTTP(w, moved(r, "", prefix))
		}
	})
}

var errStillLocked = errs.E(errs.Unavailable, "this Specter is locked until its owner logs in")

// lockGate tries passwords one after the other, and makes guesses slow.
type lockGate struct {
	a      *App
	opened chan struct{}   // closed by the right password
	shut   <-chan struct{} // closed when nobody comes to this page any more

	mu    sync.Mutex
	wrong int       // since the start
	until time.Time // no password is tried before
}

// Bounds of guessing at a locked Specter: a few tries are free, then each waits longer.
const (
	freeTries   = 5
	longestWait = 5 * time.Minute
)

// open tries a password. Once one was right it returns when a browser that is sent on comes to the
// pages and not to this one again.
func (g *lockGate) open(ctx context.Context, password string) error {
	if err := g.try(ctx, password); err != nil {
		return err
	}
	<-g.shut
	return nil
}

func (g *lockGate) try(ctx context.Context, password string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.a.secrets.Locked() {
		return nil
	}
	now := time.Now()
	if wait := g.until.Sub(now); wait > 0 {
		return &auth.TooFast{Wait: wait}
	}
	err := g.a.secrets.Open(context.WithoutCancel(ctx), password)
	if err == nil {
		close(g.opened)
		return nil
	}
	if errs.Is(err, errs.Denied) {
		if g.wrong++; g.wrong >= freeTries {
			g.until = now.Add(min(time.Second<<min(g.wrong-freeTries, 20), longestWait))
		}
		g.a.c.Log.Warn("a wrong password was tried at the locked Specter", "times", g.wrong)
	}
	return err
}

// keptOpen is a listener whose Close ends a server without closing the port.
type keptOpen struct {
	net.Listener
	mu     sync.Mutex
	closed bool
}

// Accept waits for a connection; net.ErrClosed after Close.
func (k *keptOpen) Accept() (net.Conn, error) {
	c, err := k.Listener.Accept()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		if err == nil {
			c.Close()
		}
		return nil, net.ErrClosed
	}
	return c, err
}

// Close ends Accept.
func (k *keptOpen) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	if d, ok := k.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		return d.SetDeadline(time.Unix(1, 0))
	}
	return nil
}

// rest gives the listener back as it was.
func (k *keptOpen) rest() {
	if d, ok := k.Listener.(interface{ SetDeadline(time.Time) error }); ok {
		_ = d.SetDeadline(time.Time{}) // an open TCP listener takes it
	}
}

// passing keeps files in memory, for a certificate that lives as long as one page.
type passing struct {
	mu  sync.Mutex
	all map[string][]byte
}

// Read returns a file's bytes.
func (p *passing) Read(name string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	data, ok := p.all[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return data, nil
}

// Write keeps a file.
func (p *passing) Write(name string, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string][]byte{}
	}
	p.all[name] = data
	return nil
}

// Remove forgets a file.
func (p *passing) Remove(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, name)
	return nil
}
