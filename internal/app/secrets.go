package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/safe"
	"specter/internal/store"
)

// KeyFileName is the key file's name in the data folder, where nobody chose another place.
const KeyFileName = "secrets.key"

// maxKeyFile bounds what is read of a key file, in bytes.
const maxKeyFile = 4096

// keeper holds the safe of the stored secrets and its locks: a key file, which opens at every
// start, and the owner's password. While neither has opened it, the program serves one page that
// asks for the password. See docs/adr/0017-secrets-at-rest.md.
type keeper struct {
	safe  safe.Safe
	db    *store.DB
	path  string // of the key file
	usual string // where it is when nobody chose a place
	cost  safe.Cost
	log   *slog.Logger

	mu    sync.Mutex // over wraps and the key file
	wraps safe.Wraps
	sure  bool // the password's lock is known to be of the present password
	begun bool // the safe was made by this start: nothing was sealed halfway before
}

var _ auth.Keeper = (*keeper)(nil)

// openSecrets opens the safe as far as that needs nobody, and brings what stands in clear into
// it. Without an error the safe is open, or locked until the owner's password comes.
func (a *App) openSecrets(ctx context.Context) error {
	usual := a.folder.file(KeyFileName)
	k := &keeper{db: a.db, path: a.c.KeyFile, usual: usual, log: a.c.Log, cost: safe.Cost{Passes: a.c.hash.Passes, Memory: a.c.hash.Memory, Lanes: a.c.hash.Lanes}}
	if k.path == "" {
		k.path = usual
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	a.secrets = k
	var err error
	if k.wraps, err = a.db.Wraps(ctx); err != nil {
		return err
	}
	switch {
	case !k.wraps.Any():
		err = k.begin(ctx)
	case k.wraps.HasFile():
		err = k.openByFile(ctx)
	}
	if err != nil || k.safe.Locked() {
		return err
	}
	return a.sealEverything(ctx)
}

// begin makes the safe of data that has none yet.
func (k *keeper) begin(ctx context.Context) error {
	key, err := readKeyFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKeyFile(k.path)
	}
	if err != nil {
		return err
	}
	fresh := safe.New()
	w, err := fresh.WithFile(safe.Wraps{}, key)
	if err != nil {
		return err
	}
	if err := k.db.PutWraps(ctx, w); err != nil {
		return err
	}
	k.wraps, k.begun = w, true
	return k.safe.OpenFile(w, key)
}

// openByFile opens with the key file. Where that was told to lie elsewhere and does not open, the
// usual one may: it lay there until now, or a restore has brought it. Then the one elsewhere becomes
// the lock, and the usual one goes. Where neither opens, the owner's password is asked for; where
// there is none either, the program cannot go on.
func (k *keeper) openByFile(ctx context.Context) error {
	key, err := readKeyFile(k.path)
	if err == nil {
		err = k.safe.OpenFile(k.wraps, key)
	}
	if k.path != k.usual {
		usual, noUsual := readKeyFile(k.usual)
		switch {
		case noUsual != nil:
		case err == nil && bytes.Equal(key, usual): // a restore of this Specter's own backup has brought it
			return wipe(k.usual)
		case err != nil && k.safe.OpenFile(k.wraps, usual) == nil:
			return k.relock(ctx, err)
		}
	}
	switch {
	case err == nil:
		return nil
	case k.wraps.HasPassword():
		k.log.Warn("the key file does not open the stored secrets; the owner's password will", "file", k.path, "why", whyFile(err))
		return nil
	}
	return errs.E(errs.Unavailable, "the key file %s does not open this Specter's secrets (%s). Put the right one back, or name its place with --key-file. "+
		"Where it is lost for good, run \"specter secrets forget\": wallets, labels and history stay, and the node's password and private keys are set anew", k.path, whyFile(err))
}

func whyFile(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "it is not there"
	}
	return err.Error()
}

// relock has the key file at the chosen place open the safe, which the usual one has opened, and
// overwrites and removes that. A file that is at the chosen place stays as it is: it may be one that
// cannot be written, and it opens a state that was set aside. Where it can be neither read nor made,
// the usual one goes on to open.
func (k *keeper) relock(ctx context.Context, why error) error {
	key, err := readKeyFile(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKeyFile(k.path)
	}
	if err != nil {
		k.log.Warn("the key file in the data folder opens the stored secrets, because the one that was chosen cannot be used", "file", k.path, "error", err)
		k.path = k.usual
		return nil
	}
	w, err := k.safe.WithFile(k.wraps, key)
	if err != nil {
		return err
	}
	if err := k.put(ctx, w); err != nil {
		return err
	}
	k.log.Info("the stored secrets open by the key file at its chosen place from now on, and the one in the data folder is removed", "file", k.path, "before", whyFile(why))
	return wipe(k.usual)
}

// lockWithFile makes a key file and puts its lock on.
func (k *keeper) lockWithFile(ctx context.Context) error {
	key, err := makeKeyFile(k.path)
	if err != nil {
		return err
	}
	w, err := k.safe.WithFile(k.wraps, key)
	if err != nil {
		return err
	}
	return k.put(ctx, w)
}

func (k *keeper) put(ctx context.Context, w safe.Wraps) error {
	if err := k.db.PutWraps(ctx, w); err != nil {
		return err
	}
	k.wraps = w
	return nil
}

// Locked reports whether the owner's password is needed.
func (k *keeper) Locked() bool { return k.safe.Locked() }

