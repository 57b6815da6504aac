package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/store"
)

// A restore is prepared in a folder of its own inside the data folder. One small file, put there
// by a rename, decides: before it the old state holds, after it the new one, and whoever opens the
// data folder next does what is left to do. So the folder itself may be a mount or a link, and what
// else lies in it stays.
const (
	stageFolder = ".restore-new"
	commitFile  = "restore-commit.json"
	asidePrefix = "before-restore-"
)

// commitPlan is what the small file says. Its steps can be done any number of times.
type commitPlan struct {
	Stage string   `json:"stage"` // where the new state is; in the data folder
	Aside string   `json:"aside"` // where the old state goes; "": there was none
	Old   []string `json:"old"`
	New   []string `json:"new"`
}

// stateNames are the names in the data folder that make up the state which a backup holds.
func stateNames() []string {
	return append([]string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", databaseFile + "-journal", signersFile, KeyFileName}, ownFolders...)
}

// crashPoint is called between the steps of backups and restores; tests end the process there.
var crashPoint = func(string) {}

// finishRestore does what is left of a restore that was decided, and removes what was prepared
// and not decided. It is called with the folder's lock held, before anything is read.
func finishRestore(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, commitFile))
	if errors.Is(err, fs.ErrNotExist) {
		return clearWork(folder)
	}
	if err != nil {
		return err
	}
	var p commitPlan
	if err := json.Unmarshal(text, &p); err != nil || p.check() != nil {
		return errs.E(errs.Unavailable, "the file %s in %s is damaged; move it away to go on with the old state", commitFile, folder)
	}
	if err := p.carryOut(folder); err != nil {
		return errs.E(errs.Unavailable, "a restore cannot be finished: %w. Nothing is lost; mend it and start again", err)
	}
	return clearWork(folder)
}

