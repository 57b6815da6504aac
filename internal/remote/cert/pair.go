package cert

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"specter/internal/errs"
)

// Pair gives the certificate of two PEM files that somebody else makes and renews (certbot, a
// box). Changed files are taken at the next handshake; spoilt ones are reported, and the last
// good pair serves on.
type Pair struct {
	certFile, keyFile string
	now               func() time.Time

	mu      sync.Mutex
	pair    *tls.Certificate
	seen    [2]stamp
	looked  time.Time
	trouble string
}

type stamp struct {
	at   time.Time
	size int64
}

// NewPair reads the files. The certificate file holds the leaf first, then what lies between it
// and the authority.
func NewPair(certFile, keyFile string, now func() time.Time) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile, now: now}
	if err := p.read(p.stamps()); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Pair) stamps() (s [2]stamp) {
	for i, name := range []string{p.certFile, p.keyFile} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

func (p *Pair) read(s [2]stamp) error {
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return errs.E(errs.Invalid, "the certificate %s and its key %s cannot be used: %w", p.certFile, p.keyFile, err)
	}
	p.pair, p.seen = &pair, s
	return nil
}

func (p *Pair) certificate() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.looked).Abs() < time.Second {
		return p.pair, nil
	}
	p.looked = now
	if s := p.stamps(); s != p.seen {
		p.trouble = ""
		if err := p.read(s); err != nil {
			p.trouble = err.Error() // tried again at the next look: certbot may be half-way through
		}
	}
	return p.pair, nil
}

// Config asks for the certificate at each handshake.
func (p *Pair) Config() *tls.Config {
	return base(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.certificate() })
}

// State tells what is in use.
func (p *Pair) State() State {
	pair, _ := p.certificate()
	p.mu.Lock()
	defer p.mu.Unlock()
	l := pair.Leaf
	st := State{Kind: "files", Names: namesIn(l), NotAfter: l.NotAfter, Fingerprint: Fingerprint(l.Raw), Trouble: p.trouble}
	if st.Trouble == "" && p.now().After(l.NotAfter) {
		st.Trouble = "The certificate has expired; renew the two files."
	}
	return st
}
