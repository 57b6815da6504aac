package spend

import (
	"bytes"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// check looks at the finished PSBT with fresh eyes: what it finds was not decided here, so a
// mistake in any step before is caught before money moves. Its errors are bugs of ours.
func (p *planner) check(r *Result) error {
	tx, err := r.Packet.UnsignedTx()
	if err != nil {
		return err
	}
	for _, look := range []func(*Result, *wire.MsgTx) error{p.checkInputs, p.checkOutputs, p.checkPayments, p.checkFee} {
		if err := look(r, tx); err != nil {
			return fmt.Errorf("checking the draft before handing it out: %w", err)
		}
	}
	return nil
}

func broken(format string, args ...any) error { return errs.E(errs.Internal, format, args...) }

// checkInputs: every input is a coin of ours with its true amount, and every coin that has to
// be spent is.
func (p *planner) checkInputs(r *Result, tx *wire.MsgTx) error {
	if len(tx.TxIn) != len(r.Inputs) || len(tx.TxIn) == 0 {
		return broken("the inputs are not the chosen coins")
	}
	spent := make(map[wire.OutPoint]bool, len(tx.TxIn))
	for i, in := range tx.TxIn {
		c := r.Inputs[i]
		if in.PreviousOutPoint != c.OutPoint || spent[c.OutPoint] {
			return broken("input %d is not the coin that was chosen", i)
		}
		spent[c.OutPoint] = true
		utxo := r.Packet.Inputs[i].WitnessUTXO
		if prev := r.Packet.Inputs[i].NonWitnessUTXO; prev != nil {
			if prev.TxHash() != c.OutPoint.Hash || int(c.OutPoint.Index) >= len(prev.TxOut) {
				return broken("input %d carries a wrong previous transaction", i)
			}
			utxo = prev.TxOut[c.OutPoint.Index]
		}
		if utxo == nil || btcutil.Amount(utxo.Value) != c.Amount || !bytes.Equal(utxo.PkScript, c.Script) {
			return broken("input %d does not say what its coin is worth", i)
		}
	}
	for _, c := range p.must {
		if !spent[c.OutPoint] {
			return broken("coin %s had to be spent and is not", c.OutPoint)
		}
	}
	return nil
}

// checkOutputs: nothing but the recipients, in their order, and one change output of ours.
func (p *planner) checkOutputs(r *Result, tx *wire.MsgTx) error {
	next := 0
	for i, out := range tx.TxOut {
		if btcutil.Amount(out.Value) < DustLimit(out.PkScript) || out.Value < 0 {
			return broken("output %d is dust", i)
		}
		if i == r.ChangeVout {
			ours, err := p.Branches[p.changeBranch()].Derive(p.ChangeIndex)
			if err != nil {
				return err
			}
			if !bytes.Equal(out.PkScript, ours.Script) || btcutil.Amount(out.Value) != r.Change {
				return broken("the change output is not ours")
			}
			continue
		}
		if next >= len(p.Recipients) || !bytes.Equal(out.PkScript, p.Recipients[next].Script) {
			return broken("output %d pays nobody who was named", i)
		}
		next++
	}
	if next != len(p.Recipients) {
		return broken("recipient %d is not paid", next+1)
	}
	return nil
}

// checkPayments: recipients get exactly what was said; those who pay the fee lose together no
// more than the fee.
func (p *planner) checkPayments(r *Result, tx *wire.MsgTx) error {
	pays := map[int]bool{}
	for _, i := range p.SubtractFee {
		pays[i] = true
	}
	var lost btcutil.Amount
	next := 0
	for i, out := range tx.TxOut {
		if i == r.ChangeVout {
			continue
		}
		want, got := p.Recipients[next], btcutil.Amount(out.Value)
		switch {
		case want.Max:
		case pays[next]:
			if got > want.Amount {
				return broken("recipient %d gets more than was said", next+1)
			}
			lost += want.Amount - got
		case got != want.Amount:
			return broken("recipient %d does not get what was said", next+1)
		}
		next++
	}
	if lost > r.Fee {
		return broken("the recipients lose more than the fee")
	}
	return nil
}

// checkFee: no money is lost, and the fee is what was asked for, within its caps. Without
// change it may be higher by what is too little to make change of.
func (p *planner) checkFee(r *Result, tx *wire.MsgTx) error {
	var in, out btcutil.Amount
	for _, c := range r.Inputs {
		in += c.Amount
	}
	for _, o := range tx.TxOut {
		out += btcutil.Amount(o.Value)
	}
	weight := p.weight(r.Inputs, r.ChangeVout >= 0)
	if weight != r.Weight || weight > maxStandardWeight {
		return broken("the size of the transaction is wrong")
	}
	least := p.fees.at(r.VSize)
	slack := p.FeeRate.Fee(1)
	if r.ChangeVout < 0 {
		full := p.weight(r.Inputs, true)
		slack += p.minChange + p.fees.at(full.VSize()) - least
	}
	switch {
	case in-out != r.Fee:
		return broken("the amounts do not add up")
	case r.Fee < least || r.Fee <= 0:
		return broken("the fee is below what was asked for")
	case r.Fee > least+slack:
		return broken("the fee is above what was asked for")
	case r.Fee > p.MaxFee:
		return refuse(&FeeError{Fee: r.Fee, Max: p.MaxFee})
	}
	return nil
}

// manyInputs is from how many inputs on their number is worth a remark.
const manyInputs = 100

// remarks are what a person should know before signing, as far as the plan alone tells.
func (p *planner) remarks(r *Result) []Remark {
	var out []Remark
	add := func(code Code, args ...any) { out = append(out, NewRemark(code, args...)) }
	var paid btcutil.Amount
	for _, o := range r.Outputs {
		if o.Recipient >= 0 {
			paid += o.Amount
		}
	}
	if paid > 0 && r.Fee*10 > paid {
		add(FeePercent, int64(r.Fee)*100/int64(paid))
	}
	if surplus := r.Fee - p.fees.at(r.VSize); r.ChangeVout < 0 && surplus > p.FeeRate.Fee(1) {
		add(SurplusToFee, int64(surplus))
	}
	foreign, uneconomic := 0, 0
	for _, c := range r.Inputs {
		if c.Confirmations <= 0 && !c.Own {
			foreign++
		}
		if c.Amount <= p.FeeRate.FeeForWeight(c.InputWeight) {
			uneconomic++
		}
	}
	if foreign > 0 {
		add(ForeignCoins, foreign)
	}
	if uneconomic > 0 {
		add(CostlyCoins, uneconomic)
	}
	if len(r.Inputs) >= manyInputs {
		add(ManyInputs, len(r.Inputs), int64(r.VSize))
	}
	if p.LockTime != nil && *p.LockTime < 500_000_000 && p.Tip > 0 && int64(*p.LockTime) > int64(p.Tip) {
		add(LockedUntil, *p.LockTime)
	}
	return out
}
