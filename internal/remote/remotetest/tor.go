package remotetest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/testkit"
)

// Tor is a real tor with a control port and without a network of its own: it makes services and
// tells nobody of them.
type Tor struct {
	Control string // 127.0.0.1:port

	t    testing.TB
	path string
	args []string
	run  *exec.Cmd
}

// NewTor starts one, with further options; it ends with the test, which is skipped loudly where
// there is none.
func NewTor(t testing.TB, more ...string) *Tor {
	t.Helper()
	dir := t.TempDir()
	rc := filepath.Join(dir, "torrc")
	if err := os.WriteFile(rc, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Tor{t: t, path: TorPath(t), Control: fmt.Sprintf("127.0.0.1:%d", testkit.Port(t))}
	r.args = append([]string{"-f", rc, "--defaults-torrc", rc, "--DataDirectory", dir, "--ControlPort", r.Control, "--SocksPort", "0", "--DisableNetwork", "1", "--Log", "notice stdout"}, more...)
	r.Start()
	t.Cleanup(r.Stop)
	return r
}

// TorPath finds the program, or skips the test loudly.
func TorPath(t testing.TB) string {
	t.Helper()
	return testkit.Tool(t, "tor", "tor to test against a real one")
}

// Start starts it at its port, after Stop as well, and waits until it listens there.
func (r *Tor) Start() {
	r.t.Helper()
	r.run = exec.Command(r.path, r.args...)
	out, err := r.run.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.run.Start(); err != nil {
		r.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Opened Control listener connection") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	r.t.Fatalf("tor ended at once: %v %s", r.run.Wait(), said.String())
}

// Stop kills it.
func (r *Tor) Stop() {
	if r.run == nil {
		return
	}
	_ = r.run.Process.Kill()
	_ = r.run.Wait()
	r.run = nil
}
