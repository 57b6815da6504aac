package v1

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// Fees is what the API asks about numbers and ways to send from outside. What it answers depends
// on the settings of who asks.
type Fees interface {
	// FeeRates tells which feerates confirm when, and who says so. It is never an error: a table
	// without rates says why.
	FeeRates(ctx context.Context, o wallet.Owner) rates.Table
	// Senders lists who can send a transaction besides the active node.
	Senders(ctx context.Context, o wallet.Owner, n btc.Network) []wallet.Sender
}

// walletWaiting is about transactions that wait, and drafts in the place of others.
type walletWaiting interface {
	Choices(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) (wallet.Choices, error)
	Alarms(ctx context.Context, ref wallet.Ref) ([]wallet.HistoryRow, error)
	Abandon(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) error
	RebroadcastVia(ctx context.Context, ref wallet.Ref, txid chainhash.Hash, via string) error
	BroadcastVia(ctx context.Context, ref wallet.Ref, id wallet.DraftID, via string) (chainhash.Hash, error)
	EditRequest(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) (wallet.SpendRequest, error)
	DraftRequest(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.SpendRequest, error)
	RepairDraft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error)
	RenewDraft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error)
	Compare(ctx context.Context, ref wallet.Ref, a, b wallet.DraftID) (wallet.Comparison, error)
}
