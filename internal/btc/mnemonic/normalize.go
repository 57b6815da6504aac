package mnemonic

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// normalize brings text into NFKD, as BIP39 wants it before hashing. The library's function for
// whole strings inserts a joiner after 30 combining marks in a row, which no other wallet does
// and which would give another seed; so each rune is decomposed on its own and the marks are
// ordered here.
func normalize(s string) string {
	var out strings.Builder
	var marks []mark
	flush := func() {
		slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.class, b.class) })
		for _, m := range marks {
			out.WriteRune(m.r)
		}
		marks = marks[:0]
	}
	for _, r := range s {
		for _, d := range norm.NFKD.String(string(r)) {
			class := norm.NFKD.PropertiesString(string(d)).CCC()
			if class == 0 {
				flush()
				out.WriteRune(d)
				continue
			}
			marks = append(marks, mark{d, class})
		}
	}
	flush()
	return out.String()
}

// mark is a combining mark with its canonical combining class.
type mark struct {
	r     rune
	class uint8
}
