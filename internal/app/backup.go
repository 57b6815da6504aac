package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/store"
)

// workPrefix begins the names of folders for work in the data folder; what a killed program leaves
// of them goes at the next start.
const workPrefix = ".backup-work-"

// usualFolder is where in the data folder backups go when the owner has chosen no place.
const usualFolder = "backups"

// backups makes backups of the house, by hand and by itself.
type backups struct {
	a    *App
	turn chan struct{} // one backup at a time
}

func (a *App) newBackups() *backups { return &backups{a: a, turn: make(chan struct{}, 1)} }

// Make writes a backup of this moment to a path and reads it again. A second one waits its turn.
// Work goes on meanwhile.
func (b *backups) Make(ctx context.Context, path string, l backup.Lock) (made backup.Made, err error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return made, ctx.Err()
	}
	work, err := os.MkdirTemp(b.a.folder.path, workPrefix+"*")
	if err != nil {
		return made, errs.E(errs.Unavailable, "there is no room for a copy of the data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	copied := filepath.Join(work, databaseFile)
	counts, err := b.a.db.Snapshot(ctx, copied)
	if err != nil {
		return made, err
	}
	crashPoint("copied")
	m := backup.Manifest{Program: b.a.c.Version, Made: b.a.now().UTC().Truncate(time.Second), Counts: counts}
	if m.Schema, err = b.a.db.Schema(ctx); err != nil {
		return made, err
	}
	if m.Instance, err = b.a.nodes.UID(ctx); err != nil {
		return made, err
	}
	parts := []backup.Part{{Name: backup.Database, Open: func() (io.ReadCloser, error) { return os.Open(copied) }}}
	small, err := b.small()
	if err != nil {
		return made, err
	}
	made, err = backup.Make(ctx, path, m, append(parts, small...), l)
	crashPoint("written")
	return made, err
}

func (a *App) now() time.Time { return a.c.now() }

// maxPart bounds what is read of a small file, in bytes.
const maxPart = 4 << 20

// small are the small files of the data folder, read at once: they may change meanwhile.
func (b *backups) small() ([]backup.Part, error) {
	var out []backup.Part
	add := func(name, path string) error {
		data, _, err := readBounded(path, maxPart+1)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || len(data) > maxPart {
			return errs.E(errs.Unavailable, "%s cannot be put into the backup: it cannot be read or is too large (%w)", path, err)
		}
		out = append(out, backup.Part{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(data))), nil }})
		return nil
	}
	key := b.a.folder.file(KeyFileName)
	if b.a.secrets != nil {
		key = b.a.secrets.path
	}
	if err := errors.Join(add(signersFile, b.a.folder.file(signersFile)), add(KeyFileName, key)); err != nil {
		return nil, err
	}
	for _, folder := range ownFolders {
		err := filepath.WalkDir(b.a.folder.file(folder), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") {
				return err
			}
			rel, err := filepath.Rel(b.a.folder.path, path)
			if err != nil {
				return err
			}
			name := filepath.ToSlash(rel)
			if err := backup.CheckName(name); err != nil {
				return errs.E(errs.Unavailable, "the file %s in the data folder has a name that no backup may hold; move it away", name)
			}
			return add(name, path)
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// The names under which the program notes how backups went.
const (
	noteGood    = store.SettingBackupState + "-good"
	noteTrouble = store.SettingBackupState + "-trouble"
	noteDigest  = store.SettingBackupState + "-digest"
	noteDisk    = store.SettingBackupState + "-disk" // the folder, where that was on another disk than the data
)

// State tells how the last backup went.
func (b *backups) State(ctx context.Context) (setting.BackupState, error) {
	var s setting.BackupState
	for _, name := range []string{noteGood, noteTrouble} {
		text, err := b.a.db.Setting(ctx, "", name)
		if err != nil {
			return s, err
		}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				return setting.BackupState{}, nil // not known; the next one writes it anew
			}
		}
	}
	return s, nil
}

// note writes down how a backup went.
func (b *backups) note(ctx context.Context, made backup.Made, digest string, failed error) error {
	put := map[string]string{noteTrouble: ""}
	if failed != nil {
		put = map[string]string{noteTrouble: noteText(map[string]any{"tried": b.a.now().UTC(), "trouble": failed.Error()})}
	} else {
		put[noteGood] = noteText(map[string]any{"at": made.Manifest.Made, "path": made.Path, "size": made.Size})
		put[noteDigest] = digest
	}
	return b.a.db.PutSettings(ctx, "", put)
}

func noteText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // times, words and numbers
	}
	return string(text)
}

