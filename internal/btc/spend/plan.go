package spend

import (
	"errors"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/coinselect"
	"specter/internal/errs"
)

// Plan chooses coins, makes the unsigned transaction and its PSBT, and checks the result.
// Where the coins do not suffice the error is an *InsufficientError; a *DustError,
// *FeeRateError or *FeeError tells of amounts and fees out of bounds; all are of kind Invalid.
func Plan(p Params, coins []Coin) (*Result, error) {
	pl, err := newPlanner(p)
	if err != nil {
		return nil, err
	}
	if err := pl.checkRecipients(); err != nil {
		return nil, err
	}
	return pl.run(coins)
}

// run takes the steps that every plan has.
func (p *planner) run(pool []Coin) (*Result, error) {
	seen := make(map[wire.OutPoint]bool, len(pool)+len(p.must))
	must, err := p.adopt(p.must, seen)
	if err != nil {
		return nil, err
	}
	p.must = must
	if pool, err = p.adopt(pool, seen); err != nil {
		return nil, err
	}
	set, how, err := p.gather(pool)
	if err != nil {
		return nil, err
	}
	s, err := p.settle(set)
	if err != nil {
		return nil, err
	}
	r, err := p.build(set, s)
	if err != nil {
		return nil, err
	}
	r.How = how
	if err := p.check(r); err != nil {
		return nil, err
	}
	r.Remarks = p.remarks(r)
	return r, nil
}

// checkRecipients refuses what can be refused before any coin is looked at.
func (p *planner) checkRecipients() error {
	switch {
	case len(p.Recipients) == 0:
		return errs.E(errs.Invalid, "name at least one recipient")
	case len(p.Recipients) > maxRecipients:
		return errs.E(errs.Invalid, "%d recipients do not fit into one transaction; the most is %d", len(p.Recipients), maxRecipients)
	}
	takesAll := -1
	var sum btcutil.Amount
	for i, r := range p.Recipients {
		if err := checkRecipient(i, r); err != nil {
			return err
		}
		if r.Max && takesAll >= 0 {
			return errs.E(errs.Invalid, "only one recipient can take all that is left; recipients %d and %d both do", takesAll+1, i+1)
		}
		if r.Max {
			takesAll = i
			continue
		}
		if sum += r.Amount; sum > btc.MaxMoney {
			return errs.E(errs.Invalid, "the recipients together get more than 21 million BTC")
		}
	}
	return p.checkPayers()
}

func checkRecipient(i int, r Recipient) error {
	least := DustLimit(r.Script)
	switch {
	case len(r.Script) == 0:
		return errs.E(errs.Invalid, "recipient %d has no address", i+1)
	case len(r.Script) > 10_000:
		return errs.E(errs.Invalid, "the script of recipient %d is too long", i+1)
	case r.Max && unspendable(r.Script):
		return errs.E(errs.Invalid, "recipient %d could never spend the money", i+1)
	case r.Max:
		return nil
	case r.Amount > btc.MaxMoney:
		return errs.E(errs.Invalid, "the amount of recipient %d is more than 21 million BTC", i+1)
	case r.Amount < 0, r.Amount == 0 && least > 0:
		return errs.E(errs.Invalid, "the amount of recipient %d must be more than 0", i+1)
	case r.Amount < least:
		return refuse(&DustError{Recipient: i, Amount: r.Amount, Min: least})
	}
	return nil
}

// checkPayers refuses places in SubtractFee that are out of range or listed twice.
func (p *planner) checkPayers() error {
	seen := map[int]bool{}
	for _, i := range p.SubtractFee {
		if i < 0 || i >= len(p.Recipients) || seen[i] {
			return errs.E(errs.Invalid, "the list of recipients who pay the fee is wrong: there is no recipient %d, or it is listed twice", i+1)
		}
		if unspendable(p.Recipients[i].Script) {
			return errs.E(errs.Invalid, "recipient %d cannot pay the fee", i+1)
		}
		seen[i] = true
	}
	return nil
}

