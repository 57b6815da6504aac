package app

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

// Shown by 4: a thousand connections that say nothing, and some that say a letter a second, leave
// the pages quick for everybody else.
func TestManyIdleAndSlowClientsKeepNobodyWaiting(t *testing.T) {
	h := owned(t, Config{})
	address := h.listener.Addr().String()
	open := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Skipf("SKIPPED WITHOUT A THOUSAND SOCKETS: %v", err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for n := range 1000 {
		c := open()
		switch {
		case n%10 == 0: // a head that never ends
			fmt.Fprint(c, "GET /overview HTTP/1.1\r\nHost: local")
		case n%10 == 1: // a body that never comes
			fmt.Fprint(c, "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nusername=a")
		}
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	var took []time.Duration
	for range 100 {
		start := time.Now()
		code, _, _, err := send(client, "GET", h.URL()+"auth/login", nil)
		if err != nil || code != 200 {
			t.Fatalf("behind a thousand idle connections: %d %v", code, err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("login page behind 1,000 idle and slow connections: median %v, p95 %v", took[50], took[94])
	if took[94] > 2*time.Second {
		t.Errorf("p95 is %v", took[94])
	}
}
