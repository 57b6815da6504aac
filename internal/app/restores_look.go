package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/store"
	"specter/internal/web"
)

// secretKey finds secret keys in what was typed, be it a whole identity file in one line.
var secretKey = regexp.MustCompile(`(?i)AGE-SECRET-KEY-1[0-9a-z]+`)

// keysOf reads what was typed: a passphrase or secret keys, as the file wants it.
func keysOf(kind backup.Kind, secret string) (backup.Keys, error) {
	found := secretKey.FindAllString(secret, 20)
	for i := range found {
		found[i] = strings.ToUpper(found[i])
	}
	switch {
	case strings.TrimSpace(secret) == "" && kind == backup.ByKey:
		return backup.Keys{}, errs.E(errs.Invalid, "type the secret key of this backup; it begins with AGE-SECRET-KEY-1")
	case strings.TrimSpace(secret) == "":
		return backup.Keys{}, errs.E(errs.Invalid, "type the passphrase of this backup")
	case kind == backup.ByKey && len(found) == 0:
		return backup.Keys{}, errs.E(errs.Invalid, "this backup was made for a public key, and no passphrase opens it; type the secret key, which begins with AGE-SECRET-KEY-1")
	case kind == backup.ByPassphrase && len(found) > 0:
		return backup.Keys{}, errs.E(errs.Invalid, "this backup was made with a passphrase, and no secret key opens it; type the passphrase")
	case kind == backup.ByKey:
		return backup.Keys{Identities: strings.Join(found, "\n")}, nil
	}
	return backup.Keys{Passphrase: secret}, nil
}

// LookAtBackup opens the kept file beside what is there. A wrong passphrase leaves it kept.
func (r *restores) LookAtBackup(ctx context.Context, secret string) error {
	r.mu.Lock()
	kept := r.kept
	r.mu.Unlock()
	if kept == nil {
		return errs.E(errs.Invalid, "choose the file of the backup")
	}
	keys, err := keysOf(kept.kind, secret)
	if err != nil {
		return err
	}
	return r.look(ctx, func(ctx context.Context) error {
		var f *web.RestoreFound
		err := r.a.auth.Guarded("a backup", func() (err error) {
			f, err = r.open(ctx, kept, keys)
			return err
		})
		if errs.Is(err, errs.Denied) { // also *auth.TooFast
			return err
		}
		r.forget()
		if err != nil {
			return errors.Join(err, os.RemoveAll(r.a.folder.file(stageFolder)))
		}
		crashPoint("looked at")
		r.keep(f, stageFolder)
		return nil
	})
}

// LookBack compares the state that the last restore set aside with what is there.
func (r *restores) LookBack(ctx context.Context) error {
	aside := lastAside(r.a.folder.path)
	if aside == "" {
		return errs.E(errs.Conflict, "no restore has set a state aside here")
	}
	return r.look(ctx, func(ctx context.Context) error {
		r.forget()
		f, err := r.openAside(ctx, aside)
		if err == nil {
			r.keep(f, aside)
		}
		return err
	})
}

func (r *restores) keep(f *web.RestoreFound, stage string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found, r.stage = f, stage
}

// look works in the background and waits for it for a while.
func (r *restores) look(ctx context.Context, f func(ctx context.Context) error) error {
	if err := r.begin(); err != nil {
		return err
	}
	done := make(chan error, 1)
	var mu sync.Mutex
	waited := true
	r.work.Go(func() {
		err := f(r.ctx)
		mu.Lock()
		defer mu.Unlock()
		if !waited && err != nil {
			r.mu.Lock()
			r.failed = err
			r.mu.Unlock()
		}
		r.end()
		done <- err
	})
	t := time.NewTimer(waitForLook)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	waited = false
	select {
	case err := <-done: // just now
		return err
	default:
		return nil
	}
}

// open unpacks a file, checks all of it and compares it.
func (r *restores) open(ctx context.Context, kept *keptBackup, k backup.Keys) (*web.RestoreFound, error) {
	file, err := os.Open(kept.path())
	if err != nil {
		return nil, errs.E(errs.Invalid, "the file is not here any more; send it again")
	}
	defer file.Close()
	stage := r.a.folder.file(stageFolder)
	m, err := unpack(ctx, file, k, stage)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, filepath.Join(stage, databaseFile))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	uid, err := r.a.nodes.UID(ctx)
	if err != nil {
		return nil, err
	}
	f := &web.RestoreFound{File: kept.name, Made: m.Made, Program: m.Program, Ours: m.Instance == uid}
	if err := r.compare(ctx, f, db); err != nil {
		return nil, err
	}
	d := Drill{Manifest: m, Problems: []string{}}
	if err := errors.Join(d.secrets(ctx, db, stage), d.wallets(ctx, db), d.people(ctx, db)); err != nil {
		return nil, err
	}
	f.Secrets, f.Proved, f.Problems = d.Secrets, d.Addresses, d.Problems
	return f, nil
}

// openAside looks at a state that was set aside, in a copy: nothing must change it.
func (r *restores) openAside(ctx context.Context, aside string) (f *web.RestoreFound, err error) {
	db, done, err := openCopy(ctx, r.a.folder.file(aside), r.a.folder.path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	f = &web.RestoreFound{Made: asideTime(aside), Ours: true}
	return f, r.compare(ctx, f, db)
}

// compare fills in what the other state holds beside ours.
func (r *restores) compare(ctx context.Context, f *web.RestoreFound, theirs *store.DB) error {
	f.ID = newTicket()
	list, err := diff(ctx, r.a.db, theirs)
	if err != nil {
		return err
	}
	here, err := countThings(ctx, r.a.db)
	if err != nil {
		return err
	}
	there, err := countThings(ctx, theirs)
	if err != nil {
		return err
	}
	for _, d := range list {
		f.Kinds = append(f.Kinds, web.RestoreKind{Kind: d.Kind, Here: here[d.Kind], There: there[d.Kind], Same: d.Same, Gone: d.OnlyHere, New: d.OnlyBackup, Changed: d.Differ, More: d.More})
	}
	if f.Method, err = loginMethod(ctx, theirs); err != nil {
		return err
	}
	users, err := theirs.Users(ctx)
	for _, u := range users {
		if u.ID == auth.OwnerID {
			f.Owner = u.Name
		}
	}
	if err == nil && f.Method == auth.MethodNone && (r.a.c.reachable() || len(r.a.c.Tunnels) > 0) {
		err = errs.E(errs.Conflict, "in this state nobody logs in, and other machines can reach this Specter: everybody could see the wallets, so it is not restored. "+
			"Start Specter for this computer alone (without --host, --tunnel and --trusted-proxy), restore it then, and set a login")
	}
	return err
}

// countThings counts what a state holds, kind by kind.
func countThings(ctx context.Context, db *store.DB) (map[string]int, error) {
	n := map[string]int{}
	err := db.EachThing(ctx, func(t store.Thing) error { n[t.Kind]++; return nil })
	return n, err
}

// loginMethod is how people log in to a state.
func loginMethod(ctx context.Context, db *store.DB) (auth.Method, error) {
	text, err := db.Setting(ctx, "", "login")
	if err != nil || text == "" {
		return auth.MethodUnset, err
	}
	var v struct {
		Method auth.Method `json:"method"`
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return auth.MethodUsers, nil // the fullest form does no harm
	}
	return v.Method, nil
}
