package door_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"specter/internal/door"
)

func TestPathsToBeMountedAtAreReadAndRefused(t *testing.T) {
	for text, want := range map[string]string{"": "", "/": "", "/specter": "/specter", "/specter/": "/specter", "/a/b-c/d_1.x~": "/a/b-c/d_1.x~"} {
		if got, err := door.CleanPrefix(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"specter", "//evil.example", "/a//b", "/a/../b", "/..", "/.", "/a b", "/a\r\nX: y", "/a;Path=/", "/%2f", "/a\\b", "/\"", "/a?b", "/a#b",
		"/" + strings.Repeat("x", 100), "/a/b/c/d/e", "https://evil.example/"} {
		if got, err := door.CleanPrefix(text); err == nil {
			t.Errorf("%q was read as %q", text, got)
		}
	}
}

func TestOnlyTrustedProxiesSayWhereWeAreMounted(t *testing.T) {
	h := door.New(door.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(door.PrefixOf(r)))
	}))
	ask := func(peer string, values ...string) string {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-Prefix"] = values
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	if got := ask("192.0.2.7:1", "/Specter/"); got != "/Specter" {
		t.Errorf("the proxy's word: %q", got)
	}
	if got := ask("192.0.2.7:1", "/evil", "/specter"); got != "/specter" {
		t.Errorf("the last word counts, got %q", got)
	}
	for _, bad := range []string{"//evil.example", "/a/../..", "x"} {
		if got := ask("192.0.2.7:1", bad); got != "" {
			t.Errorf("%q was believed as %q", bad, got)
		}
	}
	if got := ask("192.0.2.8:1", "/specter"); got != "" {
		t.Errorf("a stranger's word was believed: %q", got)
	}
}

func TestNamesMayChangeWhileTheProgramRuns(t *testing.T) {
	var names []string
	h := door.New(door.Config{Names: func() []string { return names }}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ask := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://My.Example:8080/", nil))
		return w.Code
	}
	if got := ask(); got != http.StatusMisdirectedRequest {
		t.Errorf("before it is ours: %d", got)
	}
	names = []string{"my.example"}
	if got := ask(); got != http.StatusOK {
		t.Errorf("after it became ours: %d", got)
	}
	names = nil
	if got := ask(); got != http.StatusMisdirectedRequest {
		t.Errorf("after it was taken away: %d", got)
	}
}

func FuzzCleanPrefix(f *testing.F) {
	f.Add("/specter")
	f.Add("//evil")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := door.CleanPrefix(text)
		if err != nil || got == "" {
			return
		}
		if again, err := door.CleanPrefix(got); err != nil || again != got {
			t.Fatalf("%q -> %q -> %q, %v", text, got, again, err)
		}
		if got[0] != '/' || strings.Contains(got, "//") || strings.ContainsAny(got, "\\\r\n \";,%?#") {
			t.Fatalf("%q is let through as %q", text, got)
		}
	})
}
