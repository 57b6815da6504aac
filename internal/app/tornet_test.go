//go:build tornet

package app

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// through is somebody far away, whose browser goes through their own tor.
func through(t *testing.T, p *torProcess) visitor {
	v := newVisitor(t)
	v.http.Timeout = 30 * time.Second
	v.http.Transport = &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "socks5h", Host: p.ports["SocksPort"]}), DisableKeepAlives: true}
	return v
}

// inTime waits for what needs circuits, which can take a while.
func inTime(t *testing.T, what string, check func() (bool, string)) {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := check()
		if ok {
			t.Logf("%s: after %.1f s", what, time.Since(start).Seconds())
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s did not happen: %s", what, state)
		}
	}
}

// announced waits until tor has announced a service that is another than old.
func (h *house) announced(what string, old *tor.Service) *tor.Service {
	h.t.Helper()
	var s *tor.Service
	inTime(h.t, what, func() (bool, string) {
		h.onions.mu.Lock()
		defer h.onions.mu.Unlock()
		if s = h.onions.service; s == nil || s == old {
			return false, "it is not made; " + h.onions.trouble
		}
		return s.State().Up, s.State().Trouble
	})
	return s
}

// answers waits until the login page comes through Tor.
func answers(t *testing.T, what string, v visitor, base string) {
	t.Helper()
	inTime(t, what, func() (bool, string) {
		resp, err := v.http.Get(base + "auth/login")
		if err != nil {
			return false, err.Error()
		}
		code, _, text := v.read(resp, nil)
		if code != http.StatusOK || !strings.Contains(text, `name="password"`) {
			t.Fatalf("through Tor the login page is answered %d\n%.500s", code, text)
		}
		return true, ""
	})
}

// What tor's SOCKS port says of an onion service (tor's socks-extensions, ExtendedErrors).
const (
	socksNoKey = "unknown code: 244" // the service is for those with a key
	socksNo    = "unknown code: 24"  // one of F0 to F7: not found, not introduced, no answer
)

// refused waits until tor says why a page does not come; that it comes is a failure.
func refused(t *testing.T, what string, v visitor, base, why string) {
	t.Helper()
	said := ""
	inTime(t, what, func() (bool, string) {
		resp, err := v.http.Get(base + "auth/login")
		if err == nil {
			resp.Body.Close()
			t.Fatalf("%s: it is answered %d", what, resp.StatusCode)
		}
		said = err.Error()
		return strings.Contains(said, why), said
	})
	t.Log(said)
}

// An onion service of Specter in a whole Tor network: found by its name, used, kept over restarts
// of tor and of Specter, shut to those without a key, and gone when it is switched off.
func TestSpecterIsReachedThroughATorNetwork(t *testing.T) {
	start := time.Now()
	n := newTorNetwork(t, 3, 4)
	home := n.person("home", "CookieAuthentication 1\n", "ControlPort")
	away := n.person("away", "SocksTimeout 20\n", "SocksPort")
	t.Logf("3 authorities, 4 relays and 2 people's tors: after %.1f s", time.Since(start).Seconds())

	ctx := context.Background()
	h := owned(t, Config{})
	err := h.onions.ChangeOnion(ctx, func(v *setting.Tor) error { v.On, v.Control = true, home.ports["ControlPort"]; return nil })
	if err != nil {
		t.Fatal(err)
	}
	service := h.announced("the service announced", nil)
	base := "http://" + service.Name() + "/"
	v := through(t, away)
	answers(t, "its login page through Tor", v, base)
	h.logsInThroughTor(through(t, away), base)

	home.stop()
	inTime(t, "Specter sees that tor has ended", func() (bool, string) { s := service.State(); return !s.Made && !s.Up, s.Trouble })
	home.again()
	h.announced("the service announced after tor's restart", nil)
	answers(t, "its page after tor's restart", v, base)

	h = h.reopen()
	if service = h.announced("the service announced after Specter's restart", nil); "http://"+service.Name()+"/" != base {
		t.Fatalf("its address is %s, and was %s", service.Name(), base)
	}
	answers(t, "its page after Specter's restart", v, base)

	pass, err := h.onions.AddOnionClient(ctx, "phone")
	if err != nil {
		t.Fatal(err)
	}
	h.announced("the service announced for those with a key", service)
	keys := filepath.Join(n.dir, "keys")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(keys, "phone.auth_private"), []byte(pass.Line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := n.person("stranger", "", "SocksPort")
	friend := n.person("friend", "ClientOnionAuthDir "+keys+"\nSocksTimeout 20\n", "SocksPort")
	f := through(t, friend)
	answers(t, "its page with a key", f, base)
	refused(t, "no page without a key", through(t, stranger), base, socksNoKey)

	if err := h.onions.ChangeOnion(ctx, func(v *setting.Tor) error { v.On = false; return nil }); err != nil {
		t.Fatal(err)
	}
	h.wantOnion("the end of the service", func(name string, s tor.State) bool { return name == "" })
	refused(t, "no page of the removed service", f, base, socksNo)
}

// logsInThroughTor logs in, reads a page that only who is logged in gets, and looks whom Specter
// saw: not this machine, from which its tor handed the visit over.
func (h *house) logsInThroughTor(v visitor, base string) {
	h.t.Helper()
	if code, _, _ := v.get(base + "settings/auth"); code != http.StatusSeeOther {
		h.t.Fatalf("without a login the settings are answered %d", code)
	}
	code, _, text := v.post(base+"auth/login", url.Values{"username": {"admin"}, "password": {"correct horse battery"}})
	if code != http.StatusSeeOther {
		h.t.Fatalf("the login through Tor is answered %d\n%.500s", code, text)
	}
	if code, _, text := v.get(base + "settings/auth"); code != http.StatusOK {
		h.t.Errorf("after the login the settings are answered %d\n%.500s", code, text)
	}
	list, err := h.auth.Events(context.Background(), auth.Identity{User: auth.User{ID: auth.OwnerID, Role: auth.Owner}}, 0, 100)
	if err != nil {
		h.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(e auth.Event) bool { return e.What == "login" })
	if i < 0 || list[i].Client != tor.Visitor.String() {
		h.t.Errorf("the login through Tor is not written down as a visitor's through Tor: %+v", list)
	}
}
