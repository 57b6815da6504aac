package auth_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/store"
)

var ctx = context.Background()

const (
	home     = "192.0.2.10"
	ownerPW  = "correct horse battery"
	memberPW = "staple in the wall"
)

// house is a service on a real database, with a clock that the test moves.
type house struct {
	*auth.Service
	t      *testing.T
	path   string
	db     *store.DB
	mu     sync.Mutex
	at     time.Time
	open   atomic.Bool
	rpc    func(string) error
	hash   auth.HashParams
	writes atomic.Int64 // of the use of sessions and tokens
	gone   []string     // users whose things were removed
	hold   func() error
}

var cheap = auth.HashParams{Memory: 32, Passes: 1, Lanes: 1}

// empty opens a house before its first start.
func empty(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "specter.db"), at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), hash: cheap}
	h.start()
	t.Cleanup(func() { h.db.Close() })
	return h
}

// start opens database and service.
func (h *house) start() {
	h.t.Helper()
	db, err := store.Open(ctx, h.path)
	must(h.t, err)
	h.db = db
	var check func(context.Context, string) error
	if h.rpc != nil {
		check = func(_ context.Context, pin string) error { return h.rpc(pin) }
	}
	h.Service, err = auth.New(ctx, auth.Config{Store: counting{db, &h.writes}, Now: h.now, CheckRPC: check, Open: h.open.Load, Hash: h.hash,
		Forget: func(_ context.Context, id string) error {
			h.gone = append(h.gone, id)
			if h.hold != nil {
				return h.hold()
			}
			return nil
		}})
	must(h.t, err)
}

// restart closes all and opens it again, as a new process does.
func (h *house) restart() {
	h.t.Helper()
	must(h.t, h.db.Close())
	h.start()
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// built is a house with an owner "Olga" and, where asked for, members "Ann" and "Bob".
func built(t *testing.T, members ...string) *house {
	t.Helper()
	h := empty(t)
	must(t, h.SetOwner(ctx, "Olga", ownerPW))
	for _, m := range members {
		_, err := h.AddUser(ctx, h.owner(), m, memberPW)
		must(t, err)
	}
	return h
}

// owner is the owner without session or token.
func (h *house) owner() auth.Identity { return h.as(auth.OwnerID) }

func (h *house) as(id string) auth.Identity {
	h.t.Helper()
	u, err := h.User(ctx, id)
	must(h.t, err)
	return auth.Identity{User: u}
}

// login logs in from home and returns the cookie.
func (h *house) login(name, password string) string {
	h.t.Helper()
	cookie, _, err := h.Login(ctx, auth.Login{Name: name, Password: password, Client: home, Agent: "test"})
	must(h.t, err)
	return cookie
}

// in returns the identity of a cookie.
func (h *house) in(cookie string) auth.Identity {
	h.t.Helper()
	i, err := h.Session(ctx, cookie, home, "test")
	must(h.t, err)
	return i
}

// try logs in from an address and says what came of it.
func (h *house) try(name, password, client string) error {
	_, _, err := h.Login(ctx, auth.Login{Name: name, Password: password, Client: client})
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind errs.Kind, what string) {
	t.Helper()
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Errorf("%s: %v (%v), want kind %v", what, err, errs.KindOf(err), kind)
	}
}

// wantWait checks that a try was refused as too fast, with a wait of at most five minutes.
func wantWait(t *testing.T, err error, what string) time.Duration {
	t.Helper()
	var fast *auth.TooFast
	if !errors.As(err, &fast) || fast.Wait <= 0 || fast.Wait > 5*time.Minute || !errs.Is(err, errs.Denied) {
		t.Errorf("%s: %v, want to be told to wait", what, err)
		return 0
	}
	return fast.Wait
}

func isFast(err error) bool {
	var fast *auth.TooFast
	return errors.As(err, &fast)
}

// counting counts the writes of what was used.
type counting struct {
	auth.Store
	n *atomic.Int64
}

func (c counting) SeeSession(ctx context.Context, id int64, at time.Time, client, agent string) error {
	c.n.Add(1)
	return c.Store.SeeSession(ctx, id, at, client, agent)
}

func (c counting) SeeToken(ctx context.Context, id string, at time.Time) error {
	c.n.Add(1)
	return c.Store.SeeToken(ctx, id, at)
}