// words is a digest of everything that people have said.
func (b *backups) words(ctx context.Context) (string, error) {
	h := sha256.New()
	err := b.a.db.EachThing(ctx, func(t store.Thing) error {
		fmt.Fprintf(h, "%s %q %x\n", t.Kind, t.Key, t.Digest)
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// To makes a backup by hand at a path that a command names, and notes it.
func (b *backups) To(ctx context.Context, path string, l backup.Lock) (backup.Made, error) {
	digest, err := b.words(ctx)
	if err != nil {
		return backup.Made{}, err
	}
	made, err := b.Make(ctx, path, l)
	return made, errors.Join(err, b.note(context.WithoutCancel(ctx), made, digest, err))
}

// folder is where backups of the owner's choice go; the usual one is made. A folder that was on a
// disk of its own and is not any more is the empty place where that disk is mounted: what is
// written there is missing on the day it is needed.
func (b *backups) folder(ctx context.Context, c setting.Backup) (string, error) {
	if c.Folder != "" {
		info, err := os.Stat(c.Folder)
		switch {
		case err == nil && !info.IsDir():
			return "", errs.E(errs.Unavailable, "what is chosen as the folder for backups, %s, is a file; choose a folder", c.Folder)
		case err != nil:
			return "", errs.E(errs.Unavailable, "the folder for backups, %s, is not there; is the disk away?", c.Folder)
		}
		noted, err := b.a.db.Setting(ctx, "", noteDisk)
		if err == nil && noted == c.Folder && !otherDisk(c.Folder, b.a.folder.path) {
			return "", errs.E(errs.Unavailable, "the disk for backups, which was mounted at %s, is away. Mount it; or save the settings of backups again, to have them on this disk", c.Folder)
		}
		if err == nil && noted != c.Folder {
			err = b.noteDisk(ctx, c.Folder)
		}
		return c.Folder, err
	}
	path := b.a.folder.file(usualFolder)
	return path, os.MkdirAll(path, 0o700)
}

// noteDisk writes down whether a folder is on a disk of its own.
func (b *backups) noteDisk(ctx context.Context, folder string) error {
	value := ""
	if otherDisk(folder, b.a.folder.path) {
		value = folder
	}
	return b.a.db.PutSetting(ctx, "", noteDisk, value)
}

// Auto makes a backup as the owner has chosen, keeps as many as was chosen, and notes how it went.
func (b *backups) Auto(ctx context.Context) (made backup.Made, err error) {
	var digest string
	defer func() {
		if ctx.Err() == nil {
			err = errors.Join(err, b.note(ctx, made, digest, err))
		}
	}()
	c, err := b.a.settings.Backup(ctx)
	if err != nil {
		return made, err
	}
	if len(c.Recipients) == 0 {
		return made, errs.E(errs.Conflict, "there is no public key to encrypt to; make a pair of keys first")
	}
	folder, err := b.folder(ctx, c)
	if err != nil {
		return made, err
	}
	if digest, err = b.words(ctx); err != nil {
		return made, err
	}
	uid, err := b.a.nodes.UID(ctx)
	if err != nil {
		return made, err
	}
	if made, err = b.Make(ctx, filepath.Join(folder, backup.FileName(uid, b.a.now())), backup.Lock{Recipients: c.Recipients}); err != nil {
		return made, err
	}
	return made, backup.Prune(made.Path, uid, c.Keep, b.a.now())
}

// watch decides when a backup is made by itself. It remembers what it saw.
type watch struct {
	writes int64
	seen   string    // the words as last seen
	since  time.Time // when they first differed from the last backup's; zero: they do not
	still  time.Time // since when they have not changed
}

// How long words rest before a backup is made of them, and how long at most it waits for that;
// and after a failure.
const (
	restFor  = 2 * time.Minute
	waitMost = 15 * time.Minute
	tryAgain = 15 * time.Minute
)

// due reports whether a backup is to be made now, and why.
func (w *watch) due(now time.Time, c setting.Backup, s setting.BackupState, words, backedUp string) (bool, string) {
	if now.Before(w.still) || now.Before(w.since) { // the clock was set back: nothing is waited for until it is there again
		w.still = now
		if !w.since.IsZero() {
			w.since = now
		}
	}
	if words != w.seen {
		w.seen, w.still = words, now
	}
	switch {
	case words == backedUp:
		w.since = time.Time{}
	case w.since.IsZero():
		w.since = now
	}
	period := map[string]time.Duration{setting.BackupDaily: 24 * time.Hour, setting.BackupWeekly: 7 * 24 * time.Hour}[c.Every]
	switch {
	case len(c.Recipients) == 0 || !s.Tried.IsZero() && now.Sub(s.Tried) < tryAgain && !now.Before(s.Tried):
		return false, ""
	case period > 0 && (s.At.IsZero() || now.Sub(s.At) >= period || now.Before(s.At.Add(-time.Hour))):
		return true, c.Every
	case c.OnChange && !w.since.IsZero() && (now.Sub(w.still) >= restFor || now.Sub(w.since) >= waitMost):
		return true, "change"
	}
	return false, ""
}

// lookEvery is how often the clock and the words are looked at.
const lookEvery = 30 * time.Second

// run makes backups by itself until the context ends.
func (b *backups) run(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	w := &watch{writes: -1}
	for {
		if err := b.look(ctx, w); err != nil && ctx.Err() == nil {
			b.a.c.Log.Error("a backup could not be made", "error", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// look makes a backup where one is due.
func (b *backups) look(ctx context.Context, w *watch) error {
	c, err := b.a.settings.Backup(ctx)
	if err != nil || len(c.Recipients) == 0 {
		return err
	}
	s, err := b.State(ctx)
	if err != nil {
		return err
	}
	words := w.seen
	if c.OnChange {
		// The words are read again only where something was written at all.
		n, err := b.a.db.Writes(ctx)
		if err != nil {
			return err
		}
		if n != w.writes {
			if words, err = b.words(ctx); err != nil {
				return err
			}
			w.writes = n
		}
	}
	done, err := b.a.db.Setting(ctx, "", noteDigest)
	if err != nil {
		return err
	}
	due, why := w.due(b.a.now(), c, s, words, done)
	if !due {
		return nil
	}
	made, err := b.Auto(ctx)
	if err == nil {
		b.a.c.Log.Info("a backup was made and read again", "why", why, "bytes", made.Size)
	}
	return err
}

// Change stores what the owner decides; a folder must be there and writable.
func (b *backups) Change(ctx context.Context, change func(*setting.Backup) error) (setting.Backup, error) {
	c, err := b.a.settings.ChangeBackup(ctx, func(c *setting.Backup) error {
		if err := change(c); err != nil {
			return err
		}
		if strings.TrimSpace(c.Folder) == "" {
			return nil
		}
		f, err := os.CreateTemp(filepath.Clean(strings.TrimSpace(c.Folder)), backup.PartPrefix+"*")
		if err != nil {
			return errs.E(errs.Invalid, "backups cannot be written into this folder: %w", err)
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	})
	if err != nil || c.Folder == "" {
		return c, err
	}
	return c, b.noteDisk(ctx, c.Folder) // whoever saves it means the disk that is there now
}

// fleeting is a file that goes when it is closed.
type fleeting struct {
	*os.File
	folder string
}

// Close removes the file.
func (p fleeting) Close() error { return errors.Join(p.File.Close(), os.RemoveAll(p.folder)) }

// Download makes a backup under a passphrase and hands it out; closing removes it.
func (b *backups) Download(ctx context.Context, passphrase string) (name string, size int64, body io.ReadCloser, err error) {
	if err := backup.CheckPassphrase(passphrase); err != nil {
		return "", 0, nil, err
	}
	digest, err := b.words(ctx)
	if err != nil {
		return "", 0, nil, err
	}
	work, err := os.MkdirTemp(b.a.folder.path, workPrefix+"*")
	if err != nil {
		return "", 0, nil, errs.E(errs.Unavailable, "there is no room for a backup: %w", err)
	}
	uid, err := b.a.nodes.UID(ctx)
	if err == nil {
		name = backup.FileName(uid, b.a.now())
		var made backup.Made
		if made, err = b.Make(ctx, filepath.Join(work, name), backup.Lock{Passphrase: passphrase, Work: b.a.c.backupWork}); err == nil {
			var f *os.File
			if f, err = os.Open(made.Path); err == nil {
				made.Path = "" // it is the browser's
				return name, made.Size, fleeting{f, work}, b.note(ctx, made, digest, nil)
			}
		}
	}
	return "", 0, nil, errors.Join(err, os.RemoveAll(work))
}

// MakeBackup makes a backup with the data folder opened for a command.
func (d *Desk) MakeBackup(ctx context.Context, path string, l backup.Lock) (backup.Made, error) {
	b := d.app.newBackups()
	if path == "" {
		c, err := d.app.settings.Backup(ctx)
		if err != nil {
			return backup.Made{}, err
		}
		folder, err := b.folder(ctx, c)
		if err != nil {
			return backup.Made{}, err
		}
		uid, err := d.app.nodes.UID(ctx)
		if err != nil {
			return backup.Made{}, err
		}
		path = filepath.Join(folder, backup.FileName(uid, d.app.now()))
	}
	return b.To(ctx, path, l)
}

// BackupRecipients are the public keys that the owner has stored.
func (d *Desk) BackupRecipients(ctx context.Context) ([]string, error) {
	c, err := d.app.settings.Backup(ctx)
	return c.Recipients, err
}
