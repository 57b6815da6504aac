package app

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/store"
	"specter/internal/wallet"

	_ "modernc.org/sqlite"
)

var backupLock = backup.Lock{Passphrase: "correct horse battery", Work: 4}
var backupKeys = backup.Keys{Passphrase: backupLock.Passphrase}

// stateOf is every row of every table that a backup holds, and every small file.
func stateOf(t *testing.T, folder string) map[string][]string {
	t.Helper()
	out, err := readState(folder)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readState is stateOf for whoever may not end the test.
func readState(folder string) (map[string][]string, error) {
	db, err := sql.Open("sqlite", filepath.Join(folder, databaseFile))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	out := map[string][]string{}
	for _, table := range store.Kept {
		if err := readTable(db, table, out); err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
	}
	for _, n := range append([]string{signersFile, KeyFileName}, ownFolders...) {
		_ = filepath.WalkDir(filepath.Join(folder, n), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				data, err := os.ReadFile(path)
				rel, _ := filepath.Rel(folder, path)
				out["file "+filepath.ToSlash(rel)] = []string{hex.EncodeToString(data), fmt.Sprint(err)}
			}
			return nil
		})
	}
	return out, nil
}

// readTable reads the rows of a table, sorted, into out.
func readTable(db *sql.DB, table string, out map[string][]string) error {
	rows, err := db.Query(`SELECT * FROM ` + table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if s, is := values[min(1, len(values)-1)].(string); is && table == "settings" && strings.HasPrefix(s, store.SettingBackupState) {
			continue // how the last backup went
		}
		out[table] = append(out[table], fmt.Sprintf("%q", values))
	}
	slices.Sort(out[table])
	return rows.Err()
}

func sameState(t *testing.T, what string, want, have map[string][]string) {
	t.Helper()
	for name := range want {
		if !slices.Equal(want[name], have[name]) {
			t.Fatalf("%s: %s differs:\n%.600q\n%.600q", what, name, want[name], have[name])
		}
	}
	for name := range have {
		if _, has := want[name]; !has {
			t.Fatalf("%s: %s is new", what, name)
		}
	}
}

