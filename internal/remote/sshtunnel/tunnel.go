package sshtunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"specter/internal/errs"
	"specter/internal/remote"
)

// Bounds of one connection. A line that came back is used again within ten seconds.
const (
	dialWithin  = 10 * time.Second
	greetWithin = 15 * time.Second
	aliveEvery  = 10 * time.Second
	aliveWithin = 5 * time.Second
	steadyAfter = time.Minute // a line that held so long is tried again at once when it breaks
)

// pauses before another try, by how many have failed; the last one repeats.
var pauses = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// takenPause comes while the server does not listen for us: as a rule it still holds the port for
// the line that was cut just now.
const takenPause = 5 * time.Second

// refusedPause comes after a refusal that another try will not change: a wrong key, an impostor.
const refusedPause = 30 * time.Second

// Forward leads a port of this machine to one that the server reaches.
type Forward struct {
	Local  string // "127.0.0.1:8332"; port 0: any
	Remote string // "127.0.0.1:8332", as the server sees it
}

// Config is what a tunnel needs.
type Config struct {
	Target  Target
	Listen  string   // where the server listens for us, from CleanBind; "": nowhere
	Forward *Forward // nil: none
	Keys    *Keys
	Hosts   *Hosts
	// Take is handed what arrives at the server's listener; it must not block long.
	Take func(net.Conn)
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() time.Time
	Log  *slog.Logger
	// Pause waits between tries; tests have it wait less. nil: a timer.
	Pause func(ctx context.Context, d time.Duration)
}

// Tunnel is one line to a server. It is a remote.Tunnel.
type Tunnel struct {
	c    Config
	kick chan struct{}

	mu     sync.Mutex
	status remote.Status
	local  string // where Forward listens
}

// New makes a tunnel; Run brings it up.
func New(c Config) *Tunnel {
	if c.Pause == nil {
		c.Pause = pause
	}
	return &Tunnel{c: c, kick: make(chan struct{}, 1), status: remote.Status{Since: c.Now()}}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Status tells how the line stands.
func (t *Tunnel) Status() remote.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// Local is where the forwarded port listens on this machine; "" while it does not.
func (t *Tunnel) Local() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.local
}

// Retry has the line tried now instead of after the pause.
func (t *Tunnel) Retry() {
	select {
	case t.kick <- struct{}{}:
	default:
	}
}

// Run keeps the line up until ctx ends.
func (t *Tunnel) Run(ctx context.Context) error {
	if t.c.Forward != nil {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", t.c.Forward.Local)
		if err != nil {
			return errs.E(errs.Unavailable, "the port %s for the node cannot be opened here: %w. Choose another", t.c.Forward.Local, err)
		}
		defer l.Close()
		t.mu.Lock()
		t.local = l.Addr().String()
		t.mu.Unlock()
		return t.keepUp(ctx, l)
	}
	return t.keepUp(ctx, nil)
}

func (t *Tunnel) keepUp(ctx context.Context, local net.Listener) error {
	for tries := 0; ; tries++ {
		began := t.c.Now()
		err := t.once(ctx, local)
		if ctx.Err() != nil {
			t.down("", time.Time{}, 0)
			return ctx.Err()
		}
		if t.c.Now().Sub(began) > steadyAfter {
			tries = 0
		}
		wait := pauses[min(tries, len(pauses)-1)]
		switch {
		case isTaken(err):
			wait = takenPause
		case lasting(err):
			wait = refusedPause
		}
		t.down(err.Error(), t.c.Now().Add(wait), tries+1)
		if tries == 0 || lasting(err) {
			t.c.Log.Warn("the SSH tunnel is down; it is tried again", "server", t.c.Target.String(), "error", err)
		}
		t.wait(ctx, wait)
	}
}

// wait pauses, or less where somebody asks for a try now.
func (t *Tunnel) wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { t.c.Pause(ctx, d); close(done) }()
	select {
	case <-done:
	case <-t.kick:
		cancel()
		<-done
	}
}

func (t *Tunnel) down(trouble string, retry time.Time, tries int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.Up || t.status.Since.IsZero() {
		t.status.Since = t.c.Now()
	}
	t.status = remote.Status{Since: t.status.Since, Trouble: trouble, Retry: retry, Tries: tries}
}

func (t *Tunnel) up(address string) {
	t.mu.Lock()
	t.status = remote.Status{Up: true, Since: t.c.Now(), Address: address}
	t.mu.Unlock()
	t.c.Log.Info("the SSH tunnel is up", "server", t.c.Target.String(), "address", address)
}

