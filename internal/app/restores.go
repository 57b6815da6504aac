package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/store"
	"specter/internal/web"
)

// restores is the restore through the pages: a file is sent and kept, opened and compared beside
// the state that is there, and decided on. Run then puts it in place; see turn.
type restores struct {
	a    *App
	ctx  context.Context // ends with the house
	stop context.CancelFunc
	work sync.WaitGroup

	// decided is closed when the house is to make room for another state.
	decided chan struct{}

	mu     sync.Mutex // over what follows; held over memory alone
	busy   bool       // a file is on its way, or is opened
	closed bool
	kept   *keptBackup // was sent, and waits for its passphrase
	found  *web.RestoreFound
	stage  string // the folder, in the data folder, of what was found
	until  time.Time
	failed error     // why the last look ended, where nobody waited for it
	choice *decision // nil: nothing is decided
}

// keptBackup is a file that was sent.
type keptBackup struct {
	folder string // made for it
	name   string // as its sender calls it
	kind   backup.Kind
}

func (k *keptBackup) path() string { return filepath.Join(k.folder, "upload") }

// decision is what was decided on.
type decision struct {
	stage, ticket string
	client        string // the address of who decided
	what          string // for the record
}

// Bounds of what is sent.
const (
	maxSent     = 16 << 30         // bytes of a backup, encrypted
	keptFor     = 30 * time.Minute // that nobody works on
	waitForLook = 20 * time.Second // for a request; the look itself goes on
	spareRoom   = 64 << 20         // bytes that stay free on the disk
)

// sentPrefix begins the names of folders for files that are sent.
const sentPrefix = workPrefix + "sent-"

func newRestores(a *App) *restores {
	ctx, stop := context.WithCancel(context.Background())
	return &restores{a: a, ctx: ctx, stop: stop, decided: make(chan struct{})}
}

// close ends what is under way and removes what was not decided on.
func (r *restores) close() {
	r.mu.Lock()
	r.closed = true
	choice := r.choice
	r.mu.Unlock()
	r.stop()
	r.work.Wait()
	if choice == nil {
		r.forget()
	}
}

// run forgets what nobody has worked on for long, until ctx ends.
func (r *restores) run(ctx context.Context) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			r.expire(r.a.now())
		case <-ctx.Done():
			return
		}
	}
}

func (r *restores) expire(now time.Time) {
	r.mu.Lock()
	old := !r.busy && r.choice == nil && (r.kept != nil || r.found != nil) && now.After(r.until)
	r.mu.Unlock()
	if old {
		r.DropBackup()
	}
}

// errBusy answers who comes while another file is worked on.
var errBusy = errs.E(errs.Conflict, "a backup is being looked at already; wait until that is done")

// begin takes the one place to work; end gives it back.
func (r *restores) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy || r.closed || r.choice != nil {
		return errBusy
	}
	r.busy, r.failed = true, nil
	return nil
}

func (r *restores) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy, r.until = false, r.a.now().Add(keptFor)
}

// forget removes file and comparison. Only who has the place to work calls it.
func (r *restores) forget() {
	r.mu.Lock()
	kept, stage := r.kept, r.stage
	r.kept, r.found, r.stage, r.failed = nil, nil, "", nil
	r.mu.Unlock()
	var err error
	if kept != nil {
		err = os.RemoveAll(kept.folder)
	}
	if stage == stageFolder {
		err = errors.Join(err, os.RemoveAll(r.a.folder.file(stage)))
	}
	if err != nil {
		r.a.c.Log.Warn("what was sent for a restore cannot be removed", "error", err)
	}
}

// DropBackup forgets what was sent and compared; what is worked on stays.
func (r *restores) DropBackup() {
	if r.begin() != nil {
		return
	}
	defer r.end()
	r.forget()
}

// RestoreState tells how far it is.
func (r *restores) RestoreState() web.RestoreState {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := web.RestoreState{Running: r.busy, Trouble: r.failed, Found: r.found, Back: setAside(r.a.folder.path)}
	if r.kept != nil {
		s.File, s.Key = r.kept.name, r.kept.kind == backup.ByKey
	}
	return s
}

