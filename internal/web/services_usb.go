package web

import (
	"context"
	"time"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/wallet"
)

// walletUSB is what devices that were told of a wallet leave with it.
type walletUSB interface {
	Registrations(ctx context.Context, ref wallet.Ref) ([]wallet.Registration, error)
	KeepRegistration(ctx context.Context, ref wallet.Ref, r wallet.Registration) error
	ForgetRegistration(ctx context.Context, ref wallet.Ref, fp btc.Fingerprint, kind string) error
}

// Bridge is what the pages about USB devices ask of the program.
type Bridge interface {
	// SetWhitelist stores who may ask the bridge: origins, one a line, and whether from other
	// computers too. errs.Invalid names the line that is no origin.
	SetWhitelist(ctx context.Context, text string, afar bool) error
	// SetToken makes a new token of the bridge, or drops the one there is.
	SetToken(ctx context.Context, wanted bool) error
	// TestBridge tries the bridge that a user has chosen, as far as this server reaches it. origin
	// is under which name the user's browser knows this server.
	TestBridge(ctx context.Context, userID, origin string) (BridgeReport, error)
	// Agents lists the agents of who asks.
	Agents(ctx context.Context, by auth.Identity) ([]BridgeAgent, error)
	// PairAgent makes the code for one agent. direct: the page came to this very program by TLS, with
	// no proxy between.
	PairAgent(ctx context.Context, by auth.Identity, direct bool) (BridgePairing, error)
	// RenameAgent gives an agent of who asks another name; errs.Invalid: it will not do.
	RenameAgent(ctx context.Context, by auth.Identity, id, name string) error
	// RevokeAgent shuts an agent of who asks out, at once.
	RevokeAgent(ctx context.Context, by auth.Identity, id string) error
}

// BridgeAgent is a program at a user's desk that has devices for this server.
type BridgeAgent struct {
	ID, Name  string // the name is what the agent said of its computer
	Created   time.Time
	LastSeen  time.Time // zero: never
	Connected bool
	Since     time.Time // of being connected
}

// BridgePairing is what an agent needs to be let in, once.
type BridgePairing struct {
	Code        string
	Until       time.Time
	Fingerprint string // of this server's own authority; "" where a public one vouches for it
}

// BridgeReport tells how a test of a bridge went, up to the step that failed.
type BridgeReport struct {
	Steps   []BridgeStep
	Devices int    // that it sees
	Version string // of the bridge; "" of an old one
}

// BridgeStep is one thing that was tried.
type BridgeStep struct {
	Name  string // address, reach, tls, bridge, origin, devices; device is one that cannot be used
	About string // the device's family
	Err   error  // nil: it went well
}

// OK reports whether nothing failed.
func (r BridgeReport) OK() bool {
	for _, s := range r.Steps {
		if s.Err != nil {
			return false
		}
	}
	return true
}
