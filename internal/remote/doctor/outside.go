package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config is what a test from outside needs.
type Config struct {
	URL    string // as people type it: "https://my.name/specter"
	Secret Secret
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Roots  *x509.CertPool // authorities that are trusted; nil: the system's
	// Plain is the port of plain HTTP beside HTTPS, 80 as a rule; 0: none is asked.
	Plain int
	Now   func() time.Time
}

// Bounds of the test.
const (
	askWithin   = 15 * time.Second
	maxAnswer   = 256 << 10
	soonDays    = 14
	clockWithin = 90 * time.Second
)

// forged is an address of nobody's (RFC 5737), by which the doctor sees whether strangers can
// choose theirs.
const forged = "192.0.2.123"

// examination is one run.
type examination struct {
	c     Config
	base  *url.URL
	found []Finding
	loose bool // the certificate was found wanting; the rest is tested all the same
}

func (e *examination) add(level Level, id, what, why, mend string) {
	e.found = append(e.found, Finding{ID: id, Level: level, What: what, Why: why, Mend: mend})
}

// Outside tests an address. seen is what the server saw and knows; nil where it was not reached.
func Outside(ctx context.Context, c Config) (list []Finding, seen *Seen) {
	e := &examination{c: c}
	base, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(c.URL), "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		e.add(Fault, "address", fmt.Sprintf("%.100q is no address of a Specter.", c.URL), "", "Write it as your browser shows it, such as https://my.name/")
		return e.found, nil
	}
	e.base = base
	a, err := e.ask(ctx, e.base, nil)
	if err != nil && e.certificate(err) {
		e.loose = true
		a, err = e.ask(ctx, e.base, nil)
	}
	if err != nil {
		e.unreached(err)
		return e.found, nil
	}
	if a.seen == nil {
		e.stranger(ctx, a)
		return e.found, nil
	}
	e.add(OK, "reached", fmt.Sprintf("This Specter answers at %s.", e.base), "", "")
	e.expiry(a)
	e.proxy(ctx, a)
	e.names(ctx, a)
	e.plain(ctx)
	e.events(ctx)
	e.clock(a)
	return e.found, a.seen
}

// answered is one answer.
type answered struct {
	status int
	head   http.Header
	body   string
	seen   *Seen // nil: it is not our server's
	tls    *tls.ConnectionState
	asked  string
}

func (e *examination) client() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true, DialContext: e.c.Dial, TLSHandshakeTimeout: askWithin, ResponseHeaderTimeout: askWithin, MaxResponseHeaderBytes: 64 << 10,
			// Only after a fault of the certificate was found and told; what is sent is worth nothing to others.
			TLSClientConfig: &tls.Config{RootCAs: e.c.Roots, InsecureSkipVerify: e.loose, Time: e.c.Now}},
	}
}

// ask puts the doctor's question to an address.
func (e *examination) ask(ctx context.Context, base *url.URL, change func(*http.Request)) (answered, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath(Path).String(), nil)
	if err != nil {
		return answered{}, err
	}
	a := answered{asked: e.c.Secret.Ask(e.c.Now())}
	r.Header.Set(HeaderAsk, a.asked)
	if change != nil {
		change(r)
	}
	resp, err := e.client().Do(r)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return a, err
	}
	a.status, a.head, a.body, a.tls = resp.StatusCode, resp.Header, string(body), resp.TLS
	var seen Seen
	if e.c.Secret.Proven(a.asked, resp.Header.Get(HeaderProof), body) && json.Unmarshal(body, &seen) == nil {
		a.seen = &seen
	}
	return a, nil
}

// certificate tells what is wrong with a certificate, where the error is about one.
func (e *examination) certificate(err error) bool {
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	const why = "Browsers show a warning instead of the page, and people who get used to it are easily deceived."
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.add(Fault, "certificate-expired", fmt.Sprintf("The certificate of %s is not valid now: %v.", e.base.Host, err), why,
			"Renew it (sudo certbot renew), restart what speaks TLS, and look at the clock of both machines.")
	case errors.As(err, &name):
		e.add(Fault, "certificate-name", fmt.Sprintf("The certificate is for other names than %s: %v.", e.base.Hostname(), name), why,
			"Have one made for this name: specter server --name "+e.base.Hostname()+", or sudo certbot --nginx -d "+e.base.Hostname())
	case errors.As(err, &unknown), errors.As(err, &invalid):
		e.add(Fault, "certificate-unknown", fmt.Sprintf("The authority of %s's certificate is not known here: %v.", e.base.Host, err), why,
			"Install the own authority on each device (Settings, Remote access), or have a public certificate: specter server --acme "+e.base.Hostname())
	default:
		return false
	}
	return true
}

