package btc

import (
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/errs"
)

// FeeRate is a feerate in sat/kvB. People read and write it in sat/vB.
type FeeRate int64

// SatPerVB makes a FeeRate of whole sat/vB.
func SatPerVB(n int64) FeeRate { return FeeRate(n * 1000) }

// ParseFeeRate reads sat/vB as decimal text with at most three decimals ("0.1", "12.5").
// Zero is refused; bounds of reason are the caller's.
func ParseFeeRate(s string) (FeeRate, error) {
	n, err := parseDecimal(s, 3)
	if err != nil {
		return 0, errs.Bad(errs.Malformed, "%q is no feerate in sat/vB: %w", s, err)
	}
	if n == 0 {
		return 0, errs.Bad(errs.Malformed, "the feerate must be more than 0 sat/vB")
	}
	return FeeRate(n), nil
}

// String prints the rate in sat/vB without the unit and without trailing zeros: "12.5".
func (f FeeRate) String() string {
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	s := strconv.FormatInt(int64(f)/1000, 10)
	if r := int64(f) % 1000; r != 0 {
		d := strconv.FormatInt(1000+r, 10)[1:]
		s += "." + strings.TrimRight(d, "0")
	}
	return sign + s
}

// Fee returns the fee for a size at this rate, rounded up to a whole sat.
func (f FeeRate) Fee(v VSize) btcutil.Amount {
	return btcutil.Amount((int64(f)*int64(v) + 999) / 1000)
}

// FeeForWeight returns the fee for a weight (WU) at this rate, rounded up; the weight is not
// rounded to whole vbytes first, so that parts may be added up.
func (f FeeRate) FeeForWeight(w Weight) btcutil.Amount {
	return btcutil.Amount((int64(f)*int64(w) + 3999) / 4000)
}

// RateOf returns the feerate that a fee pays for a size, rounded down to sat/kvB.
func RateOf(fee btcutil.Amount, v VSize) FeeRate {
	if v <= 0 {
		return 0
	}
	return FeeRate(int64(fee) * 1000 / int64(v))
}

// Weight is a size in weight units (BIP141).
type Weight int64

// VSize is a size in virtual bytes.
type VSize int64

// VSize rounds a weight up to virtual bytes.
func (w Weight) VSize() VSize { return VSize((w + 3) / 4) }
