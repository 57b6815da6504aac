package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/remote/remotetest"
	"specter/internal/remote/tor"
	"specter/internal/setting"
	"specter/internal/testkit"
)

// freePort is an address of this machine at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", testkit.Port(t))
}

func (h *house) wantOnion(what string, is func(name string, s tor.State) bool) {
	h.t.Helper()
	eventually(h.t, what, func() (bool, string) {
		v, err := h.onions.Onion(context.Background())
		if err != nil {
			return false, err.Error()
		}
		return is(v.Name, v.State), v.Trouble + " " + v.State.Trouble
	})
}

func TestAnOnionServiceOfSpecterIsKeptOverRestarts(t *testing.T) {
	control := remotetest.NewTor(t, "--CookieAuthentication", "1").Control
	ctx := context.Background()
	h := owned(t, Config{})
	if err := h.onions.ChangeOnion(ctx, func(v *setting.Tor) error { v.On, v.Control = true, control; return nil }); err != nil {
		t.Fatal(err)
	}
	var name string
	made := func(n string, s tor.State) bool { name = n; return s.Made }
	h.wantOnion("the service", made)
	first := name
	if code := statusAs(t, h, first); code == http.StatusMisdirectedRequest {
		t.Error("the door does not know the service's name")
	}
	if code := statusAs(t, h, tor.NewKey().Name()); code != http.StatusMisdirectedRequest {
		t.Errorf("another service's name is let in: %d", code)
	}
	h = h.reopen()
	h.wantOnion("the service after a restart", made)
	if name != first {
		t.Errorf("its address is %s, and was %s", name, first)
	}
	// a key makes the service anew, under the same name
	if _, err := h.onions.AddOnionClient(ctx, "phone"); err != nil {
		t.Fatal(err)
	}
	h.wantOnion("the service for clients", func(n string, s tor.State) bool {
		h.onions.mu.Lock()
		defer h.onions.mu.Unlock()
		return s.Made && n == first
	})
	if err := h.onions.ChangeOnion(ctx, func(v *setting.Tor) error { v.On = false; return nil }); err != nil {
		t.Fatal(err)
	}
	h.wantOnion("the end of the service", func(n string, s tor.State) bool { return n == "" && !s.Made })
	if code := statusAs(t, h, first); code != http.StatusMisdirectedRequest {
		t.Errorf("its name is still let in: %d", code)
	}
}

// statusAs asks for the login under another host name.
func statusAs(t *testing.T, h *house, host string) int {
	t.Helper()
	r, err := http.NewRequest("GET", h.URL()+"auth/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestWithoutALoginThereIsNoOnionService(t *testing.T) {
	ctx := context.Background()
	h := open(t, Config{Tor: Tor{On: true, Control: "127.0.0.1:1"}})
	h.wantOnion("the refusal", func(n string, s tor.State) bool {
		v, _ := h.onions.Onion(ctx)
		return n == "" && strings.Contains(v.Trouble, "nobody logs in")
	})
	if err := h.onions.ChangeOnion(ctx, func(v *setting.Tor) error { v.On = true; return nil }); !errs.Is(err, errs.Conflict) {
		t.Errorf("%v", err)
	}
	if _, err := h.own().Read("tor/onion.key"); err == nil {
		t.Error("a key was made for a service that is refused")
	}
	if err := h.auth.SetOwner(ctx, "", "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	h.wantOnion("a try, now that there is a login", func(n string, s tor.State) bool { return n != "" && s.Tries > 0 })
	// and while it is wanted, the login cannot be switched off
	owner := auth.Identity{User: auth.User{ID: auth.OwnerID, Role: auth.Owner}}
	if err := h.auth.SetSettings(ctx, owner, auth.Settings{Method: auth.MethodNone}, "correct horse battery"); err == nil {
		t.Error("the login is off while an onion service is wanted")
	}
}

// Who comes through Tor is nobody at this machine, whatever they say, and is counted apart.
func TestVisitorsThroughTorAreNotTakenForThisMachine(t *testing.T) {
	h := owned(t, Config{})
	l, err := h.onions.listen(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	name := tor.NewKey().Name()
	h.onions.name.Store(&name)
	base := "http://" + l.(*tor.Gate).Listener.Addr().String()
	ask := func(method, path, body string, head ...string) (int, http.Header, string) {
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = name
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for i := 0; i < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header, string(text)
	}
	// the bridge on this computer is for this computer
	if code, _, text := ask("POST", "/hwi/api/", `{"jsonrpc":"2.0","method":"enumerate","id":1,"params":{}}`, "Content-Type", "application/json"); code == 200 && !strings.Contains(text, "error") {
		t.Errorf("the bridge answers a visitor through Tor: %s", text)
	}
	for range 40 {
		ask("POST", "/auth/login", "username=admin&password=wrong", "X-Forwarded-For", "127.0.0.1")
	}
	if code, _, _ := ask("POST", "/auth/login", "username=admin&password=wrong"); code != http.StatusTooManyRequests {
		t.Errorf("after 40 guesses through Tor the next is answered %d", code)
	}
	list, err := h.auth.Events(context.Background(), auth.Identity{User: auth.User{ID: auth.OwnerID, Role: auth.Owner}}, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	guesses := 0
	for _, e := range list {
		if e.What == "login-refused" {
			guesses++
			if e.Client != tor.Visitor.String() {
				t.Errorf("a guess through Tor is written down as from %s", e.Client)
			}
		}
	}
	if guesses == 0 {
		t.Error("no guess is in the record")
	}
	// somebody at home is not held up by them
	r := httptest.NewRequest("POST", "/auth/login", strings.NewReader("username=admin&password=correct+horse+battery"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:5000"
	w := httptest.NewRecorder()
	h.server.Handler.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		t.Errorf("the owner at home is answered %d", w.Code)
	}
}

func TestThroughTLSTheOnionServiceSpeaksBoth(t *testing.T) {
	h, client := openSecure(t, TLS{Mode: TLSSelfSigned})
	l, err := h.onions.listen(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.(*tor.Gate).Listener.Addr().String()
	for _, scheme := range []string{"http", "https"} {
		if code, _, _ := answer(t, client, scheme+"://"+at+"/auth/login"); code != 200 {
			t.Errorf("%s through Tor is answered %d", scheme, code)
		}
	}
}

func TestCommandLineForTor(t *testing.T) {
	if _, err := New(context.Background(), Config{Host: "127.0.0.1", DataDir: t.TempDir(), Log: quiet(), Tor: Tor{Control: "8.8.8.8:9051"}}); err == nil {
		t.Error("a control port somewhere in the world is taken")
	}
}
