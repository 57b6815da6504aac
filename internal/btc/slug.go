package btc

import (
	"strings"
	"unicode"
)

// Slug makes the file-safe alias of a name as the old Specter does, so that old aliases and
// ours agree: trim, blanks and hyphens to one underscore, letters and digits of any script
// kept, lower case. A name without letters or digits gives "".
func Slug(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.TrimSpace(name) {
		switch {
		case unicode.IsSpace(r) || r == '-' || r == '_':
			if !gap {
				b.WriteByte('_')
			}
			gap = true
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteString(strings.ToLower(string(r)))
			gap = false
		}
	}
	s := b.String()
	if strings.Trim(s, "_") == "" {
		return ""
	}
	return s
}

// IsAlias reports whether a text can be an alias as it is: small letters, digits and underscores,
// one letter or digit at least. The old Specter has aliases with two underscores in a row, of names
// like "Off & away", which Slug never makes.
func IsAlias(s string) bool {
	for _, r := range s {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) || strings.ToLower(string(r)) != string(r) {
			return false
		}
	}
	return strings.Trim(s, "_") != ""
}
