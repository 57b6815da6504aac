//go:build linux && amd64

package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"specter/internal/backup"
	"specter/internal/setting"
)

// init tells TestMain of the children that end themselves at a step on the disk.
func init() { diskChild = childOnDisk }

// childOnDisk does one piece of work while every step of it on the disk is counted.
func childOnDisk(what string) int {
	if err := stopAtDiskCalls(); err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	if err := onDisk(context.Background(), what, os.Getenv("SPECTER_TEST_DATA"), os.Getenv("SPECTER_TEST_FILE")); err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	return 0
}

func onDisk(ctx context.Context, what, dir, file string) error {
	c := Config{DataDir: dir, Log: quiet(), Now: time.Now}
	keys := backupKeys
	if words := os.Getenv("SPECTER_TEST_WORDS"); words != "" {
		keys = backup.Keys{Passphrase: words}
	}
	switch what {
	case "disk: restores": // as the command does
		r, err := OpenRestore(ctx, c, file, keys)
		if err != nil {
			return err
		}
		_, err = r.Diff(ctx)
		if err == nil {
			_, err = r.Commit(time.Now())
		}
		return errors.Join(err, r.Close())
	case "disk: drills":
		_, err := RunDrill(ctx, file, keys)
		return err
	case "disk: steps back":
		_, _, err := StepBack(c)
		return err
	case "disk: opens":
		f, err := openFolder(dir)
		if err != nil {
			return err
		}
		return f.Close()
	case "disk: backs up": // as the running program does by itself
		d, err := OpenDesk(ctx, c, false)
		if err != nil {
			return err
		}
		defer d.Close()
		_, err = d.app.newBackups().Auto(ctx)
		return err
	}
	return fmt.Errorf("there is no work %q", what)
}

// asideName is the name of a folder that a restore set aside, which has the time in it.
var asideName = regexp.MustCompile(`^` + asidePrefix + `[0-9.-]+`)

// filesOf lists every name in a folder, those with a time in them in one spelling.
func filesOf(dir string) []string {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		if rel = asideName.ReplaceAllString(rel, asidePrefix); err == nil && rel != "." {
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		return []string{err.Error()}
	}
	return out
}

// killAt is a place in a child's work at which it is killed.
type killAt struct {
	step int
	torn bool // a write there is done by half
}

// places are every step of so many, each before it and within it; or, where that is more than many,
// as many that are spread evenly, and every one of the last, where things take their names.
func places(steps, many, last int) (out []killAt) {
	if testing.Short() {
		many, last = 10, 0
	}
	if 2*steps <= many || os.Getenv("SPECTER_KILL_ALL") != "" {
		for n := range steps {
			out = append(out, killAt{n + 1, false}, killAt{n + 1, true})
		}
		return out
	}
	for _, n := range points(many, steps) {
		if n <= steps-last {
			out = append(out, killAt{n, n%2 == 0})
		}
	}
	for n := steps - last + 1; n <= steps; n++ {
		out = append(out, killAt{n, n%2 == 0})
	}
	return out
}

// atPoints kills children at places that are spread over all their steps and looks at each end.
func atPoints(t *testing.T, what string, many, last int, prepare func(dir string) []string, look func(t *testing.T, dir, where string, end tracedEnd)) {
	t.Helper()
	top := t.TempDir()
	probe := filepath.Join(top, "probe")
	steps := tracing(t, append(prepare(probe), childEnv+"=disk: "+what)...)
	begun := time.Now()
	todo := make(chan killAt)
	var wait sync.WaitGroup
	kills := 0
	var mu sync.Mutex
	for worker := range 3 {
		wait.Go(func() {
			for p := range todo {
				dir := filepath.Join(top, fmt.Sprintf("%d-%d-%v", worker, p.step, p.torn))
				env := append(prepare(dir), childEnv+"=disk: "+what)
				said, err := os.CreateTemp(top, "*said")
				if err != nil {
					t.Error(err)
					continue
				}
				end, err := traced(p.step, p.torn, said, env...)
				text, _ := os.ReadFile(said.Name())
				said.Close()
				where := fmt.Sprintf("%s, killed at step %d of %d (%s)", what, p.step, steps, end.last)
				if err != nil || !end.killed && end.code != 0 {
					t.Errorf("%s: %+v, %v: %s", where, end, err, text)
					continue
				}
				look(t, dir, where, end)
				mu.Lock()
				if end.killed {
					kills++
				}
				mu.Unlock()
				_ = os.RemoveAll(dir)
			}
		})
	}
	all := places(steps, many, last)
	for _, p := range all {
		todo <- p
	}
	close(todo)
	wait.Wait()
	if kills < len(all)*9/10 { // threads differ a little from run to run
		t.Errorf("%s: only %d of %d were killed", what, kills, len(all))
	}
	t.Logf("%s: killed %d times in %d steps on the disk, in %v", what, kills, steps, time.Since(begun).Round(time.Millisecond))
}

