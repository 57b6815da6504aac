package v1

import (
	"context"
	"io"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/remote"
	"specter/internal/remote/cert"
	"specter/internal/remote/doctor"
	"specter/internal/remote/tor"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// Remote is what the API asks about being reached from elsewhere. What is nil is not on offer.
type Remote struct {
	Certificates Certificates
	Tunnels      Tunnels
	Onion        Onion
	// Doctor tests an address from outside, and the program itself; "": the program alone.
	Doctor func(ctx context.Context, address string) []doctor.Finding
	// Reachable reports whether other machines can reach the program now.
	Reachable func() bool
}

// Certificates is the program's own certificate.
type Certificates interface {
	// Certificate tells what is in use; false while the program speaks plain HTTP.
	Certificate() (cert.State, bool)
	// Authority is the certificate of the program's own authority, as PEM and DER; nil without one.
	Authority() (pem, der []byte)
	// RenewCertificate gets a new one; errs.Conflict while the program speaks plain HTTP,
	// errs.Unavailable and errs.Invalid where there is none to be had.
	RenewCertificate(ctx context.Context) error
}

// Tunnels are the ways in through SSH servers.
type Tunnels interface {
	tunnelWords
	// Tunnels lists them with how each stands, those of the command line first.
	Tunnels(ctx context.Context) ([]TunnelState, error)
	// PauseTunnel takes a tunnel down until it is resumed. errs.NotFound, and errs.Conflict as of
	// AddTunnel.
	PauseTunnel(ctx context.Context, id string, paused bool) error
	RetryTunnel(ctx context.Context, id string) error
	// ForgetHost drops the pinned key of a tunnel's server; the next one that it shows is pinned.
	ForgetHost(ctx context.Context, id string) error
	// ExpectHost pins the key by its fingerprint, whatever was pinned before.
	ExpectHost(ctx context.Context, id, fingerprint string) error
}

type tunnelWords interface {
	// AddTunnel makes one and tells its id. errs.Invalid says what cannot be read, errs.Conflict
	// that nobody logs in here, so that no way in may be opened.
	AddTunnel(ctx context.Context, t setting.Tunnel) (id string, err error)
	// ChangeTunnel alters one; errs.Conflict also for one of the command line.
	ChangeTunnel(ctx context.Context, id string, alter func(*setting.Tunnel)) error
	RemoveTunnel(ctx context.Context, id string) error
}

// TunnelState is one tunnel and how it stands. Its private key is never told.
type TunnelState struct {
	setting.Tunnel
	Fixed       bool // from the command line: it is changed there
	Status      remote.Status
	Line        string // for the server's ~/.ssh/authorized_keys
	Fingerprint string // of the server's pinned key; "" none yet
	LocalAt     string // where the forwarded port listens here now; "" nowhere
}

// Onion is the onion service.
type Onion interface {
	Onion(ctx context.Context) (tor.Standing, error)
	// ChangeOnion stores what the owner decides. errs.Conflict while nobody logs in here; other
	// errors say why tor does not let us in. Nothing is stored then.
	ChangeOnion(ctx context.Context, change func(*setting.Tor) error) error
	// AddOnionClient makes a key for somebody and returns its private part, which is not kept.
	AddOnionClient(ctx context.Context, name string) (tor.Pass, error)
	RemoveOnionClient(ctx context.Context, name string) error
	// TestProxy tries the SOCKS proxy step by step.
	TestProxy(ctx context.Context) ([]tor.ProxyStep, error)
}

// USB is the bridge to signing devices, and the agents that bring devices from elsewhere.
type USB interface {
	agents
	// SetWhitelist stores who may ask the bridge: origins, one a line, and whether from other
	// computers too. errs.Invalid names the line that is no origin.
	SetWhitelist(ctx context.Context, text string, afar bool) error
	// SetToken makes a new token of the bridge, or drops the one there is.
	SetToken(ctx context.Context, wanted bool) error
	// TestBridge tries the bridge that a user has chosen, as far as this server reaches it; origin is
	// under which name a browser knows this server.
	TestBridge(ctx context.Context, userID, origin string) (BridgeReport, error)
}

// agents are the programs at users' desks that have devices for this server.
type agents interface {
	Agents(ctx context.Context, by auth.Identity) ([]BridgeAgent, error)
	// PairAgent makes the code for one agent. direct: the request came to this very program by TLS,
	// with no proxy between.
	PairAgent(ctx context.Context, by auth.Identity, direct bool) (BridgePairing, error)
	// RenameAgent and RevokeAgent are for agents of who asks: errs.NotFound for others.
	RenameAgent(ctx context.Context, by auth.Identity, id, name string) error
	RevokeAgent(ctx context.Context, by auth.Identity, id string) error
}

// BridgeAgent is an agent and whether it is connected.
type BridgeAgent struct {
	ID, Name  string
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
	Name  string
	About string // the device's family, or the agent's name
	Err   error  // nil: it went well
}

// Secrets says how the stored secrets are locked.
type Secrets interface {
	// Secrets tells of the key file that opens them at every start ("": they start locked), and
	// whether the owner's password opens them.
	Secrets() (keyFile string, password bool)
	// KeepLocked says whether the program starts locked; errs.Denied where the password is another.
	KeepLocked(ctx context.Context, locked bool, password string) error
}

// BackupFiles hands out backups.
type BackupFiles interface {
	// Download makes a backup under a passphrase, which is read and then closed.
	Download(ctx context.Context, passphrase string) (name string, size int64, body io.ReadCloser, err error)
}

// Demo is the play chain of demo mode.
type Demo interface {
	Faucet(ctx context.Context, address string, amount btcutil.Amount) error
	Mine(ctx context.Context, blocks int) error
}

// walletUSB is what devices that were told of a wallet leave with it.
type walletUSB interface {
	Registrations(ctx context.Context, ref wallet.Ref) ([]wallet.Registration, error)
	KeepRegistration(ctx context.Context, ref wallet.Ref, r wallet.Registration) error
	ForgetRegistration(ctx context.Context, ref wallet.Ref, fp btc.Fingerprint, kind string) error
}
