package web

import (
	"context"
	"io"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc"
	"specter/internal/wallet"
)

// walletLooking is what the pages for looking at wallets ask besides: charts, files, labels.
type walletLooking interface {
	BalanceSeries(ctx context.Context, ref wallet.Ref, points int) ([]wallet.BalancePoint, error)
	BalanceSeriesAll(ctx context.Context, o wallet.Owner, n btc.Network, points int) ([]wallet.BalancePoint, error)
	Statement(ctx context.Context, ref wallet.Ref, from, to time.Time) (wallet.File, error)
	StatementAll(ctx context.Context, o wallet.Owner, n btc.Network, from, to time.Time) (wallet.File, error)
	Consolidation(ctx context.Context, ref wallet.Ref, feerate btc.FeeRate) (wallet.Advice, error)
	DescribeAddress(ctx context.Context, ref wallet.Ref, address string) (wallet.AddressWords, error)
	Proofs(ctx context.Context, ref wallet.Ref, ids []chainhash.Hash) (map[chainhash.Hash]wallet.Proof, error)
	walletHeaders
	walletTables
	walletLabels
}

// walletTables write lists as files, a few rows in memory at a time. Nothing has been written
// where they fail before the first row.
type walletTables interface {
	WriteHistory(ctx context.Context, w io.Writer, q wallet.TableRequest) error
	WriteCoins(ctx context.Context, w io.Writer, q wallet.TableRequest) error
	WriteAddresses(ctx context.Context, w io.Writer, q wallet.TableRequest) error
}

// walletLabels are the labels of a wallet and the files that they come in.
type walletLabels interface {
	Labels(ctx context.Context, ref wallet.Ref, q wallet.Query) (wallet.LabelPage, error)
	LabelsPreview(ctx context.Context, ref wallet.Ref, data []byte) (wallet.LabelPreview, error)
	ImportLabels(ctx context.Context, ref wallet.Ref, data []byte, c wallet.LabelChoice) (wallet.LabelResult, error)
	ExportLabels(ctx context.Context, ref wallet.Ref, format string) (wallet.File, error)
}

// Explorer is the address of the block explorer that a user chose for a network, to which
// "/tx/<txid>" and "/address/<address>" are added; "" where none is chosen. It never waits.
type Explorer func(ctx context.Context, o wallet.Owner, n btc.Network) string

// PastPrices tells in which currency a user reckons, and what a bitcoin cost at a time. at is nil
// where the user asks nobody for prices.
type PastPrices func(ctx context.Context, o wallet.Owner) (currency string, at func(ctx context.Context, t time.Time) (btc.Price, error))
