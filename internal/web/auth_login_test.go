package web_test

import (
	"crypto/tls"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/web"
)

// visit is a browser without script in front of a gatehouse.
func visit(t *testing.T, g *gatehouse, change func(*web.Config)) *client {
	t.Helper()
	return visitHouse(t, newHouse(""), g, change)
}

func visitHouse(t *testing.T, h *house, g *gatehouse, change func(*web.Config)) *client {
	t.Helper()
	c := web.Config{Wallets: wallets{h}, Devices: devices{h}, Nodes: nodes{h}, Settings: h, Program: &steward{h: h}, Auth: g, Version: "1.0"}
	if change != nil {
		change(&c)
	}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(guard(s))
	t.Cleanup(srv.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, base: srv.URL, http: &http.Client{Jar: jar}, h: h}
}

// login fills in the login page.
func (c *client) login(name, password string) answer {
	c.t.Helper()
	return c.post("/auth/login", url.Values{"username": {name}, "password": {password}})
}

// another is a second browser at the same place.
func (c *client) another() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return &client{t: c.t, base: c.base, http: &http.Client{Jar: jar}, h: c.h}
}

func TestLoginComesBackToWhereOneWantedToGo(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	a := c.get("/wallets/family_vault/history?page=2").want(200)
	if a.path != "/auth/login?next=%2Fwallets%2Ffamily_vault%2Fhistory%3Fpage%3D2" {
		t.Fatalf("led to %s", a.path)
	}
	if got := attr(a.field("next"), "value"); got != "/wallets/family_vault/history?page=2" {
		t.Errorf("the form keeps next=%q", got)
	}
	for name, want := range map[string]string{"username": "username", "password": "current-password"} {
		if got := attr(a.field(name), "autocomplete"); got != want {
			t.Errorf("%s: autocomplete=%q", name, got)
		}
	}
	if !hasAttr(a.field("username"), "autofocus") {
		t.Error("no field waits for the keyboard")
	}
	a = c.post("/auth/login", url.Values{"username": {"ADMIN"}, "password": {"correct horse"}, "next": {"/wallets/family_vault/history?page=2"}}).want(200)
	if a.path != "/wallets/family_vault/history?page=2" {
		t.Errorf("the login leads to %s", a.path)
	}
	if a.one("user-menu") == "" {
		t.Error("no menu names the user")
	}
	c.login("admin", "correct horse")
	if g.last.Old == "" || g.last.Browser != "mark-of-admin" {
		t.Errorf("a second login hands over %q and %q", g.last.Old, g.last.Browser)
	}
}

func TestEveryMethodAsksForWhatItNeeds(t *testing.T) {
	for method, c := range map[auth.Method]struct {
		fields   []string
		password string
	}{
		auth.MethodPassword: {[]string{"password"}, "correct horse"}, auth.MethodRPC: {[]string{"password"}, "node-pin"},
		auth.MethodUsers: {[]string{"username", "password"}, "correct horse"},
	} {
		t.Run(string(method), func(t *testing.T) {
			b := visit(t, newGatehouse(method), nil)
			a := b.get("/auth/login").want(200)
			for _, f := range []string{"username", "password"} {
				want := f == "password" || len(c.fields) == 2
				if (a.field(f) != nil) != want {
					t.Errorf("field %s: %v", f, !want)
				}
			}
			b.login("admin", "wrong").want(403).says("error", "wrong")
			if a := b.login("admin", c.password).want(200); a.path != "/overview" {
				t.Errorf("led to %s", a.path)
			}
		})
	}
	b := visit(t, newGatehouse(auth.MethodNone), nil)
	if a := b.get("/auth/login?next=/settings").want(200); a.path != "/settings" {
		t.Errorf("without a login one is led to %s", a.path)
	}
	g := newGatehouse(auth.MethodNone)
	g.open = true
	b = visit(t, g, func(c *web.Config) { c.Open = func() bool { return true } })
	b.get("/wallets/family_vault/history").want(200).says("closed", "lets nobody in")
}

func TestWrongNamesAndWrongPasswordsReadTheSame(t *testing.T) {
	c := visit(t, newGatehouse(auth.MethodUsers), nil)
	one, two := c.login("admin", "wrong").want(403).one("error"), c.login("nobody", "wrong").want(403).one("error")
	if one == "" || one != two {
		t.Errorf("%q and %q", one, two)
	}
	if a := c.login(`"><script>x`, "wrong"); strings.Contains(a.body, "<script>x") {
		t.Error("the name comes back as markup")
	}
}

