package auth

import (
	"math/big"
	"strings"
	"time"

	"specter/internal/errs"
)

// lifeMax bounds what a token may live: 100 years of 365.25 days.
const lifeMax = 36525 * 24 * time.Hour

const spanMax = 100 // bytes of text

// The units of a span from great to small; each may stand once, in this order.
const (
	spanWeeks = iota
	spanDays
	spanHours
	spanMinutes
	spanSeconds
)

// spanLength is each unit in seconds.
var spanLength = [...]int64{spanWeeks: 7 * 86400, spanDays: 86400, spanHours: 3600, spanMinutes: 60, spanSeconds: 1}

var spanUnits = map[string]int{
	"w": spanWeeks, "wk": spanWeeks, "wks": spanWeeks, "week": spanWeeks, "weeks": spanWeeks,
	"d": spanDays, "dy": spanDays, "dys": spanDays, "day": spanDays, "days": spanDays,
	"h": spanHours, "hr": spanHours, "hrs": spanHours, "hour": spanHours, "hours": spanHours,
	"m": spanMinutes, "min": spanMinutes, "mins": spanMinutes, "minute": spanMinutes, "minutes": spanMinutes,
	"s": spanSeconds, "sec": spanSeconds, "secs": spanSeconds, "second": spanSeconds, "seconds": spanSeconds,
}

// ParseSpan reads a span of time as the old Specter's API takes it: "30 days", "1h30m",
// "2 days, 4:13:02", "1:30" (minutes and seconds), ":22", "2:04:13:02". Without decimals in the
// seconds it is cut to whole seconds. errs.Invalid when it is none, is not above zero, or is
// longer than 100 years.
func ParseSpan(text string) (time.Duration, error) {
	bad := errs.E(errs.Invalid, "this is no span of time; write for example 30 days, 6 minutes or 1h30m")
	if len(text) > spanMax {
		return 0, bad
	}
	rest := strings.TrimSpace(strings.ToLower(text))
	negative := strings.HasPrefix(rest, "-")
	if negative || strings.HasPrefix(rest, "+") {
		rest = strings.TrimSpace(rest[1:])
	}
	p := span{rest: rest, last: -1, sum: new(big.Rat)}
	if !p.read() {
		return 0, bad
	}
	if negative || p.sum.Sign() <= 0 {
		return 0, errs.E(errs.Invalid, "the life must be longer than nothing")
	}
	if !p.decimals { // cut, as the original does
		p.sum.SetInt(new(big.Int).Quo(p.sum.Num(), p.sum.Denom()))
	}
	if p.sum.Cmp(big.NewRat(int64(lifeMax/time.Second), 1)) > 0 {
		return 0, errs.E(errs.Invalid, "the life may be 100 years at most")
	}
	p.sum.Mul(p.sum, big.NewRat(int64(time.Second), 1))
	d := time.Duration(new(big.Int).Quo(p.sum.Num(), p.sum.Denom()).Int64())
	if d <= 0 {
		return 0, errs.E(errs.Invalid, "the life must be longer than nothing")
	}
	return d, nil
}

// span reads one span from the left.
type span struct {
	rest     string
	last     int // the unit read last; -1: none yet
	sum      *big.Rat
	decimals bool // the seconds have some
}

// read reads numbers with units, and at the end perhaps a clock.
func (p *span) read() bool {
	for p.rest != "" {
		n := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789."))
		if strings.HasPrefix(p.rest[n:], ":") {
			return p.clock()
		}
		number := p.rest[:n]
		p.rest = strings.TrimLeft(p.rest[n:], " \t\n\r\v\f")
		n = len(p.rest) - len(strings.TrimLeft(p.rest, "abcdefghijklmnopqrstuvwxyz"))
		unit, ok := spanUnits[p.rest[:n]]
		if !ok || unit <= p.last || !p.add(number, unit) {
			return false
		}
		p.last = unit
		p.rest = strings.TrimLeft(p.rest[n:], " \t\n\r\v\f")
		if strings.HasPrefix(p.rest, ",") || strings.HasPrefix(p.rest, "/") {
			p.rest = strings.TrimLeft(p.rest[1:], " \t\n\r\v\f")
		}
	}
	return p.last >= 0
}

// clock reads [D:][H:][MM]:SS[.fff] to the end. Behind weeks or days only H:MM:SS may stand.
func (p *span) clock() bool {
	parts := strings.Split(p.rest, ":")
	n := len(parts)
	alone := p.last == -1
	switch {
	case n == 2 && alone: // MM:SS, :SS
		if len(parts[0]) > 2 {
			return false
		}
	case n == 3 && p.last <= spanDays, n == 4 && alone:
		if parts[0] == "" {
			return false
		}
	default:
		return false
	}
	for i, part := range parts {
		unit := spanSeconds - (n - 1 - i)
		whole, fraction, dot := strings.Cut(part, ".")
		switch {
		case unit == spanSeconds && (len(whole) != 2 || dot && (fraction == "" || strings.Contains(fraction, "."))):
			return false
		case unit != spanSeconds && (dot || i > 0 && len(whole) != 2):
			return false
		case part == "": // the empty minutes of ":22"
			continue
		}
		if !p.add(part, unit) {
			return false
		}
	}
	return true
}

// add adds a decimal number of a unit.
func (p *span) add(number string, unit int) bool {
	if strings.Trim(number, "0123456789.") != "" || strings.Trim(number, ".") == "" || strings.Count(number, ".") > 1 {
		return false
	}
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return false
	}
	p.decimals = p.decimals || unit == spanSeconds && strings.Contains(number, ".")
	p.sum.Add(p.sum, v.Mul(v, big.NewRat(spanLength[unit], 1)))
	return true
}
