package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/remote/cert"
)

// The ways to HTTPS.
const (
	TLSSelfSigned = "self-signed" // certificates of the program's own authority
	TLSFiles      = "files"       // two files that somebody else renews
	TLSACME       = "acme"        // a public authority, asked by ACME
)

// TLS says how the listener speaks HTTPS. The zero TLS is plain HTTP.
type TLS struct {
	Mode      string // "" or one of the ways
	Cert, Key string // of TLSFiles: paths
	Subject   cert.Subject
	Domains   []string // of TLSACME
	Email     string   // of TLSACME; may be ""
	Directory string   // of TLSACME; "": Let's Encrypt
	Root      string   // of TLSACME: file of the authorities by which the directory itself is trusted; "": the system's
	HTTPPort  int      // a further port for plain HTTP: challenges, and the way to https; 0: none
}

func (t TLS) check(bridge bool) error {
	switch {
	case t.Mode == "" && t.HTTPPort != 0:
		return errs.E(errs.Invalid, "--http-port is the plain port beside HTTPS; without HTTPS there is --port alone")
	case t.Mode == TLSFiles && (t.Cert == "" || t.Key == ""):
		return errs.E(errs.Invalid, "a certificate needs its key: give both --cert and --key")
	case t.HTTPPort < 0 || t.HTTPPort > 65535:
		return errs.E(errs.Invalid, "the port must be between 0 and 65535")
	case t.Mode != "" && bridge:
		return errs.E(errs.Invalid, "the bridge runs on this computer alone and without HTTPS; leave --hwibridge or the certificate away")
	}
	return nil
}

// certificates opens the source of certificates; nil for plain HTTP.
func (a *App) certificates() (cert.Source, error) {
	t, own := a.c.TLS, a.own()
	switch t.Mode {
	case "":
		return nil, nil
	case TLSSelfSigned:
		return cert.NewSelf(cert.SelfConfig{Files: own, Names: a.names, Subject: t.Subject, Now: a.c.Now})
	case TLSFiles:
		return cert.NewPair(t.Cert, t.Key, a.c.Now)
	case TLSACME:
		client, err := t.client(a.outside.named)
		if err != nil {
			return nil, err
		}
		return cert.NewACME(cert.ACMEConfig{Files: own, Domains: t.Domains, Email: t.Email, Directory: t.Directory, Client: client, Now: a.c.Now})
	}
	return nil, errs.E(errs.Invalid, "%q is no way to HTTPS; there are %s, %s and %s", t.Mode, TLSSelfSigned, TLSFiles, TLSACME)
}

// client reaches the ACME directory by the way that the owner has chosen. A directory of one's
// own may be trusted by a file.
func (t TLS) client(dial func(ctx context.Context, network, address string) (net.Conn, error)) (*http.Client, error) {
	way := &http.Transport{Proxy: nil, DialContext: dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 20 * time.Second}
	if t.Root == "" {
		return &http.Client{Timeout: time.Minute, Transport: way}, nil
	}
	pem, err := os.ReadFile(t.Root)
	if err != nil {
		return nil, errs.E(errs.Invalid, "the file with the directory's authority cannot be read: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errs.E(errs.Invalid, "%s holds no certificate", t.Root)
	}
	way.TLSClientConfig = &tls.Config{RootCAs: pool}
	return &http.Client{Timeout: time.Minute, Transport: way}, nil
}

// names lists what this machine is called: its host name, also as the home network has it, its
// addresses, and what the command line adds.
func (a *App) names() []string {
	list := append([]string(nil), a.c.Hosts...)
	list = append(list, machineNames()...)
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, one := range addrs {
			if n, ok := one.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
				list = append(list, n.IP.String())
			}
		}
	}
	return list
}

// machineNames are the host name and its forms; nobody outside the home network can have a
// browser send one of them for a name of his own.
func machineNames() []string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return nil
	}
	short, _, _ := strings.Cut(name, ".")
	return []string{name, short, short + ".local"}
}

// doorway serves one listener with everything the program has: pages and APIs over TLS where it
// is on, and then plain HTTP for challenges and the way to https alone.
type doorway struct {
	listener net.Listener
	plain    bool // a port for plain HTTP beside the one with TLS
}

// serve runs a listener until the server shuts down.
func (a *App) serve(d doorway) error {
	switch {
	case a.source == nil:
		return served(a.server.Serve(d.listener))
	case d.plain:
		return served(a.towardsTLS.Serve(d.listener))
	}
	secure, plain := cert.Split(d.listener, a.source.Config())
	done := make(chan error, 1)
	go func() { done <- served(a.towardsTLS.Serve(plain)) }()
	err := served(a.server.Serve(secure))
	plain.Close()
	if other := <-done; err == nil {
		err = other
	}
	return err
}

// served hides the error of a server that was told to stop.
func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// towards answers plain HTTP while the program speaks HTTPS: health checks and the authority's
// certificate are answered, proxies that say they were reached by https are let through, and
// everybody else is led to https.
func (a *App) towards(all *mounts) http.Handler {
	lead := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if door.IsHTTPS(r) || below(all.bare(r), "/healthz") || below(all.bare(r), "/authority") {
			all.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, "https://"+a.secureHost(r)+all.whole(r), http.StatusPermanentRedirect)
	})
	return lead
}

// secureHost is the host and port under which a request's sender finds HTTPS: the same port, or
// for one who came by the plain port the other; a public authority's is always 443.
func (a *App) secureHost(r *http.Request) string {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || a.plainPort == nil || local.Port != a.plainPort.Addr().(*net.TCPAddr).Port {
		return r.Host
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	port := a.listener.Addr().(*net.TCPAddr).Port
	if a.c.TLS.Mode == TLSACME || port == 443 {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(port))
}

// fetch has a public authority's certificate made at the start and tells the log what came of
// it; later handshakes try again.
func (a *App) fetch(ctx context.Context) {
	source, ok := a.source.(*cert.ACME)
	if !ok {
		return
	}
	switch err := source.Fetch(ctx); {
	case err == nil:
		a.c.Log.Info("the certificate is there", "names", source.State().Names)
	case ctx.Err() == nil:
		a.c.Log.Warn("the certificate could not be had; the next visitor has it tried again", "error", err)
	}
}

// Certificate tells the pages what is in use.
func (a *App) Certificate() (cert.State, bool) {
	if a.source == nil {
		return cert.State{}, false
	}
	return a.source.State(), true
}

// Authority is the own authority's certificate, as PEM and DER; nil without one.
func (a *App) Authority() (pem, der []byte) {
	own, ok := a.source.(*cert.Self)
	if !ok {
		return nil, nil
	}
	return own.Authority()
}