func TestWhoIsTooFastReadsHowLongToWait(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	for wait, words := range map[time.Duration]string{1500 * time.Millisecond: "Wait 2 seconds", time.Minute: "Wait 1 minute ", 200 * time.Second: "Wait 4 minutes", time.Hour: "Wait 1 hour "} {
		g.tooFast = wait
		a := c.login("admin", "correct horse").want(http.StatusTooManyRequests).says("error", words)
		if a.header.Get("Retry-After") == "" || a.header.Get("Retry-After") == "0" {
			t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
		}
	}
}

func TestNoNextLeadsAway(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	s := server(t, func(c *web.Config) { c.Auth = g })
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/%2fevil.example", "/%5cevil.example", "javascript:alert(1)", "x", "/\t/evil", "/%09/evil", "/%0d%0aSet-Cookie:x",
		"http:/evil", "///evil.example", `\\evil`, "/auth/logout", "/auth/login?next=/auth/login", "@evil.example", " //evil.example", "/" + strings.Repeat("a", 3000)} {
		w := serve(s, "POST", "/auth/login", func(r *http.Request) {
			body := url.Values{"username": {"admin"}, "password": {"correct horse"}, "next": {next}}.Encode()
			*r = *httptest.NewRequest("POST", "/auth/login", strings.NewReader(body))
			r.Host = "localhost"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		})
		if got := w.Header().Get("Location"); w.Code != 303 || got != "/" {
			t.Errorf("next=%.60q leads to %q (%d)", next, got, w.Code)
		}
		cookie := g.enter("admin")
		if code, h, _ := as(s, "GET", "/auth/login?"+url.Values{"next": {next}}.Encode(), cookie, nil); code != 303 || h.Get("Location") != "/" {
			t.Errorf("who is in already is led by next=%.60q to %q", next, h.Get("Location"))
		}
	}
	for _, from := range []string{"http://evil.example/x", "nonsense\x00", "http://localhost:25441.evil.example/a", "http://localhost:25441//evil.example"} {
		_, h, _ := as(s, "GET", "/nav", "", func(r *http.Request) {
			r.Header.Set("HX-Request", "true")
			r.Header.Set("HX-Current-URL", from)
		})
		if h.Get("HX-Redirect") != "/auth/login" {
			t.Errorf("a page at %q comes back to %q", from, h.Get("HX-Redirect"))
		}
	}
}

func TestTheCookiesFlags(t *testing.T) {
	for name, c := range map[string]struct {
		https        bool
		prefix, want string
	}{
		"plain":            {false, "", "specter_session_abc"},
		"https":            {true, "", "__Host-specter_session_abc"},
		"https and prefix": {true, "/specter", "__Secure-specter_session_abc"},
		"prefix":           {false, "/specter", "specter_session_abc"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGatehouse(auth.MethodUsers)
			s := server(t, func(cfg *web.Config) { cfg.Auth, cfg.Instance, cfg.URLPrefix = g, "abc", c.prefix })
			secure := func(r *http.Request) {
				if c.https {
					r.TLS = &tls.ConnectionState{}
				}
			}
			w := serve(s, "POST", c.prefix+"/auth/login?"+url.Values{"x": {"y"}}.Encode(), func(r *http.Request) {
				secure(r)
				r.PostForm = url.Values{"username": {"admin"}, "password": {"correct horse"}}
				r.Form = r.PostForm
			})
			var session, mark *http.Cookie
			for _, k := range w.Result().Cookies() {
				if strings.Contains(k.Name, "specter_session") {
					session = k
				}
				if strings.Contains(k.Name, "specter_browser") {
					mark = k
				}
			}
			if session == nil || mark == nil {
				t.Fatalf("cookies %v", w.Result().Cookies())
			}
			path := c.prefix
			if path == "" {
				path = "/"
			}
			if session.Name != c.want || !session.HttpOnly || session.Secure != c.https || session.SameSite != http.SameSiteLaxMode || session.Path != path || session.Domain != "" || session.MaxAge != 0 {
				t.Errorf("%v", session)
			}
			if !mark.HttpOnly || mark.Secure != c.https || mark.SameSite != http.SameSiteStrictMode || mark.Path != c.prefix+"/auth/login" {
				t.Errorf("%v", mark)
			}
			ask := func(name string) int {
				return serve(s, "GET", c.prefix+"/settings", func(r *http.Request) { secure(r); r.AddCookie(&http.Cookie{Name: name, Value: session.Value}) }).Code
			}
			if ask(c.want) != 200 {
				t.Error("the cookie opens nothing")
			}
			for _, other := range []string{"specter_session", "specter_session_xyz", "specter_session_abc", "__Host-specter_session_abc", "__Secure-specter_session_abc"} {
				if other != c.want && ask(other) == 200 {
					t.Errorf("a cookie %s opens the door too", other)
				}
			}
		})
	}
}

