//go:build !offline

package main

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"specter/internal/app"
	"specter/internal/btc"
	"specter/internal/door"
	"specter/internal/errs"
)

// serverCmd runs the web server. Environment names are the original's.
type serverCmd struct {
	Host    string   `help:"Address to listen on." default:"${host}" env:"HOST"`
	Port    int      `help:"Port to listen on; 0 takes any free one." default:"${port}" env:"PORT"`
	DataDir string   `help:"Data folder (default ~/.specter)." env:"SPECTER_DATA_FOLDER" placeholder:"FOLDER"`
	KeyFile string   `help:"File that opens the stored secrets at the start (default secrets.key in the data folder); it is made where it is not there." env:"SPECTER_KEY_FILE" placeholder:"FILE" type:"path"`
	Network string   `help:"Network to show while no node is active: main, test, testnet4, signet or regtest." placeholder:"NETWORK"`
	Name    []string `help:"Further host names under which browsers may ask for it." env:"SPECTER_NAME" placeholder:"HOST"`
	Proxy   []string `name:"trusted-proxy" help:"Address or network of a proxy whose word about the client is believed (X-Forwarded-For, Forwarded); nobody's otherwise." env:"SPECTER_TRUSTED_PROXY" placeholder:"CIDR"`
	TLS     string   `name:"tls" help:"HTTPS with certificates of an own authority that is made once: self-signed." enum:"off,self-signed" default:"off" env:"SPECTER_TLS"`
	SSL     bool     `name:"ssl" negatable:"" help:"The same as --tls self-signed."`
	Cert    string   `help:"HTTPS with this certificate (PEM, leaf first)." env:"CERT" placeholder:"FILE" type:"path"`
	Key     string   `help:"The certificate's key (PEM)." env:"KEY" placeholder:"FILE" type:"path"`
	ACME    []string `name:"acme" help:"HTTPS with a certificate of a public authority for this domain; agrees to its terms." env:"SPECTER_ACME" placeholder:"DOMAIN"`
	Email   string   `name:"acme-email" help:"Where that authority writes before a certificate ends." env:"SPECTER_ACME_EMAIL" placeholder:"ADDRESS"`
	Staging bool     `name:"acme-staging" help:"Ask the authority's test service: for trying, browsers do not trust it." env:"SPECTER_ACME_STAGING"`
	ACMEURL string   `name:"acme-directory" help:"Directory of another ACME authority." env:"SPECTER_ACME_DIRECTORY" placeholder:"URL"`
	ACMECA  string   `name:"acme-root" help:"Certificates by which that directory is trusted." env:"SPECTER_ACME_ROOT" placeholder:"FILE" type:"path"`
	Plain   int      `name:"http-port" help:"A further port for plain HTTP that leads to HTTPS and answers the authority's questions, 80 as a rule." env:"SPECTER_HTTP_PORT" placeholder:"PORT"`
	Tunnel  []string `help:"Be reached through this SSH server (user@host or user@host:port); may be given several times." env:"SPECTER_TUNNEL" placeholder:"USER@HOST"`
	Listen  []string `name:"tunnel-listen" help:"Where a tunnel's server listens, in the order of the tunnels: localhost:25441 for a web server there, *:443 with HTTPS of Specter's own." env:"SPECTER_TUNNEL_LISTEN" placeholder:"ADDRESS"`
	Behind  bool     `name:"tunnel-proxy" help:"Believe a proxy (nginx) on the tunnels' servers about its clients." env:"SPECTER_TUNNEL_PROXY"`
	Prefix  string   `name:"url-prefix" help:"Path below which a proxy has Specter mounted, as /specter." env:"APP_URL_PREFIX" placeholder:"PATH"`
	InPlain bool     `name:"insecure-http" help:"Let people log in over plain HTTP from other machines, where everybody on the way can read their password." env:"SPECTER_INSECURE_HTTP"`
	Tor     bool     `help:"Make an onion service through the control port of a tor that runs here (CONNECT_TOR)."`
	Control string   `name:"tor-control" help:"Tor's control port, 127.0.0.1:9051 as a rule, or unix: and the path of a socket." env:"SPECTER_TOR_CONTROL" placeholder:"ADDRESS"`
	LogForm string   `name:"log-format" help:"Form of the log: auto (text on a terminal, JSON elsewhere), text or json (SPECTER_LOGFORMAT)." enum:"auto,text,json" default:"auto"`
	Bridge  bool     `name:"hwibridge" help:"Run the USB bridge, its settings page and the login alone."`
	Sims    string   `name:"simulators" help:"Emulators of devices, as kind=udp:host:port, kind=tcp:host:port, kind=unix:/path or kind=serial:/dev/port, separated by commas." env:"SPECTER_SIMULATORS" placeholder:"KIND=PORT"`
	HWI     string   `name:"hwi" help:"The program HWI for devices that Specter does not drive itself: its path, or off; left away, it is used where it is installed." env:"SPECTER_HWI" placeholder:"PATH"`
	API     *bool    `name:"api" negatable:"" help:"REST API on or off (SPECTER_API_ACTIVE); left away, the owner decides in the settings."`
	NoOpen  bool     `help:"Do not open the browser at the first start."`
	Debug   bool     `help:"Log everything, private data included."`
}

