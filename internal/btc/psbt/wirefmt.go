package psbt

import (
	"encoding/binary"

	"specter/internal/errs"
)

// Bounds on foreign input. A transaction has at most 4,000,000 weight units (consensus), which
// leaves room for fewer inputs and outputs than these.
const (
	maxPacketBytes = 100 << 20 // as Bitcoin Core's MAX_FILE_SIZE_PSBT
	maxTxBytes     = 4_000_000
	maxInputs      = 25_000
	maxOutputs     = 120_000
	maxPairs       = 500_000 // key-value pairs of the whole packet
)

var errShort = errs.Bad(errs.Malformed, "the PSBT ends in the middle of a field; it was cut off")

// reader reads Bitcoin's wire words from memory. Slices that it returns share the memory.
type reader struct {
	b     []byte
	pairs int // key-value pairs read so far
}

func (r *reader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.b)) {
		return nil, errShort
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out, nil
}

func (r *reader) byte() (byte, error) {
	b, err := r.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (r *reader) uint32() (uint32, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (r *reader) uint64() (uint64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// compactSize reads a compact size in its shortest form only, so that what is read can be
// written again byte for byte.
func (r *reader) compactSize() (uint64, error) {
	first, err := r.byte()
	if err != nil {
		return 0, err
	}
	if first < 0xfd {
		return uint64(first), nil
	}
	size := uint64(2) << (first - 0xfd)
	b, err := r.take(size)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	n := binary.LittleEndian.Uint64(full[:])
	if n < 0xfd || size == 4 && n <= 0xffff || size == 8 && n <= 0xffffffff {
		return 0, errs.Bad(errs.Malformed, "a length is not written in its shortest form")
	}
	return n, nil
}

// varBytes reads a length and as many bytes.
func (r *reader) varBytes() ([]byte, error) {
	n, err := r.compactSize()
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

func appendCompactSize(b []byte, n uint64) []byte {
	switch {
	case n < 0xfd:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(b, 0xfd), uint16(n))
	case n <= 0xffffffff:
		return binary.LittleEndian.AppendUint32(append(b, 0xfe), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xff), n)
}

func appendVarBytes(b, v []byte) []byte {
	return append(appendCompactSize(b, uint64(len(v))), v...)
}

func compactSizeLen(n int) int { return len(appendCompactSize(nil, uint64(n))) }

// KeyValue is a raw pair of a PSBT map; the key begins with its type.
type KeyValue struct {
	Key, Value []byte
}

// readMap reads pairs up to the map's end and hands them over. A repeated key is refused.
func (r *reader) readMap(add func(kv KeyValue) error) error {
	seen := map[string]bool{}
	for {
		key, err := r.varBytes()
		if err != nil {
			return err
		}
		if len(key) == 0 {
			return nil
		}
		value, err := r.varBytes()
		if err != nil {
			return err
		}
		if seen[string(key)] {
			return errs.Bad(errs.Malformed, "a PSBT map holds the key %s twice", shortHex(key))
		}
		seen[string(key)] = true
		if r.pairs++; r.pairs > maxPairs {
			return errs.Bad(errs.TooLarge, "the PSBT has more than %d fields", maxPairs)
		}
		if err := add(KeyValue{key, value}); err != nil {
			return err
		}
	}
}

func appendMap(b []byte, pairs []KeyValue) []byte {
	for _, kv := range pairs {
		b = appendVarBytes(b, kv.Key)
		b = appendVarBytes(b, kv.Value)
	}
	return append(b, 0)
}
