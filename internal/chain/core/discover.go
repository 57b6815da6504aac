package core

import (
	"path/filepath"
	"strconv"
	"strings"

	"specter/internal/btc"
)

// Where settings were found.
const (
	FromEnv    = "environment"
	FromConf   = "bitcoin.conf"
	FromCookie = "cookie"
)

// Places says where to look for a node. It carries values, nothing here reads the environment.
type Places struct {
	Env     func(name string) string // answers BTC_RPC_*; nil: not set
	OS      string                   // runtime.GOOS
	Home    string                   // the user's home folder
	AppData string                   // %APPDATA% on Windows
	Datadir string                   // the node's data folder; "": the default one
}

// Found is a way to a node that was found, not tried yet.
type Found struct {
	Source string // FromEnv, FromConf, FromCookie
	Config Config
}

// DefaultDatadir is where Bitcoin Core keeps its data on a system; "" when it cannot be told.
func DefaultDatadir(goos, home, appData string) string {
	switch {
	case goos == "windows" && appData != "":
		return filepath.Join(appData, "Bitcoin")
	case goos == "darwin" && home != "":
		return filepath.Join(home, "Library", "Application Support", "Bitcoin")
	case goos != "windows" && home != "":
		return filepath.Join(home, ".bitcoin")
	}
	return ""
}

// EnvConfig reads the settings from BTC_RPC_USER, _PASSWORD, _HOST, _PORT and _PROTOCOL. ok is
// false when no user is set; the rest has defaults (localhost, 8332, http).
func EnvConfig(env func(string) string) (c Config, ok bool) {
	if env == nil || env("BTC_RPC_USER") == "" {
		return Config{}, false
	}
	c = Config{User: env("BTC_RPC_USER"), Password: NewSecret(env("BTC_RPC_PASSWORD")), Protocol: "http", Host: "localhost", Port: 8332}
	if protocol, host, port, err := ParseHost(env("BTC_RPC_HOST")); err == nil {
		c.Host = host
		if protocol != "" {
			c.Protocol = protocol
		}
		if port != 0 {
			c.Port = port
		}
	}
	if p, err := strconv.ParseUint(env("BTC_RPC_PORT"), 10, 16); err == nil && p > 0 {
		c.Port = int(p)
	}
	if p := strings.ToLower(env("BTC_RPC_PROTOCOL")); p == "http" || p == "https" {
		c.Protocol = p
	}
	if n, known := NetworkOfPort(c.Port); known {
		c.Network = n
	}
	return c, true
}

// Discover looks for ways to a node, the likeliest first: the environment, the network that
// bitcoin.conf chooses, then whatever other network left a cookie in the data folder.
func Discover(p Places) []Found {
	var found []Found
	if c, ok := EnvConfig(p.Env); ok {
		found = append(found, Found{FromEnv, c})
	}
	datadir := p.Datadir
	if datadir == "" {
		datadir = DefaultDatadir(p.OS, p.Home, p.AppData)
	}
	if datadir == "" {
		return found
	}
	conf, err := ReadConf(datadir)
	if err != nil {
		conf = &Conf{}
	}
	if other := conf.datadir(p.Home); other != "" {
		datadir = other
	}
	for _, n := range conf.networks() {
		found = append(found, conf.ways(datadir, n)...)
	}
	return found
}

// networks lists every network, the one that the file chooses first.
func (c *Conf) networks() []btc.Network {
	chosen := c.Network()
	list := []btc.Network{chosen}
	for _, n := range btc.Networks() {
		if n != chosen {
			list = append(list, n)
		}
	}
	return list
}

// ways returns how the node of one network may be reached: by the password in the file where
// there is one and the file is for this network, and by the cookie where the node left one.
func (c *Conf) ways(datadir string, n btc.Network) []Found {
	base := Config{Protocol: "http", Host: "127.0.0.1", Port: DefaultPort(n), Network: n}
	if protocol, host, port, err := ParseHost(c.Get(n, "rpcconnect")); err == nil {
		base.Host = host
		if protocol != "" {
			base.Protocol = protocol
		}
		if port != 0 {
			base.Port = port
		}
	}
	if p, err := strconv.ParseUint(c.Get(n, "rpcport"), 10, 16); err == nil && p > 0 {
		base.Port = int(p)
	}
	var found []Found
	user, password := c.Get(n, "rpcuser"), c.Get(n, "rpcpassword")
	if password != "" && (n == c.Network() || c.inSection(n, "rpcpassword")) {
		way := base
		way.User, way.Password = user, NewSecret(password)
		found = append(found, Found{FromConf, way})
	}
	if file := c.cookieFile(datadir, n); file != "" && exists(file) {
		way := base
		way.CookieFile = file
		found = append(found, Found{FromCookie, way})
	}
	return found
}

// cookieFile is where the node of a network puts its cookie; "" when it is told not to.
func (c *Conf) cookieFile(datadir string, n btc.Network) string {
	folder := filepath.Join(datadir, chainFolder(n))
	switch file := c.Get(n, "rpccookiefile"); {
	case file == "0":
		return ""
	case file == "" || file == "1":
		return filepath.Join(folder, ".cookie")
	case filepath.IsAbs(file):
		return file
	default:
		return filepath.Join(folder, file)
	}
}

// chainFolder is the network's folder inside the data folder.
func chainFolder(n btc.Network) string {
	switch n {
	case btc.Mainnet:
		return ""
	case btc.Testnet3:
		return "testnet3"
	}
	return n.String()
}
