package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"specter/internal/errs"
	"specter/internal/safe"
	"specter/internal/setting"
	"specter/internal/signer"
	"specter/internal/signer/transport"
)

// Devices says with what the signing devices of this computer are opened without the rest of the
// program, which may run beside.
type Devices struct {
	Folder     string // where drivers keep what they want to find again
	Simulators string // further addresses, as transport.ParseSimulators reads them
	Env        func(string) (string, bool)
	Log        *slog.Logger

	outside signer.Outside // the program HWI; nil: it is not asked
}

// commandFile keeps what drivers remember for the command line; a running server has its own.
const commandFile = "signers-command.json"

// PINServerVar names the variable of the environment that says how a Jade's PIN server is reached
// from the command line, where the owner's settings are not at hand: "direct", or the address of a
// SOCKS5 proxy such as Tor's, over which the onion address alone is asked. Without it nothing
// leaves.
const PINServerVar = "SPECTER_PIN_SERVER"

// OpenDevices makes a hub of them. Nothing is looked for before somebody asks.
func OpenDevices(d Devices) (*signer.Hub, error) {
	hub, _, err := openDevices(d, commandFile)
	return hub, err
}

// openDevices is OpenDevices with the file, in the folder, of what drivers remember, and that memory.
func openDevices(d Devices, file string) (*signer.Hub, *drawer, error) {
	if err := os.MkdirAll(d.Folder, 0o700); err != nil {
		return nil, nil, errs.E(errs.Unavailable, "the folder %s cannot be made: %w", d.Folder, err)
	}
	sealed, err := d.safe()
	if err != nil {
		return nil, nil, err
	}
	memory, err := openMemory(filepath.Join(d.Folder, file), sealed)
	if err != nil {
		return nil, nil, err
	}
	relay, err := commandRelay(d.Env)
	if err != nil {
		return nil, nil, err
	}
	finder, err := transport.New(transport.Config{Simulators: d.Simulators})
	if err != nil {
		return nil, nil, err
	}
	return signer.NewHub(signer.HubConfig{Drivers: drivers(), Ports: finder.Ports, Outside: d.outside, Log: d.Log, Options: func() signer.Options {
		return signer.Options{Rand: rand.Reader, Now: time.Now, Memory: memory, Relay: relay}
	}}), memory, nil
}

// safe seals what drivers remember under the data folder's key file; nil where that is not there:
// a command alone cannot open what the owner's password locks.
func (d Devices) safe() (*safe.Safe, error) {
	path := filepath.Join(d.Folder, KeyFileName)
	if d.Env != nil {
		if told, ok := d.Env("SPECTER_KEY_FILE"); ok && told != "" {
			path = told
		}
	}
	key, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return safe.FromKeyFile(key, "devices of the command line")
}

// commandRelay is the way to a PIN server that the environment allows, by the rules of the server.
func commandRelay(env func(string) (string, bool)) (signer.Relay, error) {
	way, _ := env(PINServerVar)
	var p setting.Program
	switch {
	case way == "":
		return func(context.Context, []string, []byte) ([]byte, error) {
			return nil, errs.E(errs.Unavailable, "set %s to \"direct\", or to the address of a proxy such as Tor's (127.0.0.1:9050), to let the device ask its PIN server", PINServerVar)
		}, nil
	case way == "direct":
		p.Outside = true
	default:
		p = setting.Program{Outside: true, Proxy: strings.TrimPrefix(strings.TrimPrefix(way, "socks5h://"), "socks5://"), ProxyOnly: true}
	}
	settings := setting.New(shelf{})
	if _, err := settings.ChangeProgram(context.Background(), func(q *setting.Program) error {
		q.Outside, q.Proxy, q.ProxyOnly = p.Outside, p.Proxy, p.ProxyOnly
		return nil
	}); err != nil {
		return nil, err
	}
	return newOutside(Config{}, settings, nil).relay, nil
}

// shelf keeps settings for one run of a command.
type shelf map[string]string

// Settings returns what was put.
func (s shelf) Settings(context.Context, string) (map[string]string, error) {
	return maps.Clone(s), nil
}

// PutSettings keeps values.
func (s shelf) PutSettings(_ context.Context, _ string, values map[string]string) error {
	maps.Copy(s, values)
	return nil
}
