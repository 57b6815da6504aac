package legacy_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"specter/internal/legacy"
)

// differs names the fields that the way back may write otherwise: where files lie, and how many
// addresses are listed. The change address of a pending payment is not given to another one.
var differs = map[string][]string{
	"devices": {"fullpath", "alias"},
	"nodes":   {"fullpath"},
	"wallets": {"fullpath", "keypool", "change_keypool", "change_index", "change_address"},
}

// Folders in every form that the original has, taken over and written back, are the same field by
// field but for those that are named; a second time changes nothing; and what came back is taken
// over and written back as the same again.
func TestRandomFoldersComeBackFieldByField(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m, old := made(t, seed)
			h := newHouse(t)
			r := h.take(old, legacy.Options{})
			for _, p := range r.Problems {
				if !strings.Contains(p.Text, "cannot be read (or are of Liquid)") {
					t.Errorf("problem %s", p)
				}
			}
			for _, l := range r.Lines {
				if l.Outcome == legacy.LeftOut && l.Kind != "token" {
					t.Errorf("left out: %+v", l)
				}
			}
			for _, line := range changed(h.take(old, legacy.Options{})) {
				if !strings.HasPrefix(line, "left-out token") {
					t.Errorf("a second time: %s", line)
				}
			}
			now, _, _ := h.back(legacy.BackOptions{})
			sameFolder(t, m.files, old, now)
			again := newHouse(t)
			again.take(now, legacy.Options{})
			twice, _, _ := again.back(legacy.BackOptions{})
			sameFolder(t, m.files, old, twice)
		})
	}
}

// sameFolder compares two folders file by file.
func sameFolder(t *testing.T, files map[string]string, old, now string) {
	t.Helper()
	tables := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		top, _, _ := strings.Cut(strings.SplitN(name, "/", 2)[0], "_")
		a, b := filepath.Join(old, name), filepath.Join(now, name)
		if _, err := os.Stat(b); err != nil {
			t.Errorf("%s did not come back", name)
			continue
		}
		switch {
		case path.Ext(name) == ".json" && name != "users.json":
			fields(t, name, readJSON(t, a), readJSON(t, b), differs[top]...)
		case path.Ext(name) == ".json":
			was, is := readJSON(t, a).([]any), readJSON(t, b).([]any)
			if len(was) != len(is) {
				t.Fatalf("%d users were, %d are", len(was), len(is))
			}
			for i := range was {
				fields(t, name, was[i], is[i])
			}
		case path.Ext(name) == ".csv" && !strings.Contains(name, "liquid"):
			tables[name] = true
			was, is := rowsOf(t, a), rowsOf(t, b)
			for key, row := range was {
				if !maps.Equal(row, is[key]) {
					t.Errorf("%s: %q came back as %q", name, row, is[key])
				}
			}
		default:
			was, err1 := os.ReadFile(a)
			is, err2 := os.ReadFile(b)
			if err1 != nil || err2 != nil || strings.TrimSpace(string(was)) != strings.TrimSpace(string(is)) {
				t.Errorf("%s was %q and is %q, %v %v", name, was, is, err1, err2)
			}
		}
	}
	if len(tables) == 0 {
		t.Error("no table was compared")
	}
}
