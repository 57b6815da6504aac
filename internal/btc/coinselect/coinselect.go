// Package coinselect chooses which coins pay for a transaction: branch and bound, then single
// random draw, then largest first, all on effective values (amount minus what the input costs
// at the feerate). It knows no wallet, no script and no descriptor: weights come in as numbers.
//
// The vocabulary (effective value, cost of change, waste) is that of Bitcoin Core and of
// Murch's thesis "An Evaluation of Coin Selection Strategies".
package coinselect

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

// Tier says how far a coin can be relied on. Coins of a higher tier are touched only when the
// lower ones cannot pay.
type Tier uint8

// The tiers.
const (
	Confirmed Tier = iota // in a block
	Own                   // unconfirmed, made by a transaction that spent only our coins
	Foreign               // unconfirmed, made by somebody who can still replace it
)

// Candidate is a coin that may be chosen. Weight is what its descriptor says the whole signed
// input weighs at worst, never a guess from the script type.
type Candidate struct {
	Place  int // in the caller's list; not read here
	Amount btcutil.Amount
	Weight btc.Weight
	Tier   Tier
}

// Target is what a set of coins has to pay for.
type Target struct {
	Amount          btcutil.Amount // sum of the recipients
	FeeRate         btc.FeeRate    // what the transaction pays
	LongTermFeeRate btc.FeeRate    // what spending a coin is expected to cost some day
	BaseWeight      btc.Weight     // everything but inputs and change; the input count takes one byte in it
	ChangeWeight    btc.Weight     // a change output
	ChangeSpend     btc.Weight     // the input that will spend the change some day
	MinChange       btcutil.Amount // change below this is not made but left to the fee; at least the dust limit
	WantChange      btcutil.Amount // the random draw looks for so much change, to make change that is worth having
	MaxWeight       btc.Weight     // of the whole transaction, change included; 0: no bound
	FeeByRecipients bool           // recipients pay the fee: coins count with their full amount
}

// A Selector picks coins that pay for t, or returns nil when it finds no set. It does not
// change the list it is given.
type Selector func(t Target, coins []Candidate) []Candidate

// Selection is a set of coins and the name of the selector that found it.
type Selection struct {
	Coins []Candidate
	How   string
}

// The names that Selection.How takes.
const (
	HowBranchAndBound = "branch and bound"
	HowRandomDraw     = "single random draw"
	HowLargestFirst   = "largest first"
)

// Choose tries the selectors in turn: first on confirmed coins alone, then with our own
// unconfirmed change, then with every coin. ok is false when no set pays for t within the
// greatest weight.
func Choose(t Target, coins []Candidate, rng *rand.Rand) (s Selection, ok bool) {
	selectors := []struct {
		how    string
		choose Selector
	}{
		{HowBranchAndBound, BranchAndBound},
		{HowRandomDraw, RandomDraw(rng)},
		{HowLargestFirst, LargestFirst},
	}
	for _, tier := range []Tier{Confirmed, Own, Foreign} {
		pool, news := upTo(coins, tier)
		if !news && tier > Confirmed {
			continue // the same coins as in the tier below
		}
		for _, sel := range selectors {
			if set := sel.choose(t, pool); set != nil {
				return Selection{Coins: set, How: sel.how}, true
			}
		}
	}
	return Selection{}, false
}

// upTo returns the coins up to a tier, and whether any is of that very tier.
func upTo(coins []Candidate, tier Tier) (pool []Candidate, news bool) {
	for _, c := range coins {
		if c.Tier <= tier {
			pool = append(pool, c)
			news = news || c.Tier == tier
		}
	}
	return pool, news
}

// Effective returns what a coin contributes after paying for its own input.
func (t Target) Effective(c Candidate) btcutil.Amount {
	if t.FeeByRecipients {
		return c.Amount
	}
	return c.Amount - t.FeeRate.FeeForWeight(c.Weight)
}

// Need returns what the effective values must sum up to, change not included.
func (t Target) Need() btcutil.Amount {
	if t.FeeByRecipients {
		return t.Amount
	}
	// A transaction's size rounds up to whole vbytes: at most three weight units.
	return t.Amount + t.FeeRate.FeeForWeight(t.BaseWeight+3)
}

// costOfChange is what it costs to make a change output now and to spend it some day.
func (t Target) costOfChange() btcutil.Amount {
	return t.changeFee() + t.LongTermFeeRate.FeeForWeight(t.ChangeSpend)
}

// changeFee is what a change output costs in this transaction.
func (t Target) changeFee() btcutil.Amount {
	if t.FeeByRecipients {
		return 0
	}
	return t.FeeRate.FeeForWeight(t.ChangeWeight)
}

// countWeight is what the count of n inputs weighs beyond the byte in BaseWeight.
func countWeight(n int) btc.Weight {
	switch {
	case n > 0xffff:
		return 16
	case n > 0xfc:
		return 8
	}
	return 0
}

// countFee is the fee for a longer count of inputs.
func (t Target) countFee(n int) btcutil.Amount {
	if t.FeeByRecipients {
		return 0
	}
	return t.FeeRate.FeeForWeight(countWeight(n))
}

// Pays reports whether a set pays for t: its effective values reach Need, and with a change
// output it stays within MaxWeight.
func (t Target) Pays(set []Candidate) bool {
	var sum btcutil.Amount
	var weight btc.Weight
	for _, c := range set {
		sum += t.Effective(c)
		weight += c.Weight
	}
	return len(set) > 0 && sum >= t.Need()+t.countFee(len(set)) && t.fits(weight, len(set))
}

// fits reports whether inputs of a summed weight stay within MaxWeight.
func (t Target) fits(inputs btc.Weight, n int) bool {
	return t.MaxWeight == 0 || t.BaseWeight+t.ChangeWeight+inputs+countWeight(n) <= t.MaxWeight
}

// Waste measures a set: what its inputs cost now beyond what they would cost in the long term,
// plus the cost of change, or, where the excess makes no change, the excess given away.
// Smaller is better; it is negative while feerates are low.
func (t Target) Waste(set []Candidate) btcutil.Amount {
	var waste, sum btcutil.Amount
	for _, c := range set {
		waste += t.FeeRate.FeeForWeight(c.Weight) - t.LongTermFeeRate.FeeForWeight(c.Weight)
		sum += t.Effective(c)
	}
	excess := sum - t.Need() - t.countFee(len(set))
	if excess >= t.changeFee()+t.MinChange {
		return waste + t.costOfChange()
	}
	return waste + excess
}

// valued is a candidate with its effective value.
type valued struct {
	Candidate
	value btcutil.Amount
	waste btcutil.Amount // fee now minus fee in the long term
}

// worthwhile returns the candidates that contribute more than they cost, greatest effective
// value first; of equal ones the lighter first.
func (t Target) worthwhile(coins []Candidate) []valued {
	out := make([]valued, 0, len(coins))
	for _, c := range coins {
		fee := t.FeeRate.FeeForWeight(c.Weight)
		if c.Amount > fee { // whoever pays the fee, a coin that costs more than it is worth stays
			out = append(out, valued{c, t.Effective(c), fee - t.LongTermFeeRate.FeeForWeight(c.Weight)})
		}
	}
	slices.SortStableFunc(out, func(a, b valued) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.Weight, b.Weight))
	})
	return out
}