// TakeBackup keeps a file that is sent, in a folder of its own, for nobody else to read.
func (r *restores) TakeBackup(ctx context.Context, name string, size int64, body io.Reader) (err error) {
	if err := r.begin(); err != nil {
		return err
	}
	defer r.end()
	r.forget()
	in := bufio.NewReaderSize(body, 64<<10)
	head, _ := in.Peek(backup.HeadSize)
	kind := backup.Recognise(head)
	if kind != backup.ByPassphrase && kind != backup.ByKey {
		_, _ = io.Copy(io.Discard, io.LimitReader(in, maxImportRest)) // so that the browser reads the answer
		return &backup.Foreign{Kind: kind}
	}
	if err := r.room(max(0, size)); err != nil {
		return err
	}
	folder, err := os.MkdirTemp(r.a.folder.path, sentPrefix+"*") // 0700
	if err != nil {
		return errs.E(errs.Unavailable, "there is no place for the backup: %w", err)
	}
	kept := &keptBackup{folder: folder, name: baseName(name), kind: kind}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	if err := r.receive(ctx, kept.path(), in); err != nil {
		return err
	}
	crashPoint("sent")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = kept
	return nil
}

// maxImportRest is how much of a file of another kind is read to its end.
const maxImportRest = 64 << 20

// room refuses what the disk cannot take.
func (r *restores) room(size int64) error {
	if free := diskFree(r.a.folder.path); free >= 0 && free < size+spareRoom {
		return errs.E(errs.Unavailable, "the disk has %d MB free, and the file alone has %d MB; nothing was changed", free>>20, size>>20)
	}
	return nil
}

// receive writes a file piece by piece, as long as there is room.
func (r *restores) receive(ctx context.Context, path string, in io.Reader) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errs.E(errs.Unavailable, "there is no place for the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for total := int64(0); ; {
		n, err := io.CopyN(f, in, 8<<20)
		total += n
		var written *os.PathError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &written):
			return errs.E(errs.Unavailable, "there is no place for the backup: %w", err)
		case err != nil:
			return errs.E(errs.Invalid, "the file broke off on its way; send it again: %w", err)
		case total > maxSent:
			return errs.E(errs.Invalid, "this is more than can be sent (%d GB); use the command \"specter restore\"", maxSent>>30)
		case ctx.Err() != nil || r.ctx.Err() != nil:
			return errs.E(errs.Unavailable, "the file was not taken to its end")
		}
		if err := r.room(0); err != nil {
			return err
		}
	}
}

// baseName is a file's name without the way to it, for people to read.
func baseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, strings.ToValidUTF8(name, "?"))
	if runes := []rune(name); len(runes) > 120 {
		name = string(runes[:120]) + "…"
	}
	if name == "" {
		return "backup"
	}
	return name
}

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

// newTicket is a text that nobody guesses.
func newTicket() string {
	b := make([]byte, 18)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Restore decides: from here on the house is on its way out.
func (r *restores) Restore(_ context.Context, id, client string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy || r.closed || r.choice != nil {
		return "", errBusy
	}
	if r.found == nil || r.found.ID != id || !exists(r.a.folder.file(filepath.Join(r.stage, databaseFile))) {
		return "", errs.E(errs.Conflict, "what you have looked at is not there any more, and nothing was changed; choose the backup again")
	}
	what := "made " + r.found.Made.UTC().Format("2006-01-02 15:04 UTC")
	if r.stage != stageFolder {
		what = "a step back to " + r.found.Made.UTC().Format("2006-01-02 15:04 UTC")
	}
	r.choice = &decision{stage: r.stage, ticket: newTicket(), client: client, what: what}
	close(r.decided)
	return r.choice.ticket, nil
}

// decision is what was decided on; nil: nothing.
func (r *restores) decision() *decision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.choice
}

// Restored tells how the restore went that brought this house about.
func (r *restores) Restored(ticket string) (web.RestoreOutcome, bool) {
	if t := r.a.from; t != nil && t.d.ticket == ticket {
		return t.outcome, true
	}
	return web.RestoreOutcome{}, false
}

// lastAside is the folder that the last restore has set aside; "" where there is none.
func lastAside(folder string) string {
	list, err := named(folder, asidePrefix)
	list = slices.DeleteFunc(list, func(path string) bool { return !exists(filepath.Join(path, databaseFile)) })
	if err != nil || len(list) == 0 {
		return ""
	}
	return filepath.Base(list[len(list)-1])
}

// setAside is when that was; zero where there is none.
func setAside(folder string) time.Time { return asideTime(lastAside(folder)) }

// asideTime reads the time in the name of a folder that was set aside.
func asideTime(name string) time.Time {
	text := strings.TrimPrefix(name, asidePrefix)
	t, err := time.Parse("20060102-150405.000", text[:min(len(text), 19)])
	if err != nil {
		return time.Time{}
	}
	return t
}
