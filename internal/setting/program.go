package setting

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"specter/internal/errs"
)

// The levels of the log; each also holds what the ones after it hold.
const (
	LogDebug = "debug"
	LogInfo  = "info"
	LogWarn  = "warn"
)

// LogLevels lists them.
var LogLevels = []string{LogInfo, LogWarn, LogDebug}

// Program is what the owner has decided for everybody.
type Program struct {
	// Outside lets Specter ask services other than the node, where users have chosen any. false,
	// as from the start: no connection but to the node.
	Outside bool
	// Proxy is a SOCKS5 proxy such as Tor's, "127.0.0.1:9050"; "": none.
	Proxy string
	// ProxyOnly sends every question to an outside service through the proxy, or not at all.
	ProxyOnly bool
	LogLevel  string // of LogLevels
}

// The names under which the program's settings are stored.
const (
	nameOutside   = "outside-services"
	nameProxy     = "proxy"
	nameProxyOnly = "proxy-only"
	nameLogLevel  = "log-level"
)

func (p Program) values() map[string]string {
	v := map[string]string{}
	if p.Outside {
		v[nameOutside] = "yes"
	}
	if p.Proxy != "" {
		v[nameProxy] = p.Proxy
	}
	if p.ProxyOnly {
		v[nameProxyOnly] = "yes"
	}
	if p.LogLevel != LogInfo {
		v[nameLogLevel] = p.LogLevel
	}
	return v
}

// readProgram takes what was stored. "Only through the proxy" holds on where the proxy cannot be
// read: nothing is sent then.
func readProgram(v map[string]string) Program {
	p := Program{Outside: v[nameOutside] == "yes", ProxyOnly: v[nameProxyOnly] == "yes", LogLevel: oneOf(v[nameLogLevel], LogLevels)}
	if proxy, err := cleanProxy(v[nameProxy]); err == nil {
		p.Proxy = proxy
	}
	return p
}

// Check returns the settings in their one spelling, or what is wrong with them (errs.Invalid).
func (p Program) Check() (Program, error) {
	var err error
	if p.Proxy, err = cleanProxy(p.Proxy); err != nil {
		return p, err
	}
	if p.ProxyOnly && p.Proxy == "" {
		return p, errs.E(errs.Invalid, "give the address of the proxy first, for example 127.0.0.1:9050 for Tor on this computer")
	}
	if !slices.Contains(LogLevels, p.LogLevel) {
		return p, errs.E(errs.Invalid, "%.40q is no level of the log; choose warn, info or debug", p.LogLevel)
	}
	return p, nil
}

// cleanProxy reads host and port; "" is no proxy. Tor's port is taken where none is said.
func cleanProxy(text string) (string, error) {
	text = strings.TrimSpace(text)
	for _, scheme := range []string{"socks5h://", "socks5://"} {
		text = strings.TrimPrefix(text, scheme)
	}
	if text = strings.TrimSuffix(text, "/"); text == "" {
		return "", nil
	}
	refused := errs.E(errs.Invalid, "%.60q is no address of a SOCKS5 proxy; write host and port, for example 127.0.0.1:9050", text)
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		if host, port = strings.Trim(text, "[]"), "9050"; strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", refused
		}
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 || len(host) > 253 || host == "" || strings.ContainsAny(host, " /@?#\\%\t\r\n") {
		return "", refused
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), nil
}

// Storage is what the data takes up.
type Storage struct {
	Database int64  // bytes of the database, its log included
	Spare    int64  // bytes that compacting would free
	Free     int64  // bytes free on the disk; -1: not known
	Rows     []Rows // what there is most of, first
}

// Rows is how many rows a table has.
type Rows struct {
	Table string
	Count int64
}
