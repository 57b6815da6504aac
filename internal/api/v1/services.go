package v1

import (
	"context"
	"io"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/setting"
	"specter/internal/wallet"
)

// Auth is what the API asks of auth.Service.
type Auth interface {
	authDoor
	authTokens
	authPeople
	authOwner
}

type authDoor interface {
	// Basic and Bearer tell who asks: errs.Denied, or *auth.TooFast for guessers.
	Basic(ctx context.Context, name, password, client string) (auth.Identity, error)
	Bearer(ctx context.Context, token string) (auth.Identity, error)
	Sessions(ctx context.Context, userID string) ([]auth.Session, error)
	EndSession(ctx context.Context, userID string, id int64) error
	EndOtherSessions(ctx context.Context, userID string, keep int64) error
	ChangePassword(ctx context.Context, by auth.Identity, old, new string, client string) error
	Events(ctx context.Context, by auth.Identity, before int64, limit int) ([]auth.Event, error)
}

type authTokens interface {
	NewToken(ctx context.Context, by auth.Identity, r auth.TokenRequest) (auth.Token, string, error)
	Tokens(ctx context.Context, userID string) ([]auth.Token, error)
	Token(ctx context.Context, userID, id string) (auth.Token, error)
	DeleteToken(ctx context.Context, userID, id string) error
}

type authPeople interface {
	Users(ctx context.Context) ([]auth.User, error)
	User(ctx context.Context, id string) (auth.User, error)
	AddUser(ctx context.Context, by auth.Identity, name, password string) (auth.User, error)
	SetPassword(ctx context.Context, userID, password string) error
	RenameUser(ctx context.Context, userID, name string) error
	DeleteUser(ctx context.Context, by auth.Identity, userID string) error
}

type authOwner interface {
	Settings() auth.Settings
	SetSettings(ctx context.Context, by auth.Identity, v auth.Settings, password string) error
	Invite(ctx context.Context, by auth.Identity, hours int) (auth.Invitation, string, error)
	Invitations(ctx context.Context, by auth.Identity) ([]auth.Invitation, error)
	RevokeInvitation(ctx context.Context, by auth.Identity, id int64) error
}

// Wallets is what the API asks of wallet.Service, cut by kind of route.
type Wallets interface {
	walletList
	walletSetup
	walletRows
	walletWords
	walletLooking
	walletFiles
	walletDrafts
	walletAfter
	walletWaiting
	walletChain
	walletUSB
	// Subscribe tells of changes to the owner's wallets until the func is called.
	Subscribe(o wallet.Owner) (<-chan wallet.Event, func())
}

type walletList interface {
	List(ctx context.Context, o wallet.Owner, n btc.Network) ([]wallet.Record, error)
	Get(ctx context.Context, ref wallet.Ref) (wallet.Record, error)
	Check(ctx context.Context, o wallet.Owner, n btc.Network, w wallet.NewWallet) (wallet.Proposal, error)
	Create(ctx context.Context, o wallet.Owner, n btc.Network, w wallet.NewWallet) (wallet.Record, error)
	Rename(ctx context.Context, ref wallet.Ref, name string) error
	Delete(ctx context.Context, ref wallet.Ref) error
	Export(ctx context.Context, ref wallet.Ref, format string) (wallet.File, error)
}

type walletRows interface {
	Addresses(ctx context.Context, ref wallet.Ref, q wallet.Query) (wallet.AddressPage, error)
	History(ctx context.Context, ref wallet.Ref, q wallet.Query) (wallet.HistoryPage, error)
	HistoryAll(ctx context.Context, o wallet.Owner, n btc.Network, q wallet.Query) (wallet.HistoryPage, error)
	Transaction(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) (wallet.TxDetail, error)
	Coins(ctx context.Context, ref wallet.Ref, q wallet.Query) (wallet.CoinPage, error)
	CoinsAll(ctx context.Context, o wallet.Owner, n btc.Network, q wallet.Query) (wallet.CoinPage, error)
}

type walletWords interface {
	ReceiveAddress(ctx context.Context, ref wallet.Ref) (wallet.AddressRow, error)
	NewAddress(ctx context.Context, ref wallet.Ref) (wallet.AddressRow, error)
	AddressInfo(ctx context.Context, ref wallet.Ref, address string) (wallet.AddressRow, error)
	SetLabel(ctx context.Context, ref wallet.Ref, kind wallet.LabelKind, key string, label string) error
	Freeze(ctx context.Context, ref wallet.Ref, coins []wire.OutPoint, frozen bool) error
}

