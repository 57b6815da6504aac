package spend

import (
	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Child asks for a transaction that spends outputs of unconfirmed ones, and pays so much that
// they and it together reach a feerate (CPFP).
type Child struct {
	Params                     // FeeRate is the one of parents and child together; Recipients are not read
	ParentFee   btcutil.Amount // of all unconfirmed ancestors of the outputs together
	ParentVSize btc.VSize      // of all unconfirmed ancestors of the outputs together
}

// ChildPaysForParent plans a transaction that brings outputs of ours, all of unconfirmed
// transactions, back to ourselves. Confirmed coins of extra are added where the outputs cannot
// bear the fee.
func ChildPaysForParent(c Child, outputs, extra []Coin) (*Result, error) {
	if len(outputs) == 0 {
		return nil, errs.E(errs.Invalid, "the transaction to speed up has no output that this wallet can spend")
	}
	if c.ParentVSize <= 0 || c.ParentFee < 0 {
		return nil, errs.E(errs.Internal, "size and fee of the transaction to speed up are missing")
	}
	c.Chosen, c.SubtractFee, c.Recipients = false, nil, nil
	p, err := newPlanner(c.Params)
	if err != nil {
		return nil, err
	}
	if paid := btc.RateOf(c.ParentFee, c.ParentVSize); paid >= p.FeeRate {
		return nil, errs.E(errs.Invalid, "the transaction pays %s sat/vB already; a child makes sense only for more than that", paid)
	}
	p.changeOnly = true
	p.must = outputs
	p.fees = feeRule{
		{p.FeeRate.Fee(c.ParentVSize) - c.ParentFee, p.FeeRate},
		{0, p.MinRelay},
	}
	var confirmed []Coin
	for _, coin := range extra {
		if coin.Confirmations > 0 {
			confirmed = append(confirmed, coin)
		}
	}
	return p.run(confirmed)
}
