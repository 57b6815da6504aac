package web

import (
	"context"

	"specter/internal/remote/tor"
	"specter/internal/setting"
)

// Onion is what the owner's page asks about the onion service.
type Onion interface {
	// Onion tells what is wanted and how the service stands.
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
