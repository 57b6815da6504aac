package bbqr

import "math/bits"

// The limits of deflate (RFC 1951) and of BBQr.
const (
	window    = 1024 // how far back a match may reach; BBQr's readers have no more
	minMatch  = 3
	maxMatch  = 258
	maxChain  = 256   // candidates that are tried for a match
	blockSize = 16384 // tokens of a block
	endBlock  = 256
)

// token is a literal (length 0) or a match.
type token struct {
	literal          byte
	length, distance uint16
}

// deflate writes raw deflate data whose matches reach back at most 1024 bytes.
func deflate(data []byte) []byte {
	w := &bitWriter{}
	tokens := findTokens(data)
	from := 0
	for {
		n := min(len(tokens), blockSize)
		block := tokens[:n]
		size := 0
		for _, t := range block {
			size += max(1, int(t.length))
		}
		tokens = tokens[n:]
		w.block(block, data[from:from+size], len(tokens) == 0)
		from += size
		if len(tokens) == 0 {
			return w.finish()
		}
	}
}

// findTokens runs LZ77 over the data: it takes the longest match among the last positions with
// the same three bytes, unless the next position has a longer one.
func findTokens(data []byte) []token {
	var out []token
	m := matcher{data: data}
	for i := range m.heads {
		m.heads[i] = -1
	}
	length, distance := m.longest(0)
	for i := 0; i < len(data); {
		m.insert(i)
		nextLength, nextDistance := m.longest(i + 1)
		if length < minMatch || nextLength > length {
			out = append(out, token{literal: data[i]})
			length, distance = nextLength, nextDistance
			i++
			continue
		}
		out = append(out, token{length: uint16(length), distance: uint16(distance)})
		for j := i + 1; j < i+length; j++ {
			m.insert(j)
		}
		i += length
		length, distance = m.longest(i)
	}
	return out
}

// matcher finds earlier places of the same bytes: heads holds the newest position of each hash,
// older the one before it, in a ring as long as the window.
type matcher struct {
	data  []byte
	heads [1 << 12]int32
	older [window]int32
}

func (m *matcher) hash(i int) uint32 {
	v := uint32(m.data[i]) | uint32(m.data[i+1])<<8 | uint32(m.data[i+2])<<16
	return v * 2654435761 >> 20
}

func (m *matcher) insert(i int) {
	if i+minMatch > len(m.data) {
		return
	}
	h := m.hash(i)
	m.older[i%window] = m.heads[h]
	m.heads[h] = int32(i)
}

// longest returns the longest match at i with a position that was inserted, or length 0.
func (m *matcher) longest(i int) (length, distance int) {
	if i+minMatch > len(m.data) {
		return 0, 0
	}
	most := min(maxMatch, len(m.data)-i)
	at := int(m.heads[m.hash(i)])
	for range maxChain {
		if at < 0 || i-at > window || length == most {
			break
		}
		n := 0
		for n < most && m.data[at+n] == m.data[i+n] {
			n++
		}
		if n > length {
			length, distance = n, i-at
		}
		next := int(m.older[at%window])
		if next >= at {
			break // the ring has been overwritten since
		}
		at = next
	}
	if length < minMatch {
		return 0, 0
	}
	return length, distance
}

// lengthCode returns the symbol (257 to 285) of a match length and its extra bits.
func lengthCode(length int) (symbol, extra, count int) {
	if length == maxMatch {
		return 285, 0, 0
	}
	symbol, extra, count = stepCode(length-minMatch, 4)
	return symbol + 257, extra, count
}

// distanceCode returns the symbol (0 to 29) of a distance and its extra bits.
func distanceCode(distance int) (symbol, extra, count int) { return stepCode(distance-1, 2) }

// stepCode is the scheme of both tables of RFC 1951: the first symbols are plain, then each
// power of two is cut in steps (4 for lengths, 2 for distances) with one more extra bit.
func stepCode(v, steps int) (symbol, extra, count int) {
	if v < 2*steps {
		return v, 0, 0
	}
	shift := bits.Len(uint(steps)) - 1
	count = bits.Len(uint(v)) - 1 - shift
	return count*steps + v>>count, v & (1<<count - 1), count
}

// block writes tokens in the shortest of deflate's three ways.
func (w *bitWriter) block(tokens []token, raw []byte, last bool) {
	var literals [286]int
	var distances [30]int
	literals[endBlock] = 1
	extra := 0
	for _, t := range tokens {
		if t.length == 0 {
			literals[t.literal]++
			continue
		}
		l, _, n1 := lengthCode(int(t.length))
		d, _, n2 := distanceCode(int(t.distance))
		literals[l]++
		distances[d]++
		extra += n1 + n2
	}
	dynamic := newDynamic(literals[:], distances[:])
	fixedCost := 3 + cost(literals[:], fixedLengths()) + cost(distances[:], fixedDistances()) + extra
	dynamicCost := 3 + dynamic.headerCost() + cost(literals[:], dynamic.literals) + cost(distances[:], dynamic.distances) + extra
	storedCost := (len(raw)+65534)/65535*42 + len(raw)*8
	switch {
	case storedCost < min(fixedCost, dynamicCost):
		w.stored(raw, last)
	case fixedCost <= dynamicCost:
		w.bits(flag(last)|1<<1, 3)
		w.tokens(tokens, fixedLengths(), fixedDistances())
	default:
		w.bits(flag(last)|2<<1, 3)
		dynamic.write(w)
		w.tokens(tokens, dynamic.literals, dynamic.distances)
	}
}

func flag(last bool) uint32 {
	if last {
		return 1
	}
	return 0
}

func (w *bitWriter) tokens(tokens []token, literalLengths, distanceLengths []uint8) {
	literals, distances := canonical(literalLengths), canonical(distanceLengths)
	for _, t := range tokens {
		if t.length == 0 {
			w.code(literals[t.literal])
			continue
		}
		symbol, extra, n := lengthCode(int(t.length))
		w.code(literals[symbol])
		w.bits(uint32(extra), n)
		symbol, extra, n = distanceCode(int(t.distance))
		w.code(distances[symbol])
		w.bits(uint32(extra), n)
	}
	w.code(literals[endBlock])
}

// stored writes bytes as they are, in chunks of at most 65535.
func (w *bitWriter) stored(raw []byte, last bool) {
	for {
		n := min(len(raw), 65535)
		w.bits(flag(last && n == len(raw)), 3)
		w.align()
		w.out = append(w.out, byte(n), byte(n>>8), byte(^n), byte(^n>>8))
		w.out = append(w.out, raw[:n]...)
		if raw = raw[n:]; len(raw) == 0 {
			return
		}
	}
}

// bitWriter packs bits from the lowest up.
type bitWriter struct {
	out  []byte
	acc  uint64
	have int
}

func (w *bitWriter) bits(v uint32, n int) {
	w.acc |= uint64(v) << w.have
	for w.have += n; w.have >= 8; w.have -= 8 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
}

func (w *bitWriter) align() {
	if w.have > 0 {
		w.bits(0, 8-w.have)
	}
}

func (w *bitWriter) finish() []byte {
	w.align()
	return w.out
}