// unreached tells why nothing answers.
func (e *examination) unreached(err error) {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		e.add(Fault, "name-unknown", fmt.Sprintf("The name %s is not known: %v.", e.base.Hostname(), err), "", "Look at the DNS record (dig "+e.base.Hostname()+") and at the spelling.")
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"), strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		e.add(Fault, "no-tls", fmt.Sprintf("%s speaks plain HTTP where https:// was typed.", e.base.Host), "", "Start Specter with --tls self-signed, or let the proxy speak TLS (listen 443 ssl).")
	default:
		e.add(Fault, "unreachable", fmt.Sprintf("Nothing answers at %s: %v.", e.base.Host, err), "", "Does Specter run (specter service status)? Does it listen for other machines (--host 0.0.0.0), is the tunnel up, does a firewall or router let the port through?")
	}
}

// stranger tells what answers where our server should.
func (e *examination) stranger(ctx context.Context, a answered) {
	host := e.base.Hostname()
	switch {
	case a.status == http.StatusMisdirectedRequest:
		e.add(Fault, "host-refused", fmt.Sprintf("Specter is reached, and refuses the name %s.", host), "Names that were not told are refused, so that other web sites cannot pose as Specter to your browser.", "specter server --name "+host)
	case a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable || a.status == http.StatusGatewayTimeout:
		e.add(Fault, "proxy-upstream", fmt.Sprintf("A proxy answers at %s, and does not reach Specter (%d).", host, a.status), "", "Is the tunnel up (Settings, Remote access), and does proxy_pass name its port (http://127.0.0.1:25441)?")
	case a.status == http.StatusUnauthorized && a.head.Get("WWW-Authenticate") != "":
		e.add(Hint, "proxy-login", fmt.Sprintf("A proxy asks for a password of its own at %s, so the rest cannot be tested from here.", host), "", "Leave "+Path+" out of it while you test: location "+e.base.Path+Path+" { auth_basic off; … }")
	case a.status == http.StatusForbidden && strings.Contains(a.body, "nobody logs in"):
		e.add(Fault, "login-off", "Nobody logs in to this Specter, and a proxy leads to it.", "Everybody who finds the address would have your wallets; Specter refuses them all.", "Choose a login under Settings, Authentication.")
	default:
		e.elsewhere(ctx, a)
	}
}

// elsewhere looks whether the server is there at another path.
func (e *examination) elsewhere(ctx context.Context, a answered) {
	if path := strings.Trim(e.base.Path, "/"); path != "" {
		bare := *e.base
		bare.Path = ""
		if b, err := e.ask(ctx, &bare, nil); err == nil && b.seen != nil {
			e.add(Fault, "prefix", fmt.Sprintf("Specter is at %s and not below /%s.", bare.String()+"/", path), "Links of its pages would lead past it.", "specter server --url-prefix /"+path+", or header X-Forwarded-Prefix of the proxy")
			return
		}
	}
	if a.status == http.StatusNotFound && strings.Contains(a.body, "i am alive") {
		a.body = ""
	}
	e.add(Fault, "other-server", fmt.Sprintf("Something answers at %s (status %d), but it is not the Specter of this data folder.", e.base, a.status), "The name or the port leads to another program or machine.", "Look at the DNS record, at the router's forwarding and at proxy_pass; if another Specter is meant, give its data folder with --data-dir.")
}

