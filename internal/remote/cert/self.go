package cert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"specter/internal/remote"
)

// Where the leaf lies.
const (
	fileLeaf    = "tls/specter.crt"
	fileLeafKey = "tls/specter.key"
)

const (
	leafFor    = 397 * 24 * time.Hour // what browsers and phones accept at most for any authority
	renewAhead = 60 * 24 * time.Hour
	lookAgain  = time.Minute // how often names and time are looked at, at most
)

// SelfConfig is what Self needs.
type SelfConfig struct {
	Files   remote.Files
	Names   func() []string // names and addresses of this machine, now; those of no form are left out
	Subject Subject
	Now     func() time.Time
}

// Self gives certificates of the program's own authority. The leaf is renewed by itself: before
// it ends, and when the machine has got another name or address.
type Self struct {
	c         SelfConfig
	authority *issued

	mu      sync.Mutex // over memory and the two small files
	leaf    *issued
	pair    *tls.Certificate
	looked  time.Time
	leftOut []string
	trouble error
}

// NewSelf opens or makes the authority and the leaf.
func NewSelf(c SelfConfig) (*Self, error) {
	names := cleanNames(c.Names())
	a, err := openAuthority(c.Files, c.Subject, names, c.Now())
	if err != nil {
		return nil, err
	}
	s := &Self{c: c, authority: a}
	s.readLeaf()
	_, err = s.certificate()
	return s, err
}

// readLeaf takes the stored leaf; one that cannot be read is made anew later.
func (s *Self) readLeaf() {
	certPEM, err := s.c.Files.Read(fileLeaf)
	if err != nil {
		return
	}
	keyPEM, err := s.c.Files.Read(fileLeafKey)
	if err != nil {
		return
	}
	if leaf, err := readIssued(certPEM, keyPEM); err == nil {
		s.use(leaf)
	}
}

func (s *Self) use(leaf *issued) {
	s.leaf = leaf
	s.pair = &tls.Certificate{Certificate: [][]byte{leaf.leaf.Raw, s.authority.leaf.Raw}, PrivateKey: leaf.key, Leaf: leaf.leaf}
}

// Config asks for the certificate at each handshake.
func (s *Self) Config() *tls.Config {
	return base(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate() })
}

// Authority is the authority's certificate, for phones and browsers to install: PEM and DER.
func (s *Self) Authority() (pem, der []byte) {
	return s.authority.certPEM(), bytes.Clone(s.authority.leaf.Raw)
}

// State tells what is in use.
func (s *Self) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := State{Kind: "self-signed", Authority: Fingerprint(s.authority.leaf.Raw), LeftOut: slices.Clone(s.leftOut)}
	if s.leaf != nil {
		st.Names, st.NotAfter, st.Fingerprint = namesIn(s.leaf.leaf), s.leaf.leaf.NotAfter, Fingerprint(s.leaf.leaf.Raw)
	}
	if s.trouble != nil {
		st.Trouble = s.trouble.Error()
	}
	return st
}

// certificate returns the leaf, a new one where the old one no longer fits. Where a new one
// cannot be made the old one serves on, as long as there is one.
func (s *Self) certificate() (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.Now()
	if s.pair != nil && !s.looked.IsZero() && now.Sub(s.looked).Abs() < lookAgain {
		return s.pair, nil
	}
	names := s.look(now)
	if s.leaf != nil && s.fits(names, now) {
		return s.pair, nil
	}
	s.trouble = s.issue(names, now)
	if s.pair == nil {
		return nil, s.trouble
	}
	return s.pair, nil
}

// look lists the names of now that the authority may sign for. Called with s.mu held.
func (s *Self) look(now time.Time) (names []string) {
	s.looked, s.leftOut = now, nil
	for _, name := range cleanNames(s.c.Names()) {
		if permits(s.authority.leaf, name) {
			names = append(names, name)
		} else {
			s.leftOut = append(s.leftOut, name)
		}
	}
	return names
}

func (s *Self) fits(names []string, now time.Time) bool {
	l := s.leaf.leaf
	return bytes.Equal(l.RawIssuer, s.authority.leaf.RawSubject) && l.CheckSignatureFrom(s.authority.leaf) == nil &&
		now.After(l.NotBefore) && now.Before(l.NotAfter.Add(-renewAhead)) && slices.Equal(namesIn(l), names)
}

// issue makes a leaf and keeps it.
func (s *Self) issue(names []string, now time.Time) error {
	serial, err := newSerial()
	if err != nil {
		return err
	}
	until := now.Add(leafFor)
	if end := s.authority.leaf.NotAfter; until.After(end) {
		until = end
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: s.c.Subject.name(""), NotBefore: now.Add(-time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true}
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			t.IPAddresses = append(t.IPAddresses, ip.AsSlice())
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	leaf, err := sign(t, s.authority)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	s.use(leaf)
	key, err := leaf.keyPEM()
	if err != nil {
		return err
	}
	if err := s.c.Files.Write(fileLeafKey, key); err != nil {
		return fmt.Errorf("keep the new certificate: %w", err)
	}
	return s.c.Files.Write(fileLeaf, leaf.certPEM())
}

// namesIn lists a certificate's names in cleanNames' order.
func namesIn(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return cleanNames(names)
}

// cleanNames brings names and addresses into one spelling and order and drops what is neither.
// localhost and the loopback addresses are always among them.
func cleanNames(list []string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	for _, name := range list {
		name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
		if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			names = append(names, ip.Unmap().WithZone("").String())
		} else if isName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isName reports whether a word can be a host name: labels of letters, digits and hyphens.
func isName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}
