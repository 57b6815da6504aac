package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/web"
)

func TestATokenIsShownOnce(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login("admin", "correct horse")
	form := url.Values{"description": {"watch<b>"}, "life": {"other"}, "other": {"2 days, 4:13:02"}, "right": {"read", "write"}, "wallet": {"1"}}
	a := c.post("/settings/tokens", form).want(200).says("token", "secret.of.token-1")
	if got := g.tokens[0]; got.Life != 52*time.Hour+13*time.Minute+2*time.Second || !slices.Equal(got.Scope.Wallets, []int64{1}) || !slices.Equal(got.Scope.Rights, []auth.Right{auth.Read, auth.Write}) {
		t.Errorf("made %+v", got)
	}
	if strings.Contains(a.body, "watch<b>") {
		t.Error("the description is markup")
	}
	if a = c.get(a.path).want(200); a.one("token") != "" || strings.Contains(a.body, "secret.of") {
		t.Error("the token is shown twice")
	}
	a.says("token-row", "3 days left").says("token-row", "look, prepare").says("token-row", "Family Vault").says("token-row", "never used")
	c.post("/settings/tokens", form).want(409).says("error", "already exists or is blank")
	c.post("/settings/tokens/token-1/delete", nil).want(200)
	if len(g.tokens) != 0 {
		t.Error("the token lives on")
	}
	c.post("/settings/tokens/token-1/delete", nil).want(404)
}

// The page that shows a token shows it to its maker alone, should its address get about.
func TestANewTokenIsShownToItsMakerAlone(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	s := server(t, func(c *web.Config) { c.Auth = g })
	code, h, _ := as(s, "POST", "/settings/tokens", g.enter("admin"), func(r *http.Request) {
		r.PostForm = url.Values{"description": {"x"}, "life": {"1 day"}, "right": {"read"}}
		r.Form = r.PostForm
	})
	if code != 303 || !strings.HasPrefix(h.Get("Location"), "/settings/tokens?made=") {
		t.Fatalf("answers %d %s", code, h.Get("Location"))
	}
	if _, _, body := as(s, "GET", h.Get("Location"), g.enter("bob"), nil); strings.Contains(body, "secret.of") {
		t.Error("Bob reads the owner's token")
	}
}

