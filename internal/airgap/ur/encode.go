package ur

import (
	"fmt"
	"hash/crc32"

	"specter/internal/errs"
)

// Bounds of a resource. The greatest PSBT that a camera could carry is far below them.
const (
	MaxMessage = 4 << 20 // bytes of CBOR
	MaxParts   = 8192    // fragments of a message
)

// UR is a uniform resource: its type, as "psbt" or "crypto-account", and its CBOR.
type UR struct {
	Type string
	CBOR []byte
}

// minFragment is the shortest fragment that is cut, in bytes, as in the reference.
const minFragment = 10

// Encoder writes a resource as one part or, when it is longer than a fragment, as the endless
// parts of a fountain code. It is a value to read: Part may be asked in any order.
type Encoder struct {
	ur       UR
	fragment int // bytes of a fragment
	checksum uint32
	chooser  *chooser
}

// NewEncoder prepares a resource for fragments of at most maxFragment bytes (at least 10).
func NewEncoder(u UR, maxFragment int) (*Encoder, error) {
	if !validType(u.Type) {
		return nil, errs.Bad(errs.Malformed, "%q is no type of a resource", u.Type)
	}
	if len(u.CBOR) == 0 || len(u.CBOR) > MaxMessage {
		return nil, errs.Bad(errs.TooLarge, "a resource has 1 to %d bytes, this one %d", MaxMessage, len(u.CBOR))
	}
	if maxFragment < minFragment {
		return nil, errs.Bad(errs.Malformed, "a fragment has at least %d bytes", minFragment)
	}
	fragment := fragmentLength(len(u.CBOR), minFragment, maxFragment)
	count := (len(u.CBOR) + fragment - 1) / fragment
	if count > MaxParts {
		return nil, errs.Bad(errs.TooLarge, "%d bytes in fragments of %d would take %d parts; the most is %d", len(u.CBOR), fragment, count, MaxParts)
	}
	sum := crc32.ChecksumIEEE(u.CBOR)
	return &Encoder{ur: u, fragment: fragment, checksum: sum, chooser: newChooser(count, sum)}, nil
}

// fragmentLength spreads a message evenly over as few fragments of least to most bytes as do.
func fragmentLength(message, least, most int) int {
	count := min((message+most-1)/most, max(message/least, 1))
	return (message + count - 1) / count
}

// Len returns how many parts carry the whole message when none is missed.
func (e *Encoder) Len() int { return e.chooser.count }

// Part returns part i, from 0, in lower case. Parts from Len on are mixtures that make up for
// missed ones; there are 2^32 different ones.
func (e *Encoder) Part(i int) string {
	if e.Len() == 1 {
		return "ur:" + e.ur.Type + "/" + EncodeBytewords(e.ur.CBOR, Minimal)
	}
	seq := uint32(i + 1)
	if seq == 0 {
		seq = uint32(e.Len()) // past the end of the numbers; any one does
	}
	return fmt.Sprintf("ur:%s/%d-%d/%s", e.ur.Type, seq, e.Len(), EncodeBytewords(e.part(seq), Minimal))
}

// part returns the CBOR of a part.
func (e *Encoder) part(seq uint32) []byte {
	data := make([]byte, e.fragment)
	for _, i := range e.chooser.fragments(seq) {
		from := i * e.fragment
		xorInto(data, e.ur.CBOR[from:min(from+e.fragment, len(e.ur.CBOR))]) // the last is padded with zeros
	}
	return cborArray(cborUint(uint64(seq)), cborUint(uint64(e.Len())), cborUint(uint64(len(e.ur.CBOR))),
		cborUint(uint64(e.checksum)), cborBytes(data)).append(nil)
}

func xorInto(dst, src []byte) {
	for i, v := range src {
		dst[i] ^= v
	}
}

// validType reports whether s is letters, digits and hyphens in lower case.
func validType(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 64
}
