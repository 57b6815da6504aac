package web

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/wallet"
)

// Wallets is what the pages ask of wallet.Service. It is cut by the kind of page that asks.
type Wallets interface {
	walletList
	walletPages
	walletLooking
	walletWords
	walletMoney
	walletDrafts
	walletAfter
	walletUSB
	walletChain
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
	walletFiles
	walletSetup
}

// walletFiles are the wallet files of other programs and of devices.
type walletFiles interface {
	ReadFile(data []byte, n btc.Network) (wallet.Foreign, error)
	ExportFile(ctx context.Context, ref wallet.Ref, format string) (wallet.File, error)
}

type walletPages interface {
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

type walletMoney interface {
	Preview(ctx context.Context, ref wallet.Ref, r wallet.SpendRequest) (wallet.Preview, error)
	NewDraft(ctx context.Context, ref wallet.Ref, r wallet.SpendRequest) (wallet.Draft, error)
	ImportPSBT(ctx context.Context, ref wallet.Ref, data []byte) (wallet.Draft, error)
}

type walletDrafts interface {
	Drafts(ctx context.Context, ref wallet.Ref) ([]wallet.Draft, error)
	Draft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error)
	DeleteDraft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) error
	AddSignatures(ctx context.Context, ref wallet.Ref, id wallet.DraftID, data []byte) (wallet.Draft, error)
	SignHot(ctx context.Context, ref wallet.Ref, id wallet.DraftID, deviceID int64, passphrase string) (wallet.Draft, error)
	SetNote(ctx context.Context, ref wallet.Ref, id wallet.DraftID, note string) error
}

type walletChain interface {
	Sync(ctx context.Context, ref wallet.Ref) error
	Repair(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) error
	Rescan(ctx context.Context, ref wallet.Ref, fromHeight int32) error
	AbortRescan(ctx context.Context, ref wallet.Ref) error
}

// Devices is what the pages ask of device.Service.
type Devices interface {
	List(ctx context.Context, owner string) ([]device.Device, error)
	Get(ctx context.Context, owner, alias string) (device.Device, error)
	ParseKeys(data []byte) (device.Parsed, error)
	Uses(ctx context.Context, owner string, d device.Device) ([]string, error)
	deviceWords
}

type deviceWords interface {
	Create(ctx context.Context, owner, name, typ string, keys []device.Key) (device.Device, error)
	CreateHot(ctx context.Context, owner, name string, seed device.Seed) (device.Device, error)
	AddKeys(ctx context.Context, owner, alias string, keys []device.Key) (device.Device, error)
	RemoveKey(ctx context.Context, owner, alias, xpub, scriptType string) (device.Device, error)
	Rename(ctx context.Context, owner, alias, name string) (device.Device, error)
	SetType(ctx context.Context, owner, alias, typ string) (device.Device, error)
	Forget(ctx context.Context, owner, alias string) error
}

// Nodes is what the pages ask of node.Service.
type Nodes interface {
	// Status tells how the active node stood when it last answered; it never waits.
	Status(ctx context.Context) node.State
	// Network is the active node's; errs.NotFound when there is none.
	Network(ctx context.Context) (btc.Network, error)
	List(ctx context.Context) ([]node.Node, error)
	Get(ctx context.Context, alias string) (node.Node, error)
	Detect(ctx context.Context) []node.Candidate
	nodeWords
}

type nodeWords interface {
	Test(ctx context.Context, n node.Node) node.Report
	Connect(ctx context.Context, n node.Node) (node.Node, node.Report, error)
	Save(ctx context.Context, n node.Node) (node.Node, error)
	Rename(ctx context.Context, alias, name string) error
	Delete(ctx context.Context, alias string) error
	Activate(ctx context.Context, alias string) error
}
