package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/web"
)

// The owner reads the log; what a wallet is called is its user's.
func TestTheLogNamesRoutesAndNoWallets(t *testing.T) {
	for _, fail := range []error{errs.E(errs.Unavailable, "the node is away"), errs.E(errs.Internal, "a mistake")} {
		var log bytes.Buffer
		h := newHouse("")
		h.fail = fail
		s := server(t, func(c *web.Config) { c.Wallets, c.Log = wallets{h}, slog.New(slog.NewTextHandler(&log, nil)) })
		serve(s, "POST", "/wallets/family_vault/sync", nil)
		if text := log.String(); strings.Contains(text, "family_vault") || !strings.Contains(text, "/wallets/{alias}/sync") {
			t.Errorf("the log says %s", text)
		}
	}
}

// What says what was done goes the way of the session: by https only once that was used.
func TestTheSentenceForTheNextPageTravelsAsTheSessionDoes(t *testing.T) {
	for proto, want := range map[string]bool{"https": true, "http": false} {
		g := newGatehouse(auth.MethodNone)
		s, err := web.New(web.Config{Wallets: wallets{newHouse("")}, Devices: devices{newHouse("")}, Nodes: nodes{newHouse("")}, Settings: newHouse(""), Auth: g})
		if err != nil {
			t.Fatal(err)
		}
		h := door.New(door.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, s)
		w := serve(h, "POST", "/settings", func(r *http.Request) {
			*r = *newForm(r, "unit=sat")
			r.Header.Set("X-Forwarded-Proto", proto)
		})
		found := false
		for _, c := range w.Result().Cookies() {
			if c.Name == "specter_flash" {
				found = true
				if c.Secure != want || !c.HttpOnly {
					t.Errorf("by %s: %v", proto, c)
				}
			}
		}
		if !found {
			t.Fatalf("by %s nothing is said: %d %v", proto, w.Code, w.Header())
		}
	}
}

// A form of who is not logged in holds names and passwords; a large one is no such form.
func TestStrangersSendNoLargeForms(t *testing.T) {
	s := server(t, func(c *web.Config) { c.Auth = newGatehouse(auth.MethodUsers) })
	large := url.Values{"username": {"admin"}, "password": {strings.Repeat("a", 100<<10)}}.Encode()
	for _, path := range []string{"/auth/login", "/auth/register"} {
		w := serve(s, "POST", path, func(r *http.Request) {
			*r = *newForm(r, large)
		})
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
	g := newGatehouse(auth.MethodUsers)
	owner := g.enter("admin")
	s = server(t, func(c *web.Config) { c.Auth = g })
	w := serve(s, "POST", "/wallets/family_vault/import", func(r *http.Request) {
		*r = *newForm(r, url.Values{"psbt": {strings.Repeat("a", 1<<20)}}.Encode())
		r.Header.Set("Cookie", "specter_session="+owner)
	})
	if w.Code == http.StatusRequestEntityTooLarge {
		t.Error("who is logged in may not send a large PSBT")
	}
}

func newForm(r *http.Request, body string) *http.Request {
	out, err := http.NewRequest(r.Method, r.URL.String(), strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	out.Host, out.RemoteAddr, out.RequestURI = r.Host, r.RemoteAddr, r.RequestURI
	out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return out
}

// One user's many tabs leave room for the others; HEAD is answered and holds no place.
func TestOneUserCannotTakeAllEventStreams(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	owner, bob := g.enter("admin"), g.enter("bob")
	inner := server(t, func(cfg *web.Config) { cfg.Auth = g })
	s := httptest.NewServer(inner)
	defer s.Close()
	defer inner.Close()
	ask := func(method, cookie string) (*http.Response, error) {
		req, err := http.NewRequest(method, s.URL+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", "specter_session="+cookie)
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		return http.DefaultClient.Do(req.WithContext(ctx))
	}
	for range 3 {
		resp, err := ask("HEAD", bob)
		if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("HEAD: %v %v", resp, err)
		}
	}
	open := 0
	for range 60 {
		resp, err := ask("GET", bob)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if resp.StatusCode == 200 {
			open++
		} else if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Content-Type") == "text/event-stream" {
			t.Fatalf("one too many answers %d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
		}
	}
	if open != 40 {
		t.Errorf("bob has %d streams", open)
	}
	resp, err := ask("GET", owner)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("the owner has none: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
}
