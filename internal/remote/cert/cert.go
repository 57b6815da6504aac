// Package cert gives the program's own HTTPS its certificates: a small certificate authority of
// its own that is made once and signs a leaf for all names of the machine (Self), a pair of files
// that somebody else renews (Pair), and a public authority asked by ACME, RFC 8555 (ACME). Each
// is a Source; the listener asks it at every handshake, so that a renewal needs no restart.
//
// A browser lets a page use the camera in a secure context alone, so scanning QR codes from
// another machine needs one of them.
package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"time"

	"specter/internal/errs"
)

// Source gives certificates at handshakes. Config may be shared by listeners.
type Source interface {
	// Config is a TLS configuration that asks the source at each handshake: TLS 1.2 or newer.
	Config() *tls.Config
	// State tells what a page shows.
	State() State
}

// State is what people want to know of the certificate in use.
type State struct {
	Kind        string    // "self-signed", "files", "acme"
	Names       []string  // that the leaf is for, addresses included
	NotAfter    time.Time // zero: no certificate yet
	Fingerprint string    // SHA-256 of the leaf, in hexadecimal pairs
	Authority   string    // SHA-256 of the own authority, the same way; "" where there is none
	LeftOut     []string  // names that the own authority may not sign for
	Trouble     string    // why there is none, or why it was not renewed; "" none
}

// base is what all sources' configurations share.
func base(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get, NextProtos: []string{"h2", "http/1.1"}}
}

// Fingerprint prints the SHA-256 of a certificate (DER) as browsers show it: pairs with colons.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	text := strings.ToUpper(hex.EncodeToString(sum[:]))
	pairs := make([]string, 0, len(sum))
	for i := 0; i < len(text); i += 2 {
		pairs = append(pairs, text[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// issued is a certificate with its key, as it lies in two PEM files.
type issued struct {
	leaf *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// newSerial makes a serial number of 127 random bits: positive, at most 20 bytes (RFC 5280).
func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// sign makes a certificate from a template; by signs it, itself where by is nil.
func sign(template *x509.Certificate, by *issued) (*issued, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.leaf, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &issued{leaf, key}, err
}

func (c *issued) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.leaf.Raw})
}

func (c *issued) keyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// readIssued reads both PEM files and sees that they belong together.
func readIssued(certPEM, keyPEM []byte) (*issued, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errs.E(errs.Invalid, "the key is not one of this program's")
	}
	return &issued{pair.Leaf, key}, nil
}
