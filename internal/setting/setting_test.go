package setting_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/setting"
)

// drawer is a store in memory.
type drawer struct {
	all  map[string]map[string]string
	puts int
	fail error
}

func (d *drawer) Settings(_ context.Context, owner string) (map[string]string, error) {
	return maps.Clone(d.all[owner]), d.fail
}
func (d *drawer) PutSettings(_ context.Context, owner string, values map[string]string) error {
	if d.all[owner] == nil {
		d.all[owner] = map[string]string{}
	}
	d.puts += len(values)
	for k, v := range values {
		if v == "" {
			delete(d.all[owner], k)
		} else {
			d.all[owner][k] = v
		}
	}
	return d.fail
}

func newDrawer() *drawer { return &drawer{all: map[string]map[string]string{}} }

func TestNobodyOutsideIsAskedUntilSomebodySaysSo(t *testing.T) {
	s := setting.New(newDrawer())
	p, err := s.Program(t.Context())
	if err != nil || p.Outside || p.Proxy != "" || p.ProxyOnly || p.LogLevel != setting.LogInfo {
		t.Errorf("the program: %+v, %v", p, err)
	}
	u, err := s.User(t.Context(), "ann")
	if err != nil || u.Rates != rates.Default() || len(u.Explorers) != 0 || u.Hide || u.HideAfter != 0 || u.DraftDays != 30 || u.Unit != "btc" || u.Proofs {
		t.Errorf("a user: %+v, %v", u, err)
	}
	for _, n := range btc.Networks() {
		if u.Explorer(n) != "" {
			t.Errorf("links lead to %s", u.Explorer(n))
		}
	}
}

func TestAChangeWritesWhatChangedAndReadsBack(t *testing.T) {
	d := newDrawer()
	s := setting.New(d)
	want, err := s.ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error {
		u.Unit, u.HideAfter, u.PageSize, u.DraftDays, u.Language = "sat", 5, 50, 0, "de"
		u.Rates = rates.Settings{Fees: "own", FeesURL: " https://m.example/api ", Price: "manual", Currency: "chf", Manual: 12_345_678_901_234, TorOnly: true}
		u.Explorers[btc.Signet] = setting.Explorer{Kind: setting.ExplorerBlockstreamOnion, URL: "ignored"}
		u.Explorers[btc.Regtest] = setting.Explorer{Kind: setting.ExplorerOwn, URL: "http://127.0.0.1:3000/"}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.User(t.Context(), auth.OwnerID)
	if err != nil || got.Rates != want.Rates || got.Rates.FeesURL != "https://m.example" || got.Rates.Currency != "CHF" || !maps.Equal(got.Explorers, want.Explorers) ||
		got.DraftDays != 0 || got.Language != "de" || !strings.HasSuffix(got.Explorer(btc.Signet), ".onion/signet") || got.Explorer(btc.Regtest) != "http://127.0.0.1:3000" {
		t.Errorf("read back %+v, %v", got, err)
	}
	d.puts = 0
	if _, err := s.ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error { u.Theme = "dark"; return nil }); err != nil || d.puts != 1 {
		t.Errorf("one change wrote %d values, %v", d.puts, err)
	}
	if _, err := s.ChangeUser(t.Context(), auth.OwnerID, func(u *setting.User) error { *u = setting.Defaults(); return nil }); err != nil || len(d.all[auth.OwnerID]) != 0 {
		t.Errorf("as at the beginning, but stored is %v, %v", d.all[auth.OwnerID], err)
	}
	if u, _ := s.User(t.Context(), "bob"); u.Unit != "btc" {
		t.Error("another user's settings changed")
	}
}

// An own server may stand in the owner's network, so a member names none; what a member had
// before stays, and may go.
func TestServersOfOnesOwnAreTheOwnersToName(t *testing.T) {
	s := setting.New(newDrawer())
	for name, change := range map[string]func(*setting.User){
		"fees":  func(u *setting.User) { u.Rates.Fees, u.Rates.FeesURL = "own", "http://10.0.0.1:8080" },
		"price": func(u *setting.User) { u.Rates.PriceURL = "http://router.lan" },
		"explorer": func(u *setting.User) {
			u.Explorers[btc.Mainnet] = setting.Explorer{Kind: setting.ExplorerOwn, URL: "http://10.0.0.1"}
		},
	} {
		try := func(id string) error {
			_, err := s.ChangeUser(t.Context(), id, func(u *setting.User) error { change(u); return nil })
			return err
		}
		if err := try("ann"); !errs.Is(err, errs.Denied) {
			t.Errorf("%s: a member is answered %v", name, err)
		}
		if err := try(auth.OwnerID); err != nil {
			t.Errorf("%s: the owner is answered %v", name, err)
		}
	}
	if u, err := s.User(t.Context(), "ann"); err != nil || u.Rates.FeesURL != "" || len(u.Explorers) != 0 {
		t.Errorf("a member's settings are %+v, %v", u, err)
	}
}

