package door_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"specter/internal/door"
	"specter/internal/testkit"
)

func TestBodiesAreBounded(t *testing.T) {
	read := func(size int, more int64) (int, error) {
		var n int64
		var err error
		h := door.New(door.Config{MaxBody: 1000}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if more > 0 {
				door.AllowBody(r, more, time.Minute)
			}
			n, err = io.Copy(io.Discard, r.Body)
			if _, again := r.Body.Read(make([]byte, 1)); err != nil && again == nil {
				t.Error("after the bound the body goes on")
			}
		}))
		r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("a", size)))
		r.Host = "localhost"
		h.ServeHTTP(httptest.NewRecorder(), r)
		return int(n), err
	}
	for _, k := range []struct {
		size  int
		more  int64
		want  int
		large bool
	}{{0, 0, 0, false}, {999, 0, 999, false}, {1000, 0, 1000, false}, {1001, 0, 1000, true}, {99_999, 0, 1000, true}, {5000, 5000, 5000, false}, {5001, 5000, 5000, true}, {1000, 10, 1000, false}} {
		n, err := read(k.size, k.more)
		var tooBig *http.MaxBytesError
		if n != k.want || errors.As(err, &tooBig) != k.large {
			t.Errorf("%d bytes with %d allowed: read %d, %v", k.size, k.more, n, err)
		}
	}
}

// A body that does not come is given up; what takes long after the body has come is not.
func TestASlowBodyEndsAndSlowWorkDoesNot(t *testing.T) {
	got := make(chan error, 1)
	srv := httptest.NewServer(door.New(door.Config{Read: 500 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if err == nil {
			select {
			case <-r.Context().Done():
				err = r.Context().Err()
			case <-time.After(time.Second): // longer than the bound: real time is what connections know
			}
		}
		got <- err
		io.WriteString(w, "done")
	})))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc")
	select {
	case err := <-got:
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("a body that does not come: %v", err)
		}
	case <-time.After(testkit.Patience):
		t.Fatal("a body that does not come is waited for")
	}
	resp, err := http.Post(srv.URL, "text/plain", strings.NewReader("whole"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "done" {
		t.Errorf("answered %q", body)
	}
	if err := <-got; err != nil {
		t.Errorf("slow work was ended: %v", err)
	}
}

// A client that takes nothing is cut; one that takes slowly is served for as long as it lasts.
func TestAStalledReaderIsCutAndALongStreamIsNot(t *testing.T) {
	ended := make(chan error, 1)
	srv := httptest.NewServer(door.New(door.Config{Stall: time.Second}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			for range 8 {
				io.WriteString(w, "x")
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				time.Sleep(200 * time.Millisecond) // 1.6 s in all, each step below the bound
			}
			return
		}
		piece := make([]byte, 1<<20)
		for {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	})))
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); string(body) != "xxxxxxxx" || err != nil {
		t.Errorf("the stream gave %q, %v", body, err)
	}
	resp.Body.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /all HTTP/1.1\r\nHost: localhost\r\n\r\n")
	select {
	case <-ended:
	case <-time.After(testkit.Patience):
		t.Error("a reader that takes nothing is waited for")
	}
}
