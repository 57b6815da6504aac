package spend

import "specter/internal/errs"

// Plan chooses coins, makes the unsigned transaction and its PSBT, and checks the result.
func Plan(p Params, coins []Coin) (*Result, error) { return nil, errs.E(errs.Internal, "not built yet") }

// BumpFee plans a replacement that pays b.FeeRate; extra are further coins that may be added.
func BumpFee(b Bump, extra []Coin) (*Result, error) {
	return nil, errs.E(errs.Internal, "not built yet")
}

// ChildPaysForParent plans a transaction that spends outputs (all of them, of unconfirmed
// transactions) back to ourselves; extra are further coins that may be added.
func ChildPaysForParent(c Child, outputs, extra []Coin) (*Result, error) {
	return nil, errs.E(errs.Internal, "not built yet")
}
