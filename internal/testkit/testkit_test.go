package testkit

import (
	"net"
	"strconv"
	"testing"
)

func TestPortsAreFreeAndNobodysByChance(t *testing.T) {
	low, high := lasting()
	seen := map[int]bool{}
	for range 50 {
		port := Port(t)
		if port < low || port >= high || seen[port] {
			t.Fatalf("port %d; between %d and %d, each once", port, low, high)
		}
		seen[port] = true
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if port := l.Addr().(*net.TCPAddr).Port; port >= low && port < high {
		t.Errorf("the system gives port %d, between %d and %d", port, low, high)
	}
}

// helper stands in for a test that needs a program.
type helper struct {
	testing.TB
	said string
}

func (h *helper) Helper()               {}
func (h *helper) Skipf(string, ...any)  { h.said = "skipped" }
func (h *helper) Fatalf(string, ...any) { h.said = "failed"; panic(h) }

func TestAProgramThatIsMissedIsNotSkippedInSilence(t *testing.T) {
	said := func(name string) (said string) {
		h := &helper{TB: t}
		defer func() { _ = recover(); said = h.said }()
		Tool(h, name, "nothing")
		return h.said
	}
	t.Setenv(envTools, "curl nobody-has-this tor")
	for name, want := range map[string]string{"go": "", "nobody-has-that": "skipped", "nobody-has-this": "failed"} {
		if got := said(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