func TestATokenMayNoMoreThanWasTicked(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login("admin", "correct horse")
	base := func() url.Values { return url.Values{"description": {"x"}, "life": {"30 days"}, "right": {"read"}} }
	for name, change := range map[string]func(url.Values){
		"no right": func(v url.Values) { v.Del("right") }, "unknown right": func(v url.Values) { v["right"] = []string{"god"} },
		"no life": func(v url.Values) { v.Set("life", "abc") }, "over at once": func(v url.Values) { v.Set("life", "0s") }, "life in the past": func(v url.Values) { v.Set("life", "-1 hour") },
		"another's wallet": func(v url.Values) { v.Set("wallet", "12") }, "no wallet": func(v url.Values) { v.Set("wallet", "x") },
	} {
		v := base()
		change(v)
		if a := c.post("/settings/tokens", v); a.status != 422 || len(g.tokens) != 0 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	v := base()
	v["right"] = []string{"read", "write", "broadcast", "manage", "admin"}
	c.post("/settings/tokens", v).want(200)
	if !g.tokens[0].Scope.Full() {
		t.Errorf("everything ticked makes %+v", g.tokens[0].Scope)
	}
	bob := c.another()
	bob.login("Bob", "battery staple")
	bob.post("/settings/tokens/token-1/delete", nil).want(404)
	if a := bob.get("/settings/tokens").want(200); len(a.all("token-row")) != 0 {
		t.Error("Bob sees the owner's tokens")
	}
}

func TestTheEnvironmentDecidesAboutTheAPI(t *testing.T) {
	c := visit(t, newGatehouse(auth.MethodNone), nil)
	c.get("/settings/tokens").want(200).says("api-state", "off")
	c.post("/settings/api", url.Values{"active": {"yes"}}).want(200).says("api-state", "on")
	if got := c.h.settings["/api-active"]; got != "yes" {
		t.Errorf("kept %q", got)
	}
	c.post("/settings/api", url.Values{"active": {"no"}}).want(200).says("api-state", "off")
	for _, forced := range []bool{true, false} {
		c = visit(t, newGatehouse(auth.MethodNone), func(c *web.Config) { c.APIForced = &forced })
		a := c.get("/settings/tokens").want(200).says("api-state", map[bool]string{true: "on", false: "off"}[forced])
		if a.one("api-on")+a.one("api-off") != "" || !strings.Contains(a.body, "SPECTER_API_ACTIVE") {
			t.Error("a switch that switches nothing")
		}
		c.post("/settings/api", url.Values{"active": {"yes"}}).want(409)
	}
}

func TestTheOwnAccount(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login("Bob", "battery staple")
	other, admin := c.another(), c.another()
	other.login("Bob", "battery staple")
	admin.login("admin", "correct horse")
	if a := c.get("/settings/account").want(200); len(a.all("session")) != 2 {
		t.Errorf("%d sessions", len(a.all("session")))
	}
	form := url.Values{"current": {"wrong"}, "password": {"long enough"}, "again": {"long enough"}}
	c.post("/settings/account/password", form).want(403)
	form.Set("current", "battery staple")
	form.Set("again", "x")
	c.post("/settings/account/password", form).want(422)
	form.Set("again", "long enough")
	c.post("/settings/account/password", form).want(200).says("flash", "changed")
	if a := other.get("/settings"); !strings.HasPrefix(a.path, "/auth/login") {
		t.Error("the other browser is still in")
	}
	other.login("Bob", "long enough").want(200)
	c.post("/settings/account/name", url.Values{"name": {"ADMIN"}}).want(409)
	c.post("/settings/account/name", url.Values{"name": {"Robert"}}).want(200).says("user-menu", "Robert")
	var admins int64
	for _, s := range g.sessions {
		if s.UserID == "admin" {
			admins = s.ID
		}
	}
	c.post(fmt.Sprintf("/settings/account/sessions/%d/end", admins), nil).want(404)
	admin.get("/settings/users").want(200)
	c.post("/settings/account/sessions/end-others", nil).want(200)
	if a := other.get("/settings"); !strings.HasPrefix(a.path, "/auth/login") {
		t.Error("the other browser is still in")
	}
	for after, want := range map[string]string{"0": "0", "60": "60", "1440": "1440", "nonsense": "240"} {
		c.post("/settings/account/logout-after", url.Values{"after": {after}}).want(200)
		if got := c.h.settings["bob/auto-logout"]; got != want {
			t.Errorf("%s is kept as %q", after, got)
		}
	}
	for _, hours := range []string{"", "0", "-1", "721", "NaN", "x", "1e99", "0.001"} {
		c.post("/settings/account/logout-after", url.Values{"after": {"custom"}, "hours": {hours}}).want(422)
	}
}

func TestDeletingAUserAsksForTheName(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	c.login("admin", "correct horse")
	c.get("/settings/users").want(200).says("person", "2 wallets · 3 devices")
	c.get("/settings/users/bob/delete").want(200).says("loses", "0 wallets")
	c.post("/settings/users/bob/delete", url.Values{"name": {"bobby"}}).want(422)
	c.post("/settings/users/admin/delete", url.Values{"name": {"admin"}}).want(403)
	if len(g.users) != 2 {
		t.Fatal("somebody is gone")
	}
	c.post("/settings/users/bob/delete", url.Values{"name": {"Bob"}}).want(200).says("flash", "Bob is deleted")
	if len(g.users) != 1 {
		t.Error("Bob is still there")
	}
}

// Before the method changes, what opens the door afterwards is proved.
func TestChangingTheMethod(t *testing.T) {
	type step struct {
		from   auth.Method
		noPass bool
		form   url.Values
		status int
		to     auth.Method
	}
	pin := func(_ context.Context, p string) error {
		if p != "node-pin" {
			return errs.E(errs.Denied, "the node refuses this password")
		}
		return nil
	}
	for name, c := range map[string]step{
		"without the current password":    {auth.MethodUsers, false, url.Values{"method": {"passwordonly"}}, 403, auth.MethodUsers},
		"with it":                         {auth.MethodUsers, false, url.Values{"method": {"passwordonly"}, "current": {"correct horse"}}, 200, auth.MethodPassword},
		"to a PIN that is wrong":          {auth.MethodUsers, false, url.Values{"method": {"rpcpasswordaspin"}, "current": {"correct horse"}, "pin": {"x"}}, 403, auth.MethodUsers},
		"to a PIN untold":                 {auth.MethodUsers, false, url.Values{"method": {"rpcpasswordaspin"}, "current": {"correct horse"}}, 422, auth.MethodUsers},
		"to a PIN that works":             {auth.MethodUsers, false, url.Values{"method": {"rpcpasswordaspin"}, "current": {"correct horse"}, "pin": {"node-pin"}}, 200, auth.MethodRPC},
		"to none":                         {auth.MethodUsers, false, url.Values{"method": {"none"}, "current": {"correct horse"}}, 200, auth.MethodNone},
		"to none without the password":    {auth.MethodUsers, false, url.Values{"method": {"none"}, "current": {"x"}}, 403, auth.MethodUsers},
		"from none without any password":  {auth.MethodNone, true, url.Values{"method": {"usernamepassword"}}, 422, auth.MethodNone},
		"from none, two that differ":      {auth.MethodNone, true, url.Values{"method": {"usernamepassword"}, "password": {"long enough"}, "again": {"x"}}, 422, auth.MethodNone},
		"from none with a first password": {auth.MethodNone, true, url.Values{"method": {"usernamepassword"}, "password": {"long enough"}, "again": {"long enough"}}, 200, auth.MethodUsers},
		"nonsense":                        {auth.MethodUsers, false, url.Values{"method": {"open sesame"}}, 200, auth.MethodUsers},
		"too short":                       {auth.MethodUsers, false, url.Values{"min-password": {"3"}}, 422, auth.MethodUsers},
		"no number":                       {auth.MethodUsers, false, url.Values{"idle-days": {"x"}}, 422, auth.MethodUsers},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGatehouse(c.from)
			g.users[0].Password = !c.noPass
			b := visit(t, g, func(cfg *web.Config) { cfg.CheckPIN = pin })
			if c.from != auth.MethodNone {
				b.login("admin", "correct horse").want(200)
			}
			a := b.post("/settings/auth", c.form).want(c.status)
			if g.settings.Method != c.to {
				t.Errorf("the method is %q", g.settings.Method)
			}
			if c.status == 200 && a.path != "/settings/auth" {
				t.Errorf("who changed it is led to %s", a.path)
			}
			if strings.Contains(a.body, "correct horse") || strings.Contains(a.body, "node-pin") {
				t.Error("a password comes back in the page")
			}
		})
	}
}