type walletFiles interface {
	LabelsPreview(ctx context.Context, ref wallet.Ref, data []byte) (wallet.LabelPreview, error)
	ImportLabels(ctx context.Context, ref wallet.Ref, data []byte, c wallet.LabelChoice) (wallet.LabelResult, error)
	ExportLabels(ctx context.Context, ref wallet.Ref, format string) (wallet.File, error)
	ExportFile(ctx context.Context, ref wallet.Ref, format string) (wallet.File, error)
	ReadFile(data []byte, n btc.Network) (wallet.Foreign, error)
	WriteHistory(ctx context.Context, w io.Writer, q wallet.TableRequest) error
	WriteCoins(ctx context.Context, w io.Writer, q wallet.TableRequest) error
	WriteAddresses(ctx context.Context, w io.Writer, q wallet.TableRequest) error
}

type walletDrafts interface {
	Preview(ctx context.Context, ref wallet.Ref, r wallet.SpendRequest) (wallet.Preview, error)
	NewDraft(ctx context.Context, ref wallet.Ref, r wallet.SpendRequest) (wallet.Draft, error)
	ImportPSBT(ctx context.Context, ref wallet.Ref, data []byte) (wallet.Draft, error)
	Drafts(ctx context.Context, ref wallet.Ref) ([]wallet.Draft, error)
	Draft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error)
	DeleteDraft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) error
	AddSignatures(ctx context.Context, ref wallet.Ref, id wallet.DraftID, data []byte) (wallet.Draft, error)
	SignHot(ctx context.Context, ref wallet.Ref, id wallet.DraftID, deviceID int64, passphrase string) (wallet.Draft, error)
	SetNote(ctx context.Context, ref wallet.Ref, id wallet.DraftID, note string) error
}

type walletAfter interface {
	PreviewReplace(ctx context.Context, ref wallet.Ref, q wallet.ReplaceRequest) (wallet.Preview, error)
	Replace(ctx context.Context, ref wallet.Ref, q wallet.ReplaceRequest) (wallet.Draft, error)
	PreviewChild(ctx context.Context, ref wallet.Ref, q wallet.ChildRequest) (wallet.Preview, error)
	Child(ctx context.Context, ref wallet.Ref, q wallet.ChildRequest) (wallet.Draft, error)
}

type walletChain interface {
	Sync(ctx context.Context, ref wallet.Ref) error
	Repair(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) error
	AbortRescan(ctx context.Context, ref wallet.Ref) error
}

// Devices is what the API asks of device.Service.
type Devices interface {
	deviceList
	Create(ctx context.Context, owner, name, typ string, keys []device.Key) (device.Device, error)
	CreateHot(ctx context.Context, owner, name string, seed device.Seed) (device.Device, error)
	AddKeys(ctx context.Context, owner, alias string, keys []device.Key) (device.Device, error)
	RemoveKey(ctx context.Context, owner, alias, xpub, scriptType string) (device.Device, error)
	Rename(ctx context.Context, owner, alias, name string) (device.Device, error)
	SetType(ctx context.Context, owner, alias, typ string) (device.Device, error)
	Forget(ctx context.Context, owner, alias string) error
}

type deviceList interface {
	List(ctx context.Context, owner string) ([]device.Device, error)
	Get(ctx context.Context, owner, alias string) (device.Device, error)
	ParseKeys(data []byte) (device.Parsed, error)
	Uses(ctx context.Context, owner string, d device.Device) ([]string, error)
}

// Nodes is what the API asks of node.Service.
type Nodes interface {
	nodeList
	Test(ctx context.Context, n node.Node) node.Report
	Connect(ctx context.Context, n node.Node) (node.Node, node.Report, error)
	Save(ctx context.Context, n node.Node) (node.Node, error)
	Delete(ctx context.Context, alias string) error
	Activate(ctx context.Context, alias string) error
}

type nodeList interface {
	// Status tells how the active node stood when it last answered; it never waits.
	Status(ctx context.Context) node.State
	// Network is the active node's; errs.NotFound when there is none.
	Network(ctx context.Context) (btc.Network, error)
	List(ctx context.Context) ([]node.Node, error)
	Get(ctx context.Context, alias string) (node.Node, error)
	Detect(ctx context.Context) []node.Candidate
}

// Settings keeps what a user has chosen, as words under names. An unknown name is "".
type Settings interface {
	Setting(ctx context.Context, owner, name string) (string, error)
	PutSetting(ctx context.Context, owner, name, value string) error
	setting.Store
}

// Idempotency remembers answers to requests with an Idempotency-Key. Package store implements it.
type Idempotency interface {
	// IdempotentAnswer returns what PutIdempotentAnswer stored under a user's key after a time;
	// found is false when there is nothing.
	IdempotentAnswer(ctx context.Context, user string, key []byte, after time.Time) (print, answer []byte, found bool, err error)
	// PutIdempotentAnswer stores an answer under a user's key, and forgets those of all users
	// before a time as well as a user's oldest beyond a bound.
	PutIdempotentAnswer(ctx context.Context, user string, key, print, answer []byte, now, before time.Time) error
}
