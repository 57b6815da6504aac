package app

import (
	"context"
	"encoding/json"
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
	opened := make(chan struct{})
	g := &lockGate{a: a, opened: opened}
	names, err := a.namesAtLogin(ctx)
	if err != nil {
		return err
	}
	page, err := web.NewLocked(web.LockedConfig{Open: g.open, Names: names, Version: a.c.Version, Log: a.c.Log})
	if err != nil {
		return err
	}
	source, err := a.certificatesWhileLocked()
	if err != nil {
		return err
	}
	server := newServer(a.c.Log)
	server.Handler = door.New(door.Config{Hosts: append(a.c.Hosts, machineNames()...), Trusted: a.c.Trusted, Log: a.c.Log, Now: a.c.Now, Fail: refuse}, lockedDoors(page))
	if a.c.Out != nil {
		a.source = source
		if _, err := fmt.Fprintf(a.c.Out, "Specter is locked. Log in as the owner to open it: %s\n", a.URL()); err != nil && !errors.Is(err, os.ErrClosed) {
			a.c.Log.Warn("the address of the pages could not be printed", "error", err)
		}
		a.source = nil
	}
	kept := &keptOpen{Listener: a.listener}
	var plain net.Listener = kept
	serve := []net.Listener{kept}
	if source != nil {
		var secure net.Listener
		secure, plain = cert.Split(kept, source.Config())
		serve = []net.Listener{secure, plain}
	}
	done := make(chan error, len(serve))
	for _, l := range serve {
		go func() { done <- served(server.Serve(l)) }()
	}
	select {
	case <-opened:
	case <-ctx.Done():
	case err = <-done:
		done <- nil
	}
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close()
	}
	plain.Close()
	for range serve {
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

// namesAtLogin reports whether people log in with names. The room that knows is not there yet.
func (a *App) namesAtLogin(ctx context.Context) (bool, error) {
	text, err := a.db.Setting(ctx, "", "login")
	if err != nil || text == "" {
		return false, err
	}
	var v struct {
		Method auth.Method `json:"method"`
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return true, nil // the fuller form does no harm
	}
	return v.Method == auth.MethodUsers, nil
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
func lockedDoors(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/healthz/liveness" || path == "/api/healthz/liveness":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"message":"i am alive"}`+"\n") // nobody is left to tell
		case below(path, "/api"), below(path, "/healthz"), below(path, "/hwi/api"):
			refuse(w, r, http.StatusServiceUnavailable, errStillLocked)
		default:
			page.ServeHTTP(w, r)
		}
	})
}

var errStillLocked = errs.E(errs.Unavailable, "this Specter is locked until its owner logs in")

// lockGate tries passwords one after the other, and makes guesses slow.
type lockGate struct {
	a      *App
	opened chan struct{}

	mu    sync.Mutex
	wrong int       // since the start
	until time.Time // no password is tried before
}

// Bounds of guessing at a locked Specter: a few tries are free, then each waits longer.
const (
	freeTries   = 5
	longestWait = 5 * time.Minute
)

func (g *lockGate) open(ctx context.Context, password string) error {
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
