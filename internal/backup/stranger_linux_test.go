package backup

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"specter/internal/errs"
)

// A folder of somebody else takes no backup, and none of theirs is removed.
func TestAFolderOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED WITHOUT ROOT: nobody else's files can be made")
	}
	const nobody = 65534
	top := t.TempDir()
	for path := top; path != "/" && path != os.TempDir(); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(top, "b"+Extension)
	if err := os.WriteFile(path, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	try := func() (made, pruned error) {
		runtime.LockOSThread() // the file system's user is the thread's
		defer runtime.UnlockOSThread()
		before, err := unix.SetfsuidRetUid(nobody)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = unix.SetfsuidRetUid(before) }()
		_, made = Make(context.Background(), path, Manifest{Schema: 1, Instance: "abcdef"}, mediumParts, mediumLock)
		return made, Prune(filepath.Join(top, "new"), "b", 1, time.Unix(1_800_000_000, 0))
	}
	made, pruned := try()
	if !errs.Is(made, errs.Unavailable) || !strings.Contains(made.Error(), "permission denied") {
		t.Errorf("%v", made)
	}
	if pruned != nil {
		t.Errorf("pruning where there is nothing of ours: %v", pruned)
	}
	if text, _ := os.ReadFile(path); string(text) != "theirs" {
		t.Errorf("theirs is %q", text)
	}
}
