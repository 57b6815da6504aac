package btc

import (
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/errs"
)

// MaxMoney is the greatest amount that can exist, in sat (Bitcoin Core's MAX_MONEY).
const MaxMoney btcutil.Amount = 21_000_000 * 100_000_000

// ParseBTC reads an amount in bitcoin as decimal text ("0.1", "12", "1e-8" is refused) into sat.
// At most eight decimals, no sign, no exponent, at most MaxMoney.
func ParseBTC(s string) (btcutil.Amount, error) {
	n, err := parseDecimal(s, 8)
	if err != nil {
		return 0, errs.Bad(errs.Malformed, "%q is no amount in BTC: %w", s, err)
	}
	return checkMoney(n)
}

// ParseSat reads an amount in satoshi as decimal text; blanks, commas and underscores between
// digits are allowed.
func ParseSat(s string) (btcutil.Amount, error) {
	clean := strings.NewReplacer(" ", "", ",", "", "_", "").Replace(strings.TrimSpace(s))
	n, err := parseDecimal(clean, 0)
	if err != nil {
		return 0, errs.Bad(errs.Malformed, "%q is no whole number of sat: %w", s, err)
	}
	return checkMoney(n)
}

// FormatBTC prints an amount in bitcoin with exactly eight decimals and no unit.
func FormatBTC(a btcutil.Amount) string {
	sign := ""
	v := int64(a)
	if v < 0 {
		sign, v = "-", -v
	}
	frac := strconv.FormatInt(v%100_000_000, 10)
	return sign + strconv.FormatInt(v/100_000_000, 10) + "." + strings.Repeat("0", 8-len(frac)) + frac
}

func checkMoney(n int64) (btcutil.Amount, error) {
	if n > int64(MaxMoney) {
		return 0, errs.Bad(errs.Malformed, "the amount is more than 21 million BTC")
	}
	return btcutil.Amount(n), nil
}

// parseDecimal reads "123.45" as an integer scaled by 10^places. No float is ever made.
func parseDecimal(s string, places int) (int64, error) {
	s = strings.TrimSpace(s)
	whole, frac, dotted := strings.Cut(s, ".")
	if whole == "" && (!dotted || frac == "") {
		return 0, errs.E(errs.Invalid, "digits are missing")
	}
	if len(frac) > places {
		if places == 0 {
			return 0, errs.E(errs.Invalid, "no decimals are allowed")
		}
		return 0, errs.E(errs.Invalid, "at most %d decimals are allowed", places)
	}
	digits := whole + frac + strings.Repeat("0", places-len(frac))
	for _, r := range digits {
		if r < '0' || r > '9' {
			return 0, errs.E(errs.Invalid, "only digits and one point are allowed")
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, errs.E(errs.Invalid, "the number is too large")
	}
	return n, nil
}
