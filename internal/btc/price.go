package btc

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/errs"
)

// Price is what one bitcoin costs, in 1/100,000,000 of a currency's unit (1e8 is one dollar).
// It is never negative; the largest is about 92 thousand million units.
type Price int64

// PriceUnit is a price of one unit of the currency.
const PriceUnit Price = 100_000_000

// ParsePrice reads a decimal such as "97123.45" or "9.7e4". Decimals beyond the eighth are cut.
func ParsePrice(s string) (Price, error) {
	refused := errs.E(errs.Invalid, "%.40q is no price; it is a number above zero such as 97123.45", s)
	mantissa, shift := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		var err error
		if mantissa = s[:i]; len(s)-i > 4 {
			return 0, refused
		}
		if shift, err = strconv.Atoi(s[i+1:]); err != nil || shift > 20 || shift < -20 {
			return 0, refused
		}
	}
	if len(s) > 40 || strings.HasPrefix(mantissa, "-") {
		return 0, refused
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	shift += 8 - len(frac)
	digits := whole + frac
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, refused
	}
	if shift < 0 {
		digits = digits[:max(len(digits)+shift, 0)]
	} else {
		digits += strings.Repeat("0", shift)
	}
	n, _ := new(big.Int).SetString("0"+digits, 10)
	if !n.IsInt64() || n.Sign() == 0 {
		return 0, refused
	}
	return Price(n.Int64()), nil
}

// Text prints the price with so many decimals (0 to 8), rounded half away from zero.
func (p Price) Text(decimals int) string {
	return roundText(new(big.Int).SetInt64(int64(p)), 8, decimals)
}

// PerSat prints the price of one sat with so many decimals (0 to 16).
func (p Price) PerSat(decimals int) string {
	return roundText(new(big.Int).SetInt64(int64(p)), 16, decimals)
}

// Value prints what an amount is worth with so many decimals (0 to 8), with a minus for
// negative amounts.
func (p Price) Value(a btcutil.Amount, decimals int) string {
	v := new(big.Int).Mul(big.NewInt(int64(p)), big.NewInt(int64(a)))
	return roundText(v, 16, decimals)
}

// Amount is the number of sat that so much money of the currency buys, rounded down. money is
// in 1/100,000,000 of the unit; errs.Invalid where it is more than there are bitcoins.
func (p Price) Amount(money Price) (btcutil.Amount, error) {
	if p <= 0 || money < 0 {
		return 0, errs.E(errs.Invalid, "without a price nothing can be converted")
	}
	v := new(big.Int).Mul(big.NewInt(int64(money)), big.NewInt(100_000_000))
	v.Quo(v, big.NewInt(int64(p)))
	if !v.IsInt64() || v.Int64() > btcutil.MaxSatoshi {
		return 0, errs.E(errs.Invalid, "that is more than all bitcoins there are")
	}
	return btcutil.Amount(v.Int64()), nil
}

// roundText prints n/10^scale with so many decimals.
func roundText(n *big.Int, scale, decimals int) string {
	decimals = min(max(decimals, 0), scale)
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-decimals)), nil)
	abs := new(big.Int).Abs(n)
	abs.Add(abs, new(big.Int).Quo(unit, big.NewInt(2)))
	abs.Quo(abs, unit)
	text := abs.String()
	if len(text) <= decimals {
		text = strings.Repeat("0", decimals+1-len(text)) + text
	}
	if decimals > 0 {
		text = text[:len(text)-decimals] + "." + text[len(text)-decimals:]
	}
	if n.Sign() < 0 && abs.Sign() > 0 {
		text = "-" + text
	}
	return text
}
