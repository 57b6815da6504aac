//go:build !offline

package main

import (
	"math/big"

	"specter/internal/app"
	"specter/internal/errs"
	"specter/internal/remote/cert"
)

// secure reads from the flags how the server speaks HTTPS; one way at most.
func (c serverCmd) secure(h host) (app.TLS, error) {
	t := app.TLS{Cert: c.Cert, Key: c.Key, Domains: c.ACME, Email: c.Email, Directory: c.ACMEURL, Root: c.ACMECA, HTTPPort: c.Plain}
	own := c.SSL || c.TLS == app.TLSSelfSigned
	ways := 0
	for mode, wanted := range map[string]bool{app.TLSSelfSigned: own, app.TLSFiles: c.Cert != "" || c.Key != "", app.TLSACME: len(c.ACME) > 0} {
		if wanted {
			t.Mode = mode
			ways++
		}
	}
	switch {
	case ways > 1:
		return t, errs.E(errs.Invalid, "--tls self-signed, --cert with --key, and --acme are three ways to HTTPS; choose one")
	case c.Staging && c.ACMEURL != "":
		return t, errs.E(errs.Invalid, "--acme-staging and --acme-directory name two authorities; choose one")
	case c.Staging:
		t.Directory = cert.DirectoryStaging
	}
	var err error
	t.Subject, err = subject(h)
	return t, err
}

// subject reads the words for own certificates as the original names them.
func subject(h host) (cert.Subject, error) {
	word := func(name string) string {
		v, _ := h.env("SPECTER_SSL_CERT_" + name)
		return v
	}
	s := cert.Subject{Country: word("SUBJECT_C"), State: word("SUBJECT_ST"), Locality: word("SUBJECT_L"),
		Organisation: word("SUBJECT_O"), Unit: word("SUBJECT_OU"), Name: word("SUBJECT_CN")}
	if serial := word("SERIAL_NUMBER"); serial != "" {
		n, ok := new(big.Int).SetString(serial, 0)
		if !ok || n.Sign() <= 0 || n.BitLen() > 159 {
			return s, errs.E(errs.Invalid, "SPECTER_SSL_CERT_SERIAL_NUMBER must be a positive number of at most 159 bits, not %.80q", serial)
		}
		s.Serial = n
	}
	return s, nil
}
