package core

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Bounds of what is read from a node's data folder.
const (
	maxConf     = 1 << 20
	maxIncludes = 32
	maxCookie   = 4096
)

// Conf is what a bitcoin.conf says. The zero value is an empty file.
type Conf struct {
	top      map[string]string            // before any section
	sections map[string]map[string]string // main, test, testnet4, signet, regtest
	includes []string                     // of the top and of the sections, in their order
}

// networkOnly are the keys that, outside a section, hold for mainnet alone (Bitcoin Core's
// rule, so that a test network does not take mainnet's port by accident).
var networkOnly = map[string]bool{"rpcport": true, "rpcbind": true, "port": true, "bind": true, "wallet": true}

// ParseConf reads a bitcoin.conf. It is forgiving as bitcoin-cli is not: a line that says
// nothing is passed over, for this program only looks for a way to the node. In a file the
// first value of a key stands, as in Bitcoin Core. Errors: a file over 1 MiB.
func ParseConf(text string) (*Conf, error) {
	if len(text) > maxConf {
		return nil, errs.E(errs.Invalid, "the file is over 1 MiB; that is no bitcoin.conf")
	}
	c := &Conf{top: map[string]string{}, sections: map[string]map[string]string{}}
	section := ""
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = strings.TrimSpace(line[1 : len(line)-1])
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		c.put(section, strings.TrimSpace(key), strings.TrimSpace(value))
	}
	return c, nil
}

// put keeps one setting; dotted keys ("regtest.rpcport") name their section.
func (c *Conf) put(section, key, value string) {
	key = strings.TrimPrefix(key, "-")
	if s, k, dotted := strings.Cut(key, "."); dotted && section == "" {
		section, key = s, k
	}
	if rest, no := strings.CutPrefix(key, "no"); no && rest != "" { // "noserver=1" is "server=0"
		key = rest
		if value == "0" {
			value = "1"
		} else {
			value = "0"
		}
	}
	if key == "includeconf" {
		c.includes = append(c.includes, section+"\x00"+value)
		return
	}
	m := c.top
	if section != "" {
		if c.sections[section] == nil {
			c.sections[section] = map[string]string{}
		}
		m = c.sections[section]
	}
	if _, set := m[key]; !set {
		m[key] = value
	}
}

// ReadConf reads bitcoin.conf in a data folder with the files that it includes. A file that is
// not there is an empty one. Included files include no further ones.
func ReadConf(datadir string) (*Conf, error) {
	c, err := readConfFile(filepath.Join(datadir, "bitcoin.conf"))
	if err != nil {
		return nil, err
	}
	network := c.Network()
	for i, inc := range c.includes {
		section, file, _ := strings.Cut(inc, "\x00")
		if i >= maxIncludes || (section != "" && section != network.CoreName()) {
			continue // Core reads a section's includes for the chosen network alone
		}
		if !filepath.IsAbs(file) {
			file = filepath.Join(datadir, file)
		}
		more, err := readConfFile(file)
		if err != nil {
			return nil, err
		}
		c.merge(more)
	}
	return c, nil
}

func readConfFile(path string) (*Conf, error) {
	text, err := readSmall(path, maxConf+1)
	if errors.Is(err, fs.ErrNotExist) {
		return ParseConf("")
	}
	if err != nil {
		return nil, errs.E(errs.Unavailable, "the node's settings cannot be read: %w", err)
	}
	return ParseConf(text)
}

// merge adds what an included file says; what is set already stands.
func (c *Conf) merge(o *Conf) {
	for k, v := range o.top {
		c.put("", k, v)
	}
	for s, m := range o.sections {
		for k, v := range m {
			c.put(s, k, v)
		}
	}
}

// Network is the network that the file chooses: chain=, else testnet=1 and the like; mainnet
// when nothing is said.
func (c *Conf) Network() btc.Network {
	if n, err := btc.ParseNetwork(c.top["chain"]); err == nil {
		return n
	}
	for _, f := range []struct {
		key string
		n   btc.Network
	}{{"regtest", btc.Regtest}, {"testnet4", btc.Testnet4}, {"signet", btc.Signet}, {"testnet", btc.Testnet3}} {
		if v, set := c.top[f.key]; set && isTrue(v) {
			return f.n
		}
	}
	return btc.Mainnet
}

// isTrue reads a flag as Core does: "testnet=" and "testnet=1" are on, 0 and words are off.
func isTrue(v string) bool {
	return v == "" || strings.Trim(v, "0123456789") == "" && strings.Trim(v, "0") != ""
}

// Get returns a setting for a network, "" when it is not set: the network's section before the
// top of the file.
func (c *Conf) Get(n btc.Network, key string) string {
	if v, set := c.sections[n.CoreName()][key]; set {
		return v
	}
	if networkOnly[key] && n != btc.Mainnet {
		return ""
	}
	return c.top[key]
}

func (c *Conf) inSection(n btc.Network, key string) bool {
	_, set := c.sections[n.CoreName()][key]
	return set
}

// datadir is the folder that the file moves the data to; "" when it does not.
func (c *Conf) datadir(home string) string {
	dir := c.top["datadir"]
	if rest, tilde := strings.CutPrefix(dir, "~/"); tilde && home != "" {
		dir = filepath.Join(home, rest)
	}
	if dir == "" || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// ReadCookie reads user and password from a node's cookie file.
func ReadCookie(path string) (user string, password Secret, err error) {
	text, err := readSmall(path, maxCookie)
	if err != nil {
		return "", Secret{}, err
	}
	user, pass, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok || user == "" || pass == "" {
		return "", Secret{}, errs.E(errs.Invalid, "%s is no cookie of a node", path)
	}
	return user, NewSecret(pass), nil
}

// readSmall reads a regular file of at most max bytes.
func readSmall(path string, limit int64) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for ever
		return "", errs.E(errs.Invalid, "%s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	return string(data), err
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
