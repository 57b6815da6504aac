package psbt

import (
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/errs"
)

// Finalize makes the final scripts of every input that is signed enough (BIP174's finalizer),
// each checked by the script engine. Inputs that are not are left as they are; the first of
// them is the error, of code incomplete.
func (p *Packet) Finalize() error {
	s, err := p.spending()
	if err != nil {
		return err
	}
	var first error
	for i := range p.Inputs {
		if err := s.finalize(i); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// FinalizeInput makes the final scripts of one input.
func (p *Packet) FinalizeInput(i int) error {
	if i < 0 || i >= len(p.Inputs) {
		return errs.E(errs.Invalid, "the PSBT has no input %d", i)
	}
	s, err := p.spending()
	if err != nil {
		return err
	}
	return s.finalize(i)
}

func (s *spending) finalize(i int) error {
	in := &s.p.Inputs[i]
	if in.Finalized() {
		return nil
	}
	sol, err := s.satisfy(i)
	if err != nil {
		return err
	}
	if err := s.run(i, sol.scriptSig, sol.witness); err != nil {
		return err
	}
	in.setFinal(sol)
	return nil
}

// setFinal keeps of the input its coin, its place in the transaction, the final scripts and
// what is unknown; all else has served its purpose (BIP174). The shares of silent payments stay
// too, for the extractor verifies them (BIP375).
func (in *Input) setFinal(sol solution) {
	*in = Input{
		PrevOut: in.PrevOut, Sequence: in.Sequence, RequiredTime: in.RequiredTime, RequiredHeight: in.RequiredHeight,
		NonWitnessUTXO: in.NonWitnessUTXO, WitnessUTXO: in.WitnessUTXO, Unknown: in.Unknown, order: in.order,
		ECDHShares: in.ECDHShares, DLEQProofs: in.DLEQProofs,
		FinalScriptSig: sol.scriptSig, FinalScriptWitness: sol.witness,
	}
}

// Complete reports whether every input is final or can be made final with the signatures that
// are there. It changes nothing.
func (p *Packet) Complete() bool {
	s, err := p.spending()
	if err != nil {
		return false
	}
	for i := range p.Inputs {
		if p.Inputs[i].Finalized() {
			continue
		}
		if _, err := s.satisfy(i); err != nil {
			return false
		}
	}
	return true
}

// Extract returns the signed transaction of a PSBT whose inputs are all final, after running
// every input through the script engine (BIP174's extractor). Codes: incomplete where an input
// is not final or its coin is not described, mismatch where a script fails.
func (p *Packet) Extract() (*wire.MsgTx, error) {
	if err := p.checkMoney(); err != nil {
		return nil, err
	}
	if err := p.VerifySilentPayments(); err != nil {
		return nil, err
	}
	if err := p.CheckScripts(); err != nil {
		return nil, err
	}
	tx, err := p.UnsignedTx()
	if err != nil {
		return nil, err
	}
	for i := range p.Inputs {
		tx.TxIn[i].SignatureScript = p.Inputs[i].FinalScriptSig
		tx.TxIn[i].Witness = p.Inputs[i].FinalScriptWitness
	}
	return tx, nil
}

// checkMoney refuses what no node would take whatever the scripts say: a coin spent twice, an
// amount out of range, outputs worth more than inputs.
func (p *Packet) checkMoney() error {
	if len(p.Inputs) == 0 || len(p.Outputs) == 0 {
		return errs.Bad(errs.Incomplete, "a transaction needs at least one input and one output")
	}
	if err := p.checkSpentOnce(); err != nil {
		return err
	}
	fee, err := p.Fee()
	if err != nil {
		return err
	}
	if fee < 0 {
		return errs.Bad(errs.Mismatch, "the outputs are worth %d sat more than the inputs", -fee)
	}
	return nil
}

func (p *Packet) checkSpentOnce() error {
	spent := make(map[wire.OutPoint]bool, len(p.Inputs))
	for i := range p.Inputs {
		if spent[p.Inputs[i].PrevOut] {
			return errs.Bad(errs.Malformed, "the transaction spends %s twice", p.Inputs[i].PrevOut)
		}
		spent[p.Inputs[i].PrevOut] = true
	}
	return nil
}
