package door_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"specter/internal/door"
	"specter/internal/errs"
)

type lines = map[string][]string

func trusted(t *testing.T, list ...string) []netip.Prefix {
	t.Helper()
	out, err := door.ParseTrusted(list)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Who is not trusted may write what they like: nothing changes.
func TestForgedForwardedHeadersChangeNothing(t *testing.T) {
	forged := lines{"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example"},
		"Forwarded": {"for=127.0.0.1;proto=https;host=evil.example"}, "X-Real-Ip": {"127.0.0.1"}, "True-Client-Ip": {"127.0.0.1"}, "X-Request-Id": {"mine"}}
	for name, c := range map[string]door.Config{"nobody is trusted": {}, "others are trusted": {Trusted: trusted(t, "10.0.0.0/8", "127.0.0.1", "::1")}} {
		w, s := knock(t, c, "GET", "/", func(r *http.Request) { r.Header = http.Header(forged) })
		if w.Code != 200 || s.client != "198.51.100.9" || s.https || s.host != "localhost:25441" || s.id == "mine" || w.Header().Get("X-Request-Id") == "mine" {
			t.Errorf("%s: %d %+v", name, w.Code, s)
		}
	}
}

func TestTrustedProxiesSayWhoAsks(t *testing.T) {
	list := trusted(t, "198.51.100.0/24", "10.0.0.1", "fd00::/8")
	const peer = "198.51.100.9"
	for name, c := range map[string]struct {
		headers lines
		client  string
		https   bool
		host    string
	}{
		"nothing said":                            {nil, peer, false, "localhost:25441"},
		"one address":                             {lines{"X-Forwarded-For": {"203.0.113.5"}}, "203.0.113.5", false, ""},
		"what a stranger wrote stands left":       {lines{"X-Forwarded-For": {"127.0.0.1, 203.0.113.5"}}, "203.0.113.5", false, ""},
		"two proxies of ours":                     {lines{"X-Forwarded-For": {"8.8.8.8, 203.0.113.5, 10.0.0.1"}}, "203.0.113.5", false, ""},
		"in two lines":                            {lines{"X-Forwarded-For": {"8.8.8.8, 203.0.113.5", "10.0.0.1"}}, "203.0.113.5", false, ""},
		"all are ours":                            {lines{"X-Forwarded-For": {"10.0.0.1, 198.51.100.7"}}, "10.0.0.1", false, ""},
		"nonsense stops the walk":                 {lines{"X-Forwarded-For": {"203.0.113.5, nonsense, 10.0.0.1"}}, "10.0.0.1", false, ""},
		"nonsense alone":                          {lines{"X-Forwarded-For": {"<script>"}}, peer, false, ""},
		"with ports":                              {lines{"X-Forwarded-For": {"[2001:db8::1]:4711"}}, "2001:db8::1", false, ""},
		"IPv4 inside IPv6, with a zone":           {lines{"X-Forwarded-For": {"::ffff:203.0.113.5"}}, "203.0.113.5", false, ""},
		"https":                                   {lines{"X-Forwarded-Proto": {"https"}}, peer, true, ""},
		"https by a stranger, http by the proxy":  {lines{"X-Forwarded-Proto": {"https, http"}}, peer, false, ""},
		"a protocol that is none":                 {lines{"X-Forwarded-Proto": {"gopher"}}, peer, false, ""},
		"the name the browser asked for":          {lines{"X-Forwarded-Host": {"specter.example"}}, peer, false, "specter.example"},
		"a name by a stranger, ours by the proxy": {lines{"X-Forwarded-Host": {"evil.example, specter.example"}}, peer, false, "specter.example"},
		"the standard's header":                   {lines{"Forwarded": {`for="[2001:db8::1]:80";proto=https;host=specter.example`}}, "2001:db8::1", true, "specter.example"},
		"the standard's, two proxies":             {lines{"Forwarded": {`for=127.0.0.1;proto=https, for=203.0.113.5`, `for=10.0.0.1;proto=http`}}, "203.0.113.5", false, ""},
		"the standard's, hidden":                  {lines{"Forwarded": {"for=_hidden, for=10.0.0.1"}}, "10.0.0.1", false, ""},
		"the standard's, quoted comma":            {lines{"Forwarded": {`for=8.8.8.8;by="a, for=1.1.1.1", For=203.0.113.5`}}, "203.0.113.5", false, ""},
		"the standard's, unreadable":              {lines{"Forwarded": {`for="203.0.113.5`}}, peer, false, ""},
		"both, and they agree":                    {lines{"X-Forwarded-For": {"203.0.113.5"}, "Forwarded": {"for=203.0.113.5"}}, "203.0.113.5", false, ""},
		"both, and one of them is a stranger's":   {lines{"X-Forwarded-For": {"203.0.113.5"}, "Forwarded": {"for=127.0.0.1"}}, peer, false, ""},
		"both the other way":                      {lines{"X-Forwarded-For": {"127.0.0.1"}, "Forwarded": {"for=203.0.113.5"}}, peer, false, ""},
		"very many":                               {lines{"X-Forwarded-For": {strings.Repeat("10.0.0.1,", 5000) + "10.0.0.1"}}, "10.0.0.1", false, ""},
	} {
		w, s := knock(t, door.Config{Trusted: list, Hosts: []string{"specter.example"}}, "GET", "/", func(r *http.Request) {
			for k, v := range c.headers {
				r.Header[k] = v
			}
		})
		if w.Code != 200 || s.client != c.client || s.https != c.https || c.host != "" && s.host != c.host {
			t.Errorf("%s: %d %+v", name, w.Code, s)
		}
	}
}

