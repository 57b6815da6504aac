package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestWithoutALoginWhatAProxyPassesOnIsRefused: a proxy on this computer that nobody told us of
// makes the whole world look like this computer.
func TestWithoutALoginWhatAProxyPassesOnIsRefused(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	for _, header := range []string{"", "X-Forwarded-For: 203.0.113.9", "x-real-ip: 203.0.113.9", "Forwarded: for=203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: a.example"} {
		for _, path := range []string{"overview", "settings/auth", "api/v1/wallets", "events"} {
			req, err := http.NewRequest("GET", h.URL()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if name, value, ok := strings.Cut(header, ": "); ok {
				req.Header.Set(name, value)
			} else if path != "overview" {
				continue
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			resp.Body.Close()
			if header == "" && resp.StatusCode != 200 {
				t.Errorf("%s straight answers %d", path, resp.StatusCode)
			}
			if header != "" && (resp.StatusCode != 403 || !strings.Contains(string(body), "proxy")) {
				t.Errorf("%s with %q answers %d %.80s", path, header, resp.StatusCode, body)
			}
		}
	}
}

// TestWhoIsNotLoggedInFillsNoMemory: many strangers that send large forms at once are read a
// little way and no further.
func TestWhoIsNotLoggedInFillsNoMemory(t *testing.T) {
	h := open(t, Config{})
	if err := h.auth.SetOwner(context.Background(), "olga", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x=%41&"), 600_000) // 3.6 MB, below the door's bound
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			path, kind, method := []string{"auth/login", "auth/register", "auth/logout", "auth/login"}[i%4], "application/x-www-form-urlencoded", "POST"
			body := large
			if i%4 == 3 {
				method, kind = "GET", "multipart/form-data; boundary=b"
				body = []byte("--b\r\nContent-Disposition: form-data; name=\"next\"\r\n\r\n" + string(large) + "\r\n--b--\r\n")
			}
			req, err := http.NewRequest(method, h.URL()+path, bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", kind)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return // the server has hung up on what it does not read
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusRequestEntityTooLarge && method == "POST" && path != "auth/logout" {
				t.Errorf("%s answers %d", path, resp.StatusCode)
			}
		})
	}
	all.Wait()
	runtime.ReadMemStats(&after)
	// Client and server share this process; the client's side of a large body takes little.
	if took := after.TotalAlloc - before.TotalAlloc; took > 150<<20 {
		t.Errorf("40 large forms of strangers took %d MB", took>>20)
	}
}

// TestNoRequestGoesAroundTheDoor: net/http answers "OPTIONS *" by itself unless it is told not to.
func TestNoRequestGoesAroundTheDoor(t *testing.T) {
	h := open(t, Config{})
	for _, line := range []string{"OPTIONS * HTTP/1.1\r\nHost: evil.example", "GET http://evil.example/ HTTP/1.1\r\nHost: localhost", "GET / HTTP/1.0"} {
		c, err := net.Dial("tcp", h.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%s\r\nConnection: close\r\n\r\n", line)
		answer, _ := io.ReadAll(c) // how the server hangs up does not matter
		c.Close()
		if !strings.Contains(string(answer), " 421 ") || !strings.Contains(string(answer), "Content-Security-Policy") {
			t.Errorf("%q is answered %.60q", line, answer)
		}
	}
}
