package v1

import (
	"net/http"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/remote/doctor"
	"specter/internal/wallet"
)

// remoteRoutes: how this Specter is reached from elsewhere, its certificate, and its doctor.
func remoteRoutes() []Route {
	return []Route{
		{"GET", "/remote", auth.Admin, OwnerOnly, Whole, "readRemoteAccess", getRemote, options{out: remoteView{}}},
		{"GET", "/remote/certificate", auth.Admin, OwnerOnly, Whole, "readCertificate", getCertificate, options{out: certificateView{}}},
		{"POST", "/remote/certificate/renew", auth.Admin, OwnerOnly, Whole, "renewCertificate", postRenewCertificate, options{out: certificateView{}, slow: true}},
		{"GET", "/remote/authority", auth.Read, AnyUser, Whole, "readAuthority", getAuthority, options{file: "application/x-pem-file"}},
		{"POST", "/remote/doctor", auth.Admin, OwnerOnly, Whole, "runDoctor", postDoctor, options{in: doctorInput{}, out: doctorView{}, slow: true}},
	}
}

// remoteView is how this Specter is reached from elsewhere, in short.
type remoteView struct {
	HTTPS         bool    `json:"https"`
	ThisHTTPS     bool    `json:"this_request_https"`
	Reachable     bool    `json:"reachable"`
	Login         bool    `json:"login"`
	AuthorityPage *string `json:"authority_page"`
	Tunnels       int     `json:"tunnels"`
	TunnelsUp     int     `json:"tunnels_up"`
	OnionAddress  *string `json:"onion_address"`
}

// certificateView is the certificate in use.
type certificateView struct {
	Kind        string   `json:"kind"`
	Names       []string `json:"names"`
	LeftOut     []string `json:"left_out"`
	Expires     moment   `json:"expires"`
	Fingerprint *string  `json:"fingerprint"`
	Authority   *string  `json:"authority_fingerprint"`
	Trouble     *string  `json:"trouble"`
}

// doctorInput names what is tested from outside.
type doctorInput struct {
	Address string `json:"address"`
}

// doctorFindingView is one thing that the doctor looked at.
type doctorFindingView struct {
	ID    string `json:"id"`
	Level string `json:"level"`
	What  string `json:"what"`
	Why   string `json:"why"`
	Mend  string `json:"mend"`
}

// doctorView is what the doctor found, the worst first.
type doctorView struct {
	Healthy  bool                `json:"healthy"`
	Findings []doctorFindingView `json:"findings"`
}

// logsIn reports whether people log in to this Specter.
func (c *call) logsIn() bool {
	m := c.s.c.Auth.Settings().Method
	return m != auth.MethodNone && m != auth.MethodUnset
}

func getRemote(c *call) (any, error) {
	r := c.s.c.Remote
	v := remoteView{ThisHTTPS: door.IsHTTPS(c.Request), Login: c.logsIn(), Reachable: r.Reachable != nil && r.Reachable()}
	if r.Certificates != nil {
		s, secure := r.Certificates.Certificate()
		v.HTTPS = secure
		if secure && s.Authority != "" {
			v.AuthorityPage = maybe(c.s.c.URLPrefix + "/authority/")
		}
	}
	if r.Tunnels != nil {
		list, err := r.Tunnels.Tunnels(c.ctx())
		if err != nil {
			return nil, err
		}
		v.Tunnels = len(list)
		for _, t := range list {
			if t.Status.Up {
				v.TunnelsUp++
			}
		}
	}
	if r.Onion == nil {
		return v, nil
	}
	o, err := r.Onion.Onion(c.ctx())
	v.OnionAddress = c.onionAddress(o.Name)
	return v, err
}

// onionAddress is what one types into Tor Browser; nil while no service runs.
func (c *call) onionAddress(name string) *string {
	if name == "" {
		return nil
	}
	return maybe("http://" + name + c.s.c.URLPrefix + "/")
}

func getCertificate(c *call) (any, error) {
	v := certificateView{Kind: "none", Names: []string{}, LeftOut: []string{}}
	if c.s.c.Remote.Certificates == nil {
		return v, nil
	}
	if s, secure := c.s.c.Remote.Certificates.Certificate(); secure {
		v = certificateView{Kind: s.Kind, Names: texts(s.Names), LeftOut: texts(s.LeftOut), Expires: moment(s.NotAfter),
			Fingerprint: maybe(s.Fingerprint), Authority: maybe(s.Authority), Trouble: maybe(s.Trouble)}
	}
	return v, nil
}

func postRenewCertificate(c *call) (any, error) {
	if c.s.c.Remote.Certificates == nil {
		return nil, errs.E(errs.Conflict, "this program has no certificate here")
	}
	if err := c.s.c.Remote.Certificates.RenewCertificate(c.ctx()); err != nil {
		return nil, err
	}
	return getCertificate(c)
}

// getAuthority hands out the certificate of the own authority, for programs and machines that are to
// trust it. It is public: phones fetch it without a login.
func getAuthority(c *call) (any, error) {
	if c.s.c.Remote.Certificates != nil {
		if pem, _ := c.s.c.Remote.Certificates.Authority(); pem != nil {
			return wallet.File{Name: "specter-authority.pem", Type: "application/x-pem-file", Data: pem}, nil
		}
	}
	return nil, notFound("this Specter has no certificate authority of its own; started with --tls self-signed, it makes one")
}

func postDoctor(c *call) (any, error) {
	var in doctorInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if len(in.Address) > 2000 {
		return nil, invalid("address", "an address has at most 2000 letters")
	}
	if c.s.c.Remote.Doctor == nil {
		return nil, &problemError{status: http.StatusServiceUnavailable, code: "unavailable", detail: "there is no doctor here"}
	}
	list := c.s.c.Remote.Doctor(c.ctx(), in.Address)
	return doctorView{Healthy: doctor.Healthy(list), Findings: mapped(list, func(f doctor.Finding) doctorFindingView {
		return doctorFindingView{ID: f.ID, Level: string(f.Level), What: f.What, Why: f.Why, Mend: f.Mend}
	})}, nil
}