// settle opens a folder as the next start does; every third start is killed, too.
func settleAfter(t *testing.T, dir, where string, end tracedEnd) {
	t.Helper()
	if end.steps%3 == 0 {
		if _, err := traced(1+end.steps/3%14, end.steps%2 == 0, nil, childEnv+"=disk: opens", "SPECTER_TEST_DATA="+dir); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	unforked(func() {
		f, err := openFolder(dir)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			return
		}
		f.Close()
	})
}

// unforked does something while no child is made: one has the lock of a folder, too, from the moment
// it is made until it becomes another program.
func unforked(f func()) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	f()
}

// oneOf compares the state of a folder with those that it may have, and returns which it has; -1: none.
func oneOf(dir string, states ...map[string][]string) int {
	have, err := readState(dir)
	if err != nil {
		return -1
	}
	return slices.IndexFunc(states, func(s map[string][]string) bool { return fmt.Sprint(s) == fmt.Sprint(have) })
}

// Whatever step on the disk a restore is killed at: the next start finds the old state or the new
// one, whole, with nothing else beside it, and the old one aside where the new one holds.
func TestRestoreKilledAtAnyStepOnTheDisk(t *testing.T) {
	old, newer := told(t), told(t)
	file := backUp(t, newer)
	was, want := stateOf(t, old), stateOf(t, newer)
	if fmt.Sprint(was) == fmt.Sprint(want) {
		t.Fatal("the two states are one")
	}
	pristine, _ := os.ReadFile(file)
	copyOld := func(dir string) []string {
		if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
			t.Error(err)
		}
		return []string{"SPECTER_TEST_DATA=" + dir, "SPECTER_TEST_FILE=" + file}
	}
	after := filepath.Join(t.TempDir(), "after")
	copyOld(after)
	if err := onDisk(context.Background(), "disk: restores", after, file); err != nil {
		t.Fatal(err)
	}
	names := [2][]string{filesOf(old), filesOf(after)}
	var mu sync.Mutex
	var seen [2]int
	look := func(t *testing.T, dir, where string, end tracedEnd) {
		settleAfter(t, dir, where, end)
		which := oneOf(dir, was, want)
		if which < 0 {
			t.Errorf("%s: neither the old state nor the new one", where)
			return
		}
		if have := filesOf(dir); !slices.Equal(have, names[which]) {
			t.Errorf("%s: state %d with the files %v", where, which, have)
		}
		if aside, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*")); which == 1 && (len(aside) != 1 || oneOf(aside[0], was) != 0) {
			t.Errorf("%s: what was set aside is not the old state", where)
		}
		mu.Lock()
		seen[which]++
		mu.Unlock()
	}
	atPoints(t, "restores", 500, 0, copyOld, look)
	if now, _ := os.ReadFile(file); string(now) != string(pristine) {
		t.Error("the backup's file changed")
	}
	t.Logf("old %d times, new %d times", seen[0], seen[1])
	if seen[0] == 0 || seen[1] == 0 {
		t.Error("one of them was never seen")
	}
}

// The same for the way back.
func TestStepBackKilledAtAnyStepOnTheDisk(t *testing.T) {
	old, newer := told(t), told(t)
	was, want := stateOf(t, old), stateOf(t, newer)
	if err := onDisk(context.Background(), "disk: restores", old, backUp(t, newer)); err != nil {
		t.Fatal(err)
	}
	names := filesOf(old)
	atPoints(t, "steps back", 200, 0, func(dir string) []string {
		if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
			t.Error(err)
		}
		return []string{"SPECTER_TEST_DATA=" + dir}
	}, func(t *testing.T, dir, where string, end tracedEnd) {
		settleAfter(t, dir, where, end)
		which := oneOf(dir, was, want)
		aside, _ := filepath.Glob(filepath.Join(dir, asidePrefix+"*"))
		if which < 0 || len(aside) != 1 || oneOf(aside[0], want, was) != which {
			t.Errorf("%s: state %d, aside %v", where, which, aside)
		}
		if have := filesOf(dir); !slices.Equal(have, names) {
			t.Errorf("%s: the files are %v, not %v", where, have, names)
		}
	})
}

