package door_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"specter/internal/door"
)

// seen is what a handler behind the door is told.
type seen struct {
	client, host, id string
	https            bool
	called           bool
}

// knock sends one request through a door to a handler that notes what it was told.
func knock(t *testing.T, c door.Config, method, target string, change func(*http.Request)) (*httptest.ResponseRecorder, seen) {
	t.Helper()
	var s seen
	h := door.New(c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s = seen{door.ClientOf(r), r.Host, door.RequestID(r), door.IsHTTPS(r), true}
		if r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodDelete {
			http.Error(w, "no", http.StatusMethodNotAllowed)
		}
	}))
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = "localhost:25441", "198.51.100.9:4711"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w, s
}

func TestOnlyOurOwnNamesAreAnswered(t *testing.T) {
	c := door.Config{Hosts: []string{"specter.example", "fd00::5", "[fd00::6]", "box.local:25441", "Ünï.example"}}
	for host, want := range map[string]int{
		"localhost:25441": 200, "127.0.0.1:25441": 200, "127.0.0.53": 200, "[::1]:25441": 200, "LOCALHOST": 200, "localhost.": 200,
		"specter.example": 200, "Specter.Example:443": 200, "specter.example.": 200, "[fd00::5]:80": 200, "[fd00:0::6]": 200, "box.local": 200,
		"[::ffff:127.0.0.1]": 200,
		"evil.example":       421, "localhost.evil.example": 421, "10.0.0.1:25441": 421, "": 421, "127.0.0.1.evil.example": 421, "[::2]": 421,
		"specter.example.evil.example": 421, "a.specter.example": 421, "specter.example@evil.example": 421, "evil.example#localhost": 421,
		"localhost:80:80": 421, "0.0.0.0": 421, "2130706433": 421, "127.1": 421, "0x7f.0.0.1": 421, ":25441": 421, ".": 421, "[]": 421,
	} {
		for _, path := range []string{"/", "/api/v1/wallets", "/events", "/static/x.css", "/healthz/liveness"} {
			w, s := knock(t, c, "GET", path, func(r *http.Request) { r.Host = host })
			if w.Code != want || s.called != (want == 200) {
				t.Errorf("Host %q at %s answers %d, want %d", host, path, w.Code, want)
			}
		}
	}
}

// On a listener that other machines reach, the address they used is a name of ours: no foreign
// DNS answer can put it into a browser's Host.
func TestTheAddressOfTheConnectionIsOurs(t *testing.T) {
	at := func(local net.Addr, host string) int {
		w, _ := knock(t, door.Config{}, "GET", "/", func(r *http.Request) {
			r.Host = host
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		})
		return w.Code
	}
	lan := &net.TCPAddr{IP: net.ParseIP("192.168.1.5"), Port: 25441}
	for host, want := range map[string]int{"192.168.1.5:25441": 200, "192.168.1.6": 421, "evil.example": 421, "192.168.1.5.evil.example": 421} {
		if got := at(lan, host); got != want {
			t.Errorf("Host %q answers %d, want %d", host, got, want)
		}
	}
	if got := at(&net.UnixAddr{Name: "/x"}, "192.168.1.5"); got != 421 {
		t.Errorf("without an address of ours: %d", got)
	}
}

