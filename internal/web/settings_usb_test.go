package web_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/web"
)

// usbDesk is the bridge as the pages see it; what the owner decides lies with the house's settings.
type usbDesk struct {
	h      *house
	report web.BridgeReport
	err    error
	asked  []string // whose bridge was tested, and from which origin
	desks  deskAgents
}

func (u *usbDesk) SetWhitelist(ctx context.Context, text string, afar bool) error {
	if strings.Contains(text, "nonsense") {
		return errs.E(errs.Invalid, "nonsense is no address of a web site")
	}
	_, err := setting.New(u.h).ChangeBridge(ctx, func(b *setting.Bridge) error {
		b.Origins, b.Afar = strings.Fields(text), afar
		return nil
	})
	return err
}

func (u *usbDesk) SetToken(ctx context.Context, wanted bool) error {
	_, err := setting.New(u.h).ChangeBridge(ctx, func(b *setting.Bridge) error {
		if b.Token = ""; wanted {
			b.Token = "NEWTOKEN"
		}
		return nil
	})
	return err
}

func (u *usbDesk) TestBridge(_ context.Context, userID, origin string) (web.BridgeReport, error) {
	u.asked = append(u.asked, userID+" "+origin)
	return u.report, u.err
}

func withUSB(t *testing.T, change func(*web.Config)) (*usbDesk, *client) {
	t.Helper()
	h := newHouse("")
	u := &usbDesk{h: h}
	return u, openWith(t, h, func(c *web.Config) {
		c.Bridge = u
		if change != nil {
			change(c)
		}
	})
}

func TestAUserChoosesTheirBridge(t *testing.T) {
	_, c := withUSB(t, nil)
	chosen := func() string {
		u, err := setting.New(c.h).User(t.Context(), auth.OwnerID)
		if err != nil {
			t.Fatal(err)
		}
		return u.Bridge
	}
	if f := c.get("/settings/usb").want(200).fields("/settings/usb"); f.Get("kind") != "local" {
		t.Errorf("from the start: %v", f)
	}
	for _, k := range []struct{ kind, url, want string }{
		{"remote", "", setting.RemoteBridge}, {"own", "desk.example:25441/hwi/settings/", "http://desk.example:25441/hwi/api/"},
		{"own", "localhost:9999", "http://localhost:9999/hwi/api/"}, {"local", "ignored", ""},
	} {
		c.post("/settings/usb", url.Values{"kind": {k.kind}, "url": {k.url}}).want(200).says("flash", "Settings saved")
		if got := chosen(); got != k.want {
			t.Errorf("%s %q is kept as %q", k.kind, k.url, got)
		}
		if f := c.get("/settings/usb").fields("/settings/usb"); f.Get("kind") != k.kind || k.kind == "own" && f.Get("url") != k.want {
			t.Errorf("%s %q is shown as %v", k.kind, k.url, f)
		}
	}
	for _, address := range []string{"", "ftp://x", "http://a b"} {
		if a := c.post("/settings/usb", url.Values{"kind": {"own"}, "url": {address}}); a.status != http.StatusUnprocessableEntity || a.one("error") == "" {
			t.Errorf("%q: %d %s", address, a.status, a.one("error"))
		}
	}
	if a := c.post("/settings/usb", url.Values{"kind": {"nowhere"}}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("no kind: %d", a.status)
	}
}

// The page that asks a bridge in the browser may reach that address, and nothing else may.
func TestOnlyPagesThatAskABridgeMayReachIt(t *testing.T) {
	_, c := withUSB(t, nil)
	connect := func(path string) string {
		_, rest, _ := strings.Cut(c.get(path).want(200).header.Get("Content-Security-Policy"), "connect-src ")
		sources, _, _ := strings.Cut(rest, ";")
		return sources
	}
	if got := connect("/settings/usb"); got != "'self'" {
		t.Errorf("with devices at the server: %s", got)
	}
	c.post("/settings/usb", url.Values{"kind": {"remote"}})
	if got := connect("/settings/usb"); got != "'self' http://127.0.0.1:25441" {
		t.Errorf("with devices at the browser: %s", got)
	}
	for _, path := range []string{"/settings", "/overview", "/hwi/settings/"} {
		if got := connect(path); got != "'self'" {
			t.Errorf("%s may reach %s", path, got)
		}
	}
	a := c.get("/settings/usb")
	if !strings.Contains(a.body, `data-bridge="http://127.0.0.1:25441/hwi/api/"`) || !strings.Contains(a.body, "js/usb-test.") {
		t.Error("the test in the browser is missing")
	}
	c.post("/settings/usb", url.Values{"kind": {"own"}, "url": {"http://192.168.1.7/"}})
	if got := connect("/settings/usb"); got != "'self'" {
		t.Errorf("a bridge that the server asks: %s", got)
	}
}

