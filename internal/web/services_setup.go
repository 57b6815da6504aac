package web

import (
	"context"

	"specter/internal/wallet"
)

// walletSetup is what the pages ask about making and keeping wallets.
type walletSetup interface {
	StartScan(ctx context.Context, ref wallet.Ref, q wallet.ScanRequest) error
	SetGap(ctx context.Context, ref wallet.Ref, gap int) error
	KeyPool(ctx context.Context, ref wallet.Ref) (derived [2]uint32, err error)
	Losses(ctx context.Context, ref wallet.Ref) (wallet.Losses, error)
	Rebuild(ctx context.Context, ref wallet.Ref) error
	BackupSheet(ctx context.Context, ref wallet.Ref) (wallet.File, error)
}