func TestForeignSitesChangeNothing(t *testing.T) {
	bearer, basic, cookie := "Bearer abc", "Basic YTpi", "specter_session=x"
	for name, c := range map[string]struct {
		method  string
		headers map[string]string
		want    int
	}{
		"a program without any of them":         {"POST", nil, 200},
		"our own page":                          {"POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:25441", "Cookie": cookie}, 200},
		"our own page in an old browser":        {"POST", map[string]string{"Origin": "http://localhost:25441", "Cookie": cookie}, 200},
		"typed by a person":                     {"POST", map[string]string{"Sec-Fetch-Site": "none"}, 200},
		"another site":                          {"POST", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"same site, other origin":               {"POST", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"a word that browsers do not know":      {"POST", map[string]string{"Sec-Fetch-Site": "friendly"}, 403},
		"another origin":                        {"POST", map[string]string{"Origin": "https://evil.example"}, 403},
		"another port":                          {"POST", map[string]string{"Origin": "http://localhost:1"}, 403},
		"origin null":                           {"POST", map[string]string{"Origin": "null"}, 403},
		"origin null, said to be here":          {"POST", map[string]string{"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 403},
		"origin null with a token":              {"POST", map[string]string{"Origin": "null", "Authorization": bearer}, 403},
		"an origin that is none":                {"POST", map[string]string{"Origin": "http://%zz"}, 403},
		"a deletion":                            {"DELETE", map[string]string{"Origin": "https://evil.example"}, 403},
		"a program with token and origin":       {"POST", map[string]string{"Origin": "app://x", "Authorization": bearer}, 200},
		"a token beside a cookie":               {"POST", map[string]string{"Origin": "https://evil.example", "Authorization": bearer, "Cookie": cookie}, 403},
		"a token from another site's page":      {"POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Authorization": bearer}, 403},
		"a password that the browser remembers": {"POST", map[string]string{"Origin": "https://evil.example", "Authorization": basic}, 403},
		"a program with a password":             {"POST", map[string]string{"Authorization": basic}, 200},
		"following a link":                      {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
		"in another site's frame":               {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403},
		"as another site's picture":             {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403},
		"as another site's script":              {"GET", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403},
		"fetched by another site":               {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403},
		"fetched by our own page":               {"GET", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 200},
	} {
		w, s := knock(t, door.Config{}, c.method, "/x", func(r *http.Request) {
			for k, v := range c.headers {
				r.Header.Set(k, v)
			}
		})
		if w.Code != c.want || s.called != (c.want == 200) {
			t.Errorf("%s: answers %d, want %d", name, w.Code, c.want)
		}
	}
}

var always = []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy",
	"Cross-Origin-Resource-Policy", "Permissions-Policy", "X-Request-Id"}

// Every answer carries the headers, whoever made it.
func TestHeadersHoldForErrorsToo(t *testing.T) {
	h := door.New(door.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/404":
			http.NotFound(w, r)
		case "/413":
			if _, err := io.ReadAll(r.Body); err != nil {
				http.Error(w, "too big", http.StatusRequestEntityTooLarge)
			}
		case "/500":
			panic("boom with secrets")
		}
	}))
	for path, want := range map[string]int{"/": 200, "/404": 404, "/413": 413, "/500": 500, "/421": 421, "/403": 403, "/414?" + strings.Repeat("a", 20_000): 414} {
		r := httptest.NewRequest("POST", path, strings.NewReader(strings.Repeat("a", 5<<20)))
		r.Host = "localhost"
		switch want {
		case 421:
			r.Host = "evil.example"
		case 403:
			r.Header.Set("Origin", "null")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%.20s answers %d", path, w.Code)
		}
		for _, name := range always {
			if w.Header().Get(name) == "" {
				t.Errorf("status %d without %s", want, name)
			}
		}
		if w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Header().Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("status %d: %v", want, w.Header())
		}
		if strings.Contains(w.Body.String(), "boom") {
			t.Errorf("status %d says what broke: %s", want, w.Body)
		}
		if w.Header().Get("Strict-Transport-Security") != "" {
			t.Errorf("status %d promises https over http", want)
		}
	}
}

func TestHTTPSIsPromisedForNamesOnly(t *testing.T) {
	trusted, err := door.ParseTrusted([]string{"198.51.100.9"})
	if err != nil {
		t.Fatal(err)
	}
	c := door.Config{Hosts: []string{"specter.example", "10.0.0.1"}, Trusted: trusted, HSTS: 24 * time.Hour}
	for _, k := range []struct{ host, proto, want string }{
		{"specter.example", "https", "max-age=86400"}, {"specter.example", "http", ""}, {"localhost", "https", ""}, {"10.0.0.1", "https", ""}, {"specter.example", "", ""},
	} {
		w, _ := knock(t, c, "GET", "/", func(r *http.Request) {
			r.Host = k.host
			r.Header.Set("X-Forwarded-Proto", k.proto)
		})
		if got := w.Header().Get("Strict-Transport-Security"); got != k.want {
			t.Errorf("%s by %q: %q, want %q", k.host, k.proto, got, k.want)
		}
	}
}

