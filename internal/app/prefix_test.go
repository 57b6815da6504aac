package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
)

func TestPrefixesThatCannotBeAreRefusedAtTheStart(t *testing.T) {
	for _, bad := range []string{"specter", "//evil.example", "/wallets", "/api/x", "/hwi", "/a/../b", "/specter/"} {
		a, err := New(context.Background(), Config{Host: "127.0.0.1", DataDir: t.TempDir(), Log: quiet(), URLPrefix: bad})
		if err == nil {
			a.close()
		}
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Every page of the program, below a path that the command line gives, asked with the path and
// without it, as from a proxy that strips it: nothing on it leads out.
func TestNoPageLeadsOutOfItsPrefix(t *testing.T) {
	h := newTour(t)
	h.stop()
	c := h.cfg
	c.URLPrefix = "/specter"
	mounted := open(t, c)
	v := newVisitor(t)
	base := strings.TrimSuffix(mounted.URL(), "/")
	if code, head, _ := v.post(base+"/specter/auth/login", url.Values{"username": {"admin"}, "password": {"correct horse battery"}}); code != http.StatusSeeOther || head.Get("Location") != "/specter/" {
		t.Fatalf("the login answers %d %v", code, head)
	}
	pages, err := mounted.pages(btc.Regtest)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, rt := range pages.Routes() {
		method, pattern, _ := strings.Cut(rt.Pattern, " ")
		if method != http.MethodGet || pattern == "/events" || strings.HasPrefix(pattern, "/static/") || strings.HasPrefix(pattern, "/authority/") || strings.Contains(pattern, "{format}") {
			continue
		}
		for _, path := range h.paths(pattern) {
			for _, at := range []string{"/specter" + path, path} {
				r, err := http.NewRequest("GET", base+at, nil)
				if err != nil {
					t.Fatal(err)
				}
				u, _ := url.Parse(base + "/specter/")
				for _, k := range v.http.Jar.Cookies(u) { // a proxy that strips the path brings them too
					r.AddCookie(k)
				}
				resp, err := http.DefaultTransport.RoundTrip(r)
				code, head, body := v.read(resp, err)
				if code >= 400 {
					t.Errorf("%s answers %d", at, code)
				}
				if to := head.Get("Location"); to != "" && !strings.HasPrefix(to, "/specter/") {
					t.Errorf("%s leads to %s", at, to)
				}
				if out := strays(body, "/specter"); strings.HasPrefix(head.Get("Content-Type"), "text/html") && len(out) > 0 {
					t.Errorf("%s leads out: %q", at, out)
				}
				seen++
			}
		}
	}
	t.Logf("%d pages looked at", seen)
	for path, want := range map[string]int{"/hwi/api/": 405, "/specter/hwi/api/": 405, "/healthz/liveness": 200, "/specter/healthz/liveness": 200, "/specter/api/v1/": 200, "/specter": 301} {
		if code, head, _ := v.get(base + path); code != want && !(want == 405 && code >= 400 && code != 404) {
			t.Errorf("%s answers %d %v", path, code, head.Get("Location"))
		}
	}
}

// Shown by 4: what strangers write into these headers changes nothing.
func TestForgedHeadersChangeNothing(t *testing.T) {
	h := owned(t, Config{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, API: yes()})
	ask := func(peer, path string, head ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "http://localhost"+path, nil)
		r.RemoteAddr = peer + ":4711"
		for i := 0; i+1 < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		w := httptest.NewRecorder()
		h.server.Handler.ServeHTTP(w, r)
		return w
	}
	forged := []string{"X-Forwarded-For", "198.51.100.66", "X-Forwarded-Host", "evil.example", "X-Forwarded-Prefix", "/evil", "X-Forwarded-Proto", "https",
		"Forwarded", "for=198.51.100.66;host=evil.example;proto=https", "X-Real-Ip", "198.51.100.66"}
	for _, path := range []string{"/", "/overview", "/auth/login", "/setup", "/api/v1/", "/authority/", "/settings/remote", "/static/nothing"} {
		clean, dirty := ask("192.0.2.99", path), ask("192.0.2.99", path, forged...)
		if clean.Code != dirty.Code || clean.Header().Get("Location") != dirty.Header().Get("Location") || clean.Body.String() != dirty.Body.String() ||
			strings.Join(clean.Header().Values("Set-Cookie"), ";") != strings.Join(dirty.Header().Values("Set-Cookie"), ";") || dirty.Header().Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %d %q becomes %d %q", path, clean.Code, clean.Header().Get("Location"), dirty.Code, dirty.Header().Get("Location"))
		}
	}
	if w := ask("192.0.2.7", "/overview", "X-Forwarded-Prefix", "/specter", "X-Forwarded-Proto", "https"); !strings.HasPrefix(w.Header().Get("Location"), "/specter/auth/login") {
		t.Errorf("the trusted proxy's prefix: %d %q", w.Code, w.Header().Get("Location"))
	}
	for _, bad := range []string{"//evil.example", "/api", "/a/../b", "/x\"><script>"} {
		if w := ask("192.0.2.7", "/overview", "X-Forwarded-Prefix", bad); w.Header().Get("Location") != "/auth/login?next=%2Foverview" {
			t.Errorf("%q: %q", bad, w.Header().Get("Location"))
		}
	}
	for i := range 40 { // a proxy that passes on what strangers write
		ask("192.0.2.7", "/overview", "X-Forwarded-Prefix", "/p"+strings.Repeat("x", i))
	}
	if w := ask("192.0.2.7", "/overview", "X-Forwarded-Prefix", "/specter"); !strings.HasPrefix(w.Header().Get("Location"), "/specter/") {
		t.Errorf("after many prefixes: %q", w.Header().Get("Location"))
	}
	if w := ask("[fd53:7065:6374:6572:7475:6e6e:656c:1]", "/auth/login"); w.Code != http.StatusForbidden {
		t.Errorf("who takes the address of a tunnel's proxy is answered %d", w.Code)
	}
	// Guesses count for the peer, whatever it writes: a new address for each changes nothing.
	last := 0
	for i := range 60 {
		r := httptest.NewRequest("POST", "https://localhost/auth/login", strings.NewReader("username=admin&password=wrong"))
		r.RemoteAddr = "192.0.2.99:4711"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", "198.51.100."+string(rune('0'+i%10)))
		w := httptest.NewRecorder()
		h.server.Handler.ServeHTTP(w, r)
		if last = w.Code; last == http.StatusTooManyRequests {
			break
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("sixty guesses under forged addresses end with %d", last)
	}
	// The record names the peer.
	owner, err := h.auth.User(t.Context(), auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	events, err := h.auth.Events(t.Context(), auth.Identity{User: owner}, 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, e := range events {
		if e.What == "login-refused" {
			if refused++; e.Client != "192.0.2.99" {
				t.Errorf("the record says %q came from %q", e.Detail, e.Client)
			}
		}
	}
	if refused == 0 {
		t.Error("no guess is in the record")
	}
}

func TestATokenBesideTheProxysPassword(t *testing.T) {
	h := owned(t, Config{API: yes()})
	owner, err := h.auth.User(context.Background(), auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := h.auth.NewToken(context.Background(), auth.Identity{User: owner}, auth.TokenRequest{Description: "phone", Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]struct {
		head []string
		want int
	}{
		"the proxy's password alone": {[]string{"Authorization", "Basic cHJveHk6ZG9vcg=="}, 401},
		"both":                       {[]string{"Authorization", "Basic cHJveHk6ZG9vcg==", tokenHeader, "Bearer " + token}, 200},
		"a wrong token beside it":    {[]string{"Authorization", "Basic cHJveHk6ZG9vcg==", tokenHeader, "Bearer x"}, 401},
		"the token where it was":     {[]string{"Authorization", "Bearer " + token}, 200},
	} {
		code, _, _ := ask(t, "GET", h.URL()+"api/v1/wallets", func(r *http.Request) {
			for i := 0; i+1 < len(one.head); i += 2 {
				r.Header.Set(one.head[i], one.head[i+1])
			}
		})
		if code != one.want {
			t.Errorf("%s: %d, want %d", name, code, one.want)
		}
	}
	if code, head, _ := ask(t, "GET", h.URL()+"overview", func(r *http.Request) { r.SetBasicAuth("proxy", "door") }); code != http.StatusSeeOther || head.Get("WWW-Authenticate") != "" {
		t.Errorf("a page with the proxy's password: %d %v", code, head)
	}
}
