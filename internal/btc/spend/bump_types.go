package spend

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
)

// Bump asks for a replacement of an unconfirmed transaction of ours (BIP125). Of Params,
// Recipients, Chosen and SubtractFee are not read: the recipients are the original's.
type Bump struct {
	Params
	Original    *wire.MsgTx
	Spent       []Coin         // the coins that the original spends: all of them are ours
	OriginalFee btcutil.Amount // 0: computed from Spent
	EvictedFees btcutil.Amount // fees of unconfirmed descendants that the replacement throws out (rule 3)
	Increment   btc.FeeRate    // incremental relay feerate; 0: 1 sat/vB
	Change      []int          // the original's outputs that are our change: they may shrink or go
	Cancel      bool           // do not pay the recipients; everything comes back to ChangeIndex
}

// Child asks for a transaction that spends an output of an unconfirmed one, and pays so much
// that parent and child together reach a feerate (CPFP).
type Child struct {
	Params                     // FeeRate is the package's; Recipients are not read: the money comes back to ChangeIndex
	ParentFee   btcutil.Amount // of all unconfirmed ancestors together
	ParentVSize btc.VSize      // of all unconfirmed ancestors together
}
