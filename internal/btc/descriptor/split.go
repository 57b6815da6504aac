package descriptor

import (
	"strings"

	"specter/internal/errs"
)

// splitCall splits "name(inner)"; ok is false where it is not exactly that.
func splitCall(s string) (name, inner string, ok bool) {
	i := strings.IndexByte(s, '(')
	if i < 0 {
		return s, "", false
	}
	name = s[:i]
	if matching(s, i) != len(s)-1 || s[len(s)-1] != ')' {
		return name, "", false
	}
	return name, s[i+1 : len(s)-1], true
}

// matching returns the place of the bracket that closes the one at i, or -1. It does not tell the
// kinds of brackets apart: callers look at the one they get.
func matching(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// splitArgs splits at the commas that stand in no brackets.
func splitArgs(s string) ([]string, error) {
	var args []string
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth < 0 {
				return nil, errs.Bad(errs.Malformed, "the brackets do not match")
			}
		case ',':
			if depth == 0 {
				args = append(args, s[start:i])
				start = i + 1
			}
		}
	}
	if depth != 0 {
		return nil, errs.Bad(errs.Malformed, "the brackets do not match")
	}
	if start == 0 && s == "" {
		return nil, nil
	}
	return append(args, s[start:]), nil
}
