package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/wallet"
	"specter/internal/web"
)

// guarded is the pages behind a door, as the program serves them.
type guarded struct {
	*web.Server
	door http.Handler
}

func (g guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.door.ServeHTTP(w, r) }

func guard(s *web.Server) guarded { return guarded{s, door.New(door.Config{}, s)} }

func server(t *testing.T, change func(*web.Config)) guarded {
	t.Helper()
	h := newHouse("")
	c := web.Config{Wallets: wallets{h}, Devices: devices{h}, Nodes: nodes{h}, Settings: h, Program: &steward{h: h}, Backups: &keeper{h: h}, Restores: newRestorer(h.poison), Onion: &torKeeper{h: h}, Doctor: examined, Bridge: &usbDesk{h: h}, Auth: newGatehouse(auth.MethodNone)}
	if change != nil {
		change(&c)
	}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return guard(s)
}

func serve(s http.Handler, method, target string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost:25441"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// Every answer of the pages stands behind the door; which names it knows is door's own test.
func TestOnlyOurOwnNamesAreAnswered(t *testing.T) {
	s := server(t, nil)
	for _, path := range []string{"/welcome", "/events", "/static/x.css", "/nothing"} {
		w := serve(s, "GET", path, func(r *http.Request) { r.Host = "evil.example" })
		if w.Code != 421 || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("a foreign name at %s is answered %d, %v", path, w.Code, w.Header())
		}
	}
}

func TestChangesFromOtherSitesAreRefused(t *testing.T) {
	s := server(t, nil)
	for _, pattern := range s.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "POST" {
			continue
		}
		path = strings.NewReplacer("{alias}", "family_vault", "{id}", "7", "{txid}", hashOf(1).String(), "{type}", "coldcard", "{kind}", "single").Replace(path)
		for name, headers := range map[string]map[string]string{
			"Sec-Fetch-Site": {"Sec-Fetch-Site": "cross-site"}, "same site, other origin": {"Sec-Fetch-Site": "same-site"},
			"Origin": {"Origin": "https://evil.example"}, "Origin null": {"Origin": "null"}, "other port": {"Origin": "http://localhost:1"},
		} {
			w := serve(s, method, path, func(r *http.Request) {
				for k, v := range headers {
					r.Header.Set(k, v)
				}
			})
			if w.Code != http.StatusForbidden {
				t.Errorf("%s with %s answers %d, want 403", pattern, name, w.Code)
			}
		}
	}
}

// A route without a row in everyPage, or a change without one here, fails this test.
func TestEveryRouteIsTried(t *testing.T) {
	s := server(t, nil)
	tried := map[string]bool{"GET /{$}": true, "GET /static/{file...}": true, "GET /events": true, "GET /wallets/{alias}": true,
		"GET /setup": true, "GET /auth/login": true, "GET /auth/session": true, "GET /setup/restore": true, "GET /auth/restored": true, "GET /settings/specter-backup.zip": true, // tried by the tests of the login, and of a takeover
		"GET /settings/program/log": true, "GET /wallets/{alias}/drafts/{id}/psbt": true, "GET /wallets/{alias}/export/{format}": true, "GET /wallets/{alias}/backup": true}
	m := http.NewServeMux()
	for _, p := range s.Patterns() {
		if strings.HasPrefix(p, "GET ") {
			m.HandleFunc(p, func(http.ResponseWriter, *http.Request) {})
		}
	}
	for path := range everyPage() {
		_, pattern := m.Handler(httptest.NewRequest("GET", path, nil))
		tried[pattern] = true
	}
	for _, p := range s.Patterns() {
		if strings.HasPrefix(p, "GET ") && !tried[p] {
			t.Errorf("no test asks for %s", p)
		}
	}
}

