package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"specter/internal/errs"
	"specter/internal/remote"
)

// The directories of the authority that is asked where nobody names another (Let's Encrypt).
const (
	DirectoryLive    = acme.LetsEncryptURL
	DirectoryStaging = "https://acme-staging-v02.api.letsencrypt.org/directory"
)

// ACMEConfig is what ACME needs.
type ACMEConfig struct {
	Files     remote.Files
	Domains   []string // public names that lead here; at least one
	Email     string   // where the authority writes before a certificate ends; may be ""
	Directory string   // "": DirectoryLive
	Client    *http.Client
	Now       func() time.Time
}

// After a refusal the authority is asked again so late, by how often it has refused: public ones
// count failures, five an hour is the usual bound.
var waits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// ACME gives certificates of a public authority. It proves that a name leads here by TLS-ALPN-01
// on the https port (443 outside) and by HTTP-01 on the http port (80 outside), where Challenges
// serves that one. Asking for one agrees to the authority's terms.
type ACME struct {
	m       *autocert.Manager
	domains []string

	now func() time.Time

	mu      sync.Mutex
	last    *x509.Certificate
	trouble string
	refused int
	retry   time.Time
}

// NewACME makes the source; nothing is asked before the first handshake.
func NewACME(c ACMEConfig) (*ACME, error) {
	if len(c.Domains) == 0 {
		return nil, errs.E(errs.Invalid, "say for which domain a certificate is wanted")
	}
	domains := make([]string, len(c.Domains))
	for i, d := range c.Domains {
		d = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(d), "."))
		if !isName(d) || !strings.Contains(d, ".") {
			return nil, errs.E(errs.Invalid, "%.100q is not the name of a public domain; for names at home use --tls self-signed", c.Domains[i])
		}
		domains[i] = d
	}
	if c.Directory == "" {
		c.Directory = DirectoryLive
	}
	a := &ACME{domains: domains, now: c.Now}
	a.m = &autocert.Manager{Prompt: autocert.AcceptTOS, Email: c.Email, Cache: cache{c.Files}, HostPolicy: autocert.HostWhitelist(domains...),
		Client: &acme.Client{DirectoryURL: c.Directory, HTTPClient: c.Client, UserAgent: "specter"}}
	return a, nil
}

// Config asks for the certificate at each handshake, and answers TLS-ALPN challenges. Clients
// that name no host, as health checks by address do, get the first domain's.
func (a *ACME) Config() *tls.Config {
	t := base(func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == "" {
			hello.ServerName = a.domains[0]
		}
		if slices.Contains(hello.SupportedProtos, acme.ALPNProto) { // a challenge
			return a.m.GetCertificate(hello)
		}
		return a.certificate(hello)
	})
	t.NextProtos = append(t.NextProtos, acme.ALPNProto)
	return t
}

// certificate asks for the pair, unless the authority refused lately: a stranger's handshakes
// must not use up what it allows in an hour.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if !slices.Contains(a.domains, strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))) {
		return nil, errs.E(errs.NotFound, "there is no certificate for %.100q here", hello.ServerName)
	}
	a.mu.Lock()
	if a.refused > 0 && a.now().Before(a.retry) {
		defer a.mu.Unlock()
		return nil, errs.E(errs.Unavailable, "%s", a.trouble)
	}
	a.mu.Unlock()
	pair, err := a.m.GetCertificate(hello)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.last, a.trouble, a.refused = pair.Leaf, "", 0
	case !errors.Is(err, context.Canceled):
		a.trouble = "No certificate could be had: " + err.Error()
		a.retry = a.now().Add(waits[min(a.refused, len(waits)-1)])
		a.refused++
	}
	return pair, err
}

// Fetch has the certificates made now, so that the first visitor need not wait.
func (a *ACME) Fetch(ctx context.Context) error {
	for _, d := range a.domains {
		// A client of today's kind, or an RSA certificate would be asked for.
		hello := &tls.ClientHelloInfo{ServerName: d, SupportedVersions: []uint16{tls.VersionTLS13}, CipherSuites: []uint16{tls.TLS_AES_128_GCM_SHA256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256}}
		done := make(chan error, 1)
		go func() {
			_, err := a.certificate(hello)
			done <- err
		}()
		select {
		case err := <-done:
			if err != nil {
				return errs.E(errs.Unavailable, "no certificate for %s: %w", d, err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Challenges answers HTTP-01 questions of the authority and passes all else on. The port in the
// question's Host is left aside: outside it is 80, whatever it is here.
func (a *ACME) Challenges(next http.Handler) http.Handler {
	challenge := a.m.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			next.ServeHTTP(w, r)
			return
		}
		if host, _, err := net.SplitHostPort(r.Host); err == nil {
			r = r.Clone(r.Context())
			r.Host = host
		}
		challenge.ServeHTTP(w, r)
	})
}

// State tells what is in use.
func (a *ACME) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	st := State{Kind: "acme", Names: slices.Clone(a.domains), Trouble: a.trouble}
	if a.last != nil {
		st.NotAfter, st.Fingerprint = a.last.NotAfter, Fingerprint(a.last.Raw)
	}
	return st
}

// cache keeps autocert's things with ours.
type cache struct{ files remote.Files }

func (c cache) name(key string) string { return "tls/acme/" + strings.ReplaceAll(key, "+", "-") }

// Get reads one.
func (c cache) Get(_ context.Context, key string) ([]byte, error) {
	data, err := c.files.Read(c.name(key))
	if errors.Is(err, remote.ErrNoFile) {
		return nil, autocert.ErrCacheMiss
	}
	return data, err
}

// Put writes one.
func (c cache) Put(_ context.Context, key string, data []byte) error {
	return c.files.Write(c.name(key), data)
}

// Delete removes one.
func (c cache) Delete(_ context.Context, key string) error { return c.files.Remove(c.name(key)) }
