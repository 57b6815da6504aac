package ur

import (
	"encoding/binary"
	"unicode/utf8"

	"specter/internal/errs"
)

// kind is the major type of a CBOR item (RFC 8949).
type kind uint8

const (
	kindUint kind = iota
	kindNegative
	kindBytes
	kindText
	kindArray
	kindMap
	kindTag
	kindSimple
)

// The simple values that the registry uses.
const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// item is a CBOR item with everything in its order. An item of bytes or text shares the memory
// of what was read.
type item struct {
	kind  kind
	n     uint64 // uint: value; negative: -1-value; tag: number; simple: value
	data  []byte // bytes and text
	items []item // array; map: keys and values in turn; tag: its one content
}

// Bounds of what is read as a tree: foreign CBOR shall not cost more memory than a small
// multiple of its size. Byte strings are not copied and may be long.
const (
	maxDepth = 24
	maxItems = 1 << 16
)

var errCBOR = errs.Bad(errs.BadEncoding, "the CBOR inside the resource is damaged")

// cborReader reads definite-length CBOR.
type cborReader struct {
	data  []byte
	items int
}

// parseCBOR reads exactly one item.
func parseCBOR(data []byte) (item, error) {
	r := cborReader{data: data}
	it, err := r.item(0)
	if err == nil && len(r.data) != 0 {
		return item{}, errs.Bad(errs.BadEncoding, "%d bytes follow the CBOR inside the resource", len(r.data))
	}
	return it, err
}

// head reads a major type and its argument. Lengths that stay open are refused: the registry
// wants definite ones.
func (r *cborReader) head() (kind, uint64, error) {
	if len(r.data) == 0 {
		return 0, 0, errCBOR
	}
	first := r.data[0]
	k, low := kind(first>>5), first&31
	r.data = r.data[1:]
	if low < 24 {
		return k, uint64(low), nil
	}
	size := 1 << (low - 24)
	if low > 27 || k == kindSimple || len(r.data) < size {
		return 0, 0, errCBOR
	}
	var wide [8]byte
	copy(wide[8-size:], r.data)
	r.data = r.data[size:]
	return k, binary.BigEndian.Uint64(wide[:]), nil
}

func (r *cborReader) item(depth int) (item, error) {
	r.items++
	if depth > maxDepth || r.items > maxItems {
		return item{}, errs.Bad(errs.TooLarge, "the CBOR inside the resource is nested too deeply or holds too many items")
	}
	k, n, err := r.head()
	if err != nil {
		return item{}, err
	}
	it := item{kind: k, n: n}
	children := n
	switch k {
	case kindBytes, kindText:
		if n > uint64(len(r.data)) {
			return item{}, errCBOR
		}
		it.data, r.data = r.data[:n:n], r.data[n:]
		if k == kindText && !utf8.Valid(it.data) {
			return item{}, errCBOR
		}
		return it, nil
	case kindArray:
	case kindMap:
		children = n * 2
	case kindTag:
		children = 1
	default:
		return it, nil
	}
	if n > uint64(len(r.data)) && k != kindTag || children > maxItems {
		return item{}, errCBOR // each child takes a byte at least
	}
	for range children {
		child, err := r.item(depth + 1)
		if err != nil {
			return item{}, err
		}
		it.items = append(it.items, child)
	}
	return it, nil
}

// field returns the value of an unsigned key of a map.
func (it item) field(key uint64) (item, bool) {
	if it.kind != kindMap {
		return item{}, false
	}
	for i := 0; i+1 < len(it.items); i += 2 {
		if it.items[i].kind == kindUint && it.items[i].n == key {
			return it.items[i+1], true
		}
	}
	return item{}, false
}

func (it item) isTrue() bool { return it.kind == kindSimple && it.n == simpleTrue }

func (it item) isBool() bool {
	return it.kind == kindSimple && (it.n == simpleTrue || it.n == simpleFalse)
}

// appendHead writes a major type and its argument in the shortest form.
func appendHead(b []byte, k kind, n uint64) []byte {
	major := byte(k) << 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

// append writes an item.
func (it item) append(b []byte) []byte {
	switch it.kind {
	case kindBytes, kindText:
		return append(appendHead(b, it.kind, uint64(len(it.data))), it.data...)
	case kindArray:
		b = appendHead(b, it.kind, uint64(len(it.items)))
	case kindMap:
		b = appendHead(b, it.kind, uint64(len(it.items)/2))
	default:
		b = appendHead(b, it.kind, it.n)
	}
	for _, child := range it.items {
		b = child.append(b)
	}
	return b
}

// Makers of items.

func cborUint(n uint64) item             { return item{kind: kindUint, n: n} }
func cborBytes(b []byte) item            { return item{kind: kindBytes, data: b} }
func cborText(s string) item             { return item{kind: kindText, data: []byte(s)} }
func cborArray(items ...item) item       { return item{kind: kindArray, items: items} }
func cborTag(n uint64, it item) item     { return item{kind: kindTag, n: n, items: []item{it}} }
func cborMap(keysAndValues ...item) item { return item{kind: kindMap, items: keysAndValues} }

func cborBool(v bool) item {
	if v {
		return item{kind: kindSimple, n: simpleTrue}
	}
	return item{kind: kindSimple, n: simpleFalse}
}
