package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/errs"
	"specter/internal/node"
	"specter/internal/testkit"
)

// TestHalfSentRequestsAreGivenUp: many connections that never finish their request keep nobody
// else waiting and are closed in the end.
func TestHalfSentRequestsAreGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	a, err := New(ctx, Config{Host: "127.0.0.1", DataDir: t.TempDir(), Log: quiet(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if d := a.server.ReadHeaderTimeout; d <= 0 || d > 15*time.Second {
		t.Errorf("a request's head may take %v", d)
	}
	if a.server.IdleTimeout <= 0 || a.server.MaxHeaderBytes <= 0 || a.server.MaxHeaderBytes > 128<<10 {
		t.Errorf("idle %v, head %d bytes", a.server.IdleTimeout, a.server.MaxHeaderBytes)
	}
	a.server.ReadHeaderTimeout = 2 * time.Second // the test need not wait for the real one
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	var open []net.Conn
	for range 300 {
		c, err := net.Dial("tcp", a.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET /overview HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		open = append(open, c)
	}
	start := time.Now()
	if status, _, _ := ask(t, "GET", a.URL()+"healthz/liveness", nil); status != 200 {
		t.Errorf("beside them health answers %d", status)
	}
	if took := time.Since(start); took > 12*time.Second {
		t.Errorf("beside them an answer takes %v", took)
	}
	for _, c := range open {
		if err := c.SetReadDeadline(time.Now().Add(testkit.Patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a half-sent request is waited for")
		}
	}
	c, err := net.Dial("tcp", a.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: %s\r\n\r\n", strings.Repeat("a", 1<<20))
	answer := make([]byte, 12)
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "HTTP/1.1 431" {
		t.Errorf("a head of a megabyte is answered %q, %v", answer, err)
	}
}

// TestTheNodesPasswordOpensAsPIN holds the PIN login to a real node, running and away.
func TestTheNodesPasswordOpensAsPIN(t *testing.T) {
	n := coretest.Start(t, coretest.Options{Empty: true})
	ctx := context.Background()
	h := owned(t, Config{})
	if err := h.checkRPC(ctx, "x"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("without a node: %v", err)
	}
	h.connect(n)
	if err := h.checkRPC(ctx, "x"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("with a node that is known by its cookie: %v", err)
	}
	cookie, err := os.ReadFile(n.CookieFile())
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(strings.TrimSpace(string(cookie)), ":")
	typed, _, err := h.nodes.Connect(ctx, node.Node{Name: "typed", Kind: node.Core, Network: btc.Regtest, Protocol: "http", Host: "127.0.0.1", Port: n.Port(),
		User: user, Password: node.NewSecret(password)})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.nodes.Activate(ctx, typed.Alias); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"running", "away"} {
		if when == "away" {
			n.Stop()
		}
		if err := h.checkRPC(ctx, password); err != nil {
			t.Errorf("%s: the right password: %v", when, err)
		}
		for _, wrong := range []string{"", "wrong", password + " ", strings.ToUpper(password)} {
			if err := h.checkRPC(ctx, wrong); !errs.Is(err, errs.Denied) || strings.Contains(err.Error(), password) {
				t.Errorf("%s: a wrong password: %v", when, err)
			}
		}
	}
}
