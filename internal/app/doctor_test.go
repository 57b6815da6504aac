package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/node"
	"specter/internal/remote/doctor"
	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// bed is a Specter with a login, and what stands before it in a test.
type bed struct {
	*house
	t     *testing.T
	roots *x509.CertPool
}

func newBed(t *testing.T, c Config) *bed {
	t.Helper()
	c.DoctorRoot = noRules
	return &bed{house: owned(t, c), t: t, roots: x509.NewCertPool()}
}

// front is a reverse proxy as nginx is one when it is set up well; change spoils it.
func (b *bed) front(change func(*httputil.ReverseProxy), wrap func(http.Handler) http.Handler) http.Handler {
	to, err := url.Parse(b.URL())
	if err != nil {
		b.t.Fatal(err)
	}
	p := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		r.SetXForwarded()
	}}
	if change != nil {
		change(p)
	}
	var h http.Handler = p
	if wrap != nil {
		h = wrap(p)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "203.0.113.77:4000" // people come from elsewhere
		h.ServeHTTP(w, r)
	})
}

// serve serves a handler under a certificate for the names, valid for so long.
func (b *bed) serve(h http.Handler, known bool, days int, names ...string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "test"}, NotBefore: now.AddDate(0, 0, -60), NotAfter: now.AddDate(0, 0, days).Add(time.Hour), DNSNames: names, IsCA: true, BasicConstraintsValid: true}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	if known {
		leaf, _ := x509.ParseCertificate(der)
		b.roots.AddCert(leaf)
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = nil
	s.StartTLS()
	b.t.Cleanup(s.Close)
	return s.URL
}

// good is a TLS server with a proxy of that kind, for 127.0.0.1.
func (b *bed) good(change func(*httputil.ReverseProxy), wrap func(http.Handler) http.Handler) string {
	return b.serve(b.front(change, wrap), true, 60, "127.0.0.1")
}

func (b *bed) examine(address string, change ...func(*doctor.Config)) []doctor.Finding {
	c := doctor.Config{URL: address, Secret: b.called.Secret, Dial: (&net.Dialer{}).DialContext, Roots: b.roots, Now: time.Now}
	for _, f := range change {
		f(&c)
	}
	list, seen := doctor.Outside(context.Background(), c)
	if seen != nil {
		list = append(list, seen.Findings...)
	}
	return list
}

var behind = Config{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}

// header spoils what the proxy tells of the request.
func header(change func(r *httputil.ProxyRequest)) func(*httputil.ReverseProxy) {
	return func(p *httputil.ReverseProxy) {
		well := p.Rewrite
		p.Rewrite = func(r *httputil.ProxyRequest) { well(r); change(r) }
	}
}