// A browser that was left open is not enough to plant a password beside the PIN.
func TestAFirstPasswordBesideThePINAsksForThePIN(t *testing.T) {
	g := newGatehouse(auth.MethodRPC)
	g.users[0].Password, g.words["admin"] = false, ""
	b := visit(t, g, func(cfg *web.Config) {
		cfg.CheckPIN = func(_ context.Context, p string) error {
			if p != "node-pin" {
				return errs.E(errs.Denied, "the node refuses this password")
			}
			return nil
		}
	})
	b.login("", "node-pin").want(200)
	b.post("/settings/auth", url.Values{"method": {"passwordonly"}, "current": {"x"}, "password": {"planted one"}, "again": {"planted one"}}).want(403)
	if g.users[0].Password || g.words["admin"] != "" {
		t.Error("a password was planted")
	}
}

func TestTheRecordIsPaged(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	for i := range 70 {
		g.note("bob", "token-made", fmt.Sprintf("<i>%d", i))
	}
	c.login("admin", "correct horse")
	a := c.get("/settings/record").want(200).says("event", "Logged in")
	if len(a.all("event")) != 50 || strings.Contains(a.body, "<i>6") {
		t.Errorf("%d lines", len(a.all("event")))
	}
	if a = c.get(attr(a.all("older")[0], "href")).want(200); len(a.all("event")) != 21 || len(a.all("older")) != 0 {
		t.Errorf("then %d lines", len(a.all("event")))
	}
	bob := c.another()
	g.note("admin", "method-set", "")
	bob.login("Bob", "battery staple")
	if a = bob.get("/settings/record").want(200); strings.Contains(a.body, "Login method changed") {
		t.Error("Bob reads the owner's record")
	}
	c.get("/settings/record?before=x").want(200)
}

func TestTheRecordSpeaksInTheReadersWords(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	c := visit(t, g, nil)
	g.note("admin", "setup", "usernamepassword")
	g.note("admin", "login-refused", "page")
	g.note("admin", "token-made", "page") // a token that its owner named so
	c.login("admin", "correct horse")
	body := c.get("/settings/record").want(200).body
	for _, want := range []string{">Name and password<", ">at the login page<", ">page<"} {
		if strings.Count(body, want) != 1 {
			t.Errorf("the record says %q %d times", want, strings.Count(body, want))
		}
	}
}