func TestWhatCannotBeIsRefusedWhole(t *testing.T) {
	for name, change := range map[string]func(*setting.User){
		"unit":               func(u *setting.User) { u.Unit = "" },
		"theme":              func(u *setting.User) { u.Theme = "pink" },
		"language":           func(u *setting.User) { u.Language = "../en" },
		"minutes":            func(u *setting.User) { u.HideAfter = -1 },
		"rows":               func(u *setting.User) { u.PageSize = 11 },
		"days":               func(u *setting.User) { u.DraftDays = 100_000 },
		"rates":              func(u *setting.User) { u.Rates.Fees = "oracle" },
		"explorer":           func(u *setting.User) { u.Explorers[btc.Mainnet] = setting.Explorer{Kind: "x"} },
		"explorer's network": func(u *setting.User) { u.Explorers[btc.Regtest] = setting.Explorer{Kind: setting.ExplorerMempool} },
		"explorer's address": func(u *setting.User) {
			u.Explorers[btc.Mainnet] = setting.Explorer{Kind: setting.ExplorerOwn, URL: "https://u:p@x/"}
		},
	} {
		d := newDrawer()
		_, err := setting.New(d).ChangeUser(t.Context(), "ann", func(u *setting.User) error { u.Hide = true; change(u); return nil })
		if !errs.Is(err, errs.Invalid) || d.puts != 0 {
			t.Errorf("%s: %v, %d values written", name, err, d.puts)
		}
	}
	stop := errors.New("stop")
	if _, err := setting.New(newDrawer()).ChangeUser(t.Context(), "ann", func(*setting.User) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a change that was called off: %v", err)
	}
	d := newDrawer()
	d.fail = stop
	if _, err := setting.New(d).User(t.Context(), "ann"); !errors.Is(err, stop) {
		t.Errorf("a store that fails: %v", err)
	}
}

func TestStoredWordsThatNobodyKnowsCountAsNotChosen(t *testing.T) {
	d := newDrawer()
	d.all["ann"] = map[string]string{"unit": "dogs", "hide-after": "x", "page-size": "12", "draft-days": "-3", "price": "coindesk", "explorer-mainnet": "google", "explorer-regtest": "http://", "price-by-hand": "NaN"}
	u, err := setting.New(d).User(t.Context(), "ann")
	if err != nil || u.Unit != "btc" || u.HideAfter != 0 || u.PageSize != 0 || u.DraftDays != 30 || u.Rates != rates.Default() || len(u.Explorers) != 0 {
		t.Errorf("%+v, %v", u, err)
	}
	d.all[""] = map[string]string{"proxy": "a b", "proxy-only": "yes", "log-level": "all", "outside-services": "maybe"}
	if p, err := setting.New(d).Program(t.Context()); err != nil || p.Outside || p.Proxy != "" || !p.ProxyOnly || p.LogLevel != "info" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAddressesOfProxies(t *testing.T) {
	for in, want := range map[string]string{"": "", "127.0.0.1:9050": "127.0.0.1:9050", " socks5://tor:9150/ ": "tor:9150", "socks5h://localhost": "localhost:9050", "[::1]:9050": "[::1]:9050", "::1": "[::1]:9050",
		"a b": "!", "host:0": "!", "host:99999": "!", "http://x:1": "!", "user@host:1": "!", ":9050": "!", "a:b:c": "!", strings.Repeat("h", 300) + ":1": "!"} {
		p, err := setting.New(newDrawer()).ChangeProgram(t.Context(), func(p *setting.Program) error { p.Proxy = in; return nil })
		if want == "!" {
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%.40q is taken as %q", in, p.Proxy)
			}
			continue
		}
		if err != nil || p.Proxy != want {
			t.Errorf("%q is %q, %v", in, p.Proxy, err)
		}
	}
}

func FuzzStoredSettings(f *testing.F) {
	f.Add("own", "https://x.example", "1e9", "12", "127.0.0.1:9050")
	f.Fuzz(func(t *testing.T, kind, address, price, number, proxy string) {
		d := newDrawer()
		d.all["ann"] = map[string]string{"fees": kind, "fees-url": address, "price": "manual", "price-by-hand": price, "hide-after": number, "draft-days": number, "page-size": number, "explorer-mainnet": address, "explorer-signet": kind}
		d.all[""] = map[string]string{"proxy": proxy, "proxy-only": "yes"}
		s := setting.New(d)
		u, err := s.User(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		again, err := u.Check()
		if err != nil || again.Rates != u.Rates {
			t.Fatalf("what was read is not sound: %+v, %v", u, err)
		}
		if p, err := s.Program(t.Context()); err != nil || !p.ProxyOnly {
			t.Fatalf("the proxy alone no longer holds: %+v, %v", p, err)
		}
	})
}
