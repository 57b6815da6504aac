package alpha

import (
	"context"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/wallet"
)

// Auth is what the API asks of auth.Service.
type Auth interface {
	// Basic checks a name and a password; Bearer a token.
	Basic(ctx context.Context, name, password, client string) (auth.Identity, error)
	Bearer(ctx context.Context, token string) (auth.Identity, error)
	NewToken(ctx context.Context, by auth.Identity, r auth.TokenRequest) (auth.Token, string, error)
	Tokens(ctx context.Context, userID string) ([]auth.Token, error)
	Token(ctx context.Context, userID, id string) (auth.Token, error)
	DeleteToken(ctx context.Context, userID, id string) error
	Settings() auth.Settings
}

// Wallets is what the API asks of wallet.Service.
type Wallets interface {
	List(ctx context.Context, o wallet.Owner, n btc.Network) ([]wallet.Record, error)
	Get(ctx context.Context, ref wallet.Ref) (wallet.Record, error)
	Drafts(ctx context.Context, ref wallet.Ref) ([]wallet.Draft, error)
	NewDraft(ctx context.Context, ref wallet.Ref, r wallet.SpendRequest) (wallet.Draft, error)
	SetLabel(ctx context.Context, ref wallet.Ref, kind wallet.LabelKind, key, label string) error
	// Walk shows the rows of wallets at one moment; WalkAll those of all the owner's wallets.
	Walk(ctx context.Context, ref wallet.Ref, f func(wallet.Walk) error) error
	WalkAll(ctx context.Context, o wallet.Owner, n btc.Network, f func(wallet.Walk) error) error
	// Own finds which scripts are the wallet's, by script.
	Own(ctx context.Context, ref wallet.Ref, scripts [][]byte) (map[string]wallet.AddressRow, error)
}

// Devices is what the API asks of device.Service.
type Devices interface {
	List(ctx context.Context, owner string) ([]device.Device, error)
}

// Nodes is what the API asks of node.Service.
type Nodes interface {
	// Status tells how the active node stood when it last answered; it never waits.
	Status(ctx context.Context) node.State
	// Network is the active node's; errs.NotFound when there is none.
	Network(ctx context.Context) (btc.Network, error)
	// Facts is what the active node says of itself; it waits for a moment and never fails.
	Facts(ctx context.Context) node.Facts
	// UID is part of the names of wallets inside a node.
	UID(ctx context.Context) (string, error)
}

// Settings reads what was chosen, as words under names. An unknown name is "".
type Settings interface {
	Setting(ctx context.Context, owner, name string) (string, error)
}
