package spend

import (
	"bytes"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// defaultIncrement is the incremental relay feerate that every node since 2016 accepts.
const defaultIncrement = btc.FeeRate(1_000)

// Bump asks for a replacement of an unconfirmed transaction of ours (BIP125). Of Params,
// Recipients and Chosen are read with Edit alone: otherwise the recipients are the original's.
type Bump struct {
	// Params: FeeRate 0 is the least that replaces the original. SubtractFee lists outputs of
	// the original, by vout, that pay for what the fee grows by. ChangeIndex may be the one of
	// the original's change, which is used again then.
	Params
	Original    *wire.MsgTx    // signed, as it stands in the mempool
	Spent       []Coin         // the coins that the original spends; all of them must be ours
	Change      []OwnOutput    // outputs of the original that are our change: they may shrink or go
	EvictedFees btcutil.Amount // fees of unconfirmed descendants that the replacement throws out
	Increment   btc.FeeRate    // incremental relay feerate; 0: 1 sat/vB
	Cancel      bool           // pay nobody; everything comes back to ChangeIndex
	// Edit pays Params.Recipients instead of the original's; SubtractFee then means them, by
	// place. With Chosen exactly Keep is spent, of which one coin at least is the original's;
	// otherwise the original's coins are, and others where they do not suffice.
	Edit bool
	Keep []Coin
}

// OwnOutput says which address of ours an output pays.
type OwnOutput struct {
	Vout          int
	Branch, Index uint32
}

// BumpFee plans a replacement of b.Original that pays b.FeeRate. It keeps the recipients,
// spends the same coins, takes the difference from the change, and adds confirmed coins of
// extra where that is not enough. A feerate that BIP125 forbids is a *FeeRateError whose Min
// is the least that replaces.
func BumpFee(b Bump, extra []Coin) (*Result, error) {
	least := b.FeeRate == 0
	if least {
		b.FeeRate = max(b.MinRelay, defaultMinRelay)
	}
	if !b.Edit {
		b.Chosen = false
	}
	asked := b.SubtractFee
	b.SubtractFee = nil
	p, err := newPlanner(b.Params)
	if err != nil {
		return nil, err
	}
	if err := p.takeOver(b, asked); err != nil {
		return nil, err
	}
	if b.Chosen {
		extra = nil
	}
	r, err := p.run(b.additions(extra))
	if err != nil {
		return nil, err
	}
	if floor := p.fees.at(r.VSize); !least && floor > p.FeeRate.Fee(r.VSize) {
		return nil, refuse(&FeeRateError{Rate: p.FeeRate, Min: rateUp(floor, r.VSize), Max: p.MaxFeeRate})
	}
	if !signals(b.Original) {
		r.Remarks = append(r.Remarks, NewRemark(NoSignal))
	}
	return r, nil
}

// takeOver fills the planner with what the original says.
func (p *planner) takeOver(b Bump, payers []int) error {
	fee, err := b.originalFee()
	if err != nil {
		return err
	}
	change, err := p.ownOutputs(b)
	if err != nil {
		return err
	}
	p.must = b.Spent
	p.fees = append(b.rule(fee), feeLine{0, p.FeeRate})
	if b.Edit {
		return p.edit(b, payers)
	}
	p.Recipients = nil
	places := map[int]int{}
	for i, out := range b.Original.TxOut {
		if b.Cancel || change[i] {
			continue
		}
		places[i] = len(p.Recipients)
		p.Recipients = append(p.Recipients, Recipient{Script: out.PkScript, Amount: btcutil.Amount(out.Value)})
	}
	p.changeOnly = len(p.Recipients) == 0
	for _, vout := range payers {
		place, ok := places[vout]
		if !ok {
			return errs.E(errs.Invalid, "output %d cannot pay for the higher fee: it is our change, or there is none", vout)
		}
		p.SubtractFee = append(p.SubtractFee, place)
	}
	p.senderPays = fee
	if p.changeOnly {
		return nil
	}
	return p.checkRecipients()
}

// edit takes the new recipients, and the coins that were chosen.
func (p *planner) edit(b Bump, payers []int) error {
	p.SubtractFee = payers
	if b.Chosen {
		if err := b.checkKept(); err != nil {
			return err
		}
		p.must = b.Keep
	}
	return p.checkRecipients()
}

// checkKept refuses chosen coins that replace nothing, and unconfirmed ones that the original
// does not spend (BIP125 rule 2).
func (b Bump) checkKept() error {
	spent := map[wire.OutPoint]bool{}
	for _, c := range b.Spent {
		spent[c.OutPoint] = true
	}
	kept := 0
	for _, c := range b.Keep {
		switch {
		case spent[c.OutPoint]:
			kept++
		case c.Confirmations <= 0:
			return errs.E(errs.Invalid, "coin %s is not confirmed: a replacement may add confirmed coins alone", c.OutPoint)
		}
	}
	if kept == 0 {
		return errs.E(errs.Invalid, "choose at least one coin that the original spends; otherwise both payments would be made")
	}
	return nil
}

// originalFee computes the fee from the coins, which must be exactly those that it spends.
func (b Bump) originalFee() (btcutil.Amount, error) {
	if b.Original == nil || len(b.Original.TxIn) == 0 || len(b.Original.TxIn) != len(b.Spent) {
		return 0, errs.E(errs.Invalid, "only a transaction whose inputs are all of this wallet can be replaced")
	}
	amounts := map[wire.OutPoint]btcutil.Amount{}
	for _, c := range b.Spent {
		amounts[c.OutPoint] = c.Amount
	}
	var fee btcutil.Amount
	for _, in := range b.Original.TxIn {
		a, ok := amounts[in.PreviousOutPoint]
		if !ok {
			return 0, errs.E(errs.Invalid, "only a transaction whose inputs are all of this wallet can be replaced")
		}
		fee += a
	}
	for _, out := range b.Original.TxOut {
		fee -= btcutil.Amount(out.Value)
	}
	if fee < 0 {
		return 0, errs.E(errs.Internal, "the transaction to replace spends more than its coins are worth")
	}
	return fee, nil
}

// ownOutputs checks that what is said to be our change is derived by us: an output wrongly
// taken for change would leave a recipient unpaid.
func (p *planner) ownOutputs(b Bump) (map[int]bool, error) {
	ours := map[int]bool{}
	for _, o := range b.Change {
		out, err := p.derive(o.Branch, o.Index)
		if err != nil {
			return nil, err
		}
		if o.Vout < 0 || o.Vout >= len(b.Original.TxOut) || !bytes.Equal(out.Script, b.Original.TxOut[o.Vout].PkScript) {
			return nil, errs.E(errs.Internal, "output %d of the transaction to replace is not our change", o.Vout)
		}
		ours[o.Vout] = true
	}
	return ours, nil
}

// rule is BIP125 as Bitcoin Core keeps it: the fee of everything that is thrown out plus the
// incremental feerate for the new size (rules 3 and 4), and a feerate above the original's.
func (b Bump) rule(fee btcutil.Amount) feeRule {
	increment := b.Increment
	if increment <= 0 {
		increment = defaultIncrement
	}
	return feeRule{
		{fee + max(0, b.EvictedFees), increment},
		{1, rateUp(fee, virtualSize(b.Original))},
	}
}

// additions are the coins that a replacement may spend beside the original's: confirmed ones
// (BIP125 rule 2).
func (b Bump) additions(extra []Coin) []Coin {
	spent := map[wire.OutPoint]bool{}
	for _, c := range b.Spent {
		spent[c.OutPoint] = true
	}
	var out []Coin
	for _, c := range extra {
		if c.Confirmations > 0 && !spent[c.OutPoint] {
			out = append(out, c)
		}
	}
	return out
}

// virtualSize is the vsize of a transaction with the signatures that it carries.
func virtualSize(tx *wire.MsgTx) btc.VSize {
	return btc.Weight(3*tx.SerializeSizeStripped() + tx.SerializeSize()).VSize()
}

// rateUp is the feerate that a fee pays for a size, rounded up.
func rateUp(fee btcutil.Amount, v btc.VSize) btc.FeeRate {
	return btc.FeeRate((int64(fee)*1000 + int64(v) - 1) / int64(v))
}

// signals reports whether any input signals replaceability (BIP125).
func signals(tx *wire.MsgTx) bool {
	for _, in := range tx.TxIn {
		if in.Sequence <= sequenceReplaceable {
			return true
		}
	}
	return false
}
