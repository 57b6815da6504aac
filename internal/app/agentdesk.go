package app

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/proxy"

	"specter/internal/auth"
	"specter/internal/errs"
	"specter/internal/signer"
	"specter/internal/signer/bridge"
	"specter/internal/signer/bridge/agent"
)

// AgentConfig is what an agent is told: the program at a desk that brings its devices to a server.
type AgentConfig struct {
	Address  string // the server's, as its page shows it; with #CODE to be paired; with name:password@ for a proxy before it
	Name     string // of this computer on the server's page; "": the host name
	Proxy    string // SOCKS5, as host:port; "": none
	Insecure bool   // plain HTTP to other computers is wanted
	Devices  Devices
	HWI      string // see Config.HWI
	Version  string
	Log      *slog.Logger

	// Confirm asks the person before something is signed; an error is the refusal. nil: the devices
	// alone ask.
	Confirm func(ctx context.Context, question string) error
	Tell    func(agent.Event)
	Paired  func(server, name string) // the pairing went well
}

// agentFolder lies in the data folder; each server has a folder of its own in it.
const agentFolder = "agent"

// agentFile holds who the agent is at one server.
const agentFile = "agent.json"

// agentIdentity is kept at the desk, mode 0600.
type agentIdentity struct {
	Server    string `json:"server"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	Instance  string `json:"instance"`
	Key       []byte `json:"key"`                 // ed25519, the seed
	Authority string `json:"authority,omitempty"` // SHA-256 of the server's own authority, base64url
	// What a reverse proxy before the server asks for.
	ProxyUser     string `json:"proxy_user,omitempty"`
	ProxyPassword string `json:"proxy_password,omitempty"`
}

// agentAddress is an address in its parts.
type agentAddress struct {
	base      string // without a slash at its end
	host      string // without port
	code, pin string
	secure    bool
	// for a proxy before the server; "": none was written
	user, password string
}

// parseAgentAddress reads what the server's page shows: https://my.server/#CODE.FINGERPRINT.
func parseAgentAddress(text string) (agentAddress, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || u.Hostname() == "" || u.RawQuery != "" || u.Opaque != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return agentAddress{}, errs.E(errs.Invalid, "this is no address of a server; copy the command from its page Settings, USB devices: specter agent \"https://my.server/#CODE\"")
	}
	code, pin, _ := strings.Cut(u.Fragment, ".")
	a := agentAddress{base: u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/"), host: strings.ToLower(u.Hostname()), code: code, pin: pin, secure: u.Scheme == "https"}
	if u.User != nil {
		a.user = u.User.Username()
		var both bool
		if a.password, both = u.User.Password(); !both || a.user == "" || a.password == "" || strings.Contains(a.user, ":") || strings.ContainsFunc(a.user+a.password, unicode.IsControl) {
			return agentAddress{}, errs.E(errs.Invalid, "what stands before the @ is the name and the password that a proxy before the server asks for: https://name:password@my.server/; letters as @ : / # in them are written %%40 %%3A %%2F %%23")
		}
	}
	if raw, err := base64.RawURLEncoding.DecodeString(pin); pin != "" && (err != nil || len(raw) != sha256.Size) {
		return agentAddress{}, errs.E(errs.Invalid, "the address is not whole: what stands after the point is no fingerprint; copy it once more")
	}
	if len(code) > 200 {
		return agentAddress{}, errs.E(errs.Invalid, "what stands after # is no pairing code; copy the address once more")
	}
	return a, nil
}

// check refuses ways on which others could read along.
func (a agentAddress) check(c AgentConfig) error {
	switch {
	case onion(a.host) && c.Proxy == "":
		return errs.E(errs.Invalid, "an onion address is reached through Tor: say where its proxy listens, as a rule with --proxy 127.0.0.1:9050")
	case a.secure || onion(a.host) || bridge.Loopback(a.host) || c.Insecure:
		return nil
	}
	return errs.E(errs.Invalid, "%s is plain HTTP: everybody on the way could read what is signed and change it. Use the server's https address; --insecure-http does it all the same", a.base)
}

// folderOf is where an agent keeps what belongs to one server.
func folderOf(c AgentConfig, a agentAddress) string {
	sum := sha256.Sum256([]byte(a.base))
	return filepath.Join(c.Devices.Folder, agentFolder, hex.EncodeToString(sum[:8]))
}

// RunAgent pairs the agent where the address has a code, and serves the server's calls until ctx
// ends. errs.Denied: the server does not want it.
func RunAgent(ctx context.Context, c AgentConfig) error {
	a, err := parseAgentAddress(c.Address)
	if err != nil {
		return err
	}
	if err := a.check(c); err != nil {
		return err
	}
	dir := folderOf(c, a)
	if a.code == "" {
		if _, err := os.Stat(filepath.Join(dir, agentFile)); errors.Is(err, fs.ErrNotExist) {
			return errs.E(errs.NotFound, "this computer is not paired with %s; make a code there under Settings, USB devices, and copy the command", a.base)
		}
	}
	f, err := openFolder(dir)
	if errs.Is(err, errs.Conflict) {
		return errs.E(errs.Conflict, "an agent for %s runs here already", a.base)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	hub, memory, err := agentDevices(c, f) // before a code is used: what cannot run must not burn one
	if err != nil {
		return err
	}
	defer hub.Close()
	id, err := readIdentity(f)
	if a.user == "" {
		a.user, a.password = id.ProxyUser, id.ProxyPassword
	}
	if a.code != "" {
		had := err == nil && id.ID != ""
		if id, err = pairAgent(ctx, c, a, f); errs.Is(err, errs.Denied) && had {
			err = errs.E(errs.Denied, "%w. This computer is paired with %s already: leave away what stands after #", err, a.base)
		}
	}
	if err == nil && a.user != "" && (id.ProxyUser != a.user || id.ProxyPassword != a.password) {
		id.ProxyUser, id.ProxyPassword = a.user, a.password
		err = id.keep(f)
	}
	if err != nil {
		return err
	}
	return serveAgent(ctx, c, hub, memory, id)
}

// keep writes the identity down.
func (id agentIdentity) keep(f *folder) error {
	data, err := json.MarshalIndent(id, "", " ")
	if err != nil {
		return err
	}
	return replaceFile(f.file(agentFile), data)
}

// ForgetAgent removes what is kept for a server: the key first of all.
func ForgetAgent(c AgentConfig) error {
	a, err := parseAgentAddress(c.Address)
	if err != nil {
		return err
	}
	dir := folderOf(c, a)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return errs.E(errs.NotFound, "this computer is not paired with %s", a.base)
	}
	f, err := openFolder(dir)
	if errs.Is(err, errs.Conflict) {
		return errs.E(errs.Conflict, "the agent for %s runs; stop it first", a.base)
	}
	if err != nil {
		return err
	}
	if err := os.Remove(f.file(agentFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil { // before the folder goes: some systems keep open files
		return err
	}
	return os.RemoveAll(dir)
}

func readIdentity(f *folder) (agentIdentity, error) {
	var id agentIdentity
	data, err := os.ReadFile(f.file(agentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return id, nil
	}
	if err == nil && (json.Unmarshal(data, &id) != nil || len(id.Key) != ed25519.SeedSize || id.ID == "" || id.Instance == "") {
		err = errs.E(errs.Unavailable, "%s is damaged; forget the server with --forget, and pair it again", f.file(agentFile))
	}
	return id, err
}

// pairAgent makes a key, shows the server the code and keeps both who we are there.
func pairAgent(ctx context.Context, c AgentConfig, a agentAddress, f *folder) (agentIdentity, error) {
	name := c.Name
	if name == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			host = "desk"
		}
		name = host
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return agentIdentity{}, err
	}
	client, err := agentClient(c, a.base, a.pin)
	if err != nil {
		return agentIdentity{}, err
	}
	client.User, client.Password = a.user, a.password
	got, err := client.Pair(ctx, agent.PairRequest{Code: a.code, Name: name, Key: public, Signature: ed25519.Sign(private, auth.PairingMessage(a.code, name, public))})
	if err != nil {
		return agentIdentity{}, err
	}
	id := agentIdentity{Server: a.base, ID: got.ID, Name: name, Instance: got.Instance, Key: private.Seed(), Authority: a.pin, ProxyUser: a.user, ProxyPassword: a.password}
	if err := id.keep(f); err != nil {
		return id, errs.E(errs.Unavailable, "the agent's key cannot be kept in %s: %w. Revoke the agent on the server's page, and pair it again", f.path, err)
	}
	if c.Paired != nil {
		c.Paired(a.base, name)
	}
	return id, nil
}

// agentDevices opens the devices of this computer; what drivers remember lies beside the key.
func agentDevices(c AgentConfig, f *folder) (*signer.Hub, *drawer, error) {
	rel, err := filepath.Rel(c.Devices.Folder, f.file(signersFile))
	if err != nil {
		return nil, nil, err
	}
	d := c.Devices
	d.outside = (&App{c: Config{HWI: c.HWI}}).outsideProgram()
	return openDevices(d, rel)
}

// serveAgent does the server's calls.
func serveAgent(ctx context.Context, c AgentConfig, hub *signer.Hub, memory *drawer, id agentIdentity) error {
	client, err := agentClient(c, id.Server, id.Authority)
	if err != nil {
		return err
	}
	client.User, client.Password = id.ProxyUser, id.ProxyPassword
	do, err := agent.Local(bridge.Config{Hub: hub, Memory: memory, Version: c.Version, Log: c.Log})
	if err != nil {
		return err
	}
	key := ed25519.NewKeyFromSeed(id.Key)
	desk := &agent.Desk{Client: client, ID: id.ID, Instance: id.Instance, Do: do, Tell: c.Tell,
		Sign: func(challenge string) []byte {
			return ed25519.Sign(key, auth.LoginMessage(id.Instance, id.ID, challenge))
		}}
	if c.Confirm != nil {
		desk.Allow = func(ctx context.Context, method string, params map[string]json.RawMessage) error {
			question, signs := questionOf(method, params)
			if !signs {
				return nil
			}
			return c.Confirm(ctx, question)
		}
	}
	return desk.Run(ctx)
}

// agentClient is the way to a server. The environment's proxies have no say in it.
func agentClient(c AgentConfig, base, pin string) (*agent.Client, error) {
	direct := &net.Dialer{Timeout: 4 * time.Second, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 4 * time.Second, Interval: 2 * time.Second, Count: 3}}
	t := &http.Transport{
		DialContext: direct.DialContext, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2: true, HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if pin != "" {
		t.TLSClientConfig = pinned(pin)
	}
	if c.Proxy != "" {
		by := strings.TrimPrefix(strings.TrimPrefix(c.Proxy, "socks5h://"), "socks5://")
		if _, _, err := net.SplitHostPort(by); err != nil {
			return nil, errs.E(errs.Invalid, "%.100q is no address of a SOCKS5 proxy; write it as 127.0.0.1:9050", c.Proxy)
		}
		way, err := proxy.SOCKS5("tcp", by, nil, dialer(direct.DialContext))
		if err != nil {
			return nil, err
		}
		through, ok := way.(proxy.ContextDialer)
		if !ok {
			return nil, errors.New("the SOCKS dialer cannot be cancelled")
		}
		t.DialContext = through.DialContext
	}
	return &agent.Client{Base: base, HTTP: &http.Client{Transport: t}}, nil
}

// pinned accepts a server by its own authority and by nothing else: the one whose fingerprint the
// person brought from the server's page. That authority signs for this server alone, so the name
// under which the server is reached does not matter.
func pinned(pin string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, //nolint:gosec // VerifyConnection below verifies
		VerifyConnection: func(s tls.ConnectionState) error {
			roots, between := x509.NewCertPool(), x509.NewCertPool()
			found := false
			for _, cert := range s.PeerCertificates {
				sum := sha256.Sum256(cert.Raw)
				if subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(pin)) == 1 {
					roots.AddCert(cert)
					found = true
				} else {
					between.AddCert(cert)
				}
			}
			if !found || len(s.PeerCertificates) == 0 {
				return errs.E(errs.Unavailable, "what answers shows another certificate than the server's own authority gave: somebody may stand between, or the server has made a new authority. Nothing was sent; pair the agent again with a new code")
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
			return err
		}}
}
