package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
)

// Units that a user can choose.
const (
	unitBTC = "btc"
	unitSat = "sat"
)

// hidden stands for an amount while the user hides amounts.
const hidden = "••••••"

// Amt prints an amount in the user's unit, without the unit's name, as HTML whose digits stand
// in groups; the text itself has no blanks, so that copying it gives a number.
func (p page) Amt(a btcutil.Amount) template.HTML { return p.amount(a, "") }

// Sat prints a number of satoshi in the user's unit.
func (p page) Sat(n int64) template.HTML { return p.Amt(btcutil.Amount(n)) }

// Delta prints an amount with its sign.
func (p page) Delta(a btcutil.Amount) template.HTML {
	if a > 0 {
		return p.amount(a, "+")
	}
	return p.amount(a, "")
}

func (p page) amount(a btcutil.Amount, sign string) template.HTML {
	if p.Hide {
		return hidden
	}
	if a < 0 {
		sign, a = "−", -a
	}
	// digits, points and signs only: safe as HTML
	return template.HTML(`<span class="amt">` + sign + groupDigits(p.digits(a)) + `</span>`) //nolint:gosec
}

func (p page) digits(a btcutil.Amount) string {
	if p.Unit == unitSat {
		return strconv.FormatInt(int64(a), 10)
	}
	return btc.FormatBTC(a)
}

// AmtText prints an amount with its unit as plain text, for titles and sentences.
func (p page) AmtText(a btcutil.Amount) string {
	if p.Hide {
		return hidden
	}
	return p.digits(a) + " " + p.UnitName()
}

// UnitName is the unit's name on this network: tBTC where coins are worth nothing.
func (p page) UnitName() string {
	if p.Unit == unitSat {
		return "sat"
	}
	if p.Network.IsMain() {
		return "BTC"
	}
	return "tBTC"
}

// groupDigits wraps groups of digits in spans that the style sheet sets apart: 1.37 500 000 for
// decimals (the sat stand together), 137 500 000 for whole numbers.
func groupDigits(s string) string {
	whole, frac, dotted := strings.Cut(s, ".")
	var b strings.Builder
	for i, g := range groups(whole, len(whole)%3) {
		if i > 0 {
			g = `<span class="g">` + g + `</span>`
		}
		b.WriteString(g)
	}
	if dotted {
		b.WriteByte('.')
		for i, g := range groups(frac, len(frac)%3) {
			if i > 0 {
				g = `<span class="g">` + g + `</span>`
			}
			b.WriteString(g)
		}
	}
	return b.String()
}

// groups cuts a text into a first piece and pieces of three.
func groups(s string, first int) []string {
	var out []string
	if first > 0 && first <= len(s) {
		out, s = append(out, s[:first]), s[first:]
	}
	for len(s) > 3 {
		out, s = append(out, s[:3]), s[3:]
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

// groupText cuts an address into pieces of four for comparing by eye.
func groupText(s string) []string {
	var out []string
	for len(s) > 4 {
		out, s = append(out, s[:4]), s[4:]
	}
	return append(out, s)
}

// short shows the ends of a long word: ed366d79…19aa.
func short(v any) string {
	s := fmt.Sprint(v)
	if utf8.RuneCountInString(s) <= 20 {
		return s
	}
	r := []rune(s)
	return string(r[:10]) + "…" + string(r[len(r)-6:])
}

// percent turns a share into whole per cents, never 100 before the end.
func percent(share float64) int {
	switch {
	case share >= 1:
		return 100
	case share <= 0:
		return 0
	}
	return min(int(share*100), 99)
}

// When prints a time for a table.
func (p page) When(t time.Time) string {
	if t.IsZero() || t.Unix() == 0 {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

// Day prints a date.
func (p page) Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02")
}

// Stamp prints a time for machines, in a time element.
func (p page) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