func TestLoggingOutNeedsTheButton(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login("admin", "correct horse").want(200)
	c.get("/auth/logout").want(200)
	c.get("/settings").want(200).says("user-menu", "admin")
	if a := c.post("/auth/logout", nil).want(200); a.path != "/auth/login?out=yes" {
		t.Errorf("led to %s", a.path)
	}
	if len(g.sessions) != 0 {
		t.Error("the session lives on")
	}
	if a := c.get("/settings"); !strings.HasPrefix(a.path, "/auth/login") {
		t.Errorf("still in: %s", a.path)
	}
}

func TestFirstStart(t *testing.T) {
	g := newGatehouse(auth.MethodUnset)
	c := visit(t, g, nil)
	for _, path := range []string{"/", "/overview", "/wallets/family_vault/history", "/auth/login", "/setup", "/settings"} {
		a := c.get(path)
		a.says("first-start", "terminal")
		if strings.Contains(a.body, "setup-secret") || strings.Contains(a.body, "Family") {
			t.Errorf("%s tells too much", path)
		}
	}
	c.post("/wallets/family_vault/rename", url.Values{"name": {"x"}}).want(401)
	if a := c.get("/auth/register?otp=x"); a.one("first-start") == "" {
		t.Errorf("registering before there is an owner: %s", a.path)
	}
	form := url.Values{"secret": {"wrong"}, "name": {"Satoshi"}, "password": {"long enough"}, "again": {"long enough"}, "login": {"password"}}
	c.post("/setup", form).want(403)
	form.Set("secret", "setup-secret")
	form.Set("again", "other")
	c.post("/setup", form).want(422).says("error", "differ")
	form.Set("password", "short")
	form.Set("again", "short")
	c.post("/setup", form).want(422)
	if g.settings.Method != auth.MethodUnset {
		t.Fatal("something was set")
	}
	form.Set("password", "long enough")
	form.Set("again", "long enough")
	if got := attr(c.get("/setup?secret=setup-secret").want(200).field("name"), "value"); got != "admin" {
		t.Errorf("the name on offer is %q", got)
	}
	if a := c.post("/setup", form).want(200); a.path != "/welcome" || a.one("user-menu") != "Satoshi Your menu" && !strings.Contains(a.one("user-menu"), "Satoshi") {
		t.Errorf("led to %s, menu %q", a.path, a.one("user-menu"))
	}
	if a := c.another().post("/setup", form); g.words["admin"] != "long enough" || !strings.HasPrefix(a.path, "/auth/login") {
		t.Errorf("the link works twice: %s", a.path)
	}
}

func TestFirstStartWithoutALoginIsForThisComputerAlone(t *testing.T) {
	g := newGatehouse(auth.MethodUnset)
	g.open = true
	c := visit(t, g, func(c *web.Config) { c.Open = func() bool { return g.open } })
	if a := c.get("/setup?secret=setup-secret").want(200); a.one("open") == "" || a.one("setup-none") != "" {
		t.Error("no login is on offer to the world")
	}
	form := url.Values{"secret": {"setup-secret"}, "login": {"none"}}
	c.post("/setup", form).want(403)
	g.open = false
	if a := c.post("/setup", form).want(200); a.path != "/welcome" || g.settings.Method != auth.MethodNone {
		t.Errorf("led to %s with %q", a.path, g.settings.Method)
	}
}

func TestAnInvitationMakesOneAccount(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login("admin", "correct horse")
	a := c.post("/settings/users/invite", url.Values{"hours": {"2"}}).want(200)
	link := a.one("link")
	if !strings.HasPrefix(link, c.base+"/auth/register?otp=otp-") {
		t.Fatalf("the link is %q", link)
	}
	if a := c.get(a.path); a.one("link") != "" {
		t.Error("the link is shown twice")
	}
	c.post("/settings/users/invite", url.Values{"hours": {"-1"}}).want(422)
	guest := c.another()
	otp := link[strings.Index(link, "otp=")+4:]
	guest.get("/auth/register?otp=" + otp).want(200)
	guest.get("/auth/register?otp=" + otp).want(200) // looking does not use it up
	form := url.Values{"otp": {otp}, "username": {"Eve"}, "password": {"short"}, "again": {"short"}}
	guest.post("/auth/register", form).want(422)
	form["password"], form["again"] = []string{"long enough"}, []string{"long enough"}
	if a := guest.post("/auth/register", form).want(200); a.path != "/auth/login?registered=yes" {
		t.Errorf("led to %s", a.path)
	}
	guest.post("/auth/register", form).want(403)
	guest.get("/auth/register?otp="+otp).want(404).says("dead-link", "not good any more")
	if a := guest.login("Eve", "long enough").want(200); a.path != "/welcome" {
		t.Errorf("Eve is led to %s", a.path)
	}
	guest.get("/settings/users").want(403)
	guest.get("/wallets/family_vault/history").want(404)
}
