package spend

import (
	"fmt"
	"strconv"
)

// Code names a remark, so that pages can translate it and programs can tell it apart.
type Code string

// The remarks of a plan. What stands in Args is told beside each sentence.
const (
	FeePercent    Code = "fee-percent"      // percent
	SurplusToFee  Code = "surplus-to-fee"   // sat
	ForeignCoins  Code = "foreign-coins"    // count
	CostlyCoins   Code = "costly-coins"     // count
	LockedUntil   Code = "locked-until"     // height
	NoSignal      Code = "no-signal"        // nothing
	ManyInputs    Code = "many-inputs"      // count, vB
	FeeRateHigh   Code = "feerate-high"     // sat/vB, the estimate in sat/vB
	BelowMempool  Code = "below-mempool"    // sat/vB, the mempool's least in sat/vB
	UnitMixUp     Code = "unit-mix-up"      // recipient, sat
	NearlyAll     Code = "nearly-all"       // percent
	RoundAmount   Code = "round-amount"     // recipient
	PaidBefore    Code = "paid-before"      // recipient, address
	OwnUsed       Code = "own-used"         // recipient, address
	OwnAddress    Code = "own-address"      // recipient, address
	OwnOther      Code = "own-other"        // recipient, the other wallet's name, address
	LookAlike     Code = "look-alike"       // recipient, address, the known address
	ScriptTypes   Code = "script-types"     // nothing
	LinkedLabels  Code = "linked-labels"    // labels
	ReusedCoins   Code = "reused-coins"     // count
	DoubleSign    Code = "double-sign"      // draft
	FrozenCoin    Code = "frozen-coin"      // outpoint
	SharedCoin    Code = "shared-coin"      // outpoint, draft
	ForeignInputs Code = "foreign-inputs"   // count
	FeeUnknown    Code = "fee-unknown"      // nothing
	FeeFarTooHigh Code = "fee-far-too-high" // nothing
	Plain         Code = ""                 // the sentence itself: a remark of an older version
)

// sentences are the English words, with a verb for each of Args.
var sentences = map[Code]string{
	FeePercent:    "The fee is %s %% of what is sent.",
	SurplusToFee:  "%s sat were too few to make change of and go to the fee.",
	ForeignCoins:  "Coins from others that are not confirmed: %s. Should they replace those payments, this transaction fails.",
	CostlyCoins:   "Coins that cost more to spend at this feerate than they bring: %s.",
	LockedUntil:   "The locktime keeps the transaction out of every block up to %s.",
	NoSignal:      "The original does not signal that it may be replaced; only nodes that replace everything will take this one.",
	ManyInputs:    "It spends %s coins and takes %s vB: signing takes long on a device, and all these coins become linked.",
	FeeRateHigh:   "The feerate of %s sat/vB is far above the estimate for the next block, %s sat/vB.",
	BelowMempool:  "The feerate of %s sat/vB is below what the node's full mempool takes now, %s sat/vB: the transaction waits until that falls.",
	UnitMixUp:     "Recipient %s gets %s sat. Is that the amount you meant, or were BTC and sat mixed up?",
	NearlyAll:     "%s %% of what the wallet can spend leaves it.",
	RoundAmount:   "The amount of recipient %s is round and the change is not: everybody can tell which output is the change.",
	PaidBefore:    "Recipient %s was paid at %s before; a fresh address would keep the payments apart.",
	OwnUsed:       "Recipient %s is an address of this wallet that was used before: %s. A fresh one would keep the payments apart.",
	OwnAddress:    "Recipient %s is an address of this wallet: %s.",
	OwnOther:      "Recipient %s is an address of your wallet %s: %s.",
	LookAlike:     "Recipient %s, %s, looks like %s, which you know, but is another address. Compare every character: such addresses are made to deceive.",
	ScriptTypes:   "Recipient and change have different types of address: everybody can tell which output is the change.",
	LinkedLabels:  "It joins coins of different origin, which become linked for everybody: %s.",
	ReusedCoins:   "Coins on addresses that received more than once: %s. They are linked already.",
	DoubleSign:    "Draft %s spends a coin of this one and carries signatures already. Sign again only where you mean to replace that payment, and check the amounts on the device: a computer that lies about them can combine two signatures into a fee of its choice.",
	FrozenCoin:    "It spends %s, which you have frozen.",
	SharedCoin:    "It spends %s, which draft %s spends too: only one of them can be sent.",
	ForeignInputs: "Inputs that are not of this wallet: %s.",
	FeeUnknown:    "Its fee is not known: a coin of somebody else is not described.",
	FeeFarTooHigh: "Its fee is far higher than any that is needed.",
	Plain:         "%s",
}

// Remark is something that a person should know before signing.
type Remark struct {
	Code Code
	Args []string // fill the sentence's verbs in order
}

// NewRemark makes a remark; numbers become decimal text.
func NewRemark(code Code, args ...any) Remark {
	r := Remark{Code: code}
	for _, a := range args {
		switch a := a.(type) {
		case int:
			r.Args = append(r.Args, strconv.Itoa(a))
		case string:
			r.Args = append(r.Args, a)
		default:
			r.Args = append(r.Args, fmt.Sprint(a))
		}
	}
	return r
}

// Format is the English sentence with a %s for each of Args: the key of a translation.
func (r Remark) Format() string {
	if f, ok := sentences[r.Code]; ok {
		return f
	}
	return "%s"
}

// String is the English sentence.
func (r Remark) String() string {
	args := make([]any, len(r.Args))
	for i, a := range r.Args {
		args[i] = a
	}
	return fmt.Sprintf(r.Format(), args...)
}

// Grave reports whether the remark is about money that may be lost, rather than about privacy
// or waiting.
func (r Remark) Grave() bool {
	switch r.Code {
	case FeePercent, FeeRateHigh, UnitMixUp, LookAlike, DoubleSign, FeeUnknown, FeeFarTooHigh, FrozenCoin, SharedCoin:
		return true
	}
	return false
}

// Sentences lists the English sentences of all remarks, for whoever translates them.
func Sentences() map[Code]string {
	out := make(map[Code]string, len(sentences))
	for c, s := range sentences {
		out[c] = s
	}
	return out
}
