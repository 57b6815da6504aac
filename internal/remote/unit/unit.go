// Package unit writes the systemd unit under which Specter runs as a service: as a user of its
// own, shut off from what it does not need. It writes text alone; installing is a command's
// matter.
package unit

import (
	"fmt"
	"path/filepath"
	"strings"

	"specter/internal/errs"
)

// Name is the unit's name.
const Name = "specter.service"

// Mark is the first line of units that were written here: others are not overwritten or removed.
const Mark = "# Written by: specter service install"

// Options say what a unit is for.
type Options struct {
	Program string   // absolute path of the program
	Args    []string // of "specter server"
	DataDir string   // absolute
	User    string   // of a unit of the system; "" in one of a user
	Groups  []string // further groups, for devices: plugdev, dialout
	Mine    bool     // a unit of a user (systemctl --user) instead of the system's
	LowPort bool     // it listens on a port below 1024
}

// Text is the unit.
func Text(o Options) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("%s\n# \"specter service remove\" takes it away again; the data folder stays.\n", Mark)
	line("[Unit]\nDescription=Specter Desktop, wallets on your own Bitcoin node\nAfter=network-online.target bitcoind.service tor.service\nWants=network-online.target\n")
	line("[Service]\nType=simple")
	if !o.Mine {
		line("User=%s", o.User)
		if len(o.Groups) > 0 {
			line("SupplementaryGroups=%s", strings.Join(o.Groups, " "))
		}
	}
	line("ExecStart=%s", o.command())
	line("Restart=on-failure\nRestartSec=5\nTimeoutStopSec=30\nStandardOutput=journal\nStandardError=journal\nSyslogIdentifier=specter\nUMask=0077\n")
	line("%s", o.confinement())
	target := "multi-user.target"
	if o.Mine {
		target = "default.target"
	}
	line("[Install]\nWantedBy=%s", target)
	return b.String(), nil
}

func (o Options) check() error {
	for what, path := range map[string]string{"the program's path": o.Program, "the data folder": o.DataDir} {
		if !filepath.IsAbs(path) || strings.ContainsAny(path, "\n\r\x00") {
			return errs.E(errs.Invalid, "%s must be an absolute path, not %.100q", what, path)
		}
	}
	for _, name := range append([]string{o.User}, o.Groups...) {
		if strings.ContainsFunc(name, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
		}) || strings.HasPrefix(name, "-") {
			return errs.E(errs.Invalid, "%.60q is no name of a user or a group", name)
		}
	}
	if !o.Mine && (o.User == "" || o.User == "root") {
		return errs.E(errs.Invalid, "Specter needs no rights of root; name a user that it runs as, with --as")
	}
	for _, a := range o.Args {
		if strings.ContainsAny(a, "\n\r\x00") {
			return errs.E(errs.Invalid, "%.60q cannot stand in a unit", a)
		}
	}
	return nil
}

func (o Options) command() string {
	words := append([]string{o.Program, "server", "--no-open", "--data-dir", o.DataDir}, o.Args...)
	for i, w := range words {
		words[i] = quote(w)
	}
	return strings.Join(words, " ")
}

// quote writes a word so that systemd changes nothing in it (systemd.service(5), COMMAND LINES).
func quote(word string) string {
	plain := word != "" && !strings.ContainsFunc(word, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_./:,=@+", c)
	})
	if plain {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$").Replace(word) + `"`
}

// path is a path as settings other than commands have it: only % means something there, and
// quotes keep spaces.
func path(p string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(p) + `"`
}

// everywhere are the bounds that a user's own systemd can set too.
const everywhere = `# What it may do is what it needs, and no more.
NoNewPrivileges=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`

// system are those that the system's can set besides.
const system = `ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=%s
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RemoveIPC=yes
KeyringMode=private
CapabilityBoundingSet=%s
AmbientCapabilities=%s
# Signing devices: hidraw and USB for most, serial ports for Jade and Specter DIY.
DevicePolicy=closed
DeviceAllow=char-hidraw rw
DeviceAllow=char-usb_device rw
DeviceAllow=char-ttyACM rw
DeviceAllow=char-ttyUSB rw
`

func (o Options) confinement() string {
	if o.Mine {
		return everywhere
	}
	low := ""
	if o.LowPort {
		low = "CAP_NET_BIND_SERVICE"
	}
	return everywhere + fmt.Sprintf(system, path(o.DataDir), low, low)
}
