package web

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/wallet"
)

// walletAfter is what the pages ask about transactions that wait, and about drafts in the place
// of others. wallet.Service says what each answers.
type walletAfter interface {
	Choices(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) (wallet.Choices, error)
	Alarms(ctx context.Context, ref wallet.Ref) ([]wallet.HistoryRow, error)
	Abandon(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) error
	RebroadcastVia(ctx context.Context, ref wallet.Ref, txid chainhash.Hash, via string) error
	BroadcastVia(ctx context.Context, ref wallet.Ref, id wallet.DraftID, via string) (chainhash.Hash, error)
	walletReplace
	walletDraftLife
}

type walletReplace interface {
	PreviewReplace(ctx context.Context, ref wallet.Ref, q wallet.ReplaceRequest) (wallet.Preview, error)
	Replace(ctx context.Context, ref wallet.Ref, q wallet.ReplaceRequest) (wallet.Draft, error)
	PreviewChild(ctx context.Context, ref wallet.Ref, q wallet.ChildRequest) (wallet.Preview, error)
	Child(ctx context.Context, ref wallet.Ref, q wallet.ChildRequest) (wallet.Draft, error)
	EditRequest(ctx context.Context, ref wallet.Ref, txid chainhash.Hash) (wallet.SpendRequest, error)
}

type walletDraftLife interface {
	DraftRequest(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.SpendRequest, error)
	RepairDraft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error)
	RenewDraft(ctx context.Context, ref wallet.Ref, id wallet.DraftID) (wallet.Draft, error)
	Compare(ctx context.Context, ref wallet.Ref, a, b wallet.DraftID) (wallet.Comparison, error)
}