func TestErrorsKeepTheirKindAndOurSecrets(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
		says string
	}{
		"invalid":     {errs.E(errs.Invalid, "the thing is bent"), 422, "The thing is bent"},
		"not found":   {errs.E(errs.NotFound, "no such thing"), 404, "No such thing"},
		"conflict":    {errs.E(errs.Conflict, "it changed"), 409, "It changed"},
		"denied":      {errs.E(errs.Denied, "you may not"), 403, "You may not"},
		"unavailable": {errs.E(errs.Unavailable, "the node is away"), 503, "The node is away"},
		"declined":    {errs.E(errs.Declined, "refused on the device"), 409, "Refused on the device"},
		"wrapped":     {fmt.Errorf("sync: %w", errs.E(errs.Unavailable, "away")), 503, "away"},
		"deadline":    {fmt.Errorf("ask: %w", context.DeadlineExceeded), 504, "too long"},
		"internal":    {errors.New("password=hunter2 in /home/me"), 500, "Something went wrong inside"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			h := newHouse("")
			h.fail = c.err
			s := server(t, func(cfg *web.Config) {
				cfg.Wallets, cfg.Log = wallets{h}, slog.New(slog.NewTextHandler(&log, nil))
			})
			w := serve(s, "POST", "/wallets/family_vault/sync", nil)
			if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("answers %d: %s", w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), "hunter2") {
				t.Error("an internal error is shown to the person")
			}
			if logged := log.Len() > 0; logged != (c.want == 500 || c.want == 503 || c.want == 504) {
				t.Errorf("logged: %v", logged)
			}
			w = serve(s, "POST", "/wallets/family_vault/sync", func(r *http.Request) { r.Header.Set("HX-Request", "true") })
			if w.Code != c.want || w.Header().Get("HX-Retarget") != "#flashes" || strings.Contains(w.Body.String(), "<html") {
				t.Errorf("htmx is answered %d, %v, %s", w.Code, w.Header(), w.Body)
			}
		})
	}
}

func TestAPanicIsOnePageThatFails(t *testing.T) {
	h := newHouse("")
	s := server(t, func(c *web.Config) { c.Wallets = panicking{wallets{h}} })
	w := serve(s, "GET", "/wallets/family_vault/receive", nil)
	if w.Code != 500 || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("answers %d: %s", w.Code, w.Body)
	}
}

type panicking struct{ wallets }

func (panicking) ReceiveAddress(context.Context, wallet.Ref) (wallet.AddressRow, error) {
	panic("boom")
}

func TestTooLargeBodiesAreRefused(t *testing.T) {
	c := open(t, newHouse(""))
	big := url.Values{"psbt": {strings.Repeat("a", 5<<20)}}
	c.post("/wallets/family_vault/import", big).want(http.StatusRequestEntityTooLarge)
	c.post("/wallets/family_vault/drafts/7/signatures", big).want(http.StatusRequestEntityTooLarge)
}

func TestStaticFilesAreKeptForEverUnderTheirHash(t *testing.T) {
	c := open(t, newHouse(""))
	a := c.get("/welcome")
	found := 0
	walk(a.doc, func(n *html.Node) {
		for _, path := range []string{attr(n, "src"), attr(n, "href")} {
			if !strings.HasPrefix(path, "/static/") {
				continue
			}
			found++
			f := c.get(path).want(200)
			if !strings.Contains(f.header.Get("Cache-Control"), "immutable") || f.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s comes with %v", path, f.header)
			}
		}
	})
	if found < 5 {
		t.Errorf("the page names %d static files", found)
	}
	c.get("/static/css/base.css").want(404) // only the hashed name is one
	c.get("/static/../web.go").want(404)
}

