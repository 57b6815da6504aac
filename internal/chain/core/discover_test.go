package core_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/chain/core"
	"specter/internal/errs"
)

func TestConfFollowsBitcoinCoresRules(t *testing.T) {
	for _, x := range []struct {
		name, text string
		network    btc.Network
		key, want  string // of the chosen network
	}{
		{"empty", "", btc.Mainnet, "rpcuser", ""},
		{"plain", "rpcuser = joe \r\nrpcpassword=s3cr3t # not this\n", btc.Mainnet, "rpcpassword", "s3cr3t"},
		{"comment", "#rpcuser=joe\n", btc.Mainnet, "rpcuser", ""},
		{"the first value stands", "rpcuser=one\nrpcuser=two\n", btc.Mainnet, "rpcuser", "one"},
		{"regtest flag", "regtest=1\nrpcuser=joe", btc.Regtest, "rpcuser", "joe"},
		{"testnet flag", "testnet=1\n", btc.Testnet3, "rpcuser", ""},
		{"testnet4 flag", "testnet4=1\n", btc.Testnet4, "rpcuser", ""},
		{"signet flag", "signet=1\n", btc.Signet, "rpcuser", ""},
		{"flag without a value", "signet=\n", btc.Signet, "rpcuser", ""},
		{"flag off", "regtest=0\n", btc.Mainnet, "rpcuser", ""},
		{"flag negated", "noregtest=1\n", btc.Mainnet, "rpcuser", ""},
		{"chain word", "chain=test\n", btc.Testnet3, "rpcuser", ""},
		{"chain word of the new test network", "chain=testnet4\n", btc.Testnet4, "rpcuser", ""},
		{"chain before flags", "chain=signet\nregtest=1\n", btc.Signet, "rpcuser", ""},
		{"flag in a section does not count", "[regtest]\nregtest=1\n", btc.Mainnet, "rpcuser", ""},
		{"section over top", "regtest=1\nrpcuser=top\n[regtest]\nrpcuser=below\n", btc.Regtest, "rpcuser", "below"},
		{"another section", "rpcuser=top\n[test]\nrpcuser=below\n", btc.Mainnet, "rpcuser", "top"},
		{"main section", "[main]\nrpcuser=m\n", btc.Mainnet, "rpcuser", "m"},
		{"dotted key", "regtest=1\nregtest.rpcport=1234\n", btc.Regtest, "rpcport", "1234"},
		{"port at the top is mainnet's", "regtest=1\nrpcport=1234\n", btc.Regtest, "rpcport", ""},
		{"port at the top", "rpcport=1234\n", btc.Mainnet, "rpcport", "1234"},
		{"connect holds for all", "signet=1\nrpcconnect=10.0.0.5\n", btc.Signet, "rpcconnect", "10.0.0.5"},
		{"odd lines", "what\n=\n==\n[\n[]\n]x\n\ufeffrpcuser=no\nrpcuser=joe", btc.Mainnet, "rpcuser", "joe"},
		{"byte order mark", "\ufeffrpcuser=joe", btc.Mainnet, "rpcuser", "joe"},
		{"dash", "-rpcuser=joe", btc.Mainnet, "rpcuser", "joe"},
		{"value with equals signs", "rpcpassword=a=b==\n", btc.Mainnet, "rpcpassword", "a=b=="},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, err := core.ParseConf(x.text)
			must(t, err)
			if c.Network() != x.network {
				t.Errorf("network %v, want %v", c.Network(), x.network)
			}
			if got := c.Get(x.network, x.key); got != x.want {
				t.Errorf("%s is %q, want %q", x.key, got, x.want)
			}
		})
	}
	if _, err := core.ParseConf(strings.Repeat("x", 2<<20)); !errs.Is(err, errs.Invalid) {
		t.Errorf("a file of 2 MiB: %v", err)
	}
}

