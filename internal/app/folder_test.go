package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/errs"
)

func TestFolderIsPrivateAndHeldByOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	f, err := openFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("the folder's mode is %o, want 700", got)
	}
	if _, err := openFolder(path); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "another Specter") {
		t.Errorf("a second holder got %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openFolder(path)
	if err != nil {
		t.Fatalf("after closing: %v", err)
	}
	again.Close()
}

func TestFolderThatCannotBeMadeSaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := openFolder(filepath.Join(file, "data"))
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("got %v", err)
	}
}
