// Package app builds the house from a Config, opens it and closes it: data folder, database,
// node, services, listeners and background loops. It knows every room and is known by cmd
// alone. Rules of the subject do not live here.
package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/setting"
	"specter/internal/signer"
)

// DefaultHost and DefaultPort are where the old Specter listens too.
const (
	DefaultHost = "127.0.0.1"
	DefaultPort = 25441
)

// Config is all that the program can be told from outside. cmd fills it: flag over
// environment over default. What pages can change lives in the database instead.
type Config struct {
	Host    string // address to listen on
	Port    int    // 0: any free one
	DataDir string
	Network *btc.Network                     // shown while no node is active; nil: mainnet
	Env     func(name string) (string, bool) // BTC_RPC_* for finding a node; nil: none
	HomeDir string                           // where Bitcoin Core's folder is looked for; "": not at all
	Hosts   []string                         // names, besides loopback's, that requests may be for
	Trusted []netip.Prefix                   // proxies whose word about the client is believed
	TLS     TLS                              // zero: plain HTTP
	Tor     Tor                              // zero: as the owner has set
	// DoctorRoot is where the doctor looks for udev's rules; "": the machine's root, "-": nowhere.
	DoctorRoot string
	// Tunnels are ways in through SSH servers, besides those that the owner has set up on the page;
	// their IDs are given here.
	Tunnels []setting.Tunnel
	// InsecureHTTP lets people log in over plain HTTP from other machines.
	InsecureHTTP bool
	// URLPrefix is the path below which everything is mounted, "/specter"; "": none, or what a
	// trusted proxy says in X-Forwarded-Prefix.
	URLPrefix string
	API       *bool // SPECTER_API_ACTIVE; nil: the owner's setting decides
	// PasswordFile holds the owner's password for a first start without a page
	// (SPECTER_ADMIN_PASSWORD_FILE); the owner is then called admin. "": none.
	PasswordFile string
	// KeyFile opens the stored secrets at every start (SPECTER_KEY_FILE); "": secrets.key in the
	// data folder.
	KeyFile string
	// OwnerPassword asks the person at a command for the owner's password where the secrets are
	// locked; nil: nobody can be asked.
	OwnerPassword func() (string, error)
	Version       string
	Log           *slog.Logger
	// Lines holds the level of Log and its last lines; nil: the owner sees and changes neither.
	Lines *Log
	Debug bool             // the command line wants everything logged; the stored level does not count at the start
	Out   io.Writer        // where links are printed; nil: nowhere
	Show  func(url string) // opens a page that waits for the person in a browser; nil: nobody looks
	Demo  *Demo            // nil: a real node
	// BridgeOnly runs the USB bridge, its settings page and the login, and nothing else.
	BridgeOnly bool
	// Simulators are devices that are reached over sockets, as transport.ParseSimulators reads them;
	// they are asked like those at USB.
	Simulators string
	// HWI is the program HWI for devices without a driver here: a path, "off", or "" for where
	// it is installed.
	HWI string
	Now func() time.Time

	drivers []signer.Driver                                  // tests bring their own; nil: all
	ports   func(ctx context.Context) ([]signer.Port, error) // likewise; nil: this computer's

	// opened hears of each house that a restore has put in the place of another; nil: nobody does.
	opened func(*App)

	hash auth.HashParams // tests want cheap ones; zero: auth's own
	// backupWork is log2 of the work of a backup's passphrase; tests want little. 0: age's own.
	backupWork int
	hosts      map[string]string // see rates.Config; tests put their own servers there
	// dial opens connections to outside services; tests count them. nil: the net package's.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Demo asks for the built-in chain with its story.
type Demo struct {
	BlockInterval time.Duration // between mined blocks; 0: none is mined by itself
}

// check refuses what would be unsafe or cannot work, as far as that shows without the data.
func (c Config) check() error {
	if c.Port < 0 || c.Port > 65535 {
		return errs.E(errs.Invalid, "the port must be between 0 and 65535")
	}
	if clean, err := door.CleanPrefix(c.URLPrefix); err != nil || clean != c.URLPrefix {
		return errs.E(errs.Invalid, "%.100q is no path to be mounted at; write it as /specter", c.URLPrefix)
	}
	if err := c.TLS.check(false); err != nil {
		return err
	}
	if c.BridgeOnly && len(c.Tunnels) > 0 {
		return errs.E(errs.Invalid, "the bridge is for this computer; leave --hwibridge or --tunnel away")
	}
	if c.Demo != nil && (c.reachable() || len(c.Tunnels) > 0) {
		return errs.E(errs.Denied, "the demo asks nobody to log in, so it listens on this computer alone; leave --host away")
	}
	return nil
}

// reachable reports whether other machines can reach the program: by its listener, or through
// the proxies that it was told of.
func (c Config) reachable() bool { return !loopback(c.Host) || len(c.Trusted) > 0 }

// loopback reports whether an address can be reached from this machine alone.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// now is the clock.
func (c Config) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
