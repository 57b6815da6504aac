package app

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"specter/internal/safe"
	"specter/internal/signer"
	"specter/internal/signer/bitbox02"
	"specter/internal/signer/coldcard"
	"specter/internal/signer/hwicli"
	"specter/internal/signer/jade"
	"specter/internal/signer/keepkey"
	"specter/internal/signer/ledger"
	"specter/internal/signer/specterdiy"
	"specter/internal/signer/transport"
	"specter/internal/signer/trezor"
)

// drivers is the one list of the families that this program drives.
func drivers() []signer.Driver {
	return []signer.Driver{
		trezor.Driver{},
		keepkey.Driver{},
		ledger.Driver{},
		coldcard.Driver{},
		bitbox02.Driver{},
		jade.Driver{},
		specterdiy.Driver{},
	}
}

// signersFile keeps what drivers want to find again: pairing keys, registrations of wallets.
const signersFile = "signers.json"

// newHub makes the hub of the devices at this computer. Nothing is looked for before somebody
// asks.
func (a *App) newHub() (*signer.Hub, error) {
	memory, err := openMemory(a.folder.file(signersFile), &a.secrets.safe)
	if err != nil {
		return nil, err
	}
	a.memory = memory
	c := signer.HubConfig{Drivers: a.c.drivers, Ports: a.c.ports, Log: a.c.Log, Options: func() signer.Options {
		return signer.Options{Rand: rand.Reader, Now: a.outside.now, Memory: memory, Relay: a.outside.relay}
	}}
	if c.Drivers == nil {
		c.Drivers = drivers()
	}
	if c.Ports == nil {
		finder, err := transport.New(transport.Config{Simulators: a.c.Simulators})
		if err != nil {
			return nil, err
		}
		c.Ports, c.Outside = finder.Ports, a.outsideProgram()
	}
	return signer.NewHub(c), nil
}

// drawer is a signer.Memory in a file of the data folder that nobody else can read.
type drawer struct {
	path string
	safe *safe.Safe // nil: it is not sealed
	mu   sync.Mutex // held while the file is written: what was put is on the disk afterwards
	all  map[string][]byte
}

// Bounds of the drawer: a driver that runs wild must not fill the disk.
const (
	maxKept  = 2_000
	maxValue = 64 << 10
)

// openMemory reads the file. One that cannot be read is set aside, not overwritten: pairing again
// is a nuisance, losing what could be mended is worse.
func openMemory(path string, s *safe.Safe) (*drawer, error) {
	d := &drawer{path: path, safe: s, all: map[string][]byte{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	clear := !safe.Sealed(data)
	if s != nil {
		data, err = s.Open(placeFile(signersFile), data)
	}
	if err == nil {
		err = json.Unmarshal(data, &d.all)
	}
	if err != nil || d.all == nil {
		d.all = map[string][]byte{}
		return d, os.Rename(path, filepath.Join(filepath.Dir(path), "signers-damaged.json"))
	}
	if clear && s != nil {
		return d, d.sealFirst()
	}
	return d, nil
}

// sealFirst seals what was written before there was a safe, and overwrites it.
func (d *drawer) sealFirst() error {
	old, err := os.OpenFile(d.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := d.write(); err != nil {
		return errors.Join(err, old.Close())
	}
	return overwrite(old)
}

// write puts all that is kept on the disk.
func (d *drawer) write() error {
	data, err := json.MarshalIndent(d.all, "", " ")
	if err == nil && d.safe != nil {
		data, err = d.safe.Seal(placeFile(signersFile), data)
	}
	if err != nil {
		return err
	}
	return replaceFile(d.path, data)
}

// Get finds a value.
func (d *drawer) Get(key string) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.all[key]
	return slices.Clone(v), ok
}

// Put keeps a value over the end of the program.
func (d *drawer) Put(key string, value []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, had := d.all[key]
	if len(value) > maxValue || len(key) > 300 || !had && len(d.all) >= maxKept {
		return errors.New("a driver keeps more than there is room for")
	}
	if had && slices.Equal(old, value) {
		return nil
	}
	d.all[key] = slices.Clone(value)
	err := d.write()
	if err != nil {
		if delete(d.all, key); had {
			d.all[key] = old
		}
	}
	return err
}

var _ signer.Memory = (*drawer)(nil)

// noHWI keeps the program HWI out even where it is installed.
const noHWI = "off"

// outsideProgram is the program that drives devices which no driver here knows; nil: none.
func (a *App) outsideProgram() signer.Outside {
	switch a.c.HWI {
	case noHWI:
		return nil
	case "":
		if p, ok := hwicli.Find(); ok {
			return p
		}
		return nil
	}
	return hwicli.Program{Path: a.c.HWI}
}