func TestATestNamesWhatFailed(t *testing.T) {
	u, c := withUSB(t, nil)
	u.report = web.BridgeReport{Steps: []web.BridgeStep{{Name: "address"}, {Name: "reach"}, {Name: "origin", Err: errs.E(errs.Denied, "write <us> into the whitelist")}}}
	a := c.post("/settings/usb/test", nil).want(200)
	if text := a.one("report"); !strings.Contains(text, "It lets this Specter in") || !strings.Contains(text, "write <us> into") || a.one("count") != "" {
		t.Errorf("%q", text)
	}
	u.report = web.BridgeReport{Devices: 2, Steps: []web.BridgeStep{{Name: "devices"}}}
	c.post("/settings/usb/test", nil).want(200).says("count", "2 devices")
	u.report.Devices = 0
	c.post("/settings/usb/test", nil).want(200).says("count", "no device now")
	u.err = errs.E(errs.Conflict, "your devices are at your own computer")
	if a := c.post("/settings/usb/test", nil); a.status != http.StatusConflict || !strings.Contains(a.one("error"), "your own computer") {
		t.Errorf("%d %q", a.status, a.one("error"))
	}
	if !strings.HasPrefix(u.asked[0], auth.OwnerID+" http://") {
		t.Errorf("asked as %q", u.asked[0])
	}
}

func TestTheWhitelistIsTheOwnersToWrite(t *testing.T) {
	_, c := withUSB(t, nil)
	a := c.get("/hwi/settings/").want(200)
	if f := a.fields("/hwi/settings/"); strings.TrimSpace(f.Get("whitelisted_domains")) != setting.DefaultOrigin || a.one("anybody") != "" {
		t.Errorf("from the start: %v", f)
	}
	c.get("/hwi/").want(200) // leads to the settings
	c.post("/hwi/settings/", url.Values{"action": {"update"}, "whitelisted_domains": {"https://a.example/\nhttps://b.example/"}, "afar": {"yes"}}).want(200).says("flash", "whitelist is saved")
	b, err := setting.New(c.h).Bridge(t.Context())
	if err != nil || !slices.Equal(b.Origins, []string{"https://a.example/", "https://b.example/"}) || !b.Afar {
		t.Errorf("%+v, %v", b, err)
	}
	c.post("/hwi/settings/", url.Values{"action": {"update"}, "whitelisted_domains": {"*"}}).want(200)
	if a := c.get("/hwi/settings/"); !strings.Contains(a.one("anybody"), "Danger") {
		t.Error("nobody warns of the star")
	}
	a = c.post("/hwi/settings/", url.Values{"action": {"update"}, "whitelisted_domains": {"nonsense"}})
	if a.status != http.StatusUnprocessableEntity || a.one("error") == "" || !strings.Contains(a.body, "nonsense</textarea>") {
		t.Errorf("%d %q", a.status, a.one("error"))
	}
	c.post("/hwi/settings/", url.Values{"action": {"new-token"}}).want(200)
	if a := c.get("/hwi/settings/"); !strings.Contains(a.body, `value="NEWTOKEN"`) {
		t.Error("the token is not shown")
	}
	c.post("/hwi/settings/", url.Values{"action": {"drop-token"}}).want(200)
	if a := c.get("/hwi/settings/"); strings.Contains(a.body, "NEWTOKEN") {
		t.Error("the token is still there")
	}
	if a := c.post("/hwi/settings/", url.Values{"action": {"format-disk"}}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("an unknown action: %d", a.status)
	}
}

// As in the old Specter: who is not logged in goes to the login and comes back; a member is
// refused.
func TestTheWhitelistIsNobodyElses(t *testing.T) {
	g := newGatehouse(auth.MethodUsers)
	h := newHouse("")
	s := server(t, func(c *web.Config) { c.Auth, c.Bridge = g, &usbDesk{h: h} })
	code, header, _ := as(s, "GET", "/hwi/settings/", "", nil)
	if where := header.Get("Location"); code != http.StatusSeeOther || where != "/auth/login?next=%2Fhwi%2Fsettings%2F" {
		t.Errorf("nobody: %d %s", code, where)
	}
	for _, method := range []string{"GET", "POST"} {
		if code, _, _ := as(s, method, "/hwi/settings/", g.enter("bob"), nil); code != http.StatusForbidden {
			t.Errorf("%s by a member: %d", method, code)
		}
	}
	if code, header, _ := as(s, "GET", "/hwi/", "", nil); code != http.StatusSeeOther || header.Get("Location") != "/hwi/settings/" {
		t.Errorf("/hwi/: %d %s", code, header.Get("Location"))
	}
}

// A program that is a bridge alone has no sidebar that leads nowhere.
func TestABridgeAloneShowsItsSettingsAlone(t *testing.T) {
	_, c := withUSB(t, func(c *web.Config) { c.BridgeOnly = true })
	if a := c.get("/hwi/settings/").want(200); strings.Contains(a.body, "sidebar") || strings.Contains(a.body, "/settings/usb") {
		t.Error("it leads to pages that are not there")
	}
}
