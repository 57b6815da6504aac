package web_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/web"
)

// deskAgents are the agents of the fake, by user.
type deskAgents struct {
	all    map[string][]web.BridgeAgent
	direct []bool // of the codes that were made
}

func (u *usbDesk) Agents(_ context.Context, by auth.Identity) ([]web.BridgeAgent, error) {
	return slices.Clone(u.desks.all[by.User.ID]), nil
}

func (u *usbDesk) PairAgent(_ context.Context, _ auth.Identity, direct bool) (web.BridgePairing, error) {
	u.desks.direct = append(u.desks.direct, direct)
	p := web.BridgePairing{Code: "ONCEANDNEVERAGAIN234567ABC", Until: time.Date(2026, 3, 1, 12, 10, 0, 0, time.UTC)}
	if direct {
		p.Fingerprint = "FINGERPRINTOFTHEAUTHORITY"
	}
	return p, nil
}

func (u *usbDesk) RenameAgent(_ context.Context, by auth.Identity, id, name string) error {
	for i, a := range u.desks.all[by.User.ID] {
		if a.ID == id && name != "" {
			u.desks.all[by.User.ID][i].Name = name
			return nil
		}
	}
	return errs.E(errs.NotFound, "there is no such agent")
}

func (u *usbDesk) RevokeAgent(_ context.Context, by auth.Identity, id string) error {
	list := u.desks.all[by.User.ID]
	left := slices.DeleteFunc(slices.Clone(list), func(a web.BridgeAgent) bool { return a.ID == id })
	if len(left) == len(list) {
		return errs.E(errs.NotFound, "there is no such agent")
	}
	u.desks.all[by.User.ID] = left
	return nil
}

func TestAUserPairsAndRevokesAgents(t *testing.T) {
	u, c := withUSB(t, nil)
	show := func() string { t.Helper(); return c.get("/settings/usb").body }
	if body := show(); strings.Contains(body, `data-test="pair-agent"`) || !strings.Contains(body, `value="agent"`) {
		t.Error("agents are in the way of who has not chosen them")
	}
	if a := c.post("/settings/usb", url.Values{"kind": {"agent"}}); a.status != http.StatusOK {
		t.Fatalf("choosing: %d %s", a.status, a.body)
	}
	if v, err := setting.New(u.h).User(t.Context(), auth.OwnerID); err != nil || v.Bridge != setting.AgentBridge {
		t.Errorf("kept: %q, %v", v.Bridge, err)
	}
	body := show()
	if !strings.Contains(body, `data-test="pair-agent"`) || !strings.Contains(body, `value="agent" checked`) || strings.Contains(body, "Settings of that bridge") {
		t.Errorf("chosen: %s", body)
	}
	a := c.post("/settings/usb/agents", nil)
	if a.status != http.StatusOK || !strings.Contains(a.body, "/#ONCEANDNEVERAGAIN234567ABC&#34;") || !strings.Contains(a.body, "<svg") || strings.Contains(show(), "ONCEANDNEVER") {
		t.Errorf("pairing: %d %s", a.status, a.body)
	}
	if !slices.Equal(u.desks.direct, []bool{false}) {
		t.Errorf("a page that came by plain HTTP: %v", u.desks.direct)
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	u.desks.all = map[string][]web.BridgeAgent{auth.OwnerID: {
		{ID: "desk1", Name: `<b>"Home"</b>`, Created: now, Connected: true, Since: now}, {ID: "desk2", Name: "Office", Created: now},
	}, "bob": {{ID: "bobs", Name: "Bob's desk"}}}
	body = show()
	for _, want := range []string{"&lt;b&gt;&#34;Home&#34;", "connected since", "Office", "never connected", "/settings/usb/agents/desk2/revoke"} {
		if !strings.Contains(body, want) {
			t.Errorf("the list has no %q", want)
		}
	}
	if strings.Contains(body, "Bob") || strings.Contains(body, "<b>") {
		t.Errorf("the list: %s", body)
	}
	if a := c.post("/settings/usb/agents/desk1/name", url.Values{"name": {"<i>Cellar"}}); a.status != http.StatusOK || a.path != "/settings/usb" || u.desks.all[auth.OwnerID][0].Name != "<i>Cellar" || !strings.Contains(a.body, "&lt;i&gt;Cellar") {
		t.Errorf("renaming: %d %s, %+v", a.status, a.path, u.desks.all[auth.OwnerID])
	}
	if a := c.post("/settings/usb/agents/bobs/name", url.Values{"name": {"Mine"}}); a.status != http.StatusNotFound || u.desks.all["bob"][0].Name == "Mine" {
		t.Errorf("renaming another's: %d", a.status)
	}
	if a := c.post("/settings/usb/agents/desk1/revoke", nil); a.status != http.StatusOK || len(u.desks.all[auth.OwnerID]) != 1 {
		t.Errorf("revoking: %d %v", a.status, u.desks.all[auth.OwnerID])
	}
	if a := c.post("/settings/usb/agents/bobs/revoke", nil); a.status != http.StatusNotFound || len(u.desks.all["bob"]) != 1 {
		t.Errorf("revoking another's: %d", a.status)
	}
}

// The fingerprint goes along where the page came by the program's own TLS, and a page by plain HTTP
// from another computer says that the agent will not go that way.
func TestThePairingPageKnowsHowItCame(t *testing.T) {
	for name, k := range map[string]struct {
		tls         bool
		host        string
		finger, bad bool
	}{
		"own TLS":        {true, "localhost:25441", true, false},
		"this computer":  {false, "localhost:25441", false, false},
		"another's HTTP": {false, "192.168.1.5:25441", false, true},
		"an onion":       {false, "abcdef.onion", false, false},
	} {
		h := newHouse("")
		s := server(t, func(c *web.Config) { c.Bridge, c.Settings = &usbDesk{h: h}, h })
		r := httptest.NewRequest("POST", "http://"+k.host+"/settings/usb/agents", nil)
		if k.tls {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		door.New(door.Config{Hosts: []string{"192.168.1.5", "abcdef.onion"}}, s.Server).ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code != http.StatusOK || strings.Contains(body, ".FINGERPRINTOFTHEAUTHORITY") != k.finger || strings.Contains(body, "refuses to go that way") != k.bad {
			t.Errorf("%s: %d %.300s", name, w.Code, body)
		}
	}
}
