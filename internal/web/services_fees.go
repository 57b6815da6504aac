package web

import (
	"context"

	"specter/internal/btc"
	"specter/internal/rates"
	"specter/internal/wallet"
)

// Fees is what the pages of sending ask about numbers and ways from outside. What it answers
// depends on the settings of who asks.
type Fees interface {
	// FeeRates tells which feerates confirm when, and who says so. It is never an error: a table
	// without rates says why.
	FeeRates(ctx context.Context, o wallet.Owner) rates.Table
	// Price tells what a bitcoin costs; ok is false where nobody is asked or answers.
	Price(ctx context.Context, o wallet.Owner) (q rates.Quote, ok bool)
	// Senders lists who can send a transaction besides the active node.
	Senders(ctx context.Context, o wallet.Owner, n btc.Network) []wallet.Sender
}
