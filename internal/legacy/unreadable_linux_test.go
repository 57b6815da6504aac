package legacy_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"specter/internal/legacy"
)

// A file that may not be read is a line; the rest comes in. Root, who may read everything, reads as
// somebody else here.
func TestFilesThatMayNotBeRead(t *testing.T) {
	dir := folder(t, map[string]string{"devices/a.json": oldDevice("A", "other"), "devices/b.json": oldDevice("B", "other")})
	for path, mode := range map[string]os.FileMode{filepath.Dir(filepath.Dir(dir)): 0o755, filepath.Dir(dir): 0o755, dir: 0o755,
		filepath.Join(dir, "devices"): 0o755, filepath.Join(dir, "devices/b.json"): 0o644, filepath.Join(dir, "devices/a.json"): 0} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	s, f := readAsNobody(t, dir)
	defer s.Close()
	r, err := legacy.Take(context.Background(), s, f, newHouse(t).rooms(), legacy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if outcome(r, "device", "B") != legacy.Taken || !told(r, "devices/a.json", "cannot be read") {
		t.Errorf("it said %v, %v", r.Lines, r.Problems)
	}
}

// readAsNobody reads a folder without root's rights.
func readAsNobody(t *testing.T, dir string) (*legacy.Source, *legacy.Found) {
	t.Helper()
	if os.Geteuid() == 0 {
		runtime.LockOSThread() // the file system's user is the thread's
		defer runtime.UnlockOSThread()
		before, err := unix.SetfsuidRetUid(65534)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = unix.SetfsuidRetUid(before) }()
	}
	s, err := legacy.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := legacy.Read(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, f
}
