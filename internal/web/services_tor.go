package web

import (
	"context"

	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// Onion is what the owner's page asks about the onion service.
type Onion interface {
	// Onion tells what is wanted and how the service stands.
	Onion(ctx context.Context) (OnionState, error)
	// ChangeOnion stores what the owner decides. errs.Conflict while nobody logs in here; other
	// errors say why tor does not let us in. Nothing is stored then.
	ChangeOnion(ctx context.Context, change func(*setting.Tor) error) error
	// AddOnionClient makes a key for somebody and returns its private part, which is not kept.
	AddOnionClient(ctx context.Context, name string) (tor.Pass, error)
	RemoveOnionClient(ctx context.Context, name string) error
	// TestProxy tries the SOCKS proxy step by step.
	TestProxy(ctx context.Context) ([]ProxyStep, error)
}

// OnionState is the onion service as the page shows it.
type OnionState struct {
	On       bool
	Forced   bool   // by the command line
	Fixed    bool   // the control port or its password come from the command line
	Control  string // tor's control port; "": where it is as a rule
	Password bool   // one is kept
	Name     string // of the service that runs; "" none does
	State    tor.State
	Trouble  string // why none runs though it is wanted
	Clients  []tor.Client
	Proxy    string // the SOCKS proxy for the ways out
	Outside  bool   // outside services may be asked
}

// ProxyStep is one step of a test of the proxy.
type ProxyStep struct {
	Name string // proxy, tor, onion, own
	Err  error
}
