// Package app builds the house from a Config, opens it and closes it: data folder, database,
// node, services, listeners and background loops. It knows every room and is known by cmd
// alone. Rules of the subject do not live here.
package app

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
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
	API     bool                             // SPECTER_API_ACTIVE
	Version string
	Log     *slog.Logger
	Out     io.Writer // where the link is printed; nil: nowhere
	Demo    *Demo     // nil: a real node
	Now     func() time.Time
}

// Demo asks for the built-in chain with its story.
type Demo struct {
	BlockInterval time.Duration // between mined blocks; 0: none is mined by itself
}

// check refuses what would be unsafe or cannot work.
func (c Config) check() error {
	if c.Port < 0 || c.Port > 65535 {
		return errs.E(errs.Invalid, "the port must be between 0 and 65535")
	}
	if !loopback(c.Host) {
		return errs.E(errs.Denied, "listening on %q would open your wallets to the network without a login, so it is refused. "+
			"Listen on 127.0.0.1 and reach it through an SSH tunnel: ssh -L 25441:127.0.0.1:25441 this-machine", c.Host)
	}
	return nil
}

// loopback reports whether an address can be reached from this machine alone.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
