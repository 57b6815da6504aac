// Package spend turns coins, recipients and a feerate into an unsigned PSBT that has checked
// itself: Plan for a payment, BumpFee to replace a transaction of ours by one that pays more
// (BIP125), ChildPaysForParent to pull one along.
//
// Everything is a pure function of its arguments. Randomness (which coins, where the change
// stands, in which order) comes from a seed, so that a preview and the draft after it agree.
// What a wallet, a freeze or a reservation is, is not known here: the caller passes the coins
// that may be spent.
package spend

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
)

// Coin is a utxo of ours that may be spent.
type Coin struct {
	OutPoint      wire.OutPoint
	Amount        btcutil.Amount
	Script        []byte // scriptPubKey; checked against the descriptor for the coins that are spent
	Branch        uint32 // which of Params.Branches derives it
	Index         uint32
	Confirmations int32       // 0: unconfirmed
	Own           bool        // unconfirmed, but its transaction spent only coins of ours (change of ours)
	PrevTx        *wire.MsgTx // the transaction that made it; nil: Params.PrevTx is asked where it is needed
	InputWeight   btc.Weight  // of the signed input at worst; 0: what the branch's descriptor says
	Older         uint32      // sequence that the input needs for a relative locktime (BIP68); 0: none
}

// Recipient is an output that the user asks for.
type Recipient struct {
	Script []byte
	Amount btcutil.Amount // ignored when Max
	Max    bool           // all that is left goes here; at most one recipient
}

// Params says what to pay and how.
type Params struct {
	Network     btc.Network
	Branches    []*descriptor.Descriptor // single-path, by branch: receive, change. A wallet with one branch has one
	ChangeIndex uint32                   // index of the change output on the last of Branches, should there be change
	Recipients  []Recipient
	FeeRate     btc.FeeRate
	LongTerm    btc.FeeRate    // expected feerate of a day when nobody hurries; 0: 10 sat/vB
	Chosen      bool           // the coins were picked by hand: spend all of them
	SubtractFee []int          // recipients, by place, who pay the fee in equal parts
	Replaceable bool           // signal BIP125
	LockTime    *uint32        // nil: the tip's height, against fee sniping
	Tip         int32          // height of the newest block; 0: not known or not synced, then the default locktime is 0
	MinRelay    btc.FeeRate    // the node's floor; 0: 0.1 sat/vB
	MaxFee      btcutil.Amount // 0: DefaultMaxFee
	MaxFeeRate  btc.FeeRate    // 0: DefaultMaxFeeRate; raised when the user insists, never to AbsurdFeeRate
	XPubs       bool           // put the cosigners' xpubs into the PSBT (PSBT_GLOBAL_XPUB)
	Seed        [32]byte       // fresh randomness for each draft; the same seed gives the same plan. All zero is refused

	// PrevTx fetches the transaction that made a coin, for coins whose PrevTx is nil. It is
	// asked only for coins that are spent and whose input needs it (all but taproot). May be nil
	// when every coin brings its own.
	PrevTx func(id chainhash.Hash) (*wire.MsgTx, error)
}

// The bounds of fees.
const (
	DefaultMaxFee     btcutil.Amount = 10_000_000    // 0.1 BTC, as Bitcoin Core's -maxtxfee
	DefaultMaxFeeRate btc.FeeRate    = 1_000 * 1000  // 1,000 sat/vB
	AbsurdFeeRate     btc.FeeRate    = 10_000 * 1000 // 10,000 sat/vB: always refused
	defaultMinRelay   btc.FeeRate    = 100           // 0.1 sat/vB, Bitcoin Core's since 29.1
	defaultLongTerm   btc.FeeRate    = 10 * 1000     // 10 sat/vB, as Bitcoin Core's consolidation feerate
	maxStandardWeight btc.Weight     = 400_000       // MAX_STANDARD_TX_WEIGHT
	worthChange       btcutil.Amount = 50_000        // the random draw looks for so much change
)

// Output is an output of the plan. Outputs stand in the transaction's order.
type Output struct {
	Script    []byte
	Amount    btcutil.Amount
	Recipient int // place in Params.Recipients; -1: our change
}

// Result is a plan: an unsigned PSBT and what is to be told about it.
type Result struct {
	Packet     *psbt.Packet // version 0
	Inputs     []Coin       // in the transaction's order
	Outputs    []Output     // in the transaction's order
	ChangeVout int          // -1: no change
	Change     btcutil.Amount
	Fee        btcutil.Amount
	FeeRate    btc.FeeRate // Fee over VSize
	VSize      btc.VSize   // of the signed transaction, at worst
	Weight     btc.Weight  // of the signed transaction, at worst
	How        string      // the selector that found the coins, or "all chosen coins"
	Remarks    []Remark    // what a person should know before signing
}

// HowChosen and HowAll stand in Result.How where no selector was asked.
const (
	HowChosen = "chosen by hand"
	HowAll    = "everything"
	HowSame   = "the same coins" // a replacement that needs no more
)
