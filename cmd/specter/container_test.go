//go:build linux && !offline

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"specter/internal/testkit"
)

// maxImage is what the image may weigh, in bytes.
const maxImage = 40 << 20

// The container as the Containerfile describes it, without a container program: a root folder
// with the program and nothing else, mounted read-only, one folder to write to, a user without
// a name. The health check is the Containerfile's own.
func TestTheContainerRunsReadOnlyAndAsNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED WITHOUT ROOT: a read-only root folder needs mounts")
	}
	if _, err := exec.LookPath("unshare"); err != nil {
		t.Skip("SKIPPED WITHOUT UNSHARE: util-linux is not installed")
	}
	file, err := os.ReadFile("../../Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	said := func(pattern string) string {
		m := regexp.MustCompile(`(?m)` + pattern).FindSubmatch(file)
		if m == nil {
			t.Fatalf("the Containerfile has no %s", pattern)
		}
		return string(m[1])
	}
	if said(`^FROM (\S+)$`) != "scratch" || said(`^USER (\S+)$`) != "10001:10001" {
		t.Error("the image is no longer empty, or no longer somebody's without rights")
	}
	words := func(list string) []string {
		return strings.Split(strings.ReplaceAll(strings.ReplaceAll(list, `"`, ""), " ", ""), ",")
	}
	start := append(words(said(`^ENTRYPOINT \[(.*)\]$`)), words(said(`^CMD \[(.*)\]$`))...)
	check := words(said(`CMD \[("/specter", "health")\]$`))

	root := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(root, "specter"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(filepath.Join(root, "specter"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the program is %.1f MB", float64(info.Size())/(1<<20))
	if info.Size()+1<<20 > maxImage {
		t.Errorf("with it the image is more than %d MB", maxImage>>20)
	}
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Dir(root), root, filepath.Dir(data)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(data, 10001, 10001); err != nil {
		t.Fatal(err)
	}
	env := append(strings.Fields(said(`^ENV (.*)$`)), fmt.Sprintf("PORT=%d", testkit.Port(t)))
	const inside = `mount --bind "$R" "$R" && mount --bind "$D" "$R/data" && mount -o remount,ro,bind "$R" && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin $E chroot --userspec=10001:10001 "$R" "$@"`
	run := func(args ...string) *exec.Cmd {
		c := exec.Command("unshare", append([]string{"--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, "sh"}, args...)...)
		c.WaitDelay = 5 * time.Second
		c.Env = append(os.Environ(), "R="+root, "D="+data, "E="+strings.Join(env, " "))
		return c
	}
	if out, err := run("/specter", "version").CombinedOutput(); err != nil && !strings.Contains(string(out), "ermi") {
		t.Fatalf("%v %s", err, out)
	} else if err != nil {
		t.Skipf("SKIPPED WITHOUT MOUNTS: %v %s", err, out)
	}
	var log bytes.Buffer
	server := run(start...)
	server.Stdout, server.Stderr = &log, &log
	server.WaitDelay = 5 * time.Second // the pipe of its words may outlive it
	// In a group of their own: a change of user takes away the child's tie to unshare's life.
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stop := func(s syscall.Signal) { _ = syscall.Kill(-server.Process.Pid, s) } // it may have ended
	t.Cleanup(func() { stop(syscall.SIGKILL) })
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := run(check...).CombinedOutput()
		if err == nil && strings.TrimSpace(string(out)) == "ready" {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the server ended: %v\n%s", err, &log)
		case <-ctx.Done():
			t.Fatalf("the health check says %s\n%s", out, &log)
		case <-tick.C:
		}
	}
	entries, err := os.ReadDir(data)
	if err != nil || len(entries) == 0 {
		t.Errorf("nothing was written to the data folder: %v", err)
	}
	stop(syscall.SIGTERM) // as a container program stops it
	<-ended
	for {
		out, err := run(check...).CombinedOutput()
		if err != nil {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("it does not stop, or without a server the health check says %s", out)
		case <-tick.C:
		}
	}
}
