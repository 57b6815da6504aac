//go:build !offline

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"specter/internal/legacy/legacytest"
)

// Archives that no Specter writes are refused by the command, with a sentence and little memory.
func TestHostileArchivesAreRefusedByTheCommand(t *testing.T) {
	dir := t.TempDir()
	for name, data := range legacytest.Archives() {
		path := filepath.Join(dir, "x.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, trouble bytes.Buffer
		h := host{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: &out, stderr: &trouble}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		code := run(context.Background(), []string{"import", "--dry-run", "--data-dir", filepath.Join(dir, "none"), path}, h)
		runtime.ReadMemStats(&after)
		if code == exitDone || trouble.Len() < 30 || out.Len() > 0 {
			t.Errorf("%s: code %d, %s %s", name, code, out.String(), trouble.String())
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 { // the empty house of a dry run is most of it
			t.Errorf("%s took %d bytes", name, used)
		}
	}
}
