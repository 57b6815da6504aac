package miniscript

import "strings"

// Type is a set of letters: one base type and the properties of BIP379's type system. The
// empty set is the type of an expression that does not fit together.
type Type uint32

// The base types and properties.
const (
	TypeB        Type = 1 << iota // base: pushes nonzero or zero
	TypeV                         // verify: pushes nothing, or fails
	TypeK                         // key: pushes a public key
	TypeW                         // wrapped: takes its input from below the top
	ZeroArg                       // z: takes nothing from the stack
	OneArg                        // o: takes exactly one element
	NonZero                       // n: its top element is never zero when satisfied
	Dissat                        // d: can be dissatisfied by anybody
	Unit                          // u: pushes exactly 1 when satisfied
	Expressive                    // e: exactly one dissatisfaction without a signature
	Forced                        // f: every dissatisfaction has a signature
	Safe                          // s: every satisfaction has a signature
	NonMalleable                  // m: a non-malleable satisfaction exists wherever one exists
	Expensive                     // x: VERIFY costs a byte of its own
	RelTime                       // g: holds older() in units of 512 seconds
	RelHeight                     // h: holds older() in blocks
	AbsTime                       // i: holds after() as a time
	AbsHeight                     // j: holds after() as a height
	NoMix                         // k: no satisfaction mixes the two kinds of one timelock
)

const typeLetters = "BVKWzonduefsmxghijk"

// shownTypes are the letters that String prints, those of BIP379's two tables.
const shownTypes = Expensive - 1

// Has reports whether t has all letters of want.
func (t Type) Has(want Type) bool { return t&want == want }

// when returns t where the condition holds, else the empty set.
func (t Type) when(cond bool) Type {
	if cond {
		return t
	}
	return 0
}

// String prints the base type and the properties z, o, n, d, u, e, f, s and m: "Bondusem"
// in the order of the constants. The empty type is "".
func (t Type) String() string {
	var b strings.Builder
	for i, c := range typeLetters {
		if t&shownTypes&(1<<i) != 0 {
			b.WriteRune(c)
		}
	}
	return b.String()
}
