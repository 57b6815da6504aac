// Package bridge lets pages and programs use connected signers by JSON-RPC 2.0, in the words of
// the old Specter's HWIBridge: thirteen methods, their codes and their texts, so that an old
// Specter can use our bridge and ours an old one. docs/bridge.md is the contract in full.
//
// What lives here: who may ask (access.go, http.go), the calls (rpc.go, params.go), the methods
// (methods.go, wallets.go), what a device asks its person while a call waits (talk.go), how
// often somebody may bother a person (limit.go), and the other side of the same protocol
// (client.go). What does not: devices (the Hub has them), users and settings (Config's functions
// tell).
package bridge

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"specter/internal/errs"
	"specter/internal/signer"
)

// Hub is what the bridge asks of connected devices; *signer.Hub fits.
type Hub interface {
	Enumerate(ctx context.Context, a signer.Ask) ([]signer.Info, error)
	Do(ctx context.Context, s signer.Select, a signer.Ask, f func(context.Context, signer.Signer) error) error
}

// Config is what the bridge is told.
type Config struct {
	Hub     Hub
	Memory  signer.Memory // keeps registrations of wallets; nil: they are forgotten
	Version string
	// Rules says who may ask, anew at every request.
	Rules func(ctx context.Context) (Rules, error)
	// User tells who is logged in with the browser's session; errs.Denied: nobody.
	User func(r *http.Request) (userID string, err error)
	// Bearer tells whose API token this is; errs.Denied: nobody's, or one that may not sign.
	Bearer func(ctx context.Context, token string) (userID string, err error)
	// Near reports whether the request was made on this very computer, with no proxy between.
	Near func(r *http.Request) bool
	// Elsewhere is the bridge that a user has chosen and that this server reaches for them; nil,
	// or a nil client: the devices here are meant.
	Elsewhere func(ctx context.Context, userID string) (*Client, error)
	// Remote does the calls of a user whose devices are reached by another way than HTTP: by agents
	// that come to this server. nil, or a nil Remote: see Elsewhere.
	Remote func(ctx context.Context, userID string) (Remote, error)
	// Admitted is called when a caller may ask, before the body is read; nil: nothing.
	Admitted func(r *http.Request)
	Log      *slog.Logger // nil: silent
	Now      func() time.Time
}

// Remote does calls with devices that are not at this computer. Sessions, notices and cancelling
// stay here: notices come through tell, and a call whose ctx ends is to be ended over there.
type Remote interface {
	// Do does one call of the table. tell may be nil. Failures of devices have their HWI code.
	Do(ctx context.Context, method string, params map[string]json.RawMessage, tell func(signer.Notice)) (json.RawMessage, error)
}

// Rules are what the owner has decided about strangers.
type Rules struct {
	Origins []string // whitelisted origins in their one spelling, see CleanOrigin; "*" is any
	Afar    bool     // whitelisted origins may also come from other computers
	Token   string   // opens the bridge to programs without an origin; "": only API tokens do
}

// Bounds of what a caller may send and hold.
const (
	MaxBody    = 16 << 20 // bytes of a request
	maxBatch   = 50       // calls in one list
	maxWait    = 25 * time.Second
	maxCall    = 15 * time.Minute // for a device and its person together
	maxMessage = 64 << 10
)

// Service answers calls. It is safe for concurrent use.
type Service struct {
	c     Config
	log   *slog.Logger
	talks *talks
	limit *limits
	kept  registry

	pairings pairings
}

// New makes the service. It refuses a configuration without a hub or without rules.
func New(c Config) (*Service, error) {
	if c.Hub == nil || c.Rules == nil || c.User == nil || c.Bearer == nil || c.Near == nil {
		return nil, errs.E(errs.Internal, "the bridge needs a hub, rules and to know who asks")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Service{c: c, log: c.Log, talks: newTalks(c.Now), limit: newLimits(c.Now), kept: registry{c.Memory}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Caller is who asks.
type Caller struct {
	Key    string // what limits and dialogs go by: a user, an origin or a token
	UserID string // of ours; "" is a stranger whose origin is whitelisted
	Origin string // as the browser said it; "" none
	Near   bool
	// Tell hears, besides the caller's dialogs, what devices ask in its calls; it must not block.
	// nil: nobody else hears it.
	Tell func(signer.Notice)
}

// hears adds Tell to what keeps the notices of a call.
func (c Caller) hears(tell func(string, signer.Notice)) func(string, signer.Notice) {
	if c.Tell == nil {
		return tell
	}
	return func(method string, n signer.Notice) {
		tell(method, n)
		c.Tell(n)
	}
}
