package web

import (
	"context"

	"specter/internal/remote"
	"specter/internal/setting"
)

// Tunnels is what the owner's page asks about the ways in through SSH servers.
type Tunnels interface {
	// Tunnels lists them with how each stands, those of the command line first.
	Tunnels(ctx context.Context) ([]TunnelState, error)
	// PutTunnel makes a tunnel (no ID) or changes one. errs.Invalid says what cannot be read,
	// errs.Conflict that nobody logs in here, so that no way in may be opened.
	PutTunnel(ctx context.Context, t setting.Tunnel) error
	// PauseTunnel takes a tunnel down until it is resumed. errs.NotFound, and errs.Conflict as above.
	PauseTunnel(ctx context.Context, id string, paused bool) error
	RemoveTunnel(ctx context.Context, id string) error
	// RetryTunnel has it tried now instead of after its pause.
	RetryTunnel(ctx context.Context, id string) error
	// ForgetHost drops the pinned key of a tunnel's server; the next one that it shows is pinned.
	ForgetHost(ctx context.Context, id string) error
}

// TunnelState is one tunnel as the page shows it.
type TunnelState struct {
	setting.Tunnel
	Fixed       bool // from the command line: it is changed there
	Status      remote.Status
	Line        string // for the server's ~/.ssh/authorized_keys
	Fingerprint string // of the server's pinned key; "" none yet
	LocalAt     string // where the forwarded port listens here now; "" nowhere
}
