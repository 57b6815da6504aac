package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"specter/internal/errs"
	"specter/internal/web"
)

// turn is the moment between two houses: a restore was decided on at the pages, the old house is
// closed, and another state takes its place. The data folder's lock and the ports stay open over
// it: nobody else gets in, and a browser that asks meanwhile waits and is answered by the new house.
type turn struct {
	c           Config
	d           decision
	folder      *folder
	main, plain net.Listener // plain: nil where there is none
	first       string       // secret of the first start, where that was not finished
	quiet       error        // why nothing is moved: somebody is still at work
	outcome     web.RestoreOutcome
}

// stragglers is how long requests may take to end that were cut off.
const stragglers = 15 * time.Second

// makeRoom closes a house whose Run has ended, but for its folder and ports.
func (a *App) makeRoom() *turn {
	t := &turn{c: a.c, d: *a.restores.decision(), folder: a.folder, main: a.listener, plain: a.plainPort}
	t.c.Show = nil // the person is at a page already
	t.first, _, _ = a.auth.SetupLink(context.Background())
	if !a.emptied() {
		t.quiet = errs.E(errs.Conflict, "something in Specter was still at work, so nothing was restored; try again")
	}
	a.closeRooms()
	for _, l := range []net.Listener{t.main, t.plain} {
		if l != nil {
			(&keptOpen{Listener: l}).rest()
		}
	}
	crashPoint("house closed")
	return t
}

// emptied waits until no request is answered any more: one that was cut off could still write.
func (a *App) emptied() bool {
	gone := make(chan struct{})
	go func() { a.visitor.Wait(); close(gone) }()
	t := time.NewTimer(stragglers)
	defer t.Stop()
	select {
	case <-gone:
		return true
	case <-t.C:
		return false
	}
}

// counted knows of the requests that are answered.
func (a *App) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.visitor.Add(1)
		defer a.visitor.Done()
		next.ServeHTTP(w, r)
	})
}

// move puts the other state in its place and opens it. Where that state cannot be opened, the old
// one is put back and opened; the outcome says why. A nil App: the program ends, with the error.
func (t *turn) move(ctx context.Context) (*App, error) {
	aside, err := t.swap()
	if exists(t.folder.file(commitFile)) || ctx.Err() != nil {
		return nil, errors.Join(err, t.release())
	}
	if err != nil {
		t.outcome.Trouble = err.Error()
		t.c.Log.Error("a restore did not succeed; the state from before is opened again", "error", err)
		return t.open(ctx)
	}
	a, err := newApp(ctx, t.c, t)
	if err != nil {
		t.outcome.Trouble = err.Error()
		t.c.Log.Error("the restored state cannot be opened; the one from before is put back", "error", err)
		if err := t.back(aside); err != nil {
			return nil, errors.Join(err, t.release())
		}
		return t.open(ctx)
	}
	return t.opened(a), nil
}

// swap is the restore itself.
func (t *turn) swap() (aside string, err error) {
	if t.quiet != nil {
		return "", t.quiet
	}
	plan, err := planRestore(t.folder.path, t.d.stage, t.c.now())
	if err != nil {
		return "", err
	}
	return plan.Aside, decide(t.folder.path, plan)
}

// back puts the old state back, and removes the other, which cannot be opened: the backup that it
// came from is its sender's.
func (t *turn) back(aside string) error {
	plan, err := planRestore(t.folder.path, aside, t.c.now())
	if err != nil {
		return err
	}
	if err := decide(t.folder.path, plan); err != nil {
		return err
	}
	if t.d.stage != stageFolder {
		return nil // it was set aside before, and is again
	}
	return os.RemoveAll(t.folder.file(plan.Aside))
}

// open opens what is there.
func (t *turn) open(ctx context.Context) (*App, error) {
	a, err := newApp(ctx, t.c, t)
	if err != nil {
		return nil, errors.Join(err, t.release())
	}
	return t.opened(a), nil
}

func (t *turn) opened(a *App) *App {
	crashPoint("house opened")
	if a.c.opened != nil {
		a.c.opened(a)
	}
	return a
}

// release gives folder and ports back where no house takes them.
func (t *turn) release() error {
	t.main.Close()
	if t.plain != nil {
		t.plain.Close()
	}
	return t.folder.Close()
}

// link is the secret of a first start that goes on; "" where none does.
func (t *turn) link() string {
	if t == nil {
		return ""
	}
	return t.first
}

// noted writes into the record of a house that is all open by which restore it came, and tells
// whoever decided on that where a first start goes on.
func (t *turn) noted(a *App) {
	if t == nil {
		return
	}
	t.outcome.Link, _, _ = a.auth.SetupLink(context.Background())
	if t.outcome.Trouble == "" {
		a.auth.Restored(context.Background(), t.d.client, t.d.what)
		a.c.Log.Info("a backup was restored", "what", t.d.what)
	}
}
