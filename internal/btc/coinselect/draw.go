package coinselect

import (
	"math/rand/v2"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

// RandomDraw returns the selector that draws coins in random order until they pay for the
// target and for change of at least WantChange. When the set grows too heavy, the coin of the
// least effective value leaves it. A set drawn at random tells an observer little.
func RandomDraw(rng *rand.Rand) Selector {
	return func(t Target, coins []Candidate) []Candidate {
		pool := t.worthwhile(coins)
		rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		need := t.Need()
		if want := max(t.WantChange, t.MinChange); want > 0 {
			need += want + t.changeFee()
		}
		set := drawn{t: t}
		for _, c := range pool {
			set.add(c)
			for !t.fits(set.weight, len(set.coins)) {
				set.dropLeast()
			}
			if len(set.coins) > 0 && set.sum >= need+t.countFee(len(set.coins)) {
				return set.candidates()
			}
		}
		return nil
	}
}

// drawn is a set of coins kept as a heap, the least effective value on top, so that a draw of
// thousands of coins against a weight bound stays quick.
type drawn struct {
	t      Target
	coins  []valued
	sum    btcutil.Amount
	weight btc.Weight
}

func (d *drawn) add(c valued) {
	d.sum, d.weight = d.sum+c.value, d.weight+c.Weight
	d.coins = append(d.coins, c)
	for i := len(d.coins) - 1; i > 0; {
		parent := (i - 1) / 2
		if d.coins[parent].value <= d.coins[i].value {
			return
		}
		d.coins[parent], d.coins[i] = d.coins[i], d.coins[parent]
		i = parent
	}
}

func (d *drawn) dropLeast() {
	least, last := d.coins[0], len(d.coins)-1
	d.sum, d.weight = d.sum-least.value, d.weight-least.Weight
	d.coins[0] = d.coins[last]
	d.coins = d.coins[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return
		}
		if child+1 < last && d.coins[child+1].value < d.coins[child].value {
			child++
		}
		if d.coins[i].value <= d.coins[child].value {
			return
		}
		d.coins[i], d.coins[child] = d.coins[child], d.coins[i]
		i = child
	}
}

func (d *drawn) candidates() []Candidate {
	out := make([]Candidate, len(d.coins))
	for i, c := range d.coins {
		out[i] = c.Candidate
	}
	return out
}

// LargestFirst takes the coins of the greatest effective value until they pay for the target:
// the fewest inputs, where nothing better was found. Change is not sought; what is left over
// becomes change or fee.
func LargestFirst(t Target, coins []Candidate) []Candidate {
	var sum btcutil.Amount
	var weight btc.Weight
	var out []Candidate
	for _, c := range t.worthwhile(coins) {
		if !t.fits(weight+c.Weight, len(out)+1) {
			continue // a lighter coin may still fit
		}
		out = append(out, c.Candidate)
		sum, weight = sum+c.value, weight+c.Weight
		if sum >= t.Need()+t.countFee(len(out)) {
			return out
		}
	}
	return nil
}
