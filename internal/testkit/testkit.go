// Package testkit is what tests of several rooms need of the machine they run on: programs,
// ports, and patience. Tests alone import it.
package testkit

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is how long a test waits for what is bound to happen. It ends what has gone wrong and
// measures nothing: a machine that is busy with other things may be many times slower than ours.
const Patience = 2 * time.Minute

// Soon waits until check holds; a test that waited in vain ends with the state that check told.
func Soon(t testing.TB, what string, check func() (ok bool, state string)) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := check()
		if ok {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s did not happen within %v: %s", what, Patience, state)
		case <-tick.C:
		}
	}
}

// envTools lists the programs that scripts/test has found or installed, between spaces.
const envTools = "SPECTER_TEST_TOOLS"

// Tool finds a program, also where Debian keeps those of root. A test without it is skipped and
// says so; where scripts/test has found it, the test fails instead, or nobody would notice.
func Tool(t testing.TB, name, pkg string) string {
	t.Helper()
	if path := find(name); path != "" {
		return path
	}
	if slices.Contains(strings.Fields(os.Getenv(envTools)), name) {
		t.Fatalf("scripts/test has %s, and this test does not find it", name)
	}
	t.Skipf("SKIPPED WITHOUT %s: install %s", strings.ToUpper(name), pkg)
	return ""
}

func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if info, err := os.Stat(dir + name); err == nil && !info.IsDir() {
			return dir + name
		}
	}
	return ""
}

var (
	portLock  sync.Mutex
	handedOut = map[int]bool{}
)

// Port finds a TCP port for a program that is started later, and perhaps stopped and started
// again. It is none of those that the system gives to whoever asks for any: while the program is
// down, no connection and no listener of a test beside this one takes it by chance.
func Port(t testing.TB) int {
	t.Helper()
	portLock.Lock()
	defer portLock.Unlock()
	low, high := lasting()
	for range 1000 {
		port := low + rand.IntN(high-low)
		if handedOut[port] {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)) // at every address
		if err != nil {
			continue
		}
		_ = l.Close()
		handedOut[port] = true
		return port
	}
	t.Fatalf("of the ports between %d and %d none is free", low, high)
	return 0
}

// lasting is where ports begin and end that are given to nobody by chance: below those of Linux,
// and below those that other systems use (IANA's).
func lasting() (low, high int) {
	low, high = 10_000, 32_768
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		var from, to int
		if _, err := fmt.Sscan(string(text), &from, &to); err == nil && from > low+1000 {
			high = min(high, from)
		} else if err == nil && from <= low+1000 {
			low, high = min(to+1, 60_000), 65_535
		}
	}
	return low, high
}
