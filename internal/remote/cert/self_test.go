package cert_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"specter/internal/remote/cert"
	"specter/internal/remote/remotetest"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type machine struct {
	files remotetest.Files
	names []string
	now   time.Time
}

// put writes a certificate of the machine and its key into a folder, and returns its fingerprint.
func (m *machine) put(t *testing.T, dir string) string {
	t.Helper()
	s := m.self(t)
	for _, name := range []string{"specter.crt", "specter.key"} {
		data, err := m.files.Read("tls/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s.State().Fingerprint
}

func (m *machine) self(t *testing.T) *cert.Self {
	t.Helper()
	s, err := cert.NewSelf(cert.SelfConfig{Files: &m.files, Names: func() []string { return m.names }, Now: func() time.Time { return m.now },
		Subject: cert.Subject{Country: "DE", Organisation: "Specter Citadel Cert", Serial: big.NewInt(4711)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func leaf(t *testing.T, s cert.Source) *x509.Certificate {
	t.Helper()
	pair, err := s.Config().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func trust(s *cert.Self, now time.Time) x509.VerifyOptions {
	pem, _ := s.Authority()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return x509.VerifyOptions{Roots: pool, CurrentTime: now}
}

func TestTheLeafIsForEveryNameOfTheMachine(t *testing.T) {
	m := &machine{names: []string{"Shack", "shack.local", "192.168.1.20", "[fd00::5]", "fe80::1%eth0", "no name", ""}, now: noon}
	s := m.self(t)
	want := []string{"127.0.0.1", "192.168.1.20", "::1", "fd00::5", "fe80::1", "localhost", "shack", "shack.local"}
	if got := s.State(); !slices.Equal(got.Names, want) || !slices.Equal(got.LeftOut, nil) && len(got.LeftOut) != 0 {
		t.Errorf("names %q, left out %q; want %q", got.Names, got.LeftOut, want)
	}
	for _, name := range want {
		opts := trust(s, m.now)
		if opts.DNSName = name; strings.Contains(name, ":") {
			opts.DNSName = "[" + name + "]"
		}
		if _, err := leaf(t, s).Verify(opts); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheAuthorityCannotSignForOthers(t *testing.T) {
	m := &machine{names: []string{"shack.local"}, now: noon}
	s := m.self(t)
	m.names, m.now = []string{"shack.local", "bank.example", "8.8.8.8"}, noon.Add(time.Hour)
	leaf(t, s)
	if got := s.State(); !slices.Equal(got.LeftOut, []string{"8.8.8.8", "bank.example"}) || slices.Contains(got.Names, "bank.example") {
		t.Errorf("%+v", got)
	}
	// The authority's certificate itself says so, to whoever holds the stolen key.
	_, der := s.Authority()
	a, err := x509.ParseCertificate(der)
	if err != nil || !a.PermittedDNSDomainsCritical || slices.Contains(a.PermittedDNSDomains, "example") || !a.MaxPathLenZero || a.SerialNumber.Int64() != 4711 {
		t.Errorf("authority: %v %+v", err, a.PermittedDNSDomains)
	}
}

func TestNamesKnownWhenTheAuthorityIsMadeAreItsOwn(t *testing.T) {
	m := &machine{names: []string{"wallet.example", "203.0.113.7"}, now: noon}
	s := m.self(t)
	opts := trust(s, noon)
	opts.DNSName = "wallet.example"
	if _, err := leaf(t, s).Verify(opts); err != nil || len(s.State().LeftOut) > 0 {
		t.Errorf("%v, left out %q", err, s.State().LeftOut)
	}
}

func TestTheSameLeafServesAfterARestart(t *testing.T) {
	m := &machine{names: []string{"shack.local"}, now: noon}
	first := m.self(t).State()
	m.now = noon.Add(200 * 24 * time.Hour)
	if again := m.self(t).State(); again.Fingerprint != first.Fingerprint || again.Authority != first.Authority {
		t.Errorf("%+v, then %+v", first, again)
	}
}

func TestTheLeafIsRenewedInTimeAndForNewAddresses(t *testing.T) {
	m := &machine{names: []string{"192.168.1.20"}, now: noon}
	s := m.self(t)
	first := s.State()
	m.now = m.now.Add(2 * time.Minute)
	m.names = []string{"192.168.1.21"}
	if got := leaf(t, s); cert.Fingerprint(got.Raw) == first.Fingerprint || got.VerifyHostname("192.168.1.21") != nil {
		t.Error("a new address got no certificate")
	}
	second := s.State()
	m.now = second.NotAfter.Add(-59 * 24 * time.Hour)
	if got := leaf(t, s); cert.Fingerprint(got.Raw) == second.Fingerprint || !got.NotAfter.After(second.NotAfter) {
		t.Error("59 days before its end the certificate was not renewed")
	}
	if s.State().Authority != first.Authority {
		t.Error("the authority was made anew")
	}
}

func TestAFullDiskKeepsTheOldLeafInUse(t *testing.T) {
	m := &machine{now: noon}
	s := m.self(t)
	m.files.Fail = errors.New("no space left on device")
	m.names, m.now = []string{"10.0.0.9"}, noon.Add(time.Hour)
	if leaf(t, s).VerifyHostname("10.0.0.9") != nil {
		t.Error("the new certificate is not even used while it cannot be kept")
	}
	if st := s.State(); !strings.Contains(st.Trouble, "no space left") {
		t.Errorf("trouble %q", st.Trouble)
	}
}

func TestASpoiltAuthorityIsNotReplacedUnasked(t *testing.T) {
	for name, spoil := range map[string]func(f *remotetest.Files){
		"certificate cut": func(f *remotetest.Files) { f.Write("tls/authority.crt", []byte("-----BEGIN")) },
		"key missing":     func(f *remotetest.Files) { f.Remove("tls/authority.key") },
		"leaf for authority": func(f *remotetest.Files) {
			c, _ := f.Read("tls/specter.crt")
			k, _ := f.Read("tls/specter.key")
			f.Write("tls/authority.crt", c)
			f.Write("tls/authority.key", k)
		},
	} {
		m := &machine{now: noon}
		m.self(t)
		before, _ := m.files.Read("tls/authority.crt")
		spoil(&m.files)
		spoilt, _ := m.files.Read("tls/authority.crt")
		_, err := cert.NewSelf(cert.SelfConfig{Files: &m.files, Names: func() []string { return nil }, Now: func() time.Time { return noon }})
		if err == nil || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := m.files.Read("tls/authority.crt"); !bytes.Equal(after, spoilt) || len(before) == 0 {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
}

func TestASpoiltLeafIsMadeAnew(t *testing.T) {
	m := &machine{now: noon}
	first := m.self(t).State()
	m.files.Write("tls/specter.crt", []byte("spoilt"))
	if s := m.self(t).State(); s.Fingerprint == first.Fingerprint || s.Authority != first.Authority || s.Trouble != "" {
		t.Errorf("%+v", s)
	}
}

// The whole way: a client that trusts the authority and no other.
func TestAClientThatTrustsTheAuthorityGetsIn(t *testing.T) {
	m := &machine{now: time.Now()}
	s := m.self(t)
	secure, plain := serveSplit(t, s)
	pem, _ := s.Authority()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	if got := fetch(t, client, secure); got != "secure HTTP/2.0" {
		t.Errorf("over TLS: %s", got)
	}
	if got := fetch(t, client, plain); got != "plain HTTP/1.1" {
		t.Errorf("in plain: %s", got)
	}
	if _, err := http.Get(secure); err == nil {
		t.Error("a client that does not know the authority got in")
	}
}
