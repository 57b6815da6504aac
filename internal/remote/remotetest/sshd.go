package remotetest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/testkit"
)

// SSHD is a real sshd on loopback that lets in whoever runs the test, with the keys it is told.
type SSHD struct {
	Port int

	t    testing.TB
	dir  string
	path string
	run  *exec.Cmd
	said said
}

// said is what programs write, side by side.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// NewSSHD starts one that knows no key yet; it ends with the test, which is skipped loudly where
// there is none.
func NewSSHD(t testing.TB) *SSHD {
	t.Helper()
	testkit.Tool(t, "ssh-keygen", "openssh-client to run tunnels through a real server")
	s := &SSHD{t: t, dir: t.TempDir(), Port: testkit.Port(t), path: testkit.Tool(t, "sshd", "openssh-server to run tunnels through a real one")}
	s.NewHostKey()
	s.Authorize("")
	s.Start()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Log(s.said.String())
		}
	})
	return s
}

func (s *SSHD) file(name string) string { return filepath.Join(s.dir, name) }

// Target is the destination: user@127.0.0.1:port.
func (s *SSHD) Target() string { return fmt.Sprintf("%s@127.0.0.1:%d", s.User(), s.Port) }

// User is the name under which it lets the test in.
func (s *SSHD) User() string {
	s.t.Helper()
	u, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	return u.Username
}

// NewHostKey makes another key of the server, which it shows from its next start.
func (s *SSHD) NewHostKey() {
	s.t.Helper()
	_ = os.Remove(s.file("host"))
	_ = os.Remove(s.file("host.pub"))
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.file("host")).CombinedOutput(); err != nil {
		s.t.Fatalf("ssh-keygen: %v %s", err, out)
	}
}

// Authorize writes authorized_keys.
func (s *SSHD) Authorize(line string) {
	s.t.Helper()
	if err := os.WriteFile(s.file("authorized"), []byte(line+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// configure writes the configuration. Newer versions keep a client out for a while whose
// connections broke off, as many do here; older ones do not know the word.
func (s *SSHD) configure() {
	s.t.Helper()
	config := fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nPidFile none\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nGatewayPorts clientspecified\nClientAliveInterval 3\nClientAliveCountMax 10\nLogLevel VERBOSE\n",
		s.Port, s.file("host"), s.file("authorized"))
	for _, more := range []string{"PerSourcePenalties no\n", ""} {
		if err := os.WriteFile(s.file("config"), []byte(config+more), 0o600); err != nil {
			s.t.Fatal(err)
		}
		if out, err := exec.Command(s.path, "-t", "-f", s.file("config")).CombinedOutput(); err == nil {
			return
		} else if more == "" {
			s.t.Fatalf("sshd does not take its configuration: %v %s", err, out)
		}
	}
}

// Start starts it at its port, after Stop as well.
func (s *SSHD) Start() {
	s.t.Helper()
	if os.Getuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // where sshd as root wants to shut its children in
	}
	s.configure()
	s.run = exec.Command(s.path, "-D", "-e", "-f", s.file("config"))
	s.run.Stderr, s.run.WaitDelay = &s.said, 5*time.Second
	if err := s.run.Start(); err != nil {
		s.t.Fatal(err)
	}
	Listens(s.t, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
}

// Listens waits until somebody listens at an address.
func Listens(t testing.TB, address string) {
	t.Helper()
	testkit.Soon(t, "a server at "+address, func() (bool, string) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false, err.Error()
		}
		_ = c.Close()
		return true, ""
	})
}

// Stop kills it with everybody who is logged in.
func (s *SSHD) Stop() {
	if s.run == nil {
		return
	}
	s.drop()
	_ = s.run.Process.Kill()
	_ = s.run.Wait()
	s.run = nil
}

// Drop kills everybody who is logged in, as a power cut of theirs would; the server goes on.
func (s *SSHD) Drop() {
	if s.run != nil {
		s.drop()
		thaw(s.run.Process.Pid)
	}
}

// drop leaves the server standing still: it would let in a client that comes back at once, and
// where it is about to be killed that session would outlive it.
func (s *SSHD) drop() {
	listener := s.run.Process.Pid
	freeze(listener)
	var found []int
	for again := true; again; { // whoever stands still has no more children
		again = false
		for _, pid := range below(listener) {
			if !slices.Contains(found, pid) {
				freeze(pid)
				found, again = append(found, pid), true
			}
		}
	}
	for _, pid := range found {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
}

// below lists the processes that a process has started, and those that these have; where the
// system does not tell in files, the first of them alone.
func below(pid int) (list []int) {
	children := map[int][]int{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		out, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
		for _, word := range strings.Fields(string(out)) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, n)
			}
		}
		return list
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		// after the name, which may hold anything, stand the state and the parent
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], n)
		}
	}
	for list = children[pid]; ; {
		before := len(list)
		for _, n := range list {
			for _, child := range children[n] {
				if !slices.Contains(list, child) {
					list = append(list, child)
				}
			}
		}
		if len(list) == before {
			return list
		}
	}
}
