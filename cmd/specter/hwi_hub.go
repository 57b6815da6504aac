//go:build !offline

package main

import (
	"slices"
	"strings"

	"specter/internal/app"
)

// simulatorsVar is the server's variable for addresses of simulators.
const simulatorsVar = "SPECTER_SIMULATORS"

// hwiSimulators are the addresses where HWI looks for simulators with --emulators.
var hwiSimulators = []string{
	"trezor=udp:127.0.0.1:21324", "ledger=tcp:127.0.0.1:9999", "keepkey=udp:127.0.0.1:11044",
	"coldcard=unix:/tmp/ckcc-simulator.sock", "bitbox02=tcp:127.0.0.1:15423", "jade=tcp:127.0.0.1:30121",
}

// openDevices makes the hub of the devices at this computer, without the rest of the program: a
// server may run beside it.
func openDevices(h host, c hwiCall) (devices, error) {
	dir, _, err := dataDir("")
	if err != nil {
		return nil, err
	}
	o := app.Devices{Folder: dir, Env: h.env}
	o.Simulators, _ = h.env(simulatorsVar)
	if c.emulators {
		for _, one := range hwiSimulators {
			if !strings.Contains(o.Simulators, one) {
				o.Simulators += "," + one
			}
		}
	}
	if c.kind != "" && socketPath(c.path) {
		o.Simulators = c.family() + "=" + c.path
	}
	log, _ := logger(h, logText, false)
	o.Log = log
	return app.OpenDevices(o)
}

// socketPath reports whether a path is that of a simulator, which is nowhere to be found but by
// being told.
func socketPath(path string) bool {
	way, _, ok := strings.Cut(path, ":")
	return ok && slices.Contains([]string{"tcp", "udp", "unix"}, way)
}

// family is the kind that --device-type means: the part of a model before its underscore.
func (c hwiCall) family() string {
	family, _, _ := strings.Cut(c.kind, "_")
	return family
}