// gather finds the coins to spend.
func (p *planner) gather(pool []Coin) (set []Coin, how string, err error) {
	if p.Chosen || p.maxRecipient() >= 0 {
		return p.everything(pool)
	}
	if len(p.must) > 0 {
		if _, err := p.settle(p.must); err == nil {
			return p.must, HowSame, nil
		}
	}
	for _, line := range append(p.fees[:len(p.fees):len(p.fees)], p.fees.steepest()) {
		found, ok := coinselect.Choose(p.target(line), candidates(pool), p.rng)
		if !ok {
			continue
		}
		set = append([]Coin(nil), p.must...)
		for _, c := range found.Coins {
			set = append(set, pool[c.Place])
		}
		_, err := p.settle(set)
		if err == nil {
			return set, found.How, nil
		}
		if short := (*InsufficientError)(nil); !errors.As(err, &short) {
			return nil, "", err // no other set helps against dust or a fee beyond its cap
		}
	}
	return p.lastResort(pool)
}

// everything takes all coins: those chosen by hand, or all that are worth their fee.
func (p *planner) everything(pool []Coin) ([]Coin, string, error) {
	how := HowAll
	if p.Chosen {
		how = HowChosen
	} else {
		pool = p.worthwhile(pool)
	}
	set := append(append([]Coin(nil), p.must...), pool...)
	if len(set) == 0 {
		return nil, "", refuse(&InsufficientError{Need: p.fixed() + p.fees.at(p.weight(nil, false).VSize())})
	}
	if p.weight(set, true) > maxStandardWeight {
		return nil, "", errs.E(errs.Invalid, "%d coins make a transaction larger than nodes relay; choose fewer of them", len(set))
	}
	return set, how, nil
}

// worthwhile leaves out coins that cost more than they bring.
func (p *planner) worthwhile(pool []Coin) []Coin {
	var out []Coin
	for _, c := range pool {
		if c.Amount > p.FeeRate.FeeForWeight(c.InputWeight) {
			out = append(out, c)
		}
	}
	return out
}

// target tells the selectors what is to be paid, under one line of the fee rule.
func (p *planner) target(line feeLine) coinselect.Target {
	t := coinselect.Target{
		Amount:  p.fixed() + line.base - total(p.must),
		FeeRate: line.rate, LongTermFeeRate: p.LongTerm,
		BaseWeight:   p.weight(p.must, p.changeOnly),
		ChangeWeight: p.weight(nil, true) - p.weight(nil, false),
		ChangeSpend:  p.weights[p.changeBranch()],
		MinChange:    p.minChange, WantChange: worthChange,
		MaxWeight:       maxStandardWeight,
		FeeByRecipients: len(p.SubtractFee) > 0,
	}
	if p.changeOnly {
		t.Amount += DustLimit(p.change.Script)
	}
	if t.FeeByRecipients {
		t.Amount += p.senderPays - line.base
	}
	if len(p.must) > 0 {
		t.BaseWeight += 8 // the count of inputs may need more room than the selectors know
		t.WantChange = 0  // coins are added to pay a fee, not to make change
	}
	return t
}

// candidates are the coins as the selectors see them.
func candidates(pool []Coin) []coinselect.Candidate {
	out := make([]coinselect.Candidate, len(pool))
	for i, c := range pool {
		out[i] = coinselect.Candidate{Place: i, Amount: c.Amount, Weight: c.InputWeight, Tier: tierOf(c)}
	}
	return out
}

func tierOf(c Coin) coinselect.Tier {
	switch {
	case c.Confirmations > 0:
		return coinselect.Confirmed
	case c.Own:
		return coinselect.Own
	}
	return coinselect.Foreign
}

// lastResort takes all coins, or explains why even they do not pay. The selectors round each
// coin's fee up, so that they can miss by a few satoshi what all coins together just pay.
func (p *planner) lastResort(pool []Coin) ([]Coin, string, error) {
	all := append(append([]Coin(nil), p.must...), p.worthwhile(pool)...)
	if _, err := p.settle(all); err != nil {
		return nil, "", err
	}
	if p.weight(all, true) > maxStandardWeight {
		return nil, "", errs.E(errs.Invalid, "so many small coins are needed that the transaction would be larger than nodes relay; send less, or join small coins first")
	}
	return all, HowAll, nil
}
