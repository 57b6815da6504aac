package app

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/backup"
	"specter/internal/errs"
	"specter/internal/setting"
)

// kept is a Specter that makes backups by itself into a folder, as many as keep.
func kept(t *testing.T, cfg Config, folder string, keep int) (h *house, k backup.Keys) {
	t.Helper()
	cfg.Demo = &Demo{}
	h = open(t, cfg)
	secret, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.backups.Change(context.Background(), func(b *setting.Backup) error {
		b.Recipients, b.Folder, b.Keep = []string{public}, folder, keep
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return h, backup.Keys{Identities: secret}
}

// standing looks at the folder of backups: so many, nothing else, and each restores.
func standing(t *testing.T, folder string, k backup.Keys, want int) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Name() == "filler" {
			continue
		}
		path := filepath.Join(folder, e.Name())
		if d, err := RunDrill(context.Background(), path, k); err != nil || len(d.Problems) > 0 {
			t.Errorf("%s does not restore: %v %v", e.Name(), err, d.Problems)
		}
		out = append(out, path)
	}
	if len(out) != want {
		t.Errorf("there are %v, not %d", out, want)
	}
	return out
}

// fill takes all but so many bytes of a small disk.
func fill(t *testing.T, disk string, leave int64) (empty func()) {
	t.Helper()
	path := filepath.Join(disk, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; { // the last bytes, too: a file system counts pages
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	info, err := f.Stat()
	if err == nil && leave > 0 {
		err = f.Truncate(max(0, info.Size()-leave))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return func() { _ = os.Remove(path) }
}

// A backup that does not fit leaves the last one, though only one is kept; what is wrong is told.
func TestBackupToAFullDisk(t *testing.T) {
	ctx, disk := context.Background(), smallDisk(t, "4m")
	h, k := kept(t, Config{}, disk, 1)
	made, err := h.backups.Auto(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, leave := range []int64{0, 4096, made.Size / 2, made.Size - 8192} {
		empty := fill(t, disk, leave)
		if _, err := h.backups.Auto(ctx); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "no space") {
			t.Fatalf("with %d bytes left: %v", leave, err)
		}
		if left := standing(t, disk, k, 1); left[0] != made.Path {
			t.Errorf("with %d bytes left: %v stands", leave, left)
		}
		s, err := h.backups.State(ctx)
		if err != nil || !strings.Contains(s.Trouble, "no space") || s.Path != made.Path || s.Tried.IsZero() {
			t.Errorf("the state is %+v, %v", s, err)
		}
		empty()
	}
	again, err := h.backups.Auto(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if left := standing(t, disk, k, 1); left[0] != again.Path {
		t.Errorf("%v stands", left)
	}
	if s, _ := h.backups.State(ctx); s.Trouble != "" || s.Path != again.Path {
		t.Errorf("the state is %+v", s)
	}
}

// A data folder without room for the copy: told, nothing stays behind, work goes on.
func TestBackupWhereTheDataFolderIsFull(t *testing.T) {
	ctx, disk, folder := context.Background(), smallDisk(t, "16m"), t.TempDir()
	dir := filepath.Join(disk, "data")
	h, k := kept(t, Config{DataDir: dir}, folder, 2)
	if _, err := h.backups.Auto(ctx); err != nil {
		t.Fatal(err)
	}
	for _, leave := range []int64{0, 16 << 10, 200 << 10} {
		empty := fill(t, disk, leave)
		_, err := h.backups.Auto(ctx)
		if !errs.Is(err, errs.Unavailable) {
			t.Errorf("with %d bytes left: %v", leave, err)
		}
		if left, _ := named(dir, workPrefix); len(left) > 0 {
			t.Errorf("with %d bytes left: %v stays behind", leave, left)
		}
		standing(t, folder, k, 1)
		empty()
	}
	if _, err := h.backups.Auto(ctx); err != nil {
		t.Errorf("with room again: %v", err)
	}
	standing(t, folder, k, 2)
}

// A disk that fills up at any point of a restore: the old state or the new one, and no more room is
// wanted once the new one was decided on.
func TestRestoreOnADiskThatFillsUp(t *testing.T) {
	ctx := context.Background()
	old, newer := told(t), told(t)
	file := backUp(t, newer)
	was, want := stateOf(t, old), stateOf(t, newer)
	t.Cleanup(func() { crashPoint = func(string) {} })
	sawOld, sawNew := 0, 0
	for n := 0; ; n++ {
		disk := smallDisk(t, "32m")
		dir := filepath.Join(disk, "data")
		if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
			t.Fatal(err)
		}
		i, at := 0, ""
		empty := func() {}
		crashPoint = func(name string) {
			if i++; i == n {
				at, empty = name, fill(t, disk, 0)
			}
		}
		c := Config{DataDir: dir, Log: quiet(), Now: time.Now}
		if n == 0 { // full from the beginning
			at, empty = "the beginning", fill(t, disk, 0)
		}
		r, err := OpenRestore(ctx, c, file, backupKeys)
		if err == nil {
			_, err = r.Commit(time.Now())
			err = errors.Join(err, r.Close())
		}
		crashPoint = func(string) {}
		if err != nil && errs.KindOf(err) != errs.Unavailable {
			t.Errorf("full at %q: %v", at, err)
		}
		f, again := openFolder(dir) // still full
		if again != nil {
			t.Fatalf("full at %q: the next start: %v", at, again)
		}
		f.Close()
		empty()
		if have := stateOf(t, dir); err != nil {
			sawOld++
			sameState(t, "full at "+at, was, have)
		} else {
			sawNew++
			sameState(t, "full at "+at, want, have)
		}
		left, _ := named(dir, ".")
		aside, _ := named(dir, asidePrefix)
		if len(left) > 0 || (err != nil) != (len(aside) == 0) {
			t.Errorf("full at %q: %v and %v stay behind", at, left, aside)
		}
		_ = exec.Command("umount", "-l", disk).Run()
		if at == "" {
			break
		}
	}
	t.Logf("old %d times, new %d times", sawOld, sawNew)
	if sawOld < 3 || sawNew < 3 {
		t.Errorf("old %d times, new %d times", sawOld, sawNew)
	}
}

// Places where no backup can go are told in words, and what was there stays.
func TestPlacesThatTakeNoBackup(t *testing.T) {
	ctx, disk := context.Background(), smallDisk(t, "4m")
	h, k := kept(t, Config{}, disk, 1)
	made, err := h.backups.Auto(ctx)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what, words string) {
		t.Helper()
		if _, err := h.backups.Auto(ctx); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", what, err)
		}
		if s, _ := h.backups.State(ctx); !strings.Contains(s.Trouble, words) || s.Path != made.Path {
			t.Errorf("%s: the state is %+v", what, s)
		}
	}
	mount := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", args, out)
		}
	}
	mount("mount", "-o", "remount,ro", disk)
	refused("read-only", "cannot be written")
	standing(t, disk, k, 1)
	mount("mount", "-o", "remount,rw", disk)
	// The stick is pulled: the place where it is mounted is still there, on the wrong disk.
	mount("umount", disk)
	refused("pulled", "is away")
	if left, _ := os.ReadDir(disk); len(left) > 0 {
		t.Errorf("%v was written beside the stick", left)
	}
	// Whoever saves the settings again means this disk.
	if _, err := h.backups.Change(ctx, func(*setting.Backup) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if made, err = h.backups.Auto(ctx); err != nil {
		t.Errorf("chosen again: %v", err)
	}
	if err := errors.Join(os.RemoveAll(disk), os.WriteFile(disk, []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	refused("a file", "is a file")
	if text, _ := os.ReadFile(disk); string(text) != "mine" {
		t.Error("the file was overwritten")
	}
	if err := os.Remove(disk); err != nil {
		t.Fatal(err)
	}
	refused("gone", "is the disk away?")
	// By hand, onto what is a folder.
	folder := filepath.Join(t.TempDir(), "x"+backup.Extension)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := h.backups.Make(ctx, folder, backupLock); !errs.Is(err, errs.Unavailable) {
		t.Errorf("onto a folder: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(folder)); len(left) != 1 {
		t.Errorf("%v stays behind", left)
	}
}

// What a killed drill left goes with the next one; one that runs is not disturbed, nor is what
// only looks like one.
func TestKilledDrillsAreClearedAway(t *testing.T) {
	file := backUp(t, told(t))
	top := t.TempDir()
	t.Setenv("TMPDIR", top)
	long := time.Now().Add(-time.Hour)
	for _, name := range []string{"killed", "running", "open"} {
		path := filepath.Join(top, drillPrefix+name)
		f, err := openFolder(path)
		if err != nil {
			t.Fatal(err)
		}
		if name == "running" {
			defer f.Close()
		} else {
			f.Close()
		}
		mode := os.FileMode(0o700)
		if name == "open" {
			mode = 0o755
		}
		if err := errors.Join(os.WriteFile(filepath.Join(path, "data"), nil, 0o600), os.Chmod(path, mode), os.Chtimes(path, long, long)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(top, drillPrefix+"link")); err != nil {
		t.Fatal(err)
	}
	if _, err := RunDrill(context.Background(), file, backupKeys); err != nil {
		t.Fatal(err)
	}
	left, _ := named(top, "")
	if len(left) != 3 || exists(filepath.Join(top, drillPrefix+"killed")) {
		t.Errorf("%v is left", left)
	}
}

// A restore that cannot go on after its decision says so and loses nothing: when what is in its way
// is gone, the next start finishes it.
func TestADecidedRestoreThatIsHinderedIsFinishedLater(t *testing.T) {
	ctx := context.Background()
	dir, newer := told(t), told(t)
	was, want := stateOf(t, dir), stateOf(t, newer)
	c := Config{DataDir: dir, Log: quiet(), Now: time.Now}
	r, err := OpenRestore(ctx, c, backUp(t, newer), backupKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { crashPoint = func(string) {} })
	crashPoint = func(at string) {
		if at != "in "+KeyFileName { // the database is in its place already
			return
		}
		if err := os.MkdirAll(filepath.Join(dir, KeyFileName, "in the way"), 0o700); err != nil {
			t.Error(err)
		}
	}
	aside, err := r.Commit(time.Now())
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "Nothing is lost") {
		t.Errorf("hindered: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	crashPoint = func(string) {}
	if _, err := openFolder(dir); !errs.Is(err, errs.Unavailable) {
		t.Errorf("while it is hindered, the next start: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, KeyFileName)); err != nil {
		t.Fatal(err)
	}
	f, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	sameState(t, "finished later", want, stateOf(t, dir))
	sameState(t, "aside", was, stateOf(t, filepath.Join(dir, aside)))
	if left, _ := named(dir, "."); len(left) > 0 || exists(filepath.Join(dir, commitFile)) {
		t.Errorf("%v stays behind", left)
	}
}
