package setting_test

import (
	"slices"
	"testing"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/setting"
)

func TestAddressesOfBridgesHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "/hwi/api/": "", "/hwi/api": "", "/hwi/settings/": "",
		"http://127.0.0.1:25441/hwi/api/":      "http://127.0.0.1:25441/hwi/api/",
		"http://127.0.0.1:25441/hwi/api":       "http://127.0.0.1:25441/hwi/api/",
		"127.0.0.1:25441":                      "http://127.0.0.1:25441/hwi/api/",
		"http://127.0.0.1:25441/hwi/settings/": "http://127.0.0.1:25441/hwi/api/",
		"http://127.0.0.1:25441/hwi/settings":  "http://127.0.0.1:25441/hwi/api/",
		"https://Desk.Example/":                "https://desk.example/hwi/api/",
		" localhost:25441/ ":                   "http://localhost:25441/hwi/api/",
		"http://desk.example/spectre/":         "http://desk.example/spectre/hwi/api/",
		"abc.onion":                            "http://abc.onion/hwi/api/",
	} {
		if got, err := setting.CleanBridge(text); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"ftp://x/", "http://", "http://a b/", "http://u:p@x/", "javascript:alert(1)", "http://x/?a=1", "http://x/#y", "http://x;script-src *", "http://*/", "http://x/';"} {
		if got, err := setting.CleanBridge(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is taken as %q, %v", text, got, err)
		}
	}
}

// A member's bridge is asked by this server on the member's word: in the owner's network that is
// nothing to choose for a member.
func TestMembersNameNoBridgeInTheOwnersNetwork(t *testing.T) {
	s := setting.New(&drawer{all: map[string]map[string]string{}})
	for address, denied := range map[string]bool{
		"http://192.168.1.7:25441/hwi/api/": true, "http://router/hwi/api/": true, "http://[::1]:1/hwi/api/": true, "http://127.0.0.2:1/hwi/api/": true,
		"": false, setting.AgentBridge: false, setting.RemoteBridge: false, "http://localhost:1/hwi/api/": false, "http://abcdef.onion/hwi/api/": false,
	} {
		change := func(u *setting.User) error { u.Bridge = address; return nil }
		if _, err := s.ChangeUser(t.Context(), "bob", change); errs.Is(err, errs.Denied) != denied {
			t.Errorf("a member names %q: %v", address, err)
		}
		after, err := s.ChangeUser(t.Context(), auth.OwnerID, change)
		if err != nil || after.Bridge != address {
			t.Errorf("the owner names %q: %q, %v", address, after.Bridge, err)
		}
		if kept, err := s.User(t.Context(), auth.OwnerID); err != nil || kept.Bridge != address {
			t.Errorf("%q is kept as %q, %v", address, kept.Bridge, err)
		}
	}
}

func TestTheWhitelistIsKept(t *testing.T) {
	s := setting.New(&drawer{all: map[string]map[string]string{}})
	if b, err := s.Bridge(t.Context()); err != nil || !slices.Equal(b.Origins, []string{setting.DefaultOrigin}) || b.Afar || b.Token != "" {
		t.Fatalf("at the start: %+v, %v", b, err)
	}
	for _, list := range [][]string{{"https://specter.example/", "*"}, nil, {setting.DefaultOrigin}} {
		if _, err := s.ChangeBridge(t.Context(), func(b *setting.Bridge) error {
			b.Origins, b.Afar, b.Token = list, len(list) > 0, "secret"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Bridge(t.Context()); err != nil || !slices.Equal(b.Origins, list) || b.Afar != (len(list) > 0) || b.Token != "secret" {
			t.Errorf("%v is kept as %+v, %v", list, b, err)
		}
	}
}
