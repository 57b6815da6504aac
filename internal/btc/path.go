package btc

import (
	"encoding/hex"
	"strconv"
	"strings"

	"specter/internal/errs"
)

// Hardened is the bit that marks a hardened child index (BIP32).
const Hardened uint32 = 1 << 31

// Fingerprint is the first four bytes of the hash160 of a public key (BIP32).
type Fingerprint [4]byte

// String returns eight lower-case hex digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// IsZero reports whether the fingerprint is unknown (all zero).
func (f Fingerprint) IsZero() bool { return f == Fingerprint{} }

// ParseFingerprint reads eight hex digits of either case.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 {
		return f, errs.Bad(errs.BadKey, "%q is no fingerprint; it has eight hex digits", s)
	}
	copy(f[:], b)
	return f, nil
}

// Path is a derivation path: child indexes with the Hardened bit where hardened.
type Path []uint32

// ParsePath reads "m/84h/0'/0H/1/2" (the "m/" may be missing; "", "m" and "m/" are empty).
func ParsePath(s string) (Path, error) {
	rest := s
	if rest == "m" || rest == "M" {
		return nil, nil
	}
	if strings.HasPrefix(rest, "m/") || strings.HasPrefix(rest, "M/") {
		rest = rest[2:]
	}
	if rest == "" {
		return nil, nil
	}
	steps := strings.Split(rest, "/")
	if len(steps) > 255 {
		return nil, errs.Bad(errs.BadPath, "the path has %d steps; BIP32 allows 255", len(steps))
	}
	p := make(Path, len(steps))
	for i, step := range steps {
		n, err := ParsePathStep(step)
		if err != nil {
			return nil, err
		}
		p[i] = n
	}
	return p, nil
}

// ParsePathStep reads one step: digits, then h, H or ' when hardened.
func ParsePathStep(step string) (uint32, error) {
	digits := strings.TrimRight(step, "hH'")
	if len(step)-len(digits) > 1 || digits == "" {
		return 0, errs.Bad(errs.BadPath, "%q is no step of a derivation path", step)
	}
	for _, r := range digits {
		if r < '0' || r > '9' {
			return 0, errs.Bad(errs.BadPath, "%q is no step of a derivation path", step)
		}
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n >= uint64(Hardened) {
		return 0, errs.Bad(errs.BadPath, "path step %q is out of range; the largest is 2147483647", step)
	}
	if len(digits) < len(step) {
		n |= uint64(Hardened)
	}
	return uint32(n), nil
}

// String prints the path with h and without "m/": "84h/0h/0h". The empty path is "".
func (p Path) String() string {
	var b strings.Builder
	for i, n := range p {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(strconv.FormatUint(uint64(n&^Hardened), 10))
		if n&Hardened != 0 {
			b.WriteByte('h')
		}
	}
	return b.String()
}

// Full prints the path with "m" in front: "m/84h/0h/0h", or "m" when empty.
func (p Path) Full() string {
	if len(p) == 0 {
		return "m"
	}
	return "m/" + p.String()
}

// Child returns a new path with steps appended; p is not changed.
func (p Path) Child(steps ...uint32) Path {
	out := make(Path, 0, len(p)+len(steps))
	return append(append(out, p...), steps...)
}

// HasHardened reports whether any step is hardened.
func (p Path) HasHardened() bool {
	for _, n := range p {
		if n&Hardened != 0 {
			return true
		}
	}
	return false
}

// KeyOrigin says where an extended key comes from: the master key's fingerprint and the path
// from there (BIP380).
type KeyOrigin struct {
	Fingerprint Fingerprint
	Path        Path
}

// String prints "d34db33f/48h/0h/0h/2h", without brackets.
func (o KeyOrigin) String() string {
	if len(o.Path) == 0 {
		return o.Fingerprint.String()
	}
	return o.Fingerprint.String() + "/" + o.Path.String()
}

// ParseKeyOrigin reads the text between the brackets of a key expression.
func ParseKeyOrigin(s string) (KeyOrigin, error) {
	fp, rest, more := strings.Cut(s, "/")
	var o KeyOrigin
	var err error
	if o.Fingerprint, err = ParseFingerprint(fp); err != nil {
		return o, err
	}
	if more {
		if rest == "" {
			return o, errs.Bad(errs.BadPath, "the origin %q ends with a slash", s)
		}
		if rest[0] == 'm' || rest[0] == 'M' {
			return o, errs.Bad(errs.BadPath, "the origin %q repeats the m of a path", s)
		}
		o.Path, err = ParsePath(rest)
	}
	return o, err
}
