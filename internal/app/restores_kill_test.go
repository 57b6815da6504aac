package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
)

// pageChild is a program that restores as the pages have it do, until it ends itself at a point
// whose number it is told, as kill -9 does.
func pageChild() int {
	dir, file := os.Getenv("SPECTER_TEST_DATA"), os.Getenv("SPECTER_TEST_FILE")
	point, err := strconv.Atoi(os.Getenv("SPECTER_TEST_POINT"))
	if err != nil {
		return 2
	}
	ended := make(chan struct{})
	c := Config{Host: "127.0.0.1", DataDir: dir, Log: quiet(), ports: plugged(), Now: time.Now, hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}, opened: func(*App) { close(ended) }}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	a, err := New(ctx, c)
	if err != nil {
		fmt.Println("failed:", err)
		return 2
	}
	n := 0
	crashPoint = func(name string) {
		fmt.Println("at", name)
		if n++; n > point {
			p, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = p.Kill()
			}
			fmt.Println("not killed:", err)
			select {} // until the kill arrives
		}
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	if err := restoreInside(ctx, a, file); err != nil {
		fmt.Println("failed:", err)
		return 2
	}
	select {
	case <-ended:
	case err := <-done:
		fmt.Println("failed:", err)
		return 2
	}
	stop()
	if err := <-done; err != nil {
		fmt.Println("failed:", err)
		return 2
	}
	return 0
}

// restoreInside is what the pages ask of the program.
func restoreInside(ctx context.Context, a *App, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := a.restores.TakeBackup(ctx, filepath.Base(file), -1, f); err != nil {
		return err
	}
	if err := a.restores.LookAtBackup(ctx, backupKeys.Passphrase); err != nil {
		return err
	}
	s := a.restores.RestoreState()
	if s.Found == nil {
		return fmt.Errorf("nothing was found: %+v", s)
	}
	_, err = a.restores.Restore(ctx, s.Found.ID, "127.0.0.1")
	return err
}

// lasting is a state without what a program that runs writes by itself: how a sync went, the record.
func lasting(state map[string][]string) map[string][]string {
	out := map[string][]string{}
	for name, rows := range state {
		if name != "wallets" && name != "settings" && name != "auth_events" && name != "nodes" {
			out[name] = rows
		}
	}
	return out
}

// Wherever a running program is killed that restores from its pages, the next start finds the old or
// the new state, whole, and nothing of what was on its way.
func TestAProgramKilledWhileItRestores(t *testing.T) {
	old, newer := told(t), told(t)
	file := backUp(t, newer)
	db := openRaw(t, filepath.Join(old, databaseFile))
	if _, err := db.Exec(`UPDATE labels SET label = 'old word'`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	was, want := lasting(stateOf(t, old)), lasting(stateOf(t, newer))
	var points []string
	sawOld, sawNew := 0, 0
	for n := 0; ; n++ {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=restores at the page", "SPECTER_TEST_DATA="+dir, "SPECTER_TEST_FILE="+file, fmt.Sprintf("SPECTER_TEST_POINT=%d", n))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		whole := err == nil
		if !whole && (!errors.As(err, &exit) || exit.ExitCode() == 2) {
			t.Fatalf("point %d: %v\n%s", n, err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		points = append(points, lines[len(lines)-1])
		h := open(t, Config{DataDir: dir}) // the next start
		if h.restores.RestoreState().Found != nil {
			t.Errorf("point %d: the next start still looks at something", n)
		}
		h.stop()
		if left := leftBehind(t, dir); len(left) > 0 || exists(filepath.Join(dir, commitFile)) {
			t.Errorf("point %d: %v stays behind", n, left)
		}
		have := lasting(stateOf(t, dir))
		if fmt.Sprint(have["labels"]) == fmt.Sprint(was["labels"]) {
			sameState(t, fmt.Sprintf("point %d (%s): old", n, points[n]), was, have)
			sawOld++
		} else {
			sameState(t, fmt.Sprintf("point %d (%s): new", n, points[n]), want, have)
			sawNew++
		}
		os.RemoveAll(dir)
		if whole {
			break
		}
	}
	if sawOld < 8 || sawNew < 8 {
		t.Errorf("old after %d points, new after %d", sawOld, sawNew)
	}
	t.Logf("killed at %d points: old after %d, new after %d: %s", len(points)-1, sawOld, sawNew, strings.Join(points, ", "))
}