// Open opens with the owner's password; errs.Denied where it is wrong. Where the usual key file
// is missing, as after a restore, it is made again.
func (k *keeper) Open(ctx context.Context, password string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.wraps.HasPassword() {
		return errs.E(errs.Unavailable, "these secrets open with their key file alone")
	}
	if err := k.safe.OpenPassword(k.wraps, password); err != nil {
		return err
	}
	if k.wraps.HasFile() && k.path == k.usual {
		if _, err := os.Lstat(k.path); errors.Is(err, fs.ErrNotExist) {
			return k.lockWithFile(ctx)
		}
	}
	return nil
}

// OwnerProved puts the lock of the owner's password on where there is none yet.
func (k *keeper) OwnerProved(ctx context.Context, password string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sure || k.safe.Locked() {
		return
	}
	if !k.wraps.Opens(password) {
		if err := k.lockWithPassword(ctx, password, false); err != nil {
			k.log.Warn("the stored secrets cannot be locked with the owner's password too", "error", err)
			return
		}
	}
	k.sure = true
}

// OwnerChanges lets a new password open, besides the one before.
func (k *keeper) OwnerChanges(ctx context.Context, password string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sure = false
	return k.lockWithPassword(ctx, password, true)
}

// OwnerChanged leaves the new password alone.
func (k *keeper) OwnerChanged(ctx context.Context, password string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.lockWithPassword(ctx, password, false); err != nil {
		k.log.Warn("the owner's last password still opens the stored secrets; the next login mends that", "error", err)
		return
	}
	k.sure = true
}

func (k *keeper) lockWithPassword(ctx context.Context, password string, keep bool) error {
	w, err := k.safe.WithPassword(k.wraps, password, k.cost, keep)
	if err != nil {
		return err
	}
	return k.put(ctx, w)
}

// KeepLocked says whether the program starts locked from now on. Locking needs the owner's
// password, so that nobody is locked out by a mistake: errs.Denied where it is not this one.
func (k *keeper) KeepLocked(ctx context.Context, locked bool, password string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case locked && !k.wraps.Opens(password):
		return errs.E(errs.Denied, "this is not the owner's password; nothing was changed. Log in with it once, so that it can open the secrets")
	case locked && k.wraps.HasFile():
		w := k.wraps
		w.File = nil
		if err := k.put(ctx, w); err != nil {
			return err
		}
		return wipe(k.path)
	case !locked && !k.wraps.HasFile():
		return k.lockWithFile(ctx)
	}
	return nil
}

// SecretsState says how the stored secrets are locked.
type SecretsState struct {
	KeyFile  string // the key file that opens them at every start; "": they start locked
	Password bool   // the owner's password opens them
}

// State tells how the secrets are locked.
func (k *keeper) State() SecretsState {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := SecretsState{Password: k.wraps.HasPassword()}
	if k.wraps.HasFile() {
		s.KeyFile = k.path
	}
	return s
}

// readKeyFile returns the key of a key file; fs.ErrNotExist where there is none.
func readKeyFile(path string) ([]byte, error) {
	text, _, err := readBounded(path, maxKeyFile)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fs.ErrNotExist
		}
		return nil, errs.E(errs.Unavailable, "the key file %s cannot be read: %w", path, err)
	}
	key, err := safe.ReadFile(text)
	if err != nil {
		return nil, errs.E(errs.Invalid, "%s: %w", path, err)
	}
	return key, nil
}

// makeKeyFile makes a key and its file, which nobody else can read, at a place where there is none.
func makeKeyFile(path string) ([]byte, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, errs.E(errs.Conflict, "there is a file at %s already; a key file is made where there is none", path)
	}
	key, text := safe.NewFile()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, errs.E(errs.Unavailable, "the key file %s cannot be made: %w", path, err)
	}
	if err := replaceFile(path, text); err != nil {
		return nil, errs.E(errs.Unavailable, "the key file %s cannot be made: %w", path, err)
	}
	return key, nil
}

// wipe overwrites a small file and removes it. Disks that write elsewhere what is overwritten
// (flash) keep the old bytes for a while; only encrypting the disk helps there.
func wipe(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := overwrite(f); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

func overwrite(f *os.File) error {
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if _, err := f.WriteAt(make([]byte, min(info.Size(), 16<<20)), 0); err != nil {
		return err
	}
	return f.Sync()
}

// own is the data folder as rooms see it that keep small things of their own in it.
func (a *App) own() *files {
	f := &files{path: a.folder.path}
	if a.secrets != nil {
		f.safe = &a.secrets.safe
	}
	return f
}

// sealEverything has database and files seal from now on, and seals what they have in clear. The
// database is written anew until that was done once.
func (a *App) sealEverything(ctx context.Context) error {
	k := a.secrets
	a.db.Guard(&k.safe)
	n, err := a.db.SealAll(ctx, !k.wraps.Done && !k.begun)
	if err != nil {
		return err
	}
	m, err := a.own().sealAll()
	if err != nil {
		return errs.E(errs.Unavailable, "private keys in the data folder cannot be sealed: %w", err)
	}
	if n+m > 0 {
		k.log.Info("secrets that stood in clear are sealed now", "in the database", n, "files", m)
	}
	if k.wraps.Done {
		return nil
	}
	w := k.wraps
	w.Done = true
	return k.put(ctx, w)
}

// openAtDesk opens the secrets for a command.
func (a *App) openAtDesk(ctx context.Context) error {
	if a.c.OwnerPassword == nil {
		return errs.E(errs.Unavailable, "the stored secrets are locked, and this command cannot ask for the owner's password; run it on a terminal, or name the key file with --key-file")
	}
	password, err := a.c.OwnerPassword()
	if err != nil {
		return err
	}
	if err := a.secrets.Open(ctx, password); err != nil {
		return err
	}
	return a.sealEverything(ctx)
}
