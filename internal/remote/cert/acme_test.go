package cert_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/remote/cert"
	"specter/internal/remote/remotetest"
	"specter/internal/testkit"
)

// authority is a public ACME authority (pebble) that looks for all names on this machine.
type authority struct {
	url    string
	client *http.Client   // trusts its directory
	roots  *x509.CertPool // of what it issues
}

// home is where the authority finds us: one port for https, one for http, as 443 and 80 are.
type home struct{ secure, plain net.Listener }

func newHome(t *testing.T) home {
	t.Helper()
	var h home
	for _, l := range []*net.Listener{&h.secure, &h.plain} {
		var err error
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { h.secure.Close(); h.plain.Close() })
	return h
}

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func newAuthority(t *testing.T, secure, plain int, valid time.Duration) authority {
	t.Helper()
	a := remotetest.NewAuthority(t, secure, plain, valid)
	return authority{url: a.URL, client: a.Client, roots: a.Roots}
}

func acmeFor(t *testing.T, a authority, files *remotetest.Files, domains ...string) *cert.ACME {
	t.Helper()
	s, err := cert.NewACME(cert.ACMEConfig{Files: files, Domains: domains, Email: "owner@wallet.example", Directory: a.url, Client: a.client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reach asks for the leaf under a name, as a browser that trusts the authority alone.
func reach(t *testing.T, a authority, l net.Listener, name string) (*x509.Certificate, error) {
	t.Helper()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{ServerName: name, RootCAs: a.roots})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

func serveOn(t *testing.T, l net.Listener, h http.Handler, config *tls.Config) {
	t.Helper()
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

func TestACertificateByTLSALPN(t *testing.T) {
	h := newHome(t)
	a := newAuthority(t, port(h.secure), 1, 90*24*time.Hour) // nobody listens where HTTP-01 would ask
	s := acmeFor(t, a, &remotetest.Files{}, "wallet.example")
	serveOn(t, h.secure, http.NotFoundHandler(), s.Config())
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := s.Fetch(ctx); err != nil {
		t.Fatal(err)
	}
	leaf, err := reach(t, a, h.secure, "wallet.example")
	if err != nil || leaf.VerifyHostname("wallet.example") != nil {
		t.Fatalf("%v", err)
	}
	if st := s.State(); st.Fingerprint != cert.Fingerprint(leaf.Raw) || st.Trouble != "" || !st.NotAfter.Equal(leaf.NotAfter) {
		t.Errorf("%+v", st)
	}
	if _, err := reach(t, a, h.secure, "bank.example"); err == nil {
		t.Error("a name that nobody asked for got a certificate")
	}
}

func TestACertificateByHTTP01(t *testing.T) {
	h := newHome(t)
	a := newAuthority(t, 1, port(h.plain), 90*24*time.Hour) // nobody listens where TLS-ALPN would ask
	s := acmeFor(t, a, &remotetest.Files{}, "wallet.example")
	serveOn(t, h.plain, s.Challenges(http.NotFoundHandler()), nil)
	serveOn(t, h.secure, http.NotFoundHandler(), s.Config())
	if leaf, err := reach(t, a, h.secure, "wallet.example"); err != nil || !slices.Equal(leaf.DNSNames, []string{"wallet.example"}) {
		t.Fatalf("%v", err)
	}
}

func TestTheCertificateSurvivesARestartWithoutAskingAgain(t *testing.T) {
	h := newHome(t)
	a := newAuthority(t, port(h.secure), 1, 90*24*time.Hour)
	files := &remotetest.Files{}
	first := acmeFor(t, a, files, "wallet.example")
	serveOn(t, h.secure, http.NotFoundHandler(), first.Config())
	if err := first.Fetch(context.Background()); err != nil {
		t.Fatal(err)
	}
	second, err := cert.NewACME(cert.ACMEConfig{Files: files, Domains: []string{"wallet.example"}, Directory: "https://127.0.0.1:1/gone", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Fetch(context.Background()); err != nil || second.State().Fingerprint != first.State().Fingerprint {
		t.Errorf("%v", err)
	}
}

// Certificates of half a minute are renewed when two thirds of them have gone,
// and the new ones are served without a restart; those of ninety days are treated alike.
func TestCertificatesAreRenewedWhileTheProgramRuns(t *testing.T) {
	h := newHome(t)
	a := newAuthority(t, port(h.secure), 1, 30*time.Second)
	s := acmeFor(t, a, &remotetest.Files{}, "wallet.example")
	serveOn(t, h.secure, http.NotFoundHandler(), s.Config())
	deadline := time.NewTimer(testkit.Patience)
	defer deadline.Stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	seen := map[string]bool{}
	for len(seen) < 2 {
		leaf, err := reach(t, a, h.secure, "wallet.example")
		if err != nil {
			t.Fatalf("after %d certificates: %v", len(seen), err)
		}
		seen[cert.Fingerprint(leaf.Raw)] = true
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%d certificates in all the time", len(seen))
		}
	}
}

// What a public authority allows in an hour is not used up by strangers' handshakes.
func TestARefusalIsNotAskedAgainAtOnce(t *testing.T) {
	h := newHome(t)
	a := newAuthority(t, 1, 1, 90*24*time.Hour) // it looks for us where nobody listens
	now := time.Now()
	var asked int
	client := *a.client
	client.Transport = counting{a.client.Transport, &asked}
	s, err := cert.NewACME(cert.ACMEConfig{Files: &remotetest.Files{}, Domains: []string{"wallet.example"}, Directory: a.url, Client: &client, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, h.secure, http.NotFoundHandler(), s.Config())
	if _, err := reach(t, a, h.secure, "wallet.example"); err == nil {
		t.Fatal("a certificate was issued without proof")
	}
	before := asked
	for range 20 {
		if _, err := reach(t, a, h.secure, "wallet.example"); err == nil {
			t.Fatal("a certificate was issued without proof")
		}
	}
	if asked != before || before == 0 {
		t.Errorf("%d questions, then %d", before, asked)
	}
	if st := s.State(); !strings.HasPrefix(st.Trouble, "No certificate could be had") {
		t.Errorf("%+v", st)
	}
}

type counting struct {
	next http.RoundTripper
	n    *int
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "order-plz") { // each is one that the authority counts
		*c.n++
	}
	return c.next.RoundTrip(r)
}

func TestNamesThatNoPublicAuthorityKnowsAreRefused(t *testing.T) {
	for _, name := range []string{"", "localhost", "wallet", "10.0.0.1x y.example", "*.wallet.example", strings.Repeat("a", 64) + ".example"} {
		if _, err := cert.NewACME(cert.ACMEConfig{Files: &remotetest.Files{}, Domains: []string{name}, Now: time.Now}); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}