// Run serves until it is interrupted.
func (c serverCmd) Run(h host) error {
	cfg, err := c.config(h)
	if err != nil {
		return err
	}
	return serve(h, cfg)
}

func (c serverCmd) config(h host) (app.Config, error) {
	dir, home, err := dataDir(c.DataDir)
	if err != nil {
		return app.Config{}, err
	}
	cfg := app.Config{Host: c.Host, Port: c.Port, DataDir: dir, Hosts: c.Name, HomeDir: home,
		Env: h.env, API: c.API, Version: version, Debug: c.Debug, KeyFile: c.KeyFile, BridgeOnly: c.Bridge, Simulators: c.Sims, HWI: c.HWI, InsecureHTTP: c.InPlain, Out: h.stdout, Now: time.Now}
	cfg.Log, cfg.Lines = logger(h, c.LogForm, c.Debug)
	if cfg.API == nil {
		cfg.API = truthy(h, "SPECTER_API_ACTIVE")
	}
	cfg.PasswordFile, _ = h.env("SPECTER_ADMIN_PASSWORD_FILE")
	if cfg.Tor, err = c.tor(h); err != nil {
		return cfg, err
	}
	if cfg.Trusted, err = door.ParseTrusted(c.Proxy); err != nil {
		return cfg, err
	}
	if cfg.TLS, err = c.secure(h); err != nil {
		return cfg, err
	}
	if cfg.Tunnels, err = c.tunnels(); err != nil {
		return cfg, err
	}
	if cfg.URLPrefix, err = door.CleanPrefix(c.Prefix); err != nil {
		return cfg, err
	}
	if !c.NoOpen && terminal(h.stdin) && terminal(h.stdout) {
		cfg.Show = openBrowser
	}
	if c.Network != "" {
		n, err := btc.ParseNetwork(c.Network)
		if err != nil {
			return cfg, err
		}
		cfg.Network = &n
	}
	return cfg, nil
}

// tor reads how the onion service is made. Its password has a file, because other users of the
// machine see arguments and environments more easily.
func (c serverCmd) tor(h host) (app.Tor, error) {
	on := truthy(h, "CONNECT_TOR")
	t := app.Tor{On: c.Tor || on != nil && *on, Control: c.Control}
	file, _ := h.env("SPECTER_TOR_PASSWORD_FILE")
	if file == "" {
		return t, nil
	}
	var err error
	t.Password, _, err = app.ReadPassword(file)
	return t, err
}

// serve opens the house and runs it until the context ends.
func serve(h host, cfg app.Config) error {
	a, err := app.New(h.ctx, cfg)
	if err != nil {
		return err
	}
	return a.Run(h.ctx)
}

// dataDir is where the data lies: as told, else a folder in the home folder, which is returned
// too where it is known.
func dataDir(told string) (dir, home string, err error) {
	home, _ = os.UserHomeDir()
	switch {
	case told != "":
		return told, home, nil
	case home == "":
		return "", "", errs.E(errs.Invalid, "your home folder is not known; say where the data goes with --data-dir")
	}
	return filepath.Join(home, ".specter"), home, nil
}

// truthy reads a switch as the original does: empty and "false" are off, other words are on.
// nil: it is not set.
func truthy(h host, name string) *bool {
	v, set := h.env(name)
	if !set {
		return nil
	}
	on := v != "" && !strings.EqualFold(v, "false")
	return &on
}