// clearWork removes what a killed program left half done: prepared states, copies, files that did
// not get their name, folders to set aside into that nothing came into. Nothing of it holds anything
// that is not elsewhere. What was decided on is not touched.
func clearWork(folder string) error {
	if exists(filepath.Join(folder, commitFile)) {
		return nil // the prepared state is the new one
	}
	left := []string{filepath.Join(folder, stageFolder)}
	for within, prefix := range map[string]string{"": workPrefix, usualFolder: backup.PartPrefix} {
		more, err := named(filepath.Join(folder, within), prefix)
		if err != nil {
			return err
		}
		left = append(left, more...)
	}
	for _, within := range append([]string{""}, ownFolders...) {
		more, err := named(filepath.Join(folder, within), newPrefix)
		if err != nil {
			return err
		}
		left = append(left, more...)
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	aside, err := named(folder, asidePrefix)
	for _, path := range aside {
		_ = os.Remove(path) // it goes where it is empty, and stays where it holds a state
	}
	return err
}

// named lists what lies in a folder under names that begin so, sorted; a folder that is not there
// holds nothing.
func named(folder, prefix string) (paths []string, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths, err
}

// check refuses a plan that would reach outside of the data folder.
func (p commitPlan) check() error {
	for _, n := range []string{p.Stage, p.Aside} {
		if n != "" && n != stageFolder && (!strings.HasPrefix(n, asidePrefix) || backup.CheckName(n) != nil || strings.Contains(n, "/")) {
			return errs.E(errs.Invalid, "%q is no folder of a restore", n)
		}
	}
	all := stateNames()
	for _, n := range append(slices.Clone(p.Old), p.New...) {
		if !slices.Contains(all, n) {
			return errs.E(errs.Invalid, "%q is no part of the state", n)
		}
	}
	if p.Stage == "" || p.Aside == "" && len(p.Old) > 0 || p.Stage == p.Aside {
		return errs.E(errs.Invalid, "the plan is not whole")
	}
	return nil
}

// carryOut moves the old state aside and the new one in. A name that lies aside already was moved
// before: what stands in its place now is new.
func (p commitPlan) carryOut(folder string) error {
	stage, aside := filepath.Join(folder, p.Stage), filepath.Join(folder, p.Aside)
	if !exists(filepath.Join(stage, databaseFile)) && !exists(filepath.Join(folder, databaseFile)) {
		return errs.E(errs.Unavailable, "the new state is not in %s any more; the old one lies in %s", stage, aside)
	}
	if p.Aside != "" {
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return err
		}
	}
	for _, n := range p.Old {
		if exists(filepath.Join(aside, n)) || !exists(filepath.Join(folder, n)) {
			continue
		}
		crashPoint("aside " + n)
		if err := os.Rename(filepath.Join(folder, n), filepath.Join(aside, n)); err != nil {
			return err
		}
	}
	for _, n := range p.New {
		if !exists(filepath.Join(stage, n)) {
			continue
		}
		crashPoint("in " + n)
		if err := os.Rename(filepath.Join(stage, n), filepath.Join(folder, n)); err != nil {
			return err
		}
	}
	for _, dir := range []string{aside, stage, folder} {
		backup.SyncFolder(dir)
	}
	crashPoint("done")
	if p.Stage != stageFolder {
		_ = os.Remove(stage) // empty now, or somebody's
	}
	if err := os.Remove(filepath.Join(folder, commitFile)); err != nil {
		return err
	}
	backup.SyncFolder(folder)
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Restoring is a backup that was opened and checked, and changes nothing yet. It holds the data
// folder until Close.
type Restoring struct {
	Manifest backup.Manifest
	Into     string // the data folder
	held     *folder
	c        Config
	fresh    bool // there was no data folder
	decided  bool
}

// OpenRestore unpacks a backup beside the state in a data folder, which is made where there is
// none, and checks all of it. A Specter that runs on the folder is errs.Conflict.
func OpenRestore(ctx context.Context, c Config, file string, k backup.Keys) (*Restoring, error) {
	fresh := !exists(c.DataDir)
	f, err := os.Open(file)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the backup cannot be opened: %w", err)
	}
	defer f.Close()
	held, err := openFolder(c.DataDir)
	if err != nil {
		return nil, err
	}
	r := &Restoring{Into: c.DataDir, held: held, c: c, fresh: fresh}
	if r.Manifest, err = unpack(ctx, f, k, held.file(stageFolder)); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close gives the folder back; what was not decided on is removed.
func (r *Restoring) Close() error {
	err := clearWork(r.held.path)
	err = errors.Join(err, r.held.Close())
	if r.fresh && !r.decided {
		err = errors.Join(err, os.Remove(filepath.Join(r.Into, lockName)), os.Remove(r.Into))
	}
	return err
}

// unpack unpacks a backup into an empty folder that is made for it, checks it, and brings its
// database up to date.
func unpack(ctx context.Context, from io.Reader, k backup.Keys, folder string) (m backup.Manifest, err error) {
	if err := os.RemoveAll(folder); err != nil {
		return m, err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return m, errs.E(errs.Unavailable, "there is no place to unpack the backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	m, err = backup.Read(ctx, from, k, backup.Into{Manifest: func(m backup.Manifest) error { return fits(m, folder) }, File: func(f backup.File) (io.WriteCloser, error) {
		crashPoint("unpack " + f.Name)
		return create(folder, f.Name)
	}})
	if err != nil {
		return m, err
	}
	crashPoint("adopt")
	if err := store.Adopt(ctx, filepath.Join(folder, databaseFile)); err != nil {
		return m, err
	}
	return m, compareCounts(ctx, m, filepath.Join(folder, databaseFile))
}

// fits refuses a backup for which there is no room, or with files that this program does not know.
func fits(m backup.Manifest, folder string) error {
	for _, f := range m.Files {
		top, _, deep := strings.Cut(f.Name, "/")
		if known := f.Name == databaseFile || f.Name == signersFile || f.Name == KeyFileName || deep && slices.Contains(ownFolders, top); !known {
			return errs.E(errs.Unavailable, "the backup holds %q, which this Specter does not know; restore it with the Specter that made it (%.40q)", f.Name, m.Program)
		}
	}
	if free := diskFree(folder); free >= 0 && free/2 < m.Total() {
		return errs.E(errs.Unavailable, "the disk has %d MB free, and the backup needs %d MB; nothing was changed", free>>20, 2*m.Total()>>20)
	}
	return nil
}