func TestFailWordsTheRefusals(t *testing.T) {
	var said error
	c := door.Config{Fail: func(w http.ResponseWriter, r *http.Request, status int, err error) {
		said = err
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
	}}
	w, s := knock(t, c, "TRACE", "/", nil)
	if w.Code != 405 || s.called || said == nil || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Header().Get("Allow"), "GET, HEAD") {
		t.Errorf("%d %v %v", w.Code, said, w.Header())
	}
}

func TestAnAnswerThatHasBegunIsCutByAPanic(t *testing.T) {
	var log bytes.Buffer
	h := door.New(door.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half of")
		panic(errors.New("boom"))
	}))
	srv := httptest.NewServer(h)
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer was taken for a whole one")
	}
	srv.Close() // whoever writes the log has ended then
	if !strings.Contains(log.String(), "boom") {
		t.Errorf("the log says %s", &log)
	}
}

// The log names routes, never paths, queries or credentials.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	m := http.NewServeMux()
	m.HandleFunc("GET /wallets/{alias}", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	m.Handle("/below/", http.StripPrefix("/below", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { door.Route(r, "GET /inner/{id}") })))
	h := door.New(door.Config{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, m)
	for _, target := range []string{"/wallets/hunter2?secret=hunter2", "/below/hunter2", "/nothing/hunter2"} {
		r := httptest.NewRequest("GET", target, nil)
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer hunter2")
		r.Header.Set("Cookie", "specter_session=hunter2")
		r.Header.Set("User-Agent", "hunter2")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if id := w.Header().Get("X-Request-Id"); len(id) != 16 || !strings.Contains(log.String(), "request="+id) {
			t.Errorf("request id %q is not in the log", id)
		}
	}
	r := httptest.NewRequest("HUNTER2", "/", nil)
	r.Host = "localhost"
	h.ServeHTTP(httptest.NewRecorder(), r)
	text := log.String()
	if strings.Contains(strings.ToLower(text), "hunter2") {
		t.Error(text)
	}
	for _, want := range []string{`route="GET /wallets/{alias}" status=403`, `route="GET /inner/{id}" status=200`, "route=none status=404", "client=192.0.2.1", "level=INFO", "level=DEBUG"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// What a handler decides about by the Origin itself comes to it from other sites too, and from
// nowhere else than a name of ours.
func TestSharedRequestsSkipTheCheckOfSitesAlone(t *testing.T) {
	c := door.Config{Shared: func(r *http.Request) bool { return r.URL.Path == "/shared" }}
	for _, k := range []struct {
		path, host string
		want       int
	}{{"/shared", "localhost", 200}, {"/other", "localhost", 403}, {"/shared/", "localhost", 403}, {"/shared", "evil.example", 421}} {
		w, s := knock(t, c, "POST", k.path, func(r *http.Request) {
			r.Host = k.host
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		})
		if w.Code != k.want || s.called != (k.want == 200) {
			t.Errorf("%s at %s: %d, want %d", k.path, k.host, w.Code, k.want)
		}
	}
}

// Names of an onion service or a tunnel's server come and go while the program runs.
func TestFurtherNamesAreOursForAsLongAsTheyAreSaid(t *testing.T) {
	now := []string{"abc.onion"}
	c := door.Config{Names: func() []string { return now }}
	ask := func(host string) int {
		w, _ := knock(t, c, "GET", "/", func(r *http.Request) { r.Host = host })
		return w.Code
	}
	if got := []int{ask("abc.onion"), ask("ABC.onion.:80"), ask("x.abc.onion"), ask("evil.example")}; got[0] != 200 || got[1] != 200 || got[2] != 421 || got[3] != 421 {
		t.Errorf("while it is ours: %v", got)
	}
	now = nil
	if got := ask("abc.onion"); got != 421 {
		t.Errorf("when it is no longer ours: %d", got)
	}
}
