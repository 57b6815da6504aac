package sshtunnel_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"specter/internal/remote/sshtunnel"
)

// Strangers who open connections through a tunnel and say nothing must keep nobody out, and who
// is being served must not be cut for them.
func TestSilentConnectionsMakeRoom(t *testing.T) {
	inlet := sshtunnel.NewInlet()
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") })}
	go web.Serve(inlet)
	t.Cleanup(func() { web.Close(); inlet.Close() })
	take := inlet.Take(false)
	open := func() net.Conn {
		ours, theirs := net.Pipe()
		take(theirs)
		t.Cleanup(func() { ours.Close() })
		return ours
	}
	ask := func(c net.Conn) error {
		c.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	busy := open()
	for n := range 1200 {
		open()
		if n%100 == 0 {
			if err := ask(busy); err != nil {
				t.Fatalf("who was being served is cut after %d silent ones: %v", n, err)
			}
		}
	}
	start := time.Now()
	if err := ask(open()); err != nil {
		t.Fatalf("behind 1,200 silent connections: %v", err)
	}
	t.Logf("a new connection is answered in %v behind 1,200 silent ones", time.Since(start))
	if err := ask(busy); err != nil {
		t.Errorf("the busy one at the end: %v", err)
	}
}