// create makes a file that is on the disk when it is closed.
func create(folder, name string) (io.WriteCloser, error) {
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return syncedFile{f}, err
}

type syncedFile struct{ *os.File }

// Close puts the file on the disk.
func (f syncedFile) Close() error { return errors.Join(f.Sync(), f.File.Close()) }

// compareCounts holds the rows that came out against those that went in.
func compareCounts(ctx context.Context, m backup.Manifest, path string) error {
	db, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	have, err := db.Counts(ctx)
	if err != nil {
		return err
	}
	for table, want := range m.Counts {
		if n, known := have[table]; known && table != "schema" && n != want {
			return errs.E(errs.Invalid, "the backup holds %d rows of %s and says %d; it is refused", n, table, want)
		}
	}
	return nil
}

// Difference is what a restore would change, thing by thing.
type Difference struct {
	Kind       string   `json:"kind"` // of store.ThingKinds
	Same       int      `json:"same"`
	OnlyHere   []string `json:"only_here"` // names; the restore removes them
	OnlyBackup []string `json:"only_in_backup"`
	Differ     []string `json:"differ"` // the backup's word comes back
	More       int      `json:"more"`   // that are not named, of all three
}

// mostNamed bounds the names in each list of a difference.
const mostNamed = 200

// Diff compares the backup with the state that is there, kind by kind.
func (r *Restoring) Diff(ctx context.Context) ([]Difference, error) {
	theirs, err := store.Open(ctx, r.held.file(filepath.Join(stageFolder, databaseFile)))
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	if !exists(r.held.file(databaseFile)) {
		return diff(ctx, nil, theirs)
	}
	// The state that is there is looked at in a copy: nothing must change it, not even a migration.
	ours, done, err := openCopy(ctx, r.held.path, r.held.path)
	if err != nil {
		return nil, err
	}
	list, err := diff(ctx, ours, theirs)
	return list, errors.Join(err, done())
}

// openCopy opens a copy of the database in a folder; the copy lies in a folder for work until done.
func openCopy(ctx context.Context, from, top string) (db *store.DB, done func() error, err error) {
	work, err := os.MkdirTemp(top, workPrefix+"*")
	if err != nil {
		return nil, nil, errs.E(errs.Unavailable, "there is no room to compare: %w", err)
	}
	for _, end := range []string{"", "-wal"} {
		if err := copyFile(filepath.Join(from, databaseFile+end), filepath.Join(work, databaseFile+end)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, errors.Join(errs.E(errs.Unavailable, "there is no room to compare: %w", err), os.RemoveAll(work))
		}
	}
	if db, err = store.Open(ctx, filepath.Join(work, databaseFile)); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(work))
	}
	return db, func() error { return errors.Join(db.Close(), os.RemoveAll(work)) }, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// diff compares two databases; ours is nil where there is none.