// expiry warns of a certificate that ends soon.
func (e *examination) expiry(a answered) {
	if a.tls == nil || len(a.tls.PeerCertificates) == 0 || e.loose {
		return
	}
	end := a.tls.PeerCertificates[0].NotAfter
	if left := end.Sub(e.c.Now()); left < soonDays*24*time.Hour {
		e.add(Hint, "certificate-soon", fmt.Sprintf("The certificate ends on %s, in %d days.", end.UTC().Format("2006-01-02"), int(left.Hours()/24)), "", "sudo certbot renew, or look why it does not renew by itself")
		return
	}
	e.add(OK, "certificate", "The certificate is valid until "+end.UTC().Format("2006-01-02")+".", "", "")
}

// proxy looks at who the server thinks is asking.
func (e *examination) proxy(ctx context.Context, a answered) {
	s := a.seen
	if s.Relayed && !s.Believed {
		e.add(Fault, "proxy-untrusted", fmt.Sprintf("A proxy at %s passes requests on, and Specter does not believe it about its clients.", s.Peer),
			"All visitors look like one: who guesses at passwords locks everybody out, and cookies are not marked for HTTPS.", "specter server --trusted-proxy "+s.Peer+", or for an SSH tunnel --tunnel-proxy")
		return
	}
	b, err := e.ask(ctx, e.base, func(r *http.Request) { r.Header.Set("X-Forwarded-For", forged) })
	switch {
	case err != nil || b.seen == nil:
	case b.seen.Client == forged && s.Inside:
		e.add(Hint, "client", "Whether strangers can forge their address cannot be seen from a machine that is believed itself.", "", "Run the doctor's page from another device")
	case b.seen.Client == forged:
		e.add(Fault, "proxy-forged", "Strangers can choose the address that Specter sees.", "Limits on guessing passwords and the record of logins are worth nothing then.",
			"In nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; and name the proxy alone in --trusted-proxy.")
	default:
		e.add(OK, "client", fmt.Sprintf("Specter sees this test come from %s; a forged address is not believed.", s.Client), "", "")
	}
	if e.base.Scheme == "https" && !s.HTTPS {
		e.add(Fault, "proxy-proto", "The proxy does not say that people come by https.", "Cookies are then not kept to HTTPS, and the login is refused as unsafe.", "In nginx: proxy_set_header X-Forwarded-Proto $scheme;")
	}
}

// names looks under which names the server is found.
func (e *examination) names(ctx context.Context, a answered) {
	if !strings.EqualFold(bare(a.seen.Host), e.base.Hostname()) {
		e.add(Fault, "proxy-host", fmt.Sprintf("The proxy asks Specter for %s where people ask for %s.", a.seen.Host, e.base.Host), "Changes are refused as another site's, and links lead nowhere.", "In nginx: proxy_set_header Host $host;")
		return
	}
	b, err := e.ask(ctx, e.base, func(r *http.Request) { r.Host = "doctor.invalid" })
	if err == nil && b.seen != nil {
		e.add(Fault, "host-any", "Specter answers to every name.", "A web site of a stranger can then pose as Specter to your browser (DNS rebinding).", "Let the proxy answer to its own name alone (server_name "+e.base.Hostname()+"; and another default_server), and pass on Host as it came.")
		return
	}
	e.add(OK, "host", "Other names than "+e.base.Hostname()+" are refused.", "", "")
}

func bare(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.Trim(host, "[]")
}

// private reports whether plain HTTP to a host is no danger: this machine, or Tor.
func private(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".onion") || err == nil && a.IsLoopback()
}

// plain looks at plain HTTP.
func (e *examination) plain(ctx context.Context) {
	if e.base.Scheme == "http" {
		if !private(e.base.Hostname()) {
			e.add(Fault, "plain-http", "This address is plain HTTP.", "Everybody on the way can read along, browsers keep the camera off, and logging in is refused.", "specter server --tls self-signed at home, --acme "+e.base.Hostname()+" with a domain, or TLS at the proxy")
			return
		}
		e.add(OK, "camera", "A browser lets pages of this address use the camera.", "", "")
		return
	}
	e.add(OK, "camera", "A browser lets pages of this address use the camera.", "", "")
	if e.c.Plain == 0 {
		return
	}
	other := *e.base
	other.Scheme, other.Host = "http", net.JoinHostPort(e.base.Hostname(), fmt.Sprint(e.c.Plain))
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, other.String()+"/", nil)
	if err != nil {
		return
	}
	resp, err := e.client().Do(r)
	if err != nil {
		return // nothing speaks plain HTTP there, which is well
	}
	resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode >= 300 && resp.StatusCode < 400 && strings.HasPrefix(to, "https://") {
		e.add(OK, "redirect", "Plain HTTP leads to HTTPS.", "", "")
		return
	}
	e.add(Fault, "no-redirect", fmt.Sprintf("%s answers in plain HTTP and does not lead to HTTPS (status %d).", other.Host, resp.StatusCode), "Who types the name without https:// stays unprotected.", "In nginx: return 301 https://$host$request_uri; in the server block of port 80. With the built-in TLS: --http-port 80")
}

