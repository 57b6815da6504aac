package store

import (
	"encoding/json"
	"strings"

	"specter/internal/btc"
	"specter/internal/btc/txgraph"
	"specter/internal/wallet"
)

// lister builds the queries for one page of a list over several wallets, and for how many rows
// there are. Counting ends early: a page does not wait for a number that nobody reads.
type lister struct {
	table    string
	key      string // column of the order
	owners   []wallet.Record
	cond     string // begins with " AND"
	args     []any
	arms     []arm   // alternatives, of which no row fits two; none: one that fits all
	ids      []int64 // the only rows that may match; nil: all
	frequent bool    // rows are found one by one and not counted beyond the page
	limit    int     // how far rows are counted beyond the page; 0: maxCount
	counted  bool    // known is the number of rows
	known    int

	index                   string // that the list is read from in order; "": the database chooses
	amountIndex, amountCond string // of the table's amounts, and what its rows have in common; "": none
}

// arm is a range of an index.
type arm struct {
	cond string
	args []any
}

// How far rows are counted that an index names one after the other, and those that have to be
// picked out.
const (
	maxCount  = 10_000
	maxSparse = 1_000
)

func (l *lister) and(cond string, args ...any) {
	l.cond += " AND " + cond
	l.args = append(l.args, args...)
}

// amounts compares magnitudes: money that went out counts like money that came in. The signs
// keep the database from sorting all that match: it reads in the list's order and stops. Where few
// rows match (the index of amounts tells) they are named.
func (t *tx) findAmounts(l *lister, f wallet.Find, signed bool) error {
	var ranges [][2]int64 // both ends inside
	switch {
	case f.Exactly != nil && f.Text == "":
		a := int64(*f.Exactly)
		l.and("+amount IN (?, ?)", a, -a)
		ranges = [][2]int64{{a, a}, {-a, -a}}
	case f.Over != nil || f.Under != nil:
		low, high := int64(0), int64(btc.MaxMoney)
		if f.Over != nil {
			low = int64(*f.Over) + 1
		}
		if f.Under != nil {
			high = int64(*f.Under) - 1
		}
		l.and("(+amount BETWEEN ? AND ? OR +amount BETWEEN ? AND ?)", low, high, -high, -low)
		ranges = [][2]int64{{low, high}, {-high, -low}}
	default:
		return nil
	}
	l.limit = maxSparse
	if !signed {
		ranges = ranges[:1]
	}
	if l.ids != nil || l.amountIndex == "" {
		return nil
	}
	ids := []int64{}
	for _, o := range l.owners {
		for _, r := range ranges {
			some, err := t.numbers("SELECT id FROM "+l.table+" INDEXED BY "+l.amountIndex+" WHERE wallet = ? AND amount BETWEEN ? AND ?"+l.amountCond+" LIMIT ?", o.ID, r[0], r[1], maxMatches-len(ids)+1)
			if err != nil {
				return err
			}
			if ids = append(ids, some...); len(ids) > maxMatches {
				return nil
			}
		}
	}
	l.ids = ids
	return nil
}

// times turns a span of time into ranges of the order, which begins with the time.
func (l *lister) times(f wallet.Find) {
	if f.From.IsZero() && f.To.IsZero() {
		return
	}
	from, to := int64(0), txgraph.PendingOrder
	if !f.From.IsZero() {
		from = txgraph.TimeOrder(f.From.Unix())
	}
	if !f.To.IsZero() {
		to = txgraph.TimeOrder(f.To.Unix())
	}
	for _, base := range []int64{0, txgraph.PendingOrder} {
		l.arms = append(l.arms, arm{" AND ord >= ? AND ord < ?", []any{base + from, base + to}})
	}
}

// extra is how many rows more than a page are read, to learn whether there are more.
func (l *lister) extra() int {
	if l.frequent {
		return 1
	}
	return 0
}

// empty reports whether the counted rows end before a page.
func (l *lister) empty(p wallet.Page, total int) bool {
	return !l.frequent && total <= (p.Number-1)*p.Size
}

// alternatives are the arms, or the one that fits all.
func (l *lister) alternatives() []arm {
	if len(l.arms) == 0 {
		return []arm{{}}
	}
	return l.arms
}

// idList is the named rows as JSON: one argument, however many they are.
func (l *lister) idList() string {
	b, err := json.Marshal(l.ids)
	if err != nil {
		return "[]"
	}
	return string(b)
}

// from is the part of a query behind its columns, for one wallet (or all, where wallets is nil)
// and one arm.
func (l *lister) from(wallets []wallet.Record, a arm) (string, []any) {
	var args []any
	source := l.table
	if l.index != "" && l.key == "ord" {
		source += " INDEXED BY " + l.index
	}
	if l.ids != nil {
		source = "(SELECT DISTINCT value FROM json_each(?)) j CROSS JOIN " + l.table + " ON " + l.table + ".id = j.value"
		args = append(args, l.idList())
	}
	mark := "= ?"
	if len(wallets) > 1 {
		mark = "IN (" + strings.Repeat("?, ", len(wallets)-1) + "?)"
	}
	for _, o := range wallets {
		args = append(args, o.ID)
	}
	query := " FROM " + source + " WHERE wallet " + mark + l.cond + a.cond
	return query, append(append(args, l.args...), a.args...)
}

// groups are the wallets as they are asked about: each for itself, so that its rows come from its
// own index in order; all at once where rows are named, or where they are too many to merge.
func (l *lister) groups() [][]wallet.Record {
	if l.ids != nil || len(l.owners)*len(l.alternatives()) > maxMerged {
		return [][]wallet.Record{l.owners}
	}
	out := make([][]wallet.Record, len(l.owners))
	for i := range l.owners {
		out[i] = l.owners[i : i+1]
	}
	return out
}

// page is the query for the ids of one page.
func (l *lister) page(p wallet.Page, extra int) (string, []any) {
	var parts []string
	var all []any
	for _, g := range l.groups() {
		for _, a := range l.alternatives() {
			from, args := l.from(g, a)
			parts = append(parts, "SELECT "+l.key+" AS key, ord AS tie, id"+from)
			all = append(all, args...)
		}
	}
	order := " ORDER BY key" + direction(p)
	if l.key != "ord" {
		order += ", tie" + direction(p)
	}
	return strings.Join(parts, " UNION ALL ") + order + " LIMIT ? OFFSET ?", append(all, p.Size+extra, (p.Number-1)*p.Size)
}

// count tells how many rows there are; more: it stopped counting.
func (l *lister) count(t *tx, p wallet.Page) (n int, more bool, err error) {
	if l.counted || l.frequent {
		return l.known, false, nil
	}
	limit := l.limit
	if limit == 0 {
		limit = maxCount
	}
	limit += p.Number * p.Size
	for _, o := range l.groups() {
		for _, a := range l.alternatives() {
			from, args := l.from(o, a)
			var part int
			if _, err := t.one("SELECT count(*) FROM (SELECT 1"+from+" LIMIT ?)", append(args, limit-n+1), &part); err != nil {
				return 0, false, err
			}
			if n += part; n > limit {
				return limit, true, nil
			}
		}
	}
	return n, false, nil
}

// clip takes off the row that only tells that there are more, and counts what was not counted.
func clip[T any](l *lister, p wallet.Page, rows []T, total int, more bool) ([]T, int, bool) {
	if !l.frequent {
		return rows, total, more
	}
	more = len(rows) > p.Size
	total = (p.Number-1)*p.Size + len(rows)
	if len(rows) == 0 {
		total = 0 // beyond the end: nobody has counted
	}
	return rows[:min(len(rows), p.Size)], total, more
}
