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

// parseFind understands a search: "> 0.1", "< 0.1" and "= 0.1" compare amounts in BTC,
// "2026-11-21" is a day (UTC), "2026-11" a month, anything else is part of a text. A decimal
// number is both an amount and a text.
func parseFind(text string) (Find, error) {
	if text == "" {
		return Find{}, nil
	}
	if rest, ok := strings.CutPrefix(text, ">"); ok {
		a, err := btc.ParseBTC(strings.TrimSpace(rest))
		return Find{Over: &a}, err
	}
	if rest, ok := strings.CutPrefix(text, "<"); ok {
		a, err := btc.ParseBTC(strings.TrimSpace(rest))
		return Find{Under: &a}, err
	}
	if rest, ok := strings.CutPrefix(text, "="); ok {
		a, err := btc.ParseBTC(strings.TrimSpace(rest))
		return Find{Exactly: &a}, err
	}
	if day, err := time.Parse("2006-01-02", text); err == nil {
		return Find{From: day, To: day.AddDate(0, 0, 1)}, nil
	}
	if month, err := time.Parse("2006-01", text); err == nil {
		return Find{From: month, To: month.AddDate(0, 1, 0)}, nil
	}
	f := Find{Text: strings.ToLower(text)}
	if strings.Contains(text, ".") {
		if a, err := btc.ParseBTC(text); err == nil {
			f.Exactly = &a
		}
	}
	return f, nil
}
