package wallet

import (
	"strings"
	"time"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Bounds of a query.
const (
	defaultSize = 25
	maxSize     = 500
	maxSearch   = 200
	maxPage     = 10_000_000
)

// parseQuery understands a query. Without a sort the newest comes first, and lists of addresses
// begin with the first.
func parseQuery(q Query) (Page, error) {
	p := Page{Sort: sortWord(q.Sort), Desc: q.Desc, Filter: q.Filter, Number: max(q.Page, 1), Size: q.Size}
	if p.Size == 0 {
		p.Size = defaultSize
	}
	if p.Size < 0 || p.Size > maxSize || p.Number > maxPage {
		return Page{}, errs.E(errs.Invalid, "a page has 1 to %d rows", maxSize)
	}
	if len(q.Search) > maxSearch {
		return Page{}, errs.E(errs.Invalid, "the search is too long; use at most %d characters", maxSearch)
	}
	var err error
	p.Find, err = parseFind(strings.TrimSpace(q.Search))
	return p, err
}

// newestFirst is parseQuery for lists that are in order of time.
func newestFirst(q Query) (Page, error) {
	if q.Sort == "" {
		q.Desc = true
	}
	return parseQuery(q)
}

// sortWord reduces the words that pages use for columns to those that the store knows.
func sortWord(column string) string {
	switch column {
	case "time", "date", "height", "confirmations", "blockheight":
		return ""
	case "utxo":
		return "coins"
	}
	return column
}

// parseFind understands a search: "> 0.1", "< 0.1", "= 0.1" and "0.1..0.5" compare amounts in
// BTC, "2026-11-21" is a day (UTC), "2026-11" a month, "> 2026-01-01", "< 2026-01-01" and
// "2026-01..2026-03" spans of days; comparisons may stand together. Anything else is part of a
// text. A decimal number is both an amount and a text.
func parseFind(text string) (Find, error) {
	if text == "" {
		return Find{}, nil
	}
	if strings.ContainsAny(text[:1], "<>=") {
		return parseComparisons(text)
	}
	if low, high, ok := strings.Cut(text, ".."); ok {
		if f, ok := parseSpan(strings.TrimSpace(low), strings.TrimSpace(high)); ok {
			return f, nil
		}
	}
	if from, to, ok := parseDay(text); ok {
		return Find{From: from, To: to}, nil
	}
	f := Find{Text: strings.ToLower(text)}
	if strings.Contains(text, ".") {
		if a, err := btc.ParseBTC(text); err == nil {
			f.Exactly = &a
		}
	}
	return f, nil
}

// parseDay reads a day or a month: its first moment, and the first one after it.
func parseDay(text string) (from, to time.Time, ok bool) {
	if day, err := time.Parse("2006-01-02", text); err == nil {
		return day, day.AddDate(0, 0, 1), true
	}
	if month, err := time.Parse("2006-01", text); err == nil {
		return month, month.AddDate(0, 1, 0), true
	}
	return from, to, false
}

// parseSpan reads two days or months, or two amounts; both ends belong to it.
func parseSpan(low, high string) (f Find, ok bool) {
	if from, _, ok := parseDay(low); ok {
		_, to, ok := parseDay(high)
		return Find{From: from, To: to}, ok
	}
	a, errA := btc.ParseBTC(low)
	b, errB := btc.ParseBTC(high)
	a, b = a-1, b+1
	return Find{Over: &a, Under: &b}, errA == nil && errB == nil
}

// parseComparisons reads signs with an amount or a day behind each.
func parseComparisons(text string) (f Find, err error) {
	for text != "" {
		sign := text[0]
		rest := text[1:]
		end := strings.IndexAny(rest, "<>=")
		if end < 0 {
			end = len(rest)
		}
		word := strings.TrimSpace(rest[:end])
		text = rest[end:]
		if from, to, ok := parseDay(word); ok {
			switch sign {
			case '>':
				f.From = to
			case '<':
				f.To = from
			default:
				f.From, f.To = from, to
			}
			continue
		}
		a, err := btc.ParseBTC(word)
		if err != nil {
			return f, err
		}
		switch sign {
		case '>':
			f.Over = &a
		case '<':
			f.Under = &a
		default:
			f.Exactly = &a
		}
	}
	return f, nil
}
