package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/errs"
)

// smallDisk mounts a small file system of its own, or skips loudly where that is not allowed.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED WITHOUT A SMALL DISK: mounting needs root (%s)", strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}

func TestFullDiskIsToldAndLosesNothing(t *testing.T) {
	dir := smallDisk(t, "3m")
	ctx := context.Background()
	h := open(t, Config{DataDir: filepath.Join(dir, "data")})
	seed := device.Seed{Words: demoKeys[0].words, Network: btc.Regtest}
	if _, err := h.devices.CreateHot(ctx, demoOwner, "before", seed); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 8<<20), 0o600); err == nil {
		t.Fatal("the small disk is not small")
	}
	kept := 0
	var refusal error
	for i := range 500 {
		if _, refusal = h.devices.CreateHot(ctx, demoOwner, fmt.Sprintf("device %d", i), seed); refusal != nil {
			break
		}
		kept++
	}
	if !errs.Is(refusal, errs.Unavailable) || !strings.Contains(refusal.Error(), "disk") {
		t.Fatalf("a full disk gave %v", refusal)
	}
	if list, err := h.devices.List(ctx, demoOwner); err != nil || len(list) != 1+kept {
		t.Fatalf("with a full disk: %d devices, %v", len(list), err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if _, err := h.devices.CreateHot(ctx, demoOwner, "after", seed); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	h = h.reopen()
	if list, err := h.devices.List(ctx, demoOwner); err != nil || len(list) != 2+kept {
		t.Fatalf("reopened: %d devices, %v", len(list), err)
	}
}

func TestReadOnlyDataFolderIsToldInPlainWords(t *testing.T) {
	dir := smallDisk(t, "4m")
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED WITHOUT A READ-ONLY DISK: %s", out)
	}
	_, err := New(context.Background(), Config{Host: "127.0.0.1", DataDir: filepath.Join(dir, "data"), Log: quiet(), Now: time.Now})
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "--data-dir") {
		t.Fatalf("got %v", err)
	}
}
