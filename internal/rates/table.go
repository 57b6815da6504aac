package rates

import (
	"context"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Targets are the blocks within which people want a payment to confirm: the next one, about half
// an hour, an hour and a day.
var Targets = []int{1, 3, 6, 144}

// Choice is a feerate for a target.
type Choice struct {
	Blocks int
	Rate   btc.FeeRate // 0: not known
}

// Table is what a person can choose from.
type Table struct {
	Choices  []Choice // one for each of Targets, in order; a longer wait never costs more
	Source   string   // as in Estimate; "" where nobody knows
	Fallback bool     // another source was asked for; Reason says why it is not this one
	Reason   string   // sentence for the person, also where nobody knows
}

// Rate is the feerate for a target; false where it is not known.
func (t Table) Rate(blocks int) (btc.FeeRate, bool) {
	for _, c := range t.Choices {
		if c.Blocks == blocks && c.Rate > 0 {
			return c.Rate, true
		}
	}
	return 0, false
}

// Table asks for the feerates of all targets. Where one source fails in the middle the rest are
// asked of the next, and the table names the last that answered. It is never an error: a table
// without rates says why. It waits for others no longer than Config.Patience in all, and as long
// again for the node.
func (s *Service) Table(ctx context.Context, set Settings, n btc.Network) Table {
	t := Table{Choices: make([]Choice, len(Targets))}
	var trouble error
	patient, cancel := context.WithTimeout(ctx, s.c.Patience)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, 2*s.c.Patience)
	defer stop()
	for i, blocks := range Targets {
		t.Choices[i].Blocks = blocks
		e, err := s.fee(ctx, patient, set, n, blocks)
		if err != nil {
			trouble = err
			continue
		}
		t.Choices[i].Rate, t.Source = e.Rate, e.Source
		t.Fallback, t.Reason = t.Fallback || e.Fallback, firstOf(t.Reason, e.Reason)
	}
	for i := 1; i < len(t.Choices); i++ { // estimates of nodes are sometimes out of order
		if before := t.Choices[i-1].Rate; before > 0 && t.Choices[i].Rate > before {
			t.Choices[i].Rate = before
		}
	}
	if t.Source == "" && trouble != nil {
		t.Reason = errs.E(errs.Unavailable, "%w", trouble).Error()
	}
	return t
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
