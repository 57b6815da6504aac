package signer

import (
	"context"
	"log/slog"

	"specter/internal/btc"
)

// HubConfig says what a Hub works with.
type HubConfig struct {
	Drivers []Driver
	Ports   func(ctx context.Context) ([]Port, error) // lists what is connected; called when asked, never at start
	Options func() Options                            // Rand, Now, Memory and Relay of every call; the rest comes from Ask
	Log     *slog.Logger                              // nil: nothing is logged
}

// Ask is what a call wants of whichever device answers.
type Ask struct {
	Network    btc.Network
	Passphrase string
	Expert     bool
	Pair       bool         // the person may be asked to pair
	Notify     func(Notice) // what the device asks its person now; may be nil; must not block
}

// Select says which device is meant; the zero value is the only one connected.
type Select struct {
	Kind        string // the family, "" any
	Path        string // the port, "" any
	Fingerprint btc.Fingerprint
	Known       bool // Fingerprint is meant
}

// Hub finds connected devices and lets one call at a time at each.
type Hub struct {
	cfg HubConfig
}

// NewHub makes a hub. Nothing is enumerated.
func NewHub(cfg HubConfig) *Hub { return &Hub{cfg: cfg} }

// Enumerate lists the devices that are connected. One that cannot be used now is listed with
// its error; one that does not answer in time too.
func (h *Hub) Enumerate(ctx context.Context, a Ask) ([]Info, error) { return nil, nil }

// Do opens the device that is meant, lets f use it and closes it. The Signer is Checked; it must
// not be kept. Calls at one device wait for each other, at several devices they do not.
func (h *Hub) Do(ctx context.Context, s Select, a Ask, f func(context.Context, Signer) error) error {
	return E(CodeUnknownDevice, "no signing device is connected")
}
