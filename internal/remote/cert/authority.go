package cert

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/remote"
)

// Where the authority lies.
const (
	fileAuthority    = "tls/authority.crt"
	fileAuthorityKey = "tls/authority.key"
)

// authorityFor is how long the authority lasts: it is installed by hand on phones, so seldom.
const authorityFor = 10 * 365 * 24 * time.Hour

// Subject are the words in the certificates; the original's SPECTER_SSL_CERT_SUBJECT_*.
type Subject struct {
	Country, State, Locality, Organisation, Unit, Name string
	Serial                                             *big.Int // of the authority; nil: a random one
}

func (s Subject) name(suffix string) pkix.Name {
	n := pkix.Name{CommonName: s.Name, Organization: list(s.Organisation), OrganizationalUnit: list(s.Unit),
		Country: list(s.Country), Province: list(s.State), Locality: list(s.Locality)}
	if n.CommonName == "" {
		n.CommonName = "Specter"
	}
	if len(n.Organization) == 0 {
		n.Organization = []string{"Specter, own certificates"}
	}
	n.CommonName = cutRunes(n.CommonName, 64-len(suffix)) + suffix // RFC 5280: 64 at most
	return n
}

func cutRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func list(word string) []string {
	if word == "" {
		return nil
	}
	return []string{word}
}

// The authority may sign for names and addresses of homes alone, and for those that it was told
// of when it was made: whoever steals its key cannot pose as a bank to the phones that trust it.
var (
	homeNames = []string{"localhost", "local", "lan", "home", "internal", "home.arpa", "onion", "ts.net"}
	homeNets  = []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"}
)

// openAuthority reads the authority, or makes it for the names that are wanted now. One whose
// files are spoilt is an error: a new one would have to be installed everywhere, so a person
// decides that.
func openAuthority(files remote.Files, s Subject, names []string, now time.Time) (*issued, error) {
	certPEM, err := files.Read(fileAuthority)
	if errors.Is(err, remote.ErrNoFile) {
		return newAuthority(files, s, names, now)
	}
	if err != nil {
		return nil, err
	}
	keyPEM, err := files.Read(fileAuthorityKey)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the key of the own certificate authority (%s) cannot be read: %w. Put it back from a backup, or delete both files to have a new authority made", fileAuthorityKey, err)
	}
	a, err := readIssued(certPEM, keyPEM)
	if err == nil && !a.leaf.IsCA {
		err = errors.New("no authority's certificate")
	}
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the own certificate authority (%s) is spoilt: %w. Put it back from a backup, or delete both files to have a new one made", fileAuthority, err)
	}
	return a, nil
}

func newAuthority(files remote.Files, s Subject, names []string, now time.Time) (*issued, error) {
	serial := s.Serial
	if serial == nil {
		var err error
		if serial, err = newSerial(); err != nil {
			return nil, err
		}
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: s.name(" authority"), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityFor),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: slices.Clone(homeNames)}
	for _, cidr := range homeNets {
		t.PermittedIPRanges = append(t.PermittedIPRanges, mustNet(cidr))
	}
	for _, name := range names {
		permit(t, name)
	}
	a, err := sign(t, nil)
	if err != nil {
		return nil, fmt.Errorf("make the own certificate authority: %w", err)
	}
	key, err := a.keyPEM()
	if err != nil {
		return nil, err
	}
	// The key first: an authority without its key would stop every later start.
	if err := files.Write(fileAuthorityKey, key); err != nil {
		return nil, err
	}
	return a, files.Write(fileAuthority, a.certPEM())
}

func mustNet(cidr string) *net.IPNet {
	_, n, err := net.ParseCIDR(cidr)
	if err != nil {
		panic(err) // a constant of this file
	}
	return n
}

// permit adds a name or address that lies outside the homes'.
func permit(t *x509.Certificate, name string) {
	if permits(t, name) {
		return
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(ip.BitLen(), ip.BitLen())})
		return
	}
	t.PermittedDNSDomains = append(t.PermittedDNSDomains, name)
}

// permits reports whether an authority may sign for a name or address.
func permits(a *x509.Certificate, name string) bool {
	if ip, err := netip.ParseAddr(name); err == nil {
		return slices.ContainsFunc(a.PermittedIPRanges, func(n *net.IPNet) bool { return n.Contains(ip.AsSlice()) })
	}
	return slices.ContainsFunc(a.PermittedDNSDomains, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
}