// refusal is a trouble that lasts until a person does something.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// taken is the refusal to listen for us.
type taken struct{ error }

func (t taken) Unwrap() error { return t.error }

func isTaken(err error) bool { var t taken; return errors.As(err, &t) }

func lasting(err error) bool { var r refusal; return errors.As(err, &r) }

// once brings the line up and holds it until it breaks; the error says why.
func (t *Tunnel) once(ctx context.Context, local net.Listener) error {
	client, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	broken := make(chan error, 4)
	address := t.c.Target.Host
	if t.c.Listen != "" {
		l, err := client.Listen("tcp", t.c.Listen)
		if err != nil {
			return refusal{taken{errs.E(errs.Unavailable, "the server %s does not listen on %s for us: %w. Is that port free there, and does its sshd allow it (AllowTcpForwarding, GatewayPorts, permitlisten)?", t.c.Target.Host, t.c.Listen, err)}}
		}
		// It is not closed by itself: that asks the server and waits, on a line that may be cut. It
		// ends with the client.
		address = t.c.Listen
		go func() { broken <- t.take(l) }()
	}
	if local != nil {
		go t.forward(ctx, client, local)
	}
	go func() { broken <- t.alive(ctx, client) }()
	go func() { broken <- fmt.Errorf("the line was closed: %w", orEOF(client.Wait())) }()
	t.up(address)
	select {
	case err := <-broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func orEOF(err error) error {
	if err == nil {
		return net.ErrClosed
	}
	return err
}

// connect dials and logs in.
func (t *Tunnel) connect(ctx context.Context) (*ssh.Client, error) {
	signers, end, err := t.c.Keys.signers()
	if err != nil {
		return nil, refusal{err}
	}
	defer end()
	dial, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	address := t.c.Target.Address()
	c, err := t.c.Dial(dial, "tcp", address)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the server %s cannot be reached: %w", address, err)
	}
	var impostor *HostKeyError
	config := &ssh.ClientConfig{User: t.c.Target.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signers...)}, ClientVersion: "SSH-2.0-specter",
		HostKeyAlgorithms: t.c.Hosts.algorithms(address),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			err := t.c.Hosts.check(address, key)
			errors.As(err, &impostor)
			return err
		}}
	// The greeting ends with ctx and after its time; x/crypto/ssh knows neither.
	stop := context.AfterFunc(ctx, func() { c.Close() })
	c.SetDeadline(time.Now().Add(greetWithin))
	conn, channels, requests, err := ssh.NewClientConn(c, address, config)
	if !stop() || err != nil {
		c.Close()
		return nil, t.wordsFor(err, impostor)
	}
	c.SetDeadline(time.Time{})
	return ssh.NewClient(conn, channels, requests), nil
}

func (t *Tunnel) wordsFor(err error, impostor *HostKeyError) error {
	switch {
	case impostor != nil:
		return refusal{&errs.Error{Kind: errs.Denied, Message: impostor.Error(), Cause: impostor}}
	case err == nil:
		return context.Canceled
	case strings.Contains(err.Error(), "unable to authenticate"):
		return refusal{errs.E(errs.Denied, "the server %s does not let %s in with this Specter's key. Put the line that the settings show into ~/.ssh/authorized_keys there", t.c.Target.Host, t.c.Target.User)}
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return refusal{errs.E(errs.Denied, "the server %s no longer has the kind of key that it showed the first time. Compare its keys, and have the old one forgotten", t.c.Target.Host)}
	}
	return errs.E(errs.Unavailable, "logging in to %s failed: %w", t.c.Target.Address(), err)
}

// take hands over what arrives at the server's listener.
func (t *Tunnel) take(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return fmt.Errorf("the server listens no longer: %w", err)
		}
		t.c.Take(c)
	}
}

// alive asks the server now and then whether it is still there. A line that was cut without a
// word (a box that lost its power, a changed address) is noticed by this alone.
func (t *Tunnel) alive(ctx context.Context, client *ssh.Client) error {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		answered := make(chan error, 1)
		go func() { _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); answered <- err }()
		late := time.NewTimer(aliveWithin)
		select {
		case err := <-answered:
			late.Stop()
			if err != nil {
				return fmt.Errorf("the line is cut: %w", err)
			}
		case <-late.C:
			return errs.E(errs.Unavailable, "the server %s has not answered for %d seconds; the line is taken for cut", t.c.Target.Host, int(aliveWithin/time.Second))
		}
	}
}