// A proxy's word for the name is one more name that must be ours; the peer's own must be too,
// or a browser beside the proxy could be led here under any name.
func TestBothNamesMustBeOurs(t *testing.T) {
	c := door.Config{Trusted: trusted(t, "198.51.100.9"), Hosts: []string{"specter.example"}}
	for _, k := range []struct {
		host, forwarded string
		want            int
	}{{"localhost", "specter.example", 200}, {"localhost", "evil.example", 421}, {"evil.example", "specter.example", 421}, {"evil.example", "localhost", 421}} {
		w, _ := knock(t, c, "GET", "/", func(r *http.Request) {
			r.Host = k.host
			r.Header.Set("X-Forwarded-Host", k.forwarded)
		})
		if w.Code != k.want {
			t.Errorf("Host %s forwarded as %s answers %d, want %d", k.host, k.forwarded, w.Code, k.want)
		}
	}
	w, _ := knock(t, c, "POST", "/", func(r *http.Request) { // the page's own form, behind a proxy that changes Host
		r.Header.Set("X-Forwarded-Host", "specter.example")
		r.Header.Set("Origin", "https://specter.example")
	})
	if w.Code != 200 {
		t.Errorf("our own form behind a proxy answers %d", w.Code)
	}
}

func TestATrustedProxysRequestIDIsKept(t *testing.T) {
	c := door.Config{Trusted: trusted(t, "198.51.100.9")}
	for id, kept := range map[string]bool{"abc-1.2_3": true, "a b": false, "a\"b": false, strings.Repeat("a", 65): false, "": false} {
		_, s := knock(t, c, "GET", "/", func(r *http.Request) { r.Header.Set("X-Request-Id", id) })
		if (s.id == id) != kept {
			t.Errorf("%q became %q", id, s.id)
		}
	}
}

func TestParseTrusted(t *testing.T) {
	for text, want := range map[string]string{"10.0.0.1": "10.0.0.1/32", "10.1.2.3/8": "10.0.0.0/8", "::1": "::1/128", " fd00::/8 ": "fd00::/8", "::ffff:10.0.0.1": "10.0.0.1/32"} {
		got, err := door.ParseTrusted([]string{text, ""})
		if err != nil || len(got) != 1 || got[0].String() != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/33", "10.0.0.1,10.0.0.2"} {
		if _, err := door.ParseTrusted([]string{text}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever a trusted proxy passes on, the client is an address and never text of a stranger.
func FuzzForwarded(f *testing.F) {
	f.Add("1.2.3.4, 5.6.7.8", "for=1.2.3.4;proto=https", "https", "localhost")
	f.Add("[::1]:80", `for="[::1]";by="a\"b,", for=unknown`, "", "")
	list, err := door.ParseTrusted([]string{"198.51.100.9", "10.0.0.0/8"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, xff, forwarded, proto, host string) {
		_, s := knock(t, door.Config{Trusted: list}, "GET", "/", func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", xff)
			r.Header.Set("Forwarded", forwarded)
			r.Header.Set("X-Forwarded-Proto", proto)
			r.Header.Set("X-Forwarded-Host", host)
		})
		if !s.called {
			return
		}
		if _, err := netip.ParseAddr(s.client); err != nil {
			t.Fatalf("client %q", s.client)
		}
	})
}