// put writes files below a folder; names ending in / are folders.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// ways prints what was found, without passwords.
func ways(found []core.Found, dir string) string {
	var out []string
	for _, f := range found {
		c := f.Config
		s := fmt.Sprintf("%s %s %s://%s:%d", f.Source, c.Network, c.Protocol, c.Host, c.Port)
		if c.User != "" {
			s += fmt.Sprintf(" user %s/%d", c.User, len(c.Password.Reveal()))
		}
		if c.CookieFile != "" {
			rel, _ := filepath.Rel(dir, c.CookieFile)
			s += " cookie " + filepath.ToSlash(rel)
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func TestDiscoverFindsTheWaysToANode(t *testing.T) {
	for _, x := range []struct {
		name  string
		files map[string]string
		env   map[string]string
		want  string
	}{
		{"nothing", nil, nil, ""},
		{"cookie of every network", map[string]string{
			".cookie": "u:p", "testnet3/.cookie": "u:p", "testnet4/.cookie": "u:p", "signet/.cookie": "u:p", "regtest/.cookie": "u:p",
		}, nil, `cookie mainnet http://127.0.0.1:8332 cookie .cookie
cookie testnet3 http://127.0.0.1:18332 cookie testnet3/.cookie
cookie testnet4 http://127.0.0.1:48332 cookie testnet4/.cookie
cookie signet http://127.0.0.1:38332 cookie signet/.cookie
cookie regtest http://127.0.0.1:18443 cookie regtest/.cookie`},
		{"password, chosen network first", map[string]string{
			"bitcoin.conf": "chain=signet\nrpcuser=joe\nrpcpassword=12345\n[signet]\nrpcport=7\n", ".cookie": "u:p",
		}, nil, "bitcoin.conf signet http://127.0.0.1:7 user joe/5\ncookie mainnet http://127.0.0.1:8332 cookie .cookie"},
		{"rpcauth leaves the cookie", map[string]string{
			"bitcoin.conf": "regtest=1\nrpcauth=joe:aa$bb\nrpcport=1\nregtest.rpcport=1999\n", "regtest/.cookie": "u:p",
		}, nil, "cookie regtest http://127.0.0.1:1999 cookie regtest/.cookie"},
		{"another cookie file", map[string]string{
			"bitcoin.conf": "rpccookiefile=secret.txt\ntestnet4.rpccookiefile=/nowhere/at/all\n", "secret.txt": "u:p", ".cookie": "u:p", "testnet4/.cookie": "u:p",
		}, nil, "cookie mainnet http://127.0.0.1:8332 cookie secret.txt"},
		{"cookie switched off", map[string]string{"bitcoin.conf": "norpccookiefile=1\n", ".cookie": "u:p"}, nil, ""},
		{"included files", map[string]string{
			"bitcoin.conf":    "includeconf=more.conf\nincludeconf=missing.conf\n[regtest]\nincludeconf=regtest.conf\n",
			"more.conf":       "rpcuser=joe\nrpcpassword=abc\nincludeconf=deeper.conf\n",
			"deeper.conf":     "rpcport=66\n",
			"regtest.conf":    "rpcport=99\n",
			"regtest/.cookie": "u:p",
		}, nil, "bitcoin.conf mainnet http://127.0.0.1:8332 user joe/3\ncookie regtest http://127.0.0.1:18443 cookie regtest/.cookie"},
		{"included file of the chosen section", map[string]string{
			"bitcoin.conf": "regtest=1\n[regtest]\nincludeconf=regtest.conf\n[main]\nincludeconf=main.conf\n", "regtest.conf": "[regtest]\nrpcport=99\n",
			"main.conf": "rpcuser=x\nrpcpassword=y\n", "regtest/.cookie": "u:p",
		}, nil, "cookie regtest http://127.0.0.1:99 cookie regtest/.cookie"},
		{"a node elsewhere", map[string]string{
			"bitcoin.conf": "rpcconnect=10.1.2.3:99\nrpcuser=joe\nrpcpassword=abcd\n",
		}, nil, "bitcoin.conf mainnet http://10.1.2.3:99 user joe/4"},
		{"environment first", map[string]string{".cookie": "u:p"}, map[string]string{
			"BTC_RPC_USER": "env", "BTC_RPC_PASSWORD": "pw", "BTC_RPC_HOST": "node.local", "BTC_RPC_PORT": "18443", "BTC_RPC_PROTOCOL": "https",
		}, "environment regtest https://node.local:18443 user env/2\ncookie mainnet http://127.0.0.1:8332 cookie .cookie"},
		{"environment with defaults", nil, map[string]string{"BTC_RPC_USER": "env"}, "environment mainnet http://localhost:8332 user env/0"},
		{"environment with an address", nil, map[string]string{"BTC_RPC_USER": "env", "BTC_RPC_HOST": "https://h:5/"}, "environment mainnet https://h:5 user env/0"},
		{"environment without a user", nil, map[string]string{"BTC_RPC_HOST": "h"}, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, x.files)
			found := core.Discover(core.Places{Datadir: dir, Env: func(k string) string { return x.env[k] }})
			if got := ways(found, dir); got != x.want {
				t.Errorf("got\n%s\nwant\n%s", got, x.want)
			}
		})
	}
}

func TestDiscoverLooksInTheDefaultFolderOfEachSystem(t *testing.T) {
	for _, x := range []struct{ os, sub string }{
		{"linux", ".bitcoin"}, {"darwin", "Library/Application Support/Bitcoin"}, {"windows", "AppData/Bitcoin"},
	} {
		home := t.TempDir()
		put(t, home, map[string]string{x.sub + "/.cookie": "u:p"})
		found := core.Discover(core.Places{OS: x.os, Home: home, AppData: filepath.Join(home, "AppData")})
		if len(found) != 1 || found[0].Source != core.FromCookie {
			t.Errorf("%s: found %v", x.os, ways(found, home))
		}
	}
	if found := core.Discover(core.Places{OS: "windows"}); len(found) != 0 {
		t.Error("something was found nowhere")
	}
	// bitcoin.conf may move the data elsewhere.
	home, data := t.TempDir(), t.TempDir()
	put(t, home, map[string]string{".bitcoin/bitcoin.conf": "datadir=" + data + "\n"})
	put(t, data, map[string]string{"signet/.cookie": "u:p"})
	found := core.Discover(core.Places{OS: "linux", Home: home})
	if got := ways(found, data); got != "cookie signet http://127.0.0.1:38332 cookie signet/.cookie" {
		t.Errorf("moved data: %s", got)
	}
}

func TestParseHostTakesWhatPeopleType(t *testing.T) {
	for _, x := range []struct {
		in, protocol, host string
		port               int
	}{
		{"localhost", "", "localhost", 0},
		{" 192.168.1.20 ", "", "192.168.1.20", 0},
		{"http://node.local/", "http", "node.local", 0},
		{"HTTPS://node.local:8332", "https", "node.local", 8332},
		{"node:8332/", "", "node", 8332},
		{"[::1]:8332", "", "::1", 8332},
		{"::1", "", "::1", 0},
		{"[fe80::1]", "", "fe80::1", 0},
		{"abcdef.onion", "", "abcdef.onion", 0},
	} {
		protocol, host, port, err := core.ParseHost(x.in)
		if err != nil || protocol != x.protocol || host != x.host || port != x.port {
			t.Errorf("%q: %q %q %d %v", x.in, protocol, host, port, err)
		}
	}
	for _, bad := range []string{"", " ", "ftp://x", "a b", "user:pass@host", "host/path", "host:99999", "host:0", "host:x", "a:b:c", "http://", "ho?st", "h%2f", strings.Repeat("a", 300)} {
		if _, _, _, err := core.ParseHost(bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}

func TestReadCookie(t *testing.T) {
	user, pass, err := core.ReadCookie(cookieFile(t, "__cookie__:abc:def\n"))
	if err != nil || user != "__cookie__" || pass.Reveal() != "abc:def" {
		t.Errorf("%q %v", user, err)
	}
	for _, bad := range []string{"", "x", ":", "a:", ":b"} {
		if _, _, err := core.ReadCookie(cookieFile(t, bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if _, _, err := core.ReadCookie(t.TempDir()); err == nil {
		t.Error("a folder was taken")
	}
}

func FuzzConf(f *testing.F) {
	f.Add("regtest=1\n[regtest]\nrpcport=1\nmain.rpcuser=x\nnofoo=1\nincludeconf=a\n")
	f.Add("[a]\n[]=\n=[\n#")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := core.ParseConf(text)
		if err != nil {
			return
		}
		n := c.Network()
		for _, key := range []string{"rpcport", "rpcuser", "rpccookiefile"} {
			if strings.ContainsAny(c.Get(n, key), "\n#") {
				t.Errorf("%s has a line end or a comment: %q", key, c.Get(n, key))
			}
		}
	})
}
