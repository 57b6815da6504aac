package app

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"specter/internal/backup"
	"specter/internal/errs"
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
