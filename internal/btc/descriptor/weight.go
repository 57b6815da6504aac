package descriptor

import (
	"specter/internal/btc"
	"specter/internal/errs"
)

// MaxInputWeight returns the weight of an input.
func (d *Descriptor) MaxInputWeight() (btc.Weight, error) {
	return 0, errs.Bad(errs.Unsupported, "not yet")
}
