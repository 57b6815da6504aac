package cert_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"specter/internal/remote/cert"
)

func serveSplit(t *testing.T, s cert.Source) (secure, plain string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, b := cert.Split(l, s.Config())
	say := func(word string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, word, " ", r.Proto) })
	}
	for listener, word := range map[net.Listener]string{a: "secure", b: "plain"} {
		server := &http.Server{Handler: say(word)}
		go server.Serve(listener)
		t.Cleanup(func() { server.Close() })
	}
	return "https://" + l.Addr().String() + "/", "http://" + l.Addr().String() + "/"
}

func fetch(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A thousand connections that say nothing do not keep others from being served.
func TestSilentConnectionsBlockNobody(t *testing.T) {
	m := &machine{now: time.Now()}
	_, plain := serveSplit(t, m.self(t))
	address := strings.TrimSuffix(strings.TrimPrefix(plain, "http://"), "/")
	var open sync.WaitGroup
	for range 1000 {
		open.Go(func() {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { c.Close() })
		})
	}
	open.Wait()
	start := time.Now()
	if got := fetch(t, http.DefaultClient, plain); got != "plain HTTP/1.1" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(start); took > 9*time.Second { // a silent one may be waited for ten
		t.Errorf("an honest client waited %v", took)
	}
}

func TestClosingOneBranchEndsBoth(t *testing.T) {
	m := &machine{now: time.Now()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, b := cert.Split(l, m.self(t).Config())
	ended := make(chan error, 2)
	for _, one := range []net.Listener{a, b} {
		go func() { _, err := one.Accept(); ended <- err }()
	}
	a.Close()
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a connection out of nowhere")
		}
	}
}

func TestFilesThatChangeAreTakenWithoutARestart(t *testing.T) {
	m := &machine{now: noon}
	dir := t.TempDir()
	first := m.put(t, dir)
	now := noon
	p, err := cert.NewPair(filepath.Join(dir, "specter.crt"), filepath.Join(dir, "specter.key"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if got := p.State().Fingerprint; got != first {
		t.Errorf("first %s, got %s", first, got)
	}
	m.names, now = []string{"10.0.0.3"}, now.Add(time.Minute)
	second := m.put(t, dir)
	if got := p.State().Fingerprint; got != second || first == second {
		t.Errorf("renewed to %s, got %s", second, got)
	}
	if err := os.WriteFile(filepath.Join(dir, "specter.crt"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if st := p.State(); st.Fingerprint != second || st.Trouble == "" {
		t.Errorf("spoilt files: %+v", st)
	}
	now = noon.Add(500 * 24 * time.Hour)
	m.put(t, dir)
	if st := p.State(); !strings.Contains(st.Trouble, "expired") {
		t.Errorf("expired: %+v", st)
	}
	if _, err := cert.NewPair(filepath.Join(dir, "none.pem"), filepath.Join(dir, "specter.key"), time.Now); err == nil {
		t.Error("a missing file was taken")
	}
}
