package alpha

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// coins prints an amount in BTC as a JSON number, exactly, with at least one decimal: programs
// that tell whole numbers from others see the same kind each time.
func coins(a btcutil.Amount) json.RawMessage { return appendCoins(nil, a) }

func appendCoins(b []byte, a btcutil.Amount) []byte {
	v := int64(a)
	if v < 0 {
		b, v = append(b, '-'), -v
	}
	b = strconv.AppendInt(b, v/btcutil.SatoshiPerBitcoin, 10)
	b = append(b, '.')
	start := len(b)
	b = strconv.AppendInt(b, btcutil.SatoshiPerBitcoin+v%btcutil.SatoshiPerBitcoin, 10)
	copy(b[start:], b[start+1:]) // the leading 1 kept the zeros
	b = b[:len(b)-1]
	for len(b) > start+1 && b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// maxNumber bounds the digits of a number in a request, and maxExponent its exponent.
const (
	maxNumber   = 64
	maxExponent = 40
)

// rational reads a decimal number, with an exponent if need be.
func rational(text string) (*big.Rat, error) {
	text = strings.TrimSpace(text)
	bad := errs.E(errs.Invalid, "%q is no number", short(text))
	if text == "" || len(text) > maxNumber || strings.Trim(text, "0123456789.eE+-") != "" {
		return nil, bad
	}
	if _, exp, has := strings.Cut(strings.ToLower(text), "e"); has {
		if e, err := strconv.Atoi(exp); err != nil || e > maxExponent || e < -maxExponent {
			return nil, bad
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, bad
	}
	return r, nil
}

func short(text string) string {
	if len(text) > 40 {
		return strings.ToValidUTF8(text[:40], "") + "…"
	}
	return text
}

// amount reads what is paid to a recipient. A program that computes with floating point sends
// 0.30000000000000004 for 0.3: what is nearer to a whole satoshi than a thousandth is taken as
// that, and anything else refused.
func amount(text, unit string) (btcutil.Amount, error) {
	r, err := rational(text)
	if err != nil {
		return 0, errs.E(errs.Invalid, "the amount cannot be read: %w", err)
	}
	switch strings.ToLower(unit) {
	case "btc":
		r.Mul(r, big.NewRat(btcutil.SatoshiPerBitcoin, 1))
	case "sat":
	default:
		return 0, errs.E(errs.Invalid, "the unit %q is not known; use btc or sat", short(unit))
	}
	whole := nearest(r)
	off := new(big.Rat).Sub(r, new(big.Rat).SetInt(whole))
	if off.Abs(off).Cmp(big.NewRat(1, 1000)) > 0 {
		return 0, errs.E(errs.Invalid, "the amount %s %s is no whole number of satoshi", short(text), strings.ToLower(unit))
	}
	if whole.Sign() <= 0 || whole.Cmp(big.NewInt(int64(btc.MaxMoney))) > 0 {
		return 0, errs.E(errs.Invalid, "the amount %s %s is not between 1 sat and 21 million BTC", short(text), strings.ToLower(unit))
	}
	return btcutil.Amount(whole.Int64()), nil
}

// nearest rounds to a whole number, half away from zero.
func nearest(r *big.Rat) *big.Int {
	num := new(big.Int).Lsh(new(big.Int).Abs(r.Num()), 1)
	num.Add(num, r.Denom())
	num.Quo(num, new(big.Int).Lsh(r.Denom(), 1))
	if r.Sign() < 0 {
		num.Neg(num)
	}
	return num
}

// maxFeeRate bounds a request's feerate, in sat/vB; what is too much for a payment is decided
// where the payment is planned.
const maxFeeRate = 1_000_000

// feeRate reads sat/vB. Rates below 1 are raised to 1, as the old Specter does; 0 is 0: the node
// decides.
func feeRate(text string) (btc.FeeRate, error) {
	r, err := rational(text)
	if err != nil {
		return 0, errs.E(errs.Invalid, "the fee_rate cannot be read: %w", err)
	}
	switch {
	case r.Sign() < 0 || r.Cmp(big.NewRat(maxFeeRate, 1)) > 0:
		return 0, errs.E(errs.Invalid, "the fee_rate must be between 0 and %d sat/vB", maxFeeRate)
	case r.Sign() == 0:
		return 0, nil
	case r.Cmp(big.NewRat(1, 1)) < 0:
		return btc.SatPerVB(1), nil
	}
	return btc.FeeRate(nearest(r.Mul(r, big.NewRat(1000, 1))).Int64()), nil
}
