package backup

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"specter/internal/errs"
)

// onMedium has something happen to every backup when it is on the disk and not read again yet.
func onMedium(t *testing.T, happens func(path string)) {
	t.Helper()
	before := written
	written = happens
	t.Cleanup(func() { written = before })
}

var (
	mediumLock  = Lock{Passphrase: "several words here", Work: 4}
	mediumParts = []Part{{Name: Database, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(bytes.Repeat([]byte("a page of a database "), 20_000))), nil
	}}}
)

// A medium that does not give back what was written: no such backup takes its name, the one before
// stays, and it is told.
func TestWhatTheMediumChangesIsFound(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName("abcdef", time.Unix(1_800_000_000, 0)))
	good, err := Make(context.Background(), path, Manifest{Schema: 1, Instance: "abcdef"}, mediumParts, mediumLock)
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, at int64, happens func(path string)) {
		t.Helper()
		onMedium(t, happens)
		_, err := Make(context.Background(), path, Manifest{Schema: 1, Instance: "abcdef"}, mediumParts, mediumLock)
		if !errs.Is(err, errs.Unavailable) {
			t.Errorf("%s at %d: %v", what, at, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, old) {
			t.Errorf("%s at %d: the one before changed", what, at)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("%s at %d: %v stay", what, at, entries)
		}
	}
	for i := range int64(60) {
		at := i * (good.Size - 1) / 59
		try("a flipped bit", at, func(path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var b [1]byte
			if _, err := f.ReadAt(b[:], at); err != nil {
				t.Fatal(err)
			}
			b[0] ^= 1 << (i % 8)
			if _, err := f.WriteAt(b[:], at); err != nil {
				t.Fatal(err)
			}
		})
		try("an end", at, func(path string) {
			if err := os.Truncate(path, at); err != nil {
				t.Fatal(err)
			}
		})
	}
	try("a file that is gone", 0, func(path string) { _ = os.Remove(path) })
}

// What a killed program left unfinished goes with the next backup; another Specter's is left alone
// for a day.
func TestUnfinishedBackupsGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [name] *")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	put := func(name string, age time.Duration) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	put(".backup-mine-1.part", 0)
	put(".backup-other-1.part", time.Hour)
	put(".backup-other-2.part", 25*time.Hour)
	put(".backup-mine.txt", 25*time.Hour)
	made, err := Make(context.Background(), filepath.Join(dir, FileName("mine", now)), Manifest{Schema: 1, Instance: "mine"}, mediumParts, mediumLock)
	if err != nil {
		t.Fatal(err)
	}
	names := func() (out []string) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	if have := names(); len(have) != 4 || have[1] != ".backup-other-1.part" {
		t.Errorf("after the next backup: %v", have)
	}
	if err := Prune(made.Path, "mine", 1, now); err != nil {
		t.Fatal(err)
	}
	if have := names(); len(have) != 3 || have[1] != ".backup-other-1.part" {
		t.Errorf("after pruning: %v", have)
	}
}

// The one just made stays, whatever the clock said when others were made.
func TestPruneWhenTheClockWasWrong(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for what, c := range map[string]struct {
		hours []int // when they were made by their names, the last one just now
		keep  int
		want  []int
	}{
		"all in order":               {[]int{-3, -2, -1, 0}, 2, []int{-1, 0}},
		"the future alone":           {[]int{100, 200, 0}, 1, []int{0}},
		"those of the future go":     {[]int{-1, 100, 200, 0}, 2, []int{-1, 0}},
		"the oldest of the future":   {[]int{100, 200, 300, 0}, 3, []int{200, 300, 0}},
		"nothing is kept, it stays":  {[]int{-1, 0}, 0, []int{0}},
		"fewer than are to be kept":  {[]int{100, 0}, 5, []int{100, 0}},
		"the one just made is alone": {[]int{0}, 1, []int{0}},
	} {
		dir := t.TempDir()
		name := func(hour int) string {
			return filepath.Join(dir, FileName("abcdef", now.Add(time.Duration(hour)*time.Hour)))
		}
		for _, hour := range c.hours {
			if err := os.WriteFile(name(hour), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Prune(name(0), "abcdef", c.keep, now); err != nil {
			t.Fatal(err)
		}
		list, _ := List(dir, "abcdef")
		if len(list) != len(c.want) {
			t.Errorf("%s: %v stay", what, list)
		}
		for _, hour := range c.want {
			if _, err := os.Stat(name(hour)); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}