// events looks whether a stream comes at once, or when it has ended. A line or a machine that was
// busy with something else for a moment gets a second look.
func (e *examination) events(ctx context.Context) {
	fault := e.stream(ctx)
	if fault == atOnce {
		fault = e.stream(ctx)
	}
	if fault != "" {
		e.buffered(fault)
		return
	}
	e.add(OK, "events", "Events reach the browser while they happen.", "", "")
}

// atOnce is said of a stream whose events were held back.
const atOnce = "both came at once"

// stream asks for two events and tells what is wrong with the way they came; "" for nothing.
func (e *examination) stream(ctx context.Context) (fault string) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base.JoinPath(PathEvents).String(), nil)
	if err != nil {
		return err.Error()
	}
	r.Header.Set(HeaderAsk, e.c.Secret.Ask(e.c.Now()))
	resp, err := e.client().Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(io.LimitReader(resp.Body, 64<<10))
	var first, second time.Time
	for lines.Scan() && second.IsZero() {
		switch lines.Text() {
		case "data: first":
			first = time.Now()
		case "data: second":
			second = time.Now()
		}
	}
	switch {
	case first.IsZero() || second.IsZero():
		return "it broke off"
	case second.Sub(first) < EventsPause/2:
		return atOnce
	}
	return ""
}

// EventsPause is how long the server waits between the two events of the test.
const EventsPause = 800 * time.Millisecond

func (e *examination) buffered(how string) {
	e.add(Fault, "events-buffered", "The stream of events does not come through while it happens ("+how+").", "Pages do not show new payments by themselves.", "In nginx: proxy_buffering off; proxy_http_version 1.1; proxy_read_timeout 1h;")
}

// clock compares the clocks.
func (e *examination) clock(a answered) {
	now := e.c.Now()
	if off := a.seen.Now.Sub(now); off.Abs() > clockWithin {
		e.add(Fault, "clock", fmt.Sprintf("The clock of Specter's machine is %s away from the clock here.", off.Abs().Round(time.Second)), "Certificates and sessions seem expired, or not yet valid.", "sudo timedatectl set-ntp true")
		return
	}
	if at, err := http.ParseTime(a.head.Get("Date")); err == nil && at.Sub(now).Abs() > clockWithin {
		e.add(Fault, "clock", fmt.Sprintf("The clock of the machine at %s is %s away from the clock here.", e.base.Host, at.Sub(now).Abs().Round(time.Second)), "Certificates seem expired, or not yet valid.", "sudo timedatectl set-ntp true, on both machines")
		return
	}
	e.add(OK, "clock", "The clocks agree.", "", "")
}

// Here asks a server at its own address of this machine, where it is on nobody's way and its
// certificate proves nothing: the secret does.
func Here(ctx context.Context, c Config) (list []Finding, seen *Seen) {
	e := &examination{c: c, loose: true}
	base, err := url.Parse(strings.TrimSuffix(c.URL, "/"))
	if err != nil {
		e.add(Fault, "address", fmt.Sprintf("%.100q is no address.", c.URL), "", "")
		return e.found, nil
	}
	e.base = base
	a, err := e.ask(ctx, base, nil)
	switch {
	case err != nil:
		e.unreached(err)
	case a.seen == nil:
		e.stranger(ctx, a)
	default:
		e.add(OK, "running", fmt.Sprintf("Specter runs at %s.", base), "", "")
	}
	return e.found, a.seen
}