// told makes a data folder with the demo's story: wallets of two kinds, labels, drafts, history.
func told(t *testing.T) string {
	t.Helper()
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	own := h.own()
	for name, text := range map[string]string{"tls/authority.key": "a key", "tls/authority.crt": "a certificate", "ssh/id_ed25519": "another", "tor/onion.key": "a third"} {
		if err := own.Write(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.memory.Put("pairing", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	for _, alias := range []string{"spending", "savings", "vault"} {
		for _, n := range btc.Networks() {
			d, err := h.wallets.NewDraft(ctx, wallet.Ref{Owner: demoOwner, Network: n, Alias: alias}, wallet.SpendRequest{FeeRate: 2_000, Note: "half way", Recipients: []wallet.Recipient{{Address: strangers, Amount: 1_000_000}}})
			if err == nil && d.ID == 0 {
				t.Fatal("a draft without an id")
			}
		}
	}
	dir := h.cfg.DataDir
	h.stop()
	return dir
}

func deskAt(t *testing.T, dir string) *Desk {
	t.Helper()
	d, err := OpenDesk(context.Background(), Config{DataDir: dir, Log: quiet(), Now: time.Now, hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}}, false)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// backUp makes a backup of a folder that nobody works on.
func backUp(t *testing.T, dir string) string {
	t.Helper()
	d := deskAt(t, dir)
	defer d.Close()
	path := filepath.Join(t.TempDir(), "b"+backup.Extension)
	if _, err := d.MakeBackup(context.Background(), path, backupLock); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRestoreGivesBackEverything(t *testing.T) {
	ctx := context.Background()
	dir := told(t)
	file := backUp(t, dir)
	want := stateOf(t, dir)
	for _, table := range []string{"wallets", "labels", "drafts", "history", "txs", "devices", "coins", "addresses"} {
		if len(want[table]) == 0 {
			t.Fatalf("the story leaves %s empty; this test proves nothing of it", table)
		}
	}
	into := filepath.Join(t.TempDir(), "new")
	c := Config{DataDir: into, Log: quiet(), Now: time.Now}
	r, err := OpenRestore(ctx, c, file, backupKeys)
	if err != nil {
		t.Fatal(err)
	}
	diffs, err := r.Diff(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range diffs {
		if d.Same+len(d.OnlyHere)+len(d.Differ) > 0 {
			t.Errorf("an empty folder differs in %+v", d)
		}
	}
	aside, err := r.Commit(time.Now())
	if err != nil || aside != "" {
		t.Fatal(aside, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	sameState(t, "restored", want, stateOf(t, into))
	entries, _ := os.ReadDir(into)
	for _, e := range entries {
		if info, _ := e.Info(); info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		if strings.HasPrefix(e.Name(), ".restore") || strings.HasPrefix(e.Name(), workPrefix) || e.Name() == commitFile {
			t.Errorf("%s stays behind", e.Name())
		}
	}
	// It opens, its secrets open, and searches find what the index was made anew for.
	d := deskAt(t, into)
	defer d.Close()
	if d.app.secrets.Locked() {
		t.Error("the restored secrets are locked")
	}
	if v, ok := d.app.memory.Get("pairing"); !ok || string(v) != "kept" {
		t.Errorf("the bridge's memory is %q", v)
	}
}

// The old state is kept aside, can be put back, and the difference tells what a restore changes.
func TestDifferenceAndStepBack(t *testing.T) {
	ctx := context.Background()
	dir := told(t)
	file := backUp(t, dir)
	before := stateOf(t, dir)
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{`DELETE FROM labels WHERE rowid IS NULL OR (wallet, kind, ref) = (SELECT wallet, kind, ref FROM labels LIMIT 1)`,
		`INSERT INTO labels (wallet, kind, ref, label, search) SELECT id, 'tx', 'x', 'newer word', 'newer word' FROM wallets LIMIT 1`, `UPDATE wallets SET name = 'Renamed' WHERE id = (SELECT min(id) FROM wallets)`} {
		if _, err := db.Exec(strings.Replace(query, "rowid IS NULL OR ", "", 1)); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	changed := stateOf(t, dir)
	c := Config{DataDir: dir, Log: quiet(), Now: time.Now}
	r, err := OpenRestore(ctx, c, file, backupKeys)
	if err != nil {
		t.Fatal(err)
	}
	diffs, err := r.Diff(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range diffs {
		got[d.Kind] = fmt.Sprintf("%d here, %d in backup, %d differ", len(d.OnlyHere), len(d.OnlyBackup), len(d.Differ))
	}
	if got["label"] != "1 here, 1 in backup, 0 differ" || got["wallet"] != "0 here, 0 in backup, 1 differ" || got["draft"] != "0 here, 0 in backup, 0 differ" {
		t.Errorf("the difference is %v", got)
	}
	if err := r.Close(); err != nil { // a dry run
		t.Fatal(err)
	}
	sameState(t, "after looking only", changed, stateOf(t, dir))
	if r, err = OpenRestore(ctx, c, file, backupKeys); err != nil {
		t.Fatal(err)
	}
	aside, err := r.Commit(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	sameState(t, "restored", before, stateOf(t, dir))
	sameState(t, "aside", changed, stateOf(t, filepath.Join(dir, aside)))
	if _, _, err := StepBack(c); err != nil {
		t.Fatal(err)
	}
	sameState(t, "a step back", changed, stateOf(t, dir))
}

func TestDrillProvesAndRemoves(t *testing.T) {
	dir := told(t)
	file := backUp(t, dir)
	t.Setenv("TMPDIR", t.TempDir())
	d, err := RunDrill(context.Background(), file, backupKeys)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Problems) > 0 || d.Wallets == 0 || d.Addresses < 2*d.Wallets || d.Devices == 0 || d.Drafts == 0 || d.Labels == 0 || d.Users == 0 || !strings.HasPrefix(d.Secrets, "opened") {
		t.Errorf("the drill proved %+v", d)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("%v stays behind", left)
	}
}

// Whatever is changed in the file, and wherever it ends, nothing happens to the data.
func TestDamagedBackupsChangeNothing(t *testing.T) {
	ctx := context.Background()
	dir := told(t)
	file := backUp(t, dir)
	want := stateOf(t, dir)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{DataDir: dir, Log: quiet(), Now: time.Now}
	try := func(what string, data []byte, k backup.Keys) {
		t.Helper()
		bad := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := OpenRestore(ctx, c, bad, k)
		if err == nil {
			r.Close()
			t.Fatalf("%s: it was taken", what)
		}
		if kind := errs.KindOf(err); kind != errs.Invalid && kind != errs.Denied && kind != errs.Unavailable {
			t.Fatalf("%s: %v of kind %v", what, err, kind)
		}
	}
	try("wrong passphrase", whole, backup.Keys{Passphrase: "incorrect horse battery"})
	n := len(whole)
	for i := range 40 {
		at := i * (n - 1) / 39
		flipped := slices.Clone(whole)
		flipped[at] ^= 1 << (i % 8)
		try(fmt.Sprintf("a bit at %d of %d", at, n), flipped, backupKeys)
		try(fmt.Sprintf("cut at %d of %d", at, n), whole[:at], backupKeys)
	}
	try("something behind it", append(slices.Clone(whole), 0), backupKeys)
	sameState(t, "after all of it", want, stateOf(t, dir))
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("%v stays behind", left)
	}
}

// crash is what stands for the end of the process in these tests.
var errCrash = errors.New("the process ends here")

// crashAt ends a function at the n-th point; false: it came to its end before.
func crashAt(n int, f func()) (crashed bool) {
	i := 0
	crashPoint = func(string) {
		if i++; i > n {
			panic(errCrash)
		}
	}
	defer func() {
		crashPoint = func(string) {}
		if r := recover(); r != nil {
			if r != errCrash { //nolint:errorlint // the very value
				panic(r)
			}
			crashed = true
		}
	}()
	f()
	return false
}

// At whatever point a restore ends, the next start finds the old or the new state, whole.
func TestRestoreEndsAnywhere(t *testing.T) {
	ctx := context.Background()
	newer := told(t)
	file := backUp(t, newer)
	want := stateOf(t, newer)
	old := told(t)
	db, err := sql.Open("sqlite", filepath.Join(old, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE labels SET label = 'old word'`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	was := stateOf(t, old)
	sawOld, sawNew := 0, 0
	for n := 0; ; n++ {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
			t.Fatal(err)
		}
		c := Config{DataDir: dir, Log: quiet(), Now: time.Now}
		var held *folder
		crashed := crashAt(n, func() {
			r, err := OpenRestore(ctx, c, file, backupKeys)
			if err != nil {
				t.Fatal(err)
			}
			held = r.held
			if _, err := r.Commit(time.Now()); err != nil {
				t.Fatal(err)
			}
			r.Close()
		})
		if held != nil {
			held.Close() // as the end of a process does
		}
		for again := range 3 { // the next start may end too
			lockFree(t, dir)
			if !crashAt(again, func() {
				f, err := openFolder(dir)
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
			}) {
				break
			}
		}
		lockFree(t, dir)
		f, err := openFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		have := stateOf(t, dir)
		if fmt.Sprint(have["labels"]) == fmt.Sprint(was["labels"]) {
			sameState(t, fmt.Sprintf("point %d: old", n), was, have)
			sawOld++
		} else {
			sameState(t, fmt.Sprintf("point %d: new", n), want, have)
			sawNew++
		}
		os.RemoveAll(dir)
		if !crashed {
			break
		}
	}
	if sawOld < 5 || sawNew < 5 {
		t.Errorf("old after %d points, new after %d", sawOld, sawNew)
	}
	t.Logf("old after %d points, new after %d", sawOld, sawNew)
}

// lockFree waits until the lock of one that panicked is given back: the finalizer of its file does
// that here, where the end of a process would.
func lockFree(t *testing.T, dir string) {
	t.Helper()
	eventually(t, "the lock", func() (bool, string) {
		runtime.GC()
		f, err := os.OpenFile(filepath.Join(dir, "specter.lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return false, err.Error()
		}
		defer f.Close()
		return lockFile(f) == nil, "held"
	})
}

// Two backups at once are made one after the other, while wallets go on, and both restore.
func TestBackupsWhileWorkGoesOn(t *testing.T) {
	ctx := context.Background()
	h := open(t, Config{Demo: &Demo{BlockInterval: 20 * time.Millisecond}})
	dir := t.TempDir()
	errc := make(chan error, 3)
	for i := range 3 {
		go func() {
			_, err := h.backups.Make(ctx, filepath.Join(dir, fmt.Sprint(i)), backupLock)
			errc <- err
		}()
	}
	for range 3 {
		if err := <-errc; err != nil {
			t.Error(err)
		}
	}
	for i := range 3 {
		d, err := RunDrill(ctx, filepath.Join(dir, fmt.Sprint(i)), backupKeys)
		if err != nil || len(d.Problems) > 0 {
			t.Errorf("backup %d: %v %v", i, err, d.Problems)
		}
	}
}

func TestWhenABackupIsDue(t *testing.T) {
	t0 := time.Unix(1_800_000_000, 0)
	on := setting.Backup{Recipients: []string{"age1"}, OnChange: true, Keep: 3}
	daily := setting.Backup{Recipients: []string{"age1"}, Every: setting.BackupDaily, Keep: 3}
	w := &watch{}
	step := func(after time.Duration, c setting.Backup, s setting.BackupState, words, done string, want bool) {
		t.Helper()
		if got, _ := w.due(t0.Add(after), c, s, words, done); got != want {
			t.Errorf("after %v: %v", after, got)
		}
	}
	step(0, on, setting.BackupState{}, "a", "a", false)
	step(time.Minute, on, setting.BackupState{}, "b", "a", false)
	step(2*time.Minute, on, setting.BackupState{}, "c", "a", false) // still typing
	step(3*time.Minute, on, setting.BackupState{}, "c", "a", false)
	step(4*time.Minute, on, setting.BackupState{}, "c", "a", true)
	step(4*time.Minute, on, setting.BackupState{}, "c", "c", false)
	for m := range 14 { // somebody who never rests is waited for 15 minutes
		step(time.Duration(10+m)*time.Minute, on, setting.BackupState{}, fmt.Sprint(m), "c", false)
	}
	step(25*time.Minute, on, setting.BackupState{}, "still", "c", true)
	step(25*time.Minute, on, setting.BackupState{Tried: t0.Add(24 * time.Minute)}, "still", "c", false) // it failed a minute ago
	step(40*time.Minute, on, setting.BackupState{Tried: t0.Add(24 * time.Minute)}, "still", "c", true)
	w = &watch{}
	step(0, daily, setting.BackupState{}, "a", "", true)
	step(0, daily, setting.BackupState{At: t0.Add(-23 * time.Hour)}, "b", "a", false)
	step(0, daily, setting.BackupState{At: t0.Add(-24 * time.Hour)}, "b", "a", true)
	step(0, setting.Backup{Every: setting.BackupDaily}, setting.BackupState{}, "b", "a", false) // nobody to encrypt to
}

// By itself: encrypted to the owner's key alone, as many kept as chosen, trouble noted.
func TestBackupsByThemselves(t *testing.T) {
	ctx := context.Background()
	now := time.Unix(1_800_000_000, 0)
	h := open(t, Config{Demo: &Demo{}, Now: func() time.Time { now = now.Add(time.Second); return now }})
	secret, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := h.settings.ChangeBackup(ctx, func(b *setting.Backup) error {
		b.Recipients, b.Folder, b.OnChange, b.Keep = []string{public}, dir, true, 2
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if _, err := h.backups.Auto(ctx); err != nil {
			t.Fatal(err)
		}
	}
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(list) != 2 {
		t.Fatalf("kept are %v", list)
	}
	if _, err := RunDrill(ctx, list[1], backup.Keys{Identities: secret}); err != nil {
		t.Error(err)
	}
	s, err := h.backups.State(ctx)
	if err != nil || s.Path != list[1] || s.Trouble != "" || s.Size == 0 {
		t.Errorf("the state is %+v, %v", s, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := h.backups.Auto(ctx); !errs.Is(err, errs.Unavailable) {
		t.Error(err)
	}
	if s, _ = h.backups.State(ctx); !strings.Contains(s.Trouble, "is not there") || s.Path != list[1] {
		t.Errorf("the state is %+v", s)
	}
}
