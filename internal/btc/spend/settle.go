package spend

import (
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

// settlement says who gets what of a set of coins.
type settlement struct {
	amounts []btcutil.Amount // by recipient
	change  btcutil.Amount   // 0: none
	fee     btcutil.Amount
	weight  btc.Weight
}

// settle divides a set of coins between recipients, change and fee.
func (p *planner) settle(set []Coin) (settlement, error) {
	s := settlement{amounts: make([]btcutil.Amount, len(p.Recipients))}
	for i, r := range p.Recipients {
		s.amounts[i] = r.Amount
	}
	bare, full := p.weight(set, false), p.weight(set, true)
	left := total(set) - p.fixed()
	var err error
	switch {
	case p.changeOnly:
		err = p.settleChangeOnly(&s, total(set), full)
	case p.maxRecipient() >= 0:
		err = p.settleMax(&s, left, bare)
	case len(p.SubtractFee) > 0:
		err = p.settleByRecipients(&s, left, bare, full)
	default:
		err = p.settleBySender(&s, left, bare, full)
	}
	if err != nil {
		return s, err
	}
	return s, p.checkAmounts(s)
}

// settleBySender is the usual case: recipients get what was said, the rest is change and fee.
func (p *planner) settleBySender(s *settlement, left btcutil.Amount, bare, full btc.Weight) error {
	least := p.fees.at(bare.VSize())
	if left < least {
		return refuse(&InsufficientError{Need: p.fixed() + least, Have: left + p.fixed()})
	}
	s.change = left - p.fees.at(full.VSize())
	if s.change >= p.minChange {
		s.fee, s.weight = left-s.change, full
		return nil
	}
	s.change, s.fee, s.weight = 0, left, bare
	return nil
}

// settleByRecipients lets recipients pay the fee; what the coins are too many by is change.
func (p *planner) settleByRecipients(s *settlement, left btcutil.Amount, bare, full btc.Weight) error {
	room := left - p.senderPays
	if room < 0 {
		return refuse(&InsufficientError{Need: p.fixed() + p.senderPays, Have: left + p.fixed()})
	}
	if room >= p.minChange {
		s.change, s.weight = room, full
		s.fee = max(p.fees.at(full.VSize()), p.senderPays)
		p.charge(s, p.SubtractFee, s.fee-p.senderPays)
		return nil
	}
	s.weight = bare
	s.fee = max(p.fees.at(bare.VSize()), left)
	p.charge(s, p.SubtractFee, s.fee-left)
	return nil
}

// settleMax gives one recipient all that is left; it pays the fee unless others were named.
func (p *planner) settleMax(s *settlement, left btcutil.Amount, bare btc.Weight) error {
	taker := p.maxRecipient()
	s.weight, s.fee = bare, p.fees.at(bare.VSize())
	s.amounts[taker] = left
	payers := p.SubtractFee
	if len(payers) == 0 {
		payers = []int{taker}
	}
	p.charge(s, payers, s.fee)
	least := DustLimit(p.Recipients[taker].Script)
	if got := s.amounts[taker]; got < least {
		return refuse(&InsufficientError{Need: p.fixed() + least + left - got, Have: p.fixed() + left})
	}
	return nil
}

// settleChangeOnly brings everything back to ourselves.
func (p *planner) settleChangeOnly(s *settlement, have btcutil.Amount, full btc.Weight) error {
	s.weight, s.fee = full, p.fees.at(full.VSize())
	s.change = have - s.fee
	if least := DustLimit(p.change.Script); s.change < least {
		return refuse(&InsufficientError{Need: s.fee + least, Have: have})
	}
	return nil
}

// charge takes a burden from the payers in equal parts; the first bears the odd satoshi.
func (p *planner) charge(s *settlement, payers []int, burden btcutil.Amount) {
	part := burden / btcutil.Amount(len(payers))
	for _, i := range payers {
		s.amounts[i] -= part
	}
	s.amounts[payers[0]] -= burden - part*btcutil.Amount(len(payers))
}

// checkAmounts refuses dust, which can come of paying the fee, and a fee beyond its cap.
func (p *planner) checkAmounts(s settlement) error {
	for i, a := range s.amounts {
		if least := DustLimit(p.Recipients[i].Script); a < least {
			return refuse(&DustError{Recipient: i, Amount: a, Min: least})
		}
	}
	if s.fee > p.MaxFee {
		return refuse(&FeeError{Fee: s.fee, Max: p.MaxFee})
	}
	return nil
}
