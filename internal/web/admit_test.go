package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/web"
)

// fill puts things of the house into a route's pattern.
func fill(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	alias := "family_vault"
	switch {
	case strings.HasPrefix(path, "/devices/"):
		alias = "trezor_b"
	case strings.HasPrefix(path, "/nodes/"):
		alias = "home"
	}
	id := "7"
	if strings.HasPrefix(path, "/settings/users/{id}") {
		id = "bob"
	}
	return method, strings.NewReplacer("{alias}", alias, "{id}", id, "{txid}", hashOf(1).String(), "{type}", "coldcard", "{kind}", "single", "{$}", "",
		"{address}", testAddress, "{format}", "descriptor", "{file...}", "css/none.css").Replace(path)
}

// as asks with a user's session, or as nobody.
func as(s http.Handler, method, path, cookie string, change func(*http.Request)) (int, http.Header, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond) // streams end with it
	defer cancel()
	w := serve(s, method, path, func(r *http.Request) {
		if strings.HasPrefix(path, "/events") {
			*r = *r.WithContext(ctx)
		}
		if cookie != "" {
			r.Header.Set("Cookie", "specter_session="+cookie)
		}
		if change != nil {
			change(r)
		}
	})
	return w.Code, w.Header(), w.Body.String()
}

// Every route of the table, through the gate, as nobody, as a member and as the owner. A route
// is held to the audience that it names; that those are right is the next test.
func TestEveryRouteLetsInItsAudienceAlone(t *testing.T) {
	probe := server(t, nil)
	if len(probe.Routes()) < 80 {
		t.Fatalf("only %d routes", len(probe.Routes()))
	}
	for _, rt := range probe.Routes() {
		g := newGatehouse(auth.MethodUsers)
		s := server(t, func(c *web.Config) { c.Auth = g })
		owner, bob := g.enter("admin"), g.enter("bob")
		method, path := fill(rt.Pattern)
		if rt.Audience == "everyone" {
			if code, h, _ := as(s, method, path, "", nil); code == 401 || strings.Contains(h.Get("Location"), "next=") {
				t.Errorf("%s is for everyone and answers nobody %d", rt.Pattern, code)
			}
			continue
		}
		if rt.Audience == "first" {
			first(t, method, path)
			continue
		}
		nobody(t, s, rt.Pattern, method, path)
		code, h, body := as(s, method, path, bob, nil)
		if shut := code == http.StatusForbidden && strings.Contains(body, "owner of this Specter alone"); shut != (rt.Audience == "owner") {
			t.Errorf("%s (%s) answers a member %d", rt.Pattern, rt.Audience, code)
		}
		if rt.Audience == "user" && (code == 401 || strings.HasPrefix(h.Get("Location"), "/auth/login")) {
			t.Errorf("%s sends a member away: %d %s", rt.Pattern, code, h.Get("Location"))
		}
		if strings.Contains(body, "Family Vault") || strings.Contains(body, "hunter2") {
			t.Errorf("%s shows a member what is the owner's", rt.Pattern)
		}
		if code, h, body := as(s, method, path, owner, nil); code == 401 || strings.Contains(body, "owner of this Specter alone") || strings.HasPrefix(h.Get("Location"), "/auth/login") {
			t.Errorf("%s (%s) answers the owner %d", rt.Pattern, rt.Audience, code)
		}
	}
}

// first asks for what is for whoever holds the link of the first start, in a house without an owner
// and in one that has one.
func first(t *testing.T, method, path string) {
	t.Helper()
	fresh := server(t, func(c *web.Config) { c.Auth = newGatehouse(auth.MethodUnset) })
	for query, want := range map[string]bool{"": false, "?secret=": false, "?secret=another": false, "?secret=setup-secret": true} {
		code, h, body := as(fresh, method, path+query, "", nil)
		if in := code != http.StatusUnauthorized && !strings.Contains(body, "first-start"); in != want {
			t.Errorf("%s %s%s answers %d", method, path, query, code)
		}
		if h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored", path)
		}
	}
	g := newGatehouse(auth.MethodUsers)
	s := server(t, func(c *web.Config) { c.Auth = g })
	for _, cookie := range []string{"", g.enter("bob"), g.enter("admin")} {
		if code, h, _ := as(s, method, path+"?secret=setup-secret", cookie, nil); code != http.StatusSeeOther || h.Get("Location") != "/" {
			t.Errorf("%s %s with an owner answers %d", method, path, code)
		}
	}
}

