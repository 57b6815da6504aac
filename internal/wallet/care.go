package wallet

import (
	"slices"
	"strings"

	"specter/internal/btc/spend"
	"specter/internal/errs"
)

// Care says what becomes of grave remarks about a payment. The zero value leaves them to who asks,
// as the pages do, which show them first.
type Care struct {
	Strict bool         // a grave remark that is not agreed to is a refusal, a *GraveError
	Agreed []spend.Code // were read and are meant
}

// GraveError says which grave remarks nobody has agreed to.
type GraveError struct{ Remarks []Remark }

// Error lists the sentences.
func (e *GraveError) Error() string { return strings.Join(texts(e.Remarks), " ") }

// check refuses what was not agreed to. calm are remarks that are grave elsewhere, but what is
// meant by this kind of payment.
func (c Care) check(calm []spend.Code, remarks []Remark) error {
	var open []Remark
	for _, r := range remarks {
		if r.Grave() && !slices.Contains(c.Agreed, r.Code) && !slices.Contains(calm, r.Code) {
			open = append(open, r)
		}
	}
	if !c.Strict || len(open) == 0 {
		return nil
	}
	return errs.E(errs.Conflict, "%w", &GraveError{open})
}