// brokenSetUps are ways to have it wrong, each with the name of the fault.
var brokenSetUps = []struct {
	name, fault string
	find        func(t *testing.T) []doctor.Finding
}{
	{"nothing listens", "unreachable", func(t *testing.T) []doctor.Finding { return newBed(t, Config{}).examine("https://" + freePort(t)) }},
	{"https where plain HTTP is spoken", "no-tls", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{})
		return b.examine("https://" + b.listener.Addr().String())
	}},
	{"the name leads to another program", "other-server", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{})
		return b.examine(b.serve(http.NotFoundHandler(), true, 60, "127.0.0.1"))
	}},
	{"the name leads to another Specter", "other-server", func(t *testing.T) []doctor.Finding {
		b, other := newBed(t, Config{}), newBed(t, Config{})
		return b.examine(other.URL())
	}},
	{"the certificate has ended", "certificate-expired", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.serve(b.front(nil, nil), true, -2, "127.0.0.1"))
	}},
	{"the certificate is another name's", "certificate-name", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.serve(b.front(nil, nil), true, 60, "other.example"))
	}},
	{"nobody knows the certificate's authority", "certificate-unknown", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.serve(b.front(nil, nil), false, 60, "127.0.0.1"))
	}},
	{"the certificate ends soon", "certificate-soon", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.serve(b.front(nil, nil), true, 5, "127.0.0.1"))
	}},
	{"plain HTTP does not lead to HTTPS", "no-redirect", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		plain := httptest.NewServer(b.front(nil, nil))
		t.Cleanup(plain.Close)
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(plain.URL, "http://"))
		n, _ := strconv.Atoi(port)
		return b.examine(b.good(nil, nil), func(c *doctor.Config) { c.Plain = n })
	}},
	{"plain HTTP alone", "plain-http", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{Hosts: []string{"specter.example"}})
		at := b.listener.Addr().String()
		return b.examine("http://specter.example/", func(c *doctor.Config) {
			c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, at)
			}
		})
	}},
	{"the name is refused", "host-refused", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{})
		at := b.listener.Addr().String()
		return b.examine("http://specter.example/", func(c *doctor.Config) {
			c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, at)
			}
		})
	}},
	{"every name is let in", "host-any", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		mine := ""
		address := b.good(header(func(r *httputil.ProxyRequest) { r.Out.Host = mine; r.Out.Header.Set("X-Forwarded-Host", mine) }), nil)
		mine = strings.TrimPrefix(address, "https://")
		return b.examine(address)
	}},
	{"the proxy asks for another name", "proxy-host", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.good(header(func(r *httputil.ProxyRequest) { r.Out.Host = "localhost"; r.Out.Header.Del("X-Forwarded-Host") }), nil))
	}},
	{"the proxy is not trusted", "proxy-untrusted", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{})
		return b.examine(b.good(nil, nil))
	}},
	{"the proxy passes on forged addresses", "proxy-forged", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.good(header(func(r *httputil.ProxyRequest) {
			if old := r.In.Header.Get("X-Forwarded-For"); old != "" {
				r.Out.Header.Set("X-Forwarded-For", old)
			}
		}), nil))
	}},
	{"the proxy does not say https", "proxy-proto", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.good(header(func(r *httputil.ProxyRequest) { r.Out.Header.Del("X-Forwarded-Proto") }), nil))
	}},
	{"the proxy does not reach Specter", "proxy-upstream", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		nowhere := freePort(t)
		return b.examine(b.good(func(p *httputil.ReverseProxy) {
			well := p.Rewrite
			p.Rewrite = func(r *httputil.ProxyRequest) { well(r); r.Out.URL.Host = nowhere }
		}, nil))
	}},
	{"the proxy strips a path that Specter does not know of", "prefix", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.good(nil, nil) + "/wallets-of-mine")
	}},
	{"the proxy collects events", "events-buffered", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.good(nil, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				for k, v := range rec.Header() {
					w.Header()[k] = v
				}
				w.WriteHeader(rec.Code)
				_, _ = io.Copy(w, rec.Body)
			})
		}))
	}},
	{"a proxy before a Specter without a login", "login-off", func(t *testing.T) []doctor.Finding {
		h := open(t, Config{DoctorRoot: noRules})
		secret, _, err := h.auth.SetupLink(t.Context())
		if err == nil {
			_, err = h.auth.Setup(t.Context(), auth.SetupRequest{Secret: secret, NoLogin: true})
		}
		if err != nil {
			t.Fatal(err)
		}
		b := &bed{house: h, t: t, roots: x509.NewCertPool()}
		return b.examine(b.good(nil, nil))
	}},
	{"the clock is wrong", "clock", func(t *testing.T) []doctor.Finding {
		b := newBed(t, behind)
		return b.examine(b.good(nil, nil), func(c *doctor.Config) { c.Now = func() time.Time { return time.Now().Add(20 * time.Minute) } })
	}},
	{"others may read the data", "folder-open", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{})
		if err := os.Chmod(b.folder.file(databaseFile), 0o644); err != nil {
			t.Fatal(err)
		}
		return b.findings(t.Context())
	}},
	{"the disk is full", "disk", func(*testing.T) []doctor.Finding { return []doctor.Finding{diskFinding(50 << 20)} }},
	{"the node is away", "node-away", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{})
		_, port, _ := net.SplitHostPort(freePort(t))
		n, _ := strconv.Atoi(port)
		kept, err := b.nodes.Save(t.Context(), node.Node{Name: "Home", Kind: node.Core, Protocol: "http", Host: "127.0.0.1", Port: n, User: "u", Password: node.NewSecret("p")})
		if err == nil {
			err = b.nodes.Activate(t.Context(), kept.Alias)
		}
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "a look at the node", func() (bool, string) { return b.nodes.Status(t.Context()).Away, "it is not away" })
		return b.findings(t.Context())
	}},
	{"the tunnel is down", "tunnel-down", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{Tunnels: []setting.Tunnel{{Target: "me@" + freePort(t), Listen: DefaultTunnelListen}}})
		return b.findings(t.Context())
	}},
	{"the onion service does not come up", "onion-down", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{Tor: Tor{On: true, Control: freePort(t)}})
		b.wantOnion("a try", func(_ string, s tor.State) bool { return s.Tries > 0 })
		return b.findings(t.Context())
	}},
	{"no rules for USB devices", "udev", func(t *testing.T) []doctor.Finding {
		b := newBed(t, Config{})
		b.c.DoctorRoot = t.TempDir()
		return b.findings(t.Context())
	}},
}

