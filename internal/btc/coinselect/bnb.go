package coinselect

import (
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

// maxTries bounds the search of branch and bound; it visits at most so many nodes.
const maxTries = 100_000

// BranchAndBound looks for the set of least waste that pays for t so exactly that no change is
// needed: the excess is at most what making and spending change would cost. Of the tree of
// all sets (each coin in or out, greatest effective value first) it leaves out what can no
// longer reach the target, overshoots, weighs too much, or wastes more than the best so far.
func BranchAndBound(t Target, coins []Candidate) []Candidate {
	if t.FeeByRecipients {
		return nil // the recipients' amounts give way, so that nothing is there to match exactly
	}
	s := search{t: t, pool: t.worthwhile(coins), need: t.Need(), window: max(t.costOfChange(), 0)}
	s.rest = make([]btcutil.Amount, len(s.pool)+1)
	for i := len(s.pool) - 1; i >= 0; i-- {
		s.rest[i] = s.rest[i+1] + s.pool[i].value
	}
	if len(s.pool) == 0 || s.rest[0] < s.need {
		return nil
	}
	s.run()
	if !s.found {
		return nil
	}
	out := make([]Candidate, len(s.best))
	for i, place := range s.best {
		out[i] = s.pool[place].Candidate
	}
	return out
}

// search is a walk through the tree: picked holds the places taken on the way to where it is.
type search struct {
	t      Target
	pool   []valued
	rest   []btcutil.Amount // sum of the effective values from a place on
	need   btcutil.Amount
	window btcutil.Amount

	picked []int
	sum    btcutil.Amount
	waste  btcutil.Amount
	weight btc.Weight

	found     bool
	best      []int
	bestWaste btcutil.Amount
}

// run walks: take the next coin while that may lead anywhere, else give back the last one
// taken and go on without it.
func (s *search) run() {
	next := 0
	for range maxTries {
		deadEnd := s.sum+s.rest[next] < s.need || s.overshoots()
		if !deadEnd && s.sum >= s.need {
			s.keep()
			deadEnd = true // more coins only overshoot more
		}
		if !deadEnd && next < len(s.pool) {
			if s.repeats(next) {
				next++ // its twin was left out just before: the same sets would come again
				continue
			}
			s.take(next)
			next++
			continue
		}
		if len(s.picked) == 0 {
			return
		}
		next = s.giveBack() + 1
	}
}

// overshoots reports that the sum is above the window, the set too heavy, or its waste above
// the best one's where more coins can only add waste.
func (s *search) overshoots() bool {
	if s.sum > s.need+s.window || len(s.picked) > 0xfc || !s.t.fits(s.weight, len(s.picked)) {
		return true
	}
	return s.found && s.t.FeeRate > s.t.LongTermFeeRate && s.waste > s.bestWaste
}

// repeats reports whether the coin equals the one before it, which is not in the set.
func (s *search) repeats(i int) bool {
	if i == 0 || (len(s.picked) > 0 && s.picked[len(s.picked)-1] == i-1) {
		return false
	}
	return s.pool[i].value == s.pool[i-1].value && s.pool[i].Weight == s.pool[i-1].Weight
}

func (s *search) take(i int) {
	c := s.pool[i]
	s.picked = append(s.picked, i)
	s.sum, s.waste, s.weight = s.sum+c.value, s.waste+c.waste, s.weight+c.Weight
}

func (s *search) giveBack() int {
	i := s.picked[len(s.picked)-1]
	c := s.pool[i]
	s.picked = s.picked[:len(s.picked)-1]
	s.sum, s.waste, s.weight = s.sum-c.value, s.waste-c.waste, s.weight-c.Weight
	return i
}

// keep remembers the set if it wastes less than the best so far; its excess goes to the fee
// and counts as waste.
func (s *search) keep() {
	waste := s.waste + s.sum - s.need
	if !s.found || waste < s.bestWaste {
		s.found, s.bestWaste = true, waste
		s.best = append(s.best[:0], s.picked...)
	}
}