// nobody is who is not logged in.
func nobody(t *testing.T, s http.Handler, pattern, method, path string) {
	t.Helper()
	code, h, body := as(s, method, path, "", nil)
	switch {
	case pattern == "GET /events" || method == "POST":
		if code != http.StatusUnauthorized || h.Get("Location") != "" {
			t.Errorf("%s answers nobody %d", pattern, code)
		}
	case code != http.StatusSeeOther || !strings.HasPrefix(h.Get("Location"), "/auth/login"):
		t.Errorf("%s answers nobody %d %s", pattern, code, h.Get("Location"))
	}
	if strings.Contains(body, "Family Vault") || strings.Contains(body, "Cold A") || strings.Contains(body, "Home Node") {
		t.Errorf("%s shows nobody something", pattern)
	}
	if h.Get("Cache-Control") != "no-store" {
		t.Errorf("%s may be stored: %q", pattern, h.Get("Cache-Control"))
	}
	if pattern == "GET /events" {
		return
	}
	code, h, _ = as(s, method, path, "", func(r *http.Request) {
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Current-URL", "http://localhost:25441/wallets/a/history?page=2")
	})
	if code != http.StatusUnauthorized || h.Get("HX-Redirect") != "/auth/login?next=%2Fwallets%2Fa%2Fhistory%3Fpage%3D2" {
		t.Errorf("%s answers htmx of nobody %d %q", pattern, code, h.Get("HX-Redirect"))
	}
}

// What is the owner's, written down once more by hand: a slip in the table fails here.
func TestWhatIsTheOwnersAlone(t *testing.T) {
	owners := []string{"/new-node", "/nodes/", "/settings/auth", "/settings/api", "/settings/backups", "/settings/program", "/settings/remote", "/settings/import", "/settings/secrets", "/settings/users", "/new-device/hot/allow", "/hwi/settings/"}
	firsts := []string{"/setup/restore"}
	everyones := []string{"/static/", "/setup", "/auth/login", "/auth/logout", "/auth/register", "/auth/restored", "/authority/", "/hwi/{$}"}
	starts := func(path string, list []string) bool {
		for _, p := range list {
			if strings.HasPrefix(path, p) {
				return true
			}
		}
		return false
	}
	for _, rt := range server(t, nil).Routes() {
		_, path, _ := strings.Cut(rt.Pattern, " ")
		if (rt.Audience == "owner") != starts(path, owners) || (rt.Audience == "first") != starts(path, firsts) || (rt.Audience == "everyone") != (starts(path, everyones) && !starts(path, firsts)) {
			t.Errorf("%s is for %s", rt.Pattern, rt.Audience)
		}
	}
}

func TestARouteForNobodyMakesNoServer(t *testing.T) {
	if err := server(t, nil).RouteForNobody(); err == nil || !strings.Contains(err.Error(), "/forgotten") {
		t.Errorf("a route without an audience: %v", err)
	}
}

// While the database is away nobody is taken for somebody, and nobody is sent to log in.
func TestWhereTheLoginCannotBeAskedNothingIsShown(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	s := server(t, func(c *web.Config) { c.Auth = g })
	cookie := g.enter("admin")
	g.away = errs.E(errs.Unavailable, "the database is away")
	code, _, body := as(s, "GET", "/wallets/family_vault/history", cookie, nil)
	if code != http.StatusServiceUnavailable || strings.Contains(body, "Family Vault") {
		t.Errorf("answers %d", code)
	}
}

// A member's own pages hide what is the owner's.
func TestAMemberSeesTheNodesStatusAndNotItsForm(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	s := server(t, func(c *web.Config) { c.Auth = g })
	bob := g.enter("bob")
	for _, path := range []string{"/nodes", "/settings", "/welcome", "/settings/account", "/settings/tokens", "/settings/record"} {
		code, _, body := as(s, "GET", path, bob, nil)
		if code != 200 {
			t.Fatalf("%s answers %d", path, code)
		}
		for _, never := range []string{"/new-node", "/nodes/home", "/settings/users", "/settings/auth", "/settings/api"} {
			if strings.Contains(body, `"`+never) {
				t.Errorf("%s leads a member to %s", path, never)
			}
		}
	}
	if _, _, body := as(s, "GET", "/nodes", bob, nil); !strings.Contains(body, `data-test="status"`) {
		t.Error("a member does not see how the node stands")
	}
}
