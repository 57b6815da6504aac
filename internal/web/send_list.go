package web

import (
	"encoding/csv"
	"slices"
	"strings"
	"unicode"

	"specter/internal/btc"
)

// maxList bounds a pasted list of payments in bytes.
const maxList = 512 << 10

// payLine is one line of a pasted list.
type payLine struct {
	Line  int // from 1
	Text  string
	Row   recipientRow
	Error string // why the line cannot be paid; "" when it can
	Twice int    // an earlier line that pays the same address; 0: none
}

// readPayments reads a list of payments: lines of address, amount and label with commas, semicolons,
// tabs or blanks between, with or without a line of headings, or payment URIs, several in a line
// if need be. Amounts are in the given unit unless a heading or the amount itself says another.
func readPayments(text string, words catalogue, m money, n btc.Network) ([]payLine, string) {
	if len(text) > maxList {
		return nil, words.t("The list is too long; paste at most %d kB.", maxList>>10)
	}
	text = strings.ToValidUTF8(strings.TrimPrefix(text, "\ufeff"), "?")
	var out []payLine
	cols := columns{address: 0, amount: 1, label: 2}
	first := true
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if len(out) >= maxRecipients {
			return out, words.t("The list has more than %d payments; make several drafts of it.", maxRecipients)
		}
		if uris := splitURIs(line); uris != nil {
			for _, u := range uris {
				out = append(out, checkLine(payLine{Line: i + 1, Text: u, Row: recipientRow{Address: u}}, words, m, n))
			}
			first = false
			continue
		}
		fields := cut(line)
		if first {
			if c, ok := heading(fields); ok {
				cols, first = c, false
				continue
			}
		}
		first = false
		out = append(out, checkLine(payLine{Line: i + 1, Text: limit(line, 200), Row: cols.row(fields)}, words, m, n))
	}
	seen := map[string]int{}
	for i := range out {
		if a := out[i].Row.Address; out[i].Error == "" {
			out[i].Twice = seen[a]
			if seen[a] == 0 {
				seen[a] = out[i].Line
			}
		}
	}
	return out, ""
}

// checkLine judges a line and puts its amount into the form's unit.
func checkLine(l payLine, words catalogue, m money, n btc.Network) payLine {
	rec, ok := l.Row.recipient(words, m, n)
	if !ok {
		l.Error = strings.TrimSpace(l.Row.AddressErr + " " + l.Row.AmountErr)
		return l
	}
	if !rec.Max {
		l.Row.Amount = m.exact(rec.Amount)
	}
	return l
}

// splitURIs returns the payment URIs of a text that is nothing else; nil where it is something
// else. They may stand without anything between: one-line fields drop line breaks on pasting.
func splitURIs(text string) []string {
	const scheme = "bitcoin:"
	lower := strings.ToLower(text)
	if !strings.HasPrefix(lower, scheme) {
		return nil
	}
	var out []string
	for text != "" {
		end := strings.Index(lower[1:], scheme)
		piece := text
		if end >= 0 {
			piece = text[:end+1]
		}
		text, lower = text[len(piece):], lower[len(piece):]
		out = append(out, strings.Trim(piece, " \t\r\n,;"))
		if len(out) > maxRecipients {
			return nil
		}
	}
	return out
}

// cut cuts a line at the separator that it has most of; blanks count where there is no other.
func cut(line string) []string {
	sep, most := rune(0), 0
	for _, c := range "\t;," {
		if n := strings.Count(line, string(c)); n > most {
			sep, most = c, n
		}
	}
	if sep == 0 {
		fields := strings.Fields(line)
		if len(fields) > 3 {
			fields = append(fields[:2:2], strings.Join(fields[2:], " "))
		}
		return fields
	}
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.TrimLeadingSpace = sep, true, -1, true
	fields, err := r.Read()
	if err != nil {
		fields = strings.Split(line, string(sep))
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields
}

// columns says where a list has what; -1: nowhere.
type columns struct {
	address, amount, label int
	unit                   string // of the amounts; "" is the form's
}

// heading reads a first line that names the columns.
func heading(fields []string) (columns, bool) {
	c := columns{-1, -1, -1, ""}
	for i, f := range fields {
		name := strings.ToLower(strings.Trim(f, `"' `))
		words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
		has := func(list ...string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
		}
		switch {
		case c.address < 0 && has("address", "addresses", "recipient", "to"):
			c.address = i
		case c.amount < 0 && has("amount", "value", "btc", "sat", "sats"):
			c.amount = i
			if has("sat", "sats") {
				c.unit = unitSat
			} else if has("btc") {
				c.unit = unitBTC
			}
		case c.label < 0 && has("label", "name", "note", "description", "memo", "message"):
			c.label = i
		}
	}
	return c, c.address >= 0 && c.amount >= 0
}

// row takes a recipient out of a line. An amount may carry its unit, or be "max".
func (c columns) row(fields []string) recipientRow {
	at := func(i int) string {
		if i < 0 || i >= len(fields) {
			return ""
		}
		return fields[i]
	}
	row := recipientRow{Address: at(c.address), Amount: at(c.amount), Label: limit(at(c.label), 250)}
	if strings.EqualFold(row.Amount, "max") || strings.EqualFold(row.Amount, "all") {
		row.Max, row.Amount = true, ""
	} else if c.unit != "" && row.Amount != "" && strings.Trim(row.Amount, "0123456789., _") == "" {
		row.Amount += " " + c.unit
	}
	return row
}