func TestMountedBelowAPathEveryLinkStaysThere(t *testing.T) {
	s := server(t, func(c *web.Config) { c.URLPrefix = "/specter/" })
	for _, path := range []string{"/welcome", "/overview", "/wallets/family_vault/history?size=10", "/wallets/family_vault/send", "/devices/cold_a", "/nodes", "/new-node"} {
		w := serve(s, "GET", "/specter"+path, nil)
		if w.Code != 200 {
			t.Fatalf("%s answers %d", path, w.Code)
		}
		doc, err := html.Parse(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		walk(doc, func(n *html.Node) {
			for _, name := range []string{"href", "src", "action", "hx-get", "hx-post", "data-events"} {
				if v := attr(n, name); strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "/specter/") {
					t.Errorf("%s: %s=%q leaves the prefix", path, name, v)
				}
			}
		})
	}
	if w := serve(s, "GET", "/specter/", nil); w.Header().Get("Location") != "/specter/overview" {
		t.Errorf("the start leads to %q", w.Header().Get("Location"))
	}
	if w := serve(s, "GET", "/welcome", nil); w.Code != 404 {
		t.Errorf("outside the prefix: %d", w.Code)
	}
}

func TestNoFormLeadsToAnotherSite(t *testing.T) {
	s := server(t, nil)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/%2fevil.example", "javascript:alert(1)", "", "x", "/\n/evil"} {
		w := serve(s, "POST", "/settings?"+url.Values{"unit": {"sat"}, "next": {next}}.Encode(), nil)
		if got := w.Header().Get("Location"); w.Code != 303 || got != "/settings" {
			t.Errorf("next=%q leads to %q (%d)", next, got, w.Code)
		}
	}
	w := serve(s, "POST", "/settings?unit=sat&next="+url.QueryEscape("/wallets/a/history?q=x y&page=2"), nil)
	if got := w.Header().Get("Location"); got != "/wallets/a/history?q=x y&page=2" && got != "/wallets/a/history?q=x%20y&page=2" {
		t.Errorf("a path of ours leads to %q", got)
	}
}

func TestWhoIsRefusedSeesNothing(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	s := server(t, func(c *web.Config) { c.Auth = g })
	for path, status := range everyPage() {
		if path == "/auth/logout" || path == "/auth/register" || path == "/hwi/" {
			continue // theirs too
		}
		w := serve(s, "GET", path, nil)
		if status == 200 && (w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/auth/login")) || strings.Contains(w.Body.String(), "Family Vault") {
			t.Errorf("%s answers %d %s", path, w.Code, w.Header().Get("Location"))
		}
	}
	bob := g.enter("bob")
	if w := serve(s, "GET", "/wallets/family_vault/history", func(r *http.Request) { r.Header.Set("Cookie", "specter_session="+bob) }); w.Code != 404 {
		t.Errorf("another user's wallet answers %d", w.Code)
	}
}

func TestWithoutDemoThereIsNoFaucet(t *testing.T) {
	s := server(t, nil)
	for _, path := range []string{"/demo/faucet", "/demo/mine"} {
		if w := serve(s, "POST", path, nil); w.Code != 404 {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	if w := serve(s, "GET", "/wallets/family_vault/receive", nil); strings.Contains(w.Body.String(), "faucet") {
		t.Error("the receive page offers a faucet")
	}
}

func TestNewRefusesToStandOnNothing(t *testing.T) {
	if _, err := web.New(web.Config{}); err == nil {
		t.Error("a server without services was made")
	}
}

// A page hears of its own wallet and of the node, not of other wallets, and a closing server
// does not wait for it.
func TestEventsReachThePage(t *testing.T) {
	h := newHouse("")
	s := server(t, func(c *web.Config) { c.Wallets = wallets{h} })
	srv := httptest.NewServer(s)
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/events?wallet=savings")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("Content-Type %q", got)
	}
	h.events <- wallet.Event{Alias: "family_vault", Kind: "wallet"}
	h.events <- wallet.Event{Alias: "savings", Kind: "draft"}
	h.events <- wallet.Event{Kind: "node"}
	want := "retry: 3000\n\nevent: change\ndata: draft\n\nevent: change\ndata: node\n\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
		t.Fatalf("heard %q, %v; want %q", got, err, want)
	}
	s.Close()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("after closing: %q, %v", rest, err)
	}
}
