package descriptor

import (
	"strings"

	"specter/internal/errs"
)

// checksumChars are the 32 characters of a checksum; inputChars those that a descriptor may
// have, in the order that makes common slips cheap to detect (BIP380).
const (
	checksumChars = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	inputChars    = "0123456789()[],'/*abcdefgh@:$%{}" +
		"IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" +
		"ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	checksumLen = 8
)

func polymod(c uint64, v int) uint64 {
	top := c >> 35
	c = (c&0x7ffffffff)<<5 ^ uint64(v)
	for i, g := range [5]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 == 1 {
			c ^= g
		}
	}
	return c
}

// Checksum computes the eight characters that stand after the # of a descriptor (BIP380).
// desc comes without them. Code malformed where it holds a character no descriptor has.
func Checksum(desc string) (string, error) {
	c := uint64(1)
	group, count := 0, 0
	for i := range len(desc) {
		pos := strings.IndexByte(inputChars, desc[i])
		if pos < 0 {
			return "", errs.Bad(errs.Malformed, "character %d of the descriptor, %q, is none that descriptors use", i+1, desc[i])
		}
		c = polymod(c, pos&31)
		group = group*3 + pos>>5
		if count++; count == 3 {
			c = polymod(c, group)
			group, count = 0, 0
		}
	}
	if count > 0 {
		c = polymod(c, group)
	}
	for range checksumLen {
		c = polymod(c, 0)
	}
	c ^= 1
	var out [checksumLen]byte
	for i := range out {
		out[i] = checksumChars[c>>(5*(checksumLen-1-i))&31]
	}
	return string(out[:]), nil
}

// AddChecksum returns the descriptor with # and its checksum; one that stands there already
// is replaced. A text that no descriptor can be is returned as it came.
func AddChecksum(desc string) string {
	body, _, _ := strings.Cut(desc, "#")
	sum, err := Checksum(body)
	if err != nil {
		return desc
	}
	return body + "#" + sum
}

// splitChecksum cuts the checksum off and verifies it; given tells whether there was one.
func splitChecksum(s string) (body string, given bool, err error) {
	body, sum, given := strings.Cut(s, "#")
	want, err := Checksum(body)
	if err != nil {
		if given {
			err = errs.Bad(errs.BadChecksum, "the checksum cannot be verified: %w", err)
		}
		return "", given, err
	}
	switch {
	case !given:
		return body, false, nil
	case strings.Contains(sum, "#"):
		return "", true, errs.Bad(errs.BadChecksum, "the descriptor has more than one #; the checksum follows a single one")
	case len(sum) != checksumLen:
		return "", true, errs.Bad(errs.BadChecksum, "a checksum has 8 characters, this one %d", len(sum))
	case sum != want:
		return "", true, errs.Bad(errs.BadChecksum, "the checksum %q does not match the descriptor, which has %q; a character was changed or lost", sum, want)
	}
	return body, true, nil
}