// Whatever step on the disk a backup is killed at: the data is as it was, a whole backup is there
// and every one that is there restores, and the next one leaves nothing else.
func TestBackupKilledAtAnyStepOnTheDisk(t *testing.T) {
	ctx := context.Background()
	old := told(t)
	secret, public, err := backup.KeyPair()
	if err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(t.TempDir(), "first")
	if err := os.Mkdir(first, 0o700); err != nil {
		t.Fatal(err)
	}
	aim := func(dir, folder string) {
		d, err := OpenDesk(ctx, Config{DataDir: dir, Log: quiet(), Now: time.Now}, false)
		if err != nil {
			t.Error(err)
			return
		}
		defer d.Close()
		if _, err := d.app.settings.ChangeBackup(ctx, func(b *setting.Backup) error {
			b.Recipients, b.Folder, b.Keep = []string{public}, folder, 1
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	aim(old, first)
	if err := onDisk(ctx, "disk: backs up", old, ""); err != nil {
		t.Fatal(err)
	}
	good, _ := filepath.Glob(filepath.Join(first, "*"+backup.Extension))
	if len(good) != 1 {
		t.Fatalf("the first backup: %v", good)
	}
	text, _ := os.ReadFile(good[0])
	before := sha256.Sum256(text)
	was, names := stateOf(t, old), filesOf(old)
	was["settings"] = nil // the folder of each copy is its own
	prepare := func(dir string) []string {
		data, folder := filepath.Join(dir, "data"), filepath.Join(dir, "folder")
		if err := errors.Join(os.CopyFS(data, os.DirFS(old)), os.CopyFS(folder, os.DirFS(first))); err != nil {
			t.Error(err)
		}
		unforked(func() { aim(data, folder) })
		return []string{"SPECTER_TEST_DATA=" + data}
	}
	var mu sync.Mutex
	var seenOld, seenNew int
	atPoints(t, "backs up", 150, 80, prepare, func(t *testing.T, dir, where string, end tracedEnd) {
		data, folder := filepath.Join(dir, "data"), filepath.Join(dir, "folder")
		settleAfter(t, data, where, end)
		list, _ := filepath.Glob(filepath.Join(folder, "*"+backup.Extension))
		if len(list) == 0 || len(list) > 2 {
			t.Errorf("%s: there are the backups %v", where, list)
		}
		for _, path := range list {
			text, _ := os.ReadFile(path)
			if sha256.Sum256(text) == before {
				mu.Lock()
				seenOld++
				mu.Unlock()
				continue
			}
			mu.Lock()
			seenNew++
			mu.Unlock()
			if d, err := RunDrill(ctx, path, backup.Keys{Identities: secret}); err != nil || len(d.Problems) > 0 {
				t.Errorf("%s: a backup that is there does not restore: %v %v", where, err, d.Problems)
			}
		}
		have, err := readState(data)
		if err == nil {
			have["settings"] = nil
		}
		if err != nil || fmt.Sprint(have) != fmt.Sprint(was) {
			t.Errorf("%s: the data changed: %v", where, err)
		}
		if have := filesOf(data); !slices.Equal(have, names) {
			t.Errorf("%s: the files are %v, not %v", where, have, names)
		}
		if end.steps%5 != 0 {
			return
		}
		unforked(func() {
			if err := onDisk(ctx, "disk: backs up", data, ""); err != nil {
				t.Errorf("%s: the next backup: %v", where, err)
			}
		})
		if left := filesOf(folder); len(left) != 1 || !strings.HasSuffix(left[0], backup.Extension) {
			t.Errorf("%s: after the next backup there are %v", where, left)
		}
	})
	if d, err := RunDrill(ctx, good[0], backup.Keys{Identities: secret}); err != nil || len(d.Problems) > 0 {
		t.Errorf("the first backup: %v %v", err, d.Problems)
	}
	t.Logf("the old backup stood %d times, a new one %d times", seenOld, seenNew)
	if seenOld == 0 || seenNew == 0 {
		t.Error("one of them was never seen")
	}
}