func diff(ctx context.Context, ours, theirs *store.DB) ([]Difference, error) {
	type thing struct {
		name   string
		digest [16]byte
	}
	here := map[string]thing{}
	if ours != nil {
		if err := ours.EachThing(ctx, func(t store.Thing) error {
			here[t.Kind+"\x00"+t.Key] = thing{t.Name, t.Digest}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	out := make([]Difference, len(store.ThingKinds))
	for i, kind := range store.ThingKinds {
		out[i] = Difference{Kind: kind, OnlyHere: []string{}, OnlyBackup: []string{}, Differ: []string{}}
	}
	of := func(kind string) *Difference { return &out[slices.Index(store.ThingKinds, kind)] }
	add := func(d *Difference, list *[]string, name string) {
		if len(*list) >= mostNamed {
			d.More++
			return
		}
		*list = append(*list, name)
	}
	err := theirs.EachThing(ctx, func(t store.Thing) error {
		d, key := of(t.Kind), t.Kind+"\x00"+t.Key
		old, has := here[key]
		delete(here, key)
		switch {
		case !has:
			add(d, &d.OnlyBackup, t.Name)
		case old.digest != t.Digest:
			add(d, &d.Differ, t.Name)
		default:
			d.Same++
		}
		return nil
	})
	for key, t := range here {
		kind, _, _ := strings.Cut(key, "\x00")
		add(of(kind), &of(kind).OnlyHere, t.name)
	}
	for i := range out {
		slices.Sort(out[i].OnlyHere)
	}
	return out, err
}

// Commit puts the backup's state in the place of the one that is there, which is kept aside. It
// returns the name of the folder with the old state; "" where there was none.
func (r *Restoring) Commit(now time.Time) (aside string, err error) {
	plan, err := planRestore(r.held.path, stageFolder, now)
	if err != nil {
		return "", err
	}
	err = decide(r.held.path, plan)
	r.decided = err == nil || exists(r.held.file(commitFile))
	return plan.Aside, err
}

// planRestore writes down what has to be moved.
func planRestore(folder, stage string, now time.Time) (commitPlan, error) {
	p := commitPlan{Stage: stage}
	for _, n := range stateNames() {
		if exists(filepath.Join(folder, n)) {
			p.Old = append(p.Old, n)
		}
		if exists(filepath.Join(folder, stage, n)) {
			p.New = append(p.New, n)
		}
	}
	if !slices.Contains(p.New, databaseFile) {
		return p, errs.E(errs.NotFound, "there is no state to go back to")
	}
	if len(p.Old) > 0 {
		var err error
		if p.Aside, err = asideFor(folder, now); err != nil {
			return p, err
		}
	}
	return p, p.check()
}

// asideFor names a folder to set aside into. The last one is found by its name, so it is greater than
// all that are there, also where the clock was set back since.
func asideFor(folder string, now time.Time) (string, error) {
	list, err := named(folder, asidePrefix)
	at := now.UTC().Truncate(time.Millisecond)
	for _, path := range list {
		if t := asideTime(filepath.Base(path)); !t.Before(at) {
			at = t.Add(time.Millisecond)
		}
	}
	return asidePrefix + at.Format("20060102-150405.000"), err
}

// decide is the one moment at which the new state begins to hold, and then makes it so.
func decide(folder string, p commitPlan) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	// What needs room is made before the decision: once it holds, nothing but renames is left.
	if p.Aside != "" {
		if err := os.Mkdir(filepath.Join(folder, p.Aside), 0o700); err != nil {
			return errs.E(errs.Unavailable, "there is no place to set the old state aside: %w; nothing was changed", err)
		}
	}
	syncFolders(filepath.Join(folder, p.Stage))
	crashPoint("before the decision")
	if err := replaceFile(filepath.Join(folder, commitFile), text); err != nil {
		return errs.E(errs.Unavailable, "the restore cannot be decided on: %w; nothing was changed", err)
	}
	crashPoint("after the decision")
	return finishRestore(folder)
}

// syncFolders puts the names in a folder and in those below it on the disk: the decision must not
// get there before what it decides on.
func syncFolders(top string) {
	_ = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			backup.SyncFolder(path)
		}
		return nil
	})
}

// StepBack puts the state back that the last restore set aside; what holds now is set aside in its
// turn. It returns the two folders' names. errs.NotFound where there is none.
func StepBack(c Config) (back, aside string, err error) {
	held, err := openFolder(c.DataDir)
	if err != nil {
		return "", "", err
	}
	defer held.Close()
	if back = lastAside(held.path); back == "" {
		return "", "", errs.E(errs.NotFound, "no restore has set a state aside in %s", c.DataDir)
	}
	plan, err := planRestore(held.path, back, c.Now())
	if err != nil {
		return "", "", err
	}
	return back, plan.Aside, decide(held.path, plan)
}