func TestTheDoctorNamesTheFaultOfBrokenSetUps(t *testing.T) {
	if len(brokenSetUps) < 12 {
		t.Fatalf("%d set-ups are too few", len(brokenSetUps))
	}
	for _, k := range brokenSetUps {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting for events that do not come
			list := k.find(t)
			i := slices.IndexFunc(list, func(f doctor.Finding) bool { return f.ID == k.fault })
			if i < 0 {
				t.Fatalf("%s is not named: %+v", k.fault, list)
			}
			f := list[i]
			if f.Level == doctor.OK || f.What == "" || f.Mend == "" {
				t.Errorf("%+v", f)
			}
			for _, other := range list {
				if other.Level == doctor.Fault && other.ID != k.fault {
					t.Errorf("it also complains of %+v", other)
				}
			}
		})
	}
}

// What is set up well is told so: a doctor that always finds something helps nobody.
func TestTheDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	b := newBed(t, behind)
	list := b.examine(b.good(nil, nil))
	if !doctor.Healthy(list) {
		t.Errorf("%+v", list)
	}
	for _, want := range []string{"reached", "certificate", "client", "host", "camera", "events", "clock", "folder", "login"} {
		if !slices.ContainsFunc(list, func(f doctor.Finding) bool { return f.ID == want && f.Level == doctor.OK }) {
			t.Errorf("%s was not looked at: %+v", want, list)
		}
	}
	if list := b.Examine(t.Context(), b.URL()); !doctor.Healthy(list) {
		t.Errorf("from the page: %+v", list)
	}
}

// Nobody else has the server tell what it sees.
func TestTheDoctorsQuestionsAreForThoseWithTheSecret(t *testing.T) {
	h := owned(t, Config{})
	c, err := ReadCalling(h.folder.path)
	if err != nil || c.URL != h.URL() || c.Secret != h.called.Secret {
		t.Fatalf("%+v %v", c, err)
	}
	if info, err := os.Stat(h.folder.file(doctorFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	now := time.Now()
	for name, k := range map[string]struct {
		ask  string
		want int
	}{"the secret": {c.Secret.Ask(now), 200}, "no header": {"", 404}, "another secret": {doctor.NewSecret().Ask(now), 404}, "an old question": {c.Secret.Ask(now.Add(-100 * time.Hour)), 404}, "nonsense": {"a.b.c", 404}} {
		for _, path := range []string{doctor.Path, doctor.PathEvents} {
			r, _ := http.NewRequest("GET", strings.TrimSuffix(h.URL(), "/")+path, nil)
			r.Header.Set(doctor.HeaderAsk, k.ask)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != k.want || k.want == 404 && strings.Contains(string(body), "folder") {
				t.Errorf("%s at %s: %d %s", name, path, resp.StatusCode, body)
			}
		}
	}
	h.stop()
	if _, err := ReadCalling(h.folder.path); err == nil {
		t.Error("the file is still there after the end")
	}
}
