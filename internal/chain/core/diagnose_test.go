package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/chain/core"
	"specter/internal/chain/core/coretest"
	"specter/internal/testkit"
)

// TestDiagnoseNamesTheCure for each thing that can be wrong.
func TestDiagnoseNamesTheCure(t *testing.T) {
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	dialError := func(err error) func(f *fakeNode, c *core.Config) {
		return func(_ *fakeNode, c *core.Config) {
			c.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, err }
		}
	}
	for _, x := range []struct {
		name, step, cure string // the failing step and a word of its cure; "" "" when all is well
		prepare          func(f *fakeNode, c *core.Config)
	}{
		{"all well", "", "", func(*fakeNode, *core.Config) {}},
		{"a host that is none", "address", "address", func(_ *fakeNode, c *core.Config) { c.Host = "a b" }},
		{"an unknown name", "address", "spelling", func(_ *fakeNode, c *core.Config) { c.Host = "nowhere.invalid" }},
		{"an onion without tor", "address", "Tor", func(_ *fakeNode, c *core.Config) { c.Host = "abc.onion" }},
		{"nothing listens", "port", "server=1", func(_ *fakeNode, c *core.Config) { c.Port = testkit.Port(t) }},
		{"a silent machine", "port", "firewall", dialError(os.ErrDeadlineExceeded)},
		{"no route", "port", "proxy", dialError(fmt.Errorf("network is unreachable"))},
		{"the peers' port", "http", "RPC port", func(f *fakeNode, c *core.Config) { c.Port = hangingUp(t) }},
		{"a web server", "http", "RPC port", func(f *fakeNode, _ *core.Config) { f.before = status(404) }},
		{"overloaded", "http", "rpcworkqueue", func(f *fakeNode, _ *core.Config) { f.before = status(503) }},
		{"https asked of http", "http", "http", func(_ *fakeNode, c *core.Config) { c.Protocol = "https" }},
		{"not from here", "login", "rpcallowip", func(f *fakeNode, _ *core.Config) { f.before = status(403) }},
		{"wrong password", "login", "rpcauth", func(f *fakeNode, _ *core.Config) { f.before = status(401) }},
		{"no cookie", "login", "data folder", func(f *fakeNode, c *core.Config) {
			f.before, c.CookieFile = status(401), t.TempDir()+"/.cookie"
		}},
		{"old cookie", "login", "rpcpassword", func(f *fakeNode, c *core.Config) {
			f.before, c.CookieFile = status(401), cookieFile(t, "a:b")
		}},
		{"no cookie in the file", "login", "writes at its start", func(f *fakeNode, c *core.Config) {
			f.before, c.CookieFile = status(401), cookieFile(t, "ab")
		}},
		{"starting", "login", "Wait", func(f *fakeNode, _ *core.Config) {
			f.set("getblockchaininfo", &core.RPCError{Code: -28, Message: "Verifying blocks…"})
		}},
		{"without wallets", "wallets", "disablewallet", func(f *fakeNode, _ *core.Config) {
			f.set("listwallets", &core.RPCError{Code: -32601, Message: "Method not found"})
		}},
		{"too old", "version", "Upgrade", func(f *fakeNode, _ *core.Config) {
			f.set("getnetworkinfo", map[string]any{"version": 240100, "subversion": "/Satoshi:24.1.0/"})
		}},
		{"another network", "network", "8332", func(_ *fakeNode, c *core.Config) { c.Network = btc.Mainnet }},
		{"another coin", "network", "Bitcoin network", func(f *fakeNode, c *core.Config) {
			f.set("getblockchaininfo", map[string]any{"chain": "liquidv1"})
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			f := newFake(t)
			c := f.config(t)
			x.prepare(f, &c)
			d := core.Diagnose(t.Context(), c)
			if len(d.Steps) != 9 {
				t.Fatalf("%d steps", len(d.Steps))
			}
			st := failed(d)
			if st.Name != x.step || d.OK != (x.step == "") || !strings.Contains(st.Cure, x.cure) || x.step != "" && (st.Detail == "" || st.Title == "") {
				t.Errorf("failed at %q (%s) with the cure %q; want %q with %q", st.Name, st.Detail, st.Cure, x.step, x.cure)
			}
			after := false
			for _, s := range d.Steps {
				if s.Skipped != after {
					t.Errorf("step %s: skipped %v, want %v", s.Name, s.Skipped, after)
				}
				after = after || s.Name == x.step
			}
		})
	}
}

// hangingUp is a port that accepts and closes, as the peers' port does to us.
func hangingUp(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestDiagnoseWarnsOfWhatIsNotWrong(t *testing.T) {
	f := newFake(t)
	f.set("getblockchaininfo", map[string]any{
		"chain": "regtest", "blocks": 100, "headers": 200, "time": 1_700_000_000, "bestblockhash": strings.Repeat("ab", 32),
		"verificationprogress": 0.5, "initialblockdownload": true, "pruned": true, "pruneheight": 50,
	})
	d := core.Diagnose(t.Context(), f.config(t))
	warned := ""
	for _, st := range d.Steps {
		if st.Warning && st.OK && st.Cure != "" {
			warned += st.Name + " "
		}
	}
	if !d.OK || warned != "sync prune " || d.Status.PrunedTo != 50 || d.Status.Synced {
		t.Errorf("OK %v, warned of %s, status %+v", d.OK, warned, d.Status)
	}
}

func TestVersionsAreToldForPeople(t *testing.T) {
	for sub, want := range map[string]string{
		"/Satoshi:28.1.0/":                     "Bitcoin Core 28.1.0",
		"/Satoshi:29.4.2/Knots:20260508/":      "Bitcoin Knots 29.4.2",
		"/Satoshi:27.0.0(my node)/":            "Bitcoin Core 27.0.0",
		"":                                     "Bitcoin Core 28.1.0",
		"/btcd:0.24/":                          "Bitcoin Core 28.1.0",
		"/Satoshi:" + strings.Repeat("9", 500): "Bitcoin Core 28.1.0",
	} {
		f := newFake(t)
		sub, _ := json.Marshal(sub)
		f.set("getnetworkinfo", json.RawMessage(`{"version":280100,"subversion":`+string(sub)+`}`))
		st, err := open(t, f.config(t)).Status(t.Context())
		if err != nil || st.Version != want {
			t.Errorf("%s: %q, %v; want %q", sub, st.Version, err, want)
		}
	}
}

// TestLoginOfARealNode: password, cookie and what the node says to wrong ones.
func TestLoginOfARealNode(t *testing.T) {
	n := coretest.Start(t, coretest.Options{Empty: true})
	c := conf(n)
	if d := core.Diagnose(t.Context(), c); !d.OK {
		t.Errorf("with the cookie: %+v", failed(d))
	}
	wrong := c
	wrong.CookieFile, wrong.User, wrong.Password = "", "joe", core.NewSecret("nope")
	if st := failed(core.Diagnose(t.Context(), wrong)); st.Name != "login" {
		t.Errorf("with a wrong password: %+v", st)
	}
	found := core.Discover(core.Places{Datadir: n.Dir()})
	if len(found) != 1 || found[0].Config.CookieFile != n.CookieFile() || found[0].Config.Network != btc.Regtest {
		t.Errorf("found %s", ways(found, n.Dir()))
	}
}
