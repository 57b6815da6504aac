//go:build tornet

package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// torNetwork is a whole Tor network of its own on loopback: authorities, relays, and tors of
// people. Nothing of it knows the real one.
type torNetwork struct {
	t     *testing.T
	dir   string
	lines string // of every torrc
}

// torProcess is one tor, and what it has said.
type torProcess struct {
	t     *testing.T
	name  string
	dir   string
	rc    string
	ports map[string]string
	cmd   *exec.Cmd
	gone  chan struct{}

	mu   sync.Mutex
	said []string
	news chan struct{} // closed and made anew at every line
}

// networkTimes have the authorities vote every 20 s, the first time too (dir-spec; the shortest
// that leaves a loaded machine time to exchange the votes).
const networkTimes = `V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingV3AuthInitialVotingInterval 20
TestingV3AuthInitialVoteDelay 4
TestingV3AuthInitialDistDelay 4
V3AuthNIntervalsValid 3
TestingDirAuthVoteExit *
TestingDirAuthVoteHSDir *
TestingDirAuthVoteGuard *
TestingMinExitFlagThreshold 0
`

// newTorNetwork starts authorities and relays, and waits until each has a circuit.
func newTorNetwork(t *testing.T, authorities, relays int) *torNetwork {
	t.Helper()
	for _, name := range []string{"tor", "tor-gencert"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%s is missing: apt install tor", name)
		}
	}
	n := &torNetwork{t: t, dir: t.TempDir(), lines: "TestingTorNetwork 1\nAssumeReachable 1\nPathsNeededToBuildCircuits 0.67\nShutdownWaitLength 0\nLog notice stdout\n"}
	var list []*torProcess
	for i := range authorities {
		p := n.make(fmt.Sprintf("authority%d", i), "ORPort", "DirPort")
		n.lines += n.authority(p)
		list = append(list, p)
	}
	for _, p := range list {
		p.start(n.lines + networkTimes + "AuthoritativeDirectory 1\nV3AuthoritativeDirectory 1\nContactInfo nobody\nExitPolicy reject *:*\n")
	}
	for i := range relays {
		p := n.make(fmt.Sprintf("relay%d", i), "ORPort")
		p.start(n.lines + "ExitRelay 1\nExitPolicy accept 127.0.0.0/8:*\nExitPolicy reject *:*\nExitPolicyRejectPrivate 0\n")
		list = append(list, p)
	}
	for _, p := range list {
		p.want("Bootstrapped 100%")
	}
	return n
}

// person starts a tor that only uses the network, and waits until it does.
func (n *torNetwork) person(name, lines string, ports ...string) *torProcess {
	n.t.Helper()
	p := n.make(name, ports...)
	p.start(n.lines + lines)
	p.want("Bootstrapped 100%")
	return p
}

// make gives a tor its folder and its ports.
func (n *torNetwork) make(name string, ports ...string) *torProcess {
	n.t.Helper()
	p := &torProcess{t: n.t, name: name, dir: filepath.Join(n.dir, name), ports: map[string]string{}}
	if err := os.MkdirAll(filepath.Join(p.dir, "keys"), 0o700); err != nil {
		n.t.Fatal(err)
	}
	for _, kind := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			n.t.Fatal(err)
		}
		p.ports[kind] = l.Addr().String()
		defer l.Close() // after the last, so that no two are the same
	}
	return p
}

// authority makes an authority's keys; it returns the line by which all know it.
func (n *torNetwork) authority(p *torProcess) string {
	n.t.Helper()
	keys := filepath.Join(p.dir, "keys")
	cmd := exec.Command("tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "1", "-a", p.ports["DirPort"],
		"-i", filepath.Join(keys, "authority_identity_key"), "-s", filepath.Join(keys, "authority_signing_key"), "-c", filepath.Join(keys, "authority_certificate"))
	cmd.Stdin = strings.NewReader("of a network that ends with the test\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Fatalf("tor-gencert: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(keys, "authority_certificate"))
	if err != nil {
		n.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\nfingerprint ")
	ident, _, found := strings.Cut(rest, "\n")
	if !found {
		n.t.Fatalf("the certificate of %s tells no fingerprint", p.name)
	}
	rc := filepath.Join(p.dir, "none")
	if err := os.WriteFile(rc, nil, 0o600); err != nil {
		n.t.Fatal(err)
	}
	out, err := exec.Command("tor", "-f", rc, "--defaults-torrc", rc, "--quiet", "--DataDirectory", p.dir, "--Nickname", p.name, "--ORPort", p.ports["ORPort"], "--list-fingerprint").CombinedOutput()
	text, found := strings.CutPrefix(strings.TrimSpace(string(out)), p.name+" ")
	if err != nil || !found {
		n.t.Fatalf("tor --list-fingerprint: %v\n%s", err, out)
	}
	_, or, _ := net.SplitHostPort(p.ports["ORPort"])
	return fmt.Sprintf("DirAuthority %s orport=%s no-v2 v3ident=%s %s %s\n", p.name, or, ident, p.ports["DirPort"], text)
}

// start runs the tor with these lines; it ends with the test.
func (p *torProcess) start(lines string) {
	p.t.Helper()
	if _, is := p.ports["ORPort"]; is {
		lines += "Nickname " + p.name + "\nAddress 127.0.0.1\nSocksPort 0\n"
	} else if _, is := p.ports["SocksPort"]; !is {
		lines += "SocksPort 0\n"
	}
	for kind, address := range p.ports {
		lines += kind + " " + address
		if kind == "SocksPort" {
			lines += " ExtendedErrors" // which tell why an onion service was not reached
		}
		lines += "\n"
	}
	p.rc = filepath.Join(p.dir, "torrc")
	if err := os.WriteFile(p.rc, []byte(lines+"DataDirectory "+p.dir+"\n"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.again()
	p.t.Cleanup(p.stop)
}

// again starts it as it was.
func (p *torProcess) again() {
	p.t.Helper()
	p.cmd = exec.Command("tor", "-f", p.rc, "--defaults-torrc", os.DevNull)
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.said, p.news = nil, make(chan struct{})
	p.mu.Unlock()
	p.gone = make(chan struct{})
	go p.follow(out, p.gone)
}

func (p *torProcess) follow(out io.Reader, gone chan struct{}) {
	defer close(gone)
	for r := bufio.NewScanner(out); r.Scan(); {
		p.mu.Lock()
		p.said = append(p.said, r.Text())
		close(p.news)
		p.news = make(chan struct{})
		p.mu.Unlock()
	}
}

// stop ends it and waits for that.
func (p *torProcess) stop() {
	p.cmd.Process.Kill()
	<-p.gone
	p.cmd.Wait()
}

// want waits until tor says a thing.
func (p *torProcess) want(what string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	for {
		p.mu.Lock()
		said, news := p.said, p.news
		p.mu.Unlock()
		for _, line := range said {
			if strings.Contains(line, what) {
				return
			}
		}
		select {
		case <-news:
		case <-p.gone:
			p.t.Fatalf("%s ended:\n%s", p.name, strings.Join(said, "\n"))
		case <-ctx.Done():
			p.t.Fatalf("%s did not say %q:\n%s", p.name, what, strings.Join(said, "\n"))
		}
	}
}
