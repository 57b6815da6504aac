package web_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"specter/internal/errs"
	"specter/internal/remote/tor"
	"specter/internal/setting"
	"specter/internal/web"
)

func withTor(t *testing.T) (*torKeeper, *client) {
	t.Helper()
	h := newHouse("")
	k := &torKeeper{h: h}
	return k, openWith(t, h, func(c *web.Config) { c.Onion = k })
}

func TestTheOnionServiceIsSwitchedOnAndShown(t *testing.T) {
	k, c := withTor(t)
	a := c.get("/settings/remote/tor").want(200)
	if strings.Contains(a.body, "http://2gzy") {
		t.Error("an address is shown while there is none")
	}
	c.post("/settings/remote/tor", url.Values{"on": {"yes"}, "control": {"127.0.0.1:9051"}, "way": {"password"}, "password": {"hunter2"}}).want(200)
	a = c.get("/settings/remote/tor").want(200)
	for _, want := range []string{"http://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion/", "45 %", "<svg"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(a.body, "hunter2") {
		t.Error("the page shows the password of the control port")
	}
	// a password that is left empty stays, until the cookie is chosen
	c.post("/settings/remote/tor", url.Values{"way": {"password"}, "password": {""}}).want(200)
	if v, _ := setting.New(k.h).Tor(t.Context()); v.Password != "hunter2" {
		t.Errorf("the kept password is %q", v.Password)
	}
	c.post("/settings/remote/tor", url.Values{"way": {"cookie"}}).want(200)
	c.post("/settings/remote/tor", url.Values{"way": {"password"}}).want(422)
	if v, _ := setting.New(k.h).Tor(t.Context()); v.Password != "" || !v.On {
		t.Errorf("%+v", v)
	}
}

func TestWhatTorSaysStandsOnThePage(t *testing.T) {
	k, c := withTor(t)
	k.noTor = errs.E(errs.Denied, "tor does not accept this password at its control port")
	a := c.post("/settings/remote/tor", url.Values{"on": {"yes"}, "control": {"tor:1234"}})
	if a.status == 200 || !strings.Contains(a.body, "does not accept") || !strings.Contains(a.body, "tor:1234") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if v, _ := setting.New(k.h).Tor(t.Context()); v.On {
		t.Error("it was stored all the same")
	}
}

func TestAClientsKeyIsShownOnce(t *testing.T) {
	k, c := withTor(t)
	a := c.post("/settings/remote/tor/clients", url.Values{"name": {"my <phone>"}}).want(200)
	if !strings.Contains(a.body, "SECRETKEY") || !strings.Contains(a.body, "my &lt;phone&gt;") {
		t.Error(a.body)
	}
	if a := c.get("/settings/remote/tor"); strings.Contains(a.body, "SECRETKEY") || !strings.Contains(a.body, "my &lt;phone&gt;") {
		t.Error("the key is shown again, or its owner is not")
	}
	c.post("/settings/remote/tor/clients", url.Values{"name": {""}}).want(422)
	// without the last key everybody comes in: that wants a yes
	c.post("/settings/remote/tor/clients/remove", url.Values{"name": {"my <phone>"}}).want(422)
	if len(k.clients) != 1 {
		t.Fatal("the last key is gone without a yes")
	}
	c.post("/settings/remote/tor/clients/remove", url.Values{"name": {"my <phone>"}, "sure": {"yes"}}).want(200)
	if len(k.clients) != 0 {
		t.Error("the key is still there")
	}
}

func TestTheTestOfTheProxyIsShownStepByStep(t *testing.T) {
	k, c := withTor(t)
	k.steps = []tor.ProxyStep{{Name: "proxy"}, {Name: "onion", Err: errors.New("no way there")}}
	a := c.post("/settings/remote/tor/test", nil).want(200)
	if !strings.Contains(a.body, "A SOCKS5 proxy answers") || !strings.Contains(a.body, "no way there") {
		t.Error(a.body)
	}
}

func TestTheDoctorsFindingsAreShown(t *testing.T) {
	c := openWith(t, newHouse(""), func(c *web.Config) { c.Doctor = examined })
	if a := c.get("/settings/remote/doctor").want(200); strings.Contains(a.body, "data-finding") {
		t.Error("something was found before anybody asked")
	}
	a := c.post("/settings/remote/doctor", url.Values{"address": {" https://my.name/ "}}).want(200)
	for _, want := range []string{"fault at &lt;https://my.name/&gt;", "mend it", `data-finding="clock"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
