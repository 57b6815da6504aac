package web

import (
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/remote/cert"
)

// HTTPS is what pages ask about the program's own certificate.
type HTTPS interface {
	// Certificate tells what is in use; false while the program speaks plain HTTP.
	Certificate() (cert.State, bool)
	// Authority is the certificate of the program's own authority, as PEM and DER; nil without one.
	Authority() (pem, der []byte)
}

type remotePage struct {
	settingsFrame
	Secure      bool // the program speaks HTTPS itself
	Cert        cert.State
	Visit       string        // where a phone finds the authority's page; "" unknown
	QR          template.HTML // of Visit
	CameraHere  bool          // this very page came in a way that lets a browser use the camera
	PrivateOnly bool          // other machines do not reach the listener
	Tunnels     *tunnelsView  // nil: the program keeps none
}

// Ways are the commands that start Specter with HTTPS: at home, with a domain, with files.
func (remotePage) Ways() []string {
	return []string{"specter server --tls self-signed --host 0.0.0.0", "specter server --acme my.domain --port 443 --http-port 80 --host 0.0.0.0",
		"specter server --cert fullchain.pem --key privkey.pem"}
}

func (s *Server) certificate() (cert.State, bool) {
	if s.c.HTTPS == nil {
		return cert.State{}, false
	}
	return s.c.HTTPS.Certificate()
}

// getRemote shows how this Specter is reached from elsewhere.
func (s *Server) getRemote(w http.ResponseWriter, r *http.Request) error {
	v, err := s.remotePage(r, nil)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "settings_remote", v)
}

// remotePage fills the page; refused is a tunnel that was typed and not taken, nil: none.
func (s *Server) remotePage(r *http.Request, refused *tunnelForm) (remotePage, error) {
	f, err := s.settingsFrame(r, "remote", s.tr(r, "Remote access"))
	if err != nil {
		return remotePage{}, err
	}
	v := remotePage{settingsFrame: f, CameraHere: cameraMay(r), PrivateOnly: s.c.Open == nil || !s.c.Open()}
	if v.Cert, v.Secure = s.certificate(); v.Secure && v.Cert.Authority != "" {
		if v.Visit = s.authorityURL(r, v.Cert.Names); v.Visit != "" {
			if v.QR, err = drawQR(v.Visit, s.tr(r, "The page with the certificate to install")); err != nil {
				return v, err
			}
		}
	}
	v.Tunnels, err = s.tunnelsView(r, refused)
	return v, err
}

// cameraMay reports whether a browser lets the page of this request use the camera: it came by
// https, or from the browser's own machine.
func cameraMay(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	addr, err := netip.ParseAddr(host)
	return door.IsHTTPS(r) || host == "localhost" || err == nil && addr.IsLoopback()
}

// authorityURL is where another machine finds the page: under the name by which this request
// came, or where that leads to this machine alone, under an address of the certificate.
func (s *Server) authorityURL(r *http.Request, names []string) string {
	host, port := r.Host, ""
	if h, p, err := net.SplitHostPort(r.Host); err == nil {
		host, port = h, p
	}
	if here(host) {
		i := slices.IndexFunc(names, func(n string) bool {
			a, err := netip.ParseAddr(n)
			return err == nil && a.Is4() && !a.IsLoopback()
		})
		if i < 0 {
			return ""
		}
		host = names[i]
	}
	if port != "" {
		host = net.JoinHostPort(host, port)
	}
	return "https://" + host + s.c.URLPrefix + "/authority/"
}

// here reports whether a host means the machine that asks.
func here(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

type authorityPage struct {
	page
	Fingerprint string
}

// getAuthority is the page from which phones and browsers install the program's own authority.
// It is for everybody, and says nothing of wallets.
func (s *Server) getAuthority(w http.ResponseWriter, r *http.Request) error {
	state, ok := s.certificate()
	if !ok || state.Authority == "" {
		return errNoAuthority
	}
	p := s.barePage(r, s.tr(r, "Trust this Specter's certificate"))
	return s.render(w, r, http.StatusOK, "authority", authorityPage{page: p, Fingerprint: state.Authority})
}

var errNoAuthority = errs.E(errs.NotFound, "this Specter has no certificate authority of its own; start it with --tls self-signed to have one made")

// getAuthorityFile hands out the authority's certificate: DER for phones, PEM for programs.
func (s *Server) getAuthorityFile(pem bool) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		if s.c.HTTPS == nil {
			return errNoAuthority
		}
		text, der := s.c.HTTPS.Authority()
		if len(der) == 0 {
			return errNoAuthority
		}
		kind, body, name := "application/x-x509-ca-cert", der, "specter-authority.crt"
		if pem {
			kind, body, name = "application/x-pem-file", text, "specter-authority.pem"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		_, err := w.Write(body)
		return err
	}
}

// remoteRoutes are the ways in from outside.
func (s *Server) remoteRoutes() []route {
	return append(s.tunnelRoutes(), []route{
		{"GET /settings/remote", forOwner, s.getRemote},
		{"GET /authority/{$}", forEveryone, s.getAuthority},
		{"GET /authority/specter.crt", forEveryone, s.getAuthorityFile(false)},
		{"GET /authority/specter.pem", forEveryone, s.getAuthorityFile(true)},
	}...)
}
