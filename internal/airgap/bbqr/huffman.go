package bbqr

import (
	"math/bits"
	"slices"
)

// code is a Huffman code, already in the order of bits in which deflate writes it.
type code struct {
	value  uint32
	length int
}

func (w *bitWriter) code(c code) { w.bits(c.value, c.length) }

// canonical gives each symbol its code from the lengths (RFC 1951, 3.2.2).
func canonical(lengths []uint8) []code {
	var count, next [16]int
	for _, l := range lengths {
		count[l]++
	}
	count[0] = 0
	for l := 1; l < 16; l++ {
		next[l] = (next[l-1] + count[l-1]) << 1
	}
	out := make([]code, len(lengths))
	for s, l := range lengths {
		if l > 0 {
			out[s] = code{uint32(bits.Reverse16(uint16(next[l])) >> (16 - l)), int(l)}
			next[l]++
		}
	}
	return out
}

// cost returns the bits that symbols take with codes of these lengths.
func cost(freqs []int, lengths []uint8) int {
	sum := 0
	for s, f := range freqs {
		sum += f * int(lengths[s])
	}
	return sum
}

// fixedLengths are the code lengths of a fixed block's literals and lengths.
func fixedLengths() []uint8 {
	out := make([]uint8, 288)
	for s := range out {
		switch {
		case s < 144 || s >= 280:
			out[s] = 8
		case s < 256:
			out[s] = 9
		default:
			out[s] = 7
		}
	}
	return out
}

func fixedDistances() []uint8 { return slices.Repeat([]uint8{5}, 30) }

// huffman returns code lengths of at most limit bits for the frequencies, by package-merge,
// which is optimal. A single symbol gets one bit.
func huffman(freqs []int, limit int) []uint8 {
	type pack struct {
		weight  int
		symbols []int
	}
	var leaves []pack
	for s, f := range freqs {
		if f > 0 {
			leaves = append(leaves, pack{f, []int{s}})
		}
	}
	out := make([]uint8, len(freqs))
	if len(leaves) == 1 {
		out[leaves[0].symbols[0]] = 1
	}
	if len(leaves) < 2 {
		return out
	}
	byWeight := func(a, b pack) int { return a.weight - b.weight }
	slices.SortStableFunc(leaves, byWeight)
	level := leaves
	for range limit - 1 {
		next := slices.Clone(leaves)
		for i := 0; i+1 < len(level); i += 2 {
			next = append(next, pack{level[i].weight + level[i+1].weight, slices.Concat(level[i].symbols, level[i+1].symbols)})
		}
		slices.SortStableFunc(next, byWeight)
		level = next
	}
	for _, p := range level[:2*len(leaves)-2] {
		for _, s := range p.symbols {
			out[s]++
		}
	}
	return out
}

// dynamic is the head of a block with codes of its own.
type dynamic struct {
	literals, distances []uint8
	runs                []run
	lengths             []uint8 // of the codes that write the code lengths
}

// run is a symbol of the code-length alphabet with its extra bits.
type run struct {
	symbol int
	extra  uint32
	count  int // extra bits
}

// codeOrder is the order in which the lengths of the code-length codes are written.
var codeOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func newDynamic(literals, distances []int) dynamic {
	d := dynamic{literals: huffman(literals, 15), distances: huffman(distances, 15)}
	d.runs = runsOf(append(slices.Clone(d.literals[:d.literalCount()]), d.distances[:d.distanceCount()]...))
	freqs := make([]int, 19)
	for _, r := range d.runs {
		freqs[r.symbol]++
	}
	d.lengths = huffman(freqs, 7)
	return d
}

func (d dynamic) literalCount() int  { return max(257, lastUsed(d.literals)) }
func (d dynamic) distanceCount() int { return max(1, lastUsed(d.distances)) }

func lastUsed(lengths []uint8) int {
	for n := len(lengths); n > 0; n-- {
		if lengths[n-1] > 0 {
			return n
		}
	}
	return 0
}

// runsOf writes code lengths as runs: 16 repeats the last 3 to 6 times, 17 and 18 are 3 to 10
// and 11 to 138 zeros.
func runsOf(lengths []uint8) []run {
	var out []run
	for i := 0; i < len(lengths); {
		n := 1
		for i+n < len(lengths) && lengths[i+n] == lengths[i] {
			n++
		}
		i += n
		value := int(lengths[i-1])
		if value == 0 {
			for ; n >= 11; n -= min(n, 138) {
				out = append(out, run{18, uint32(min(n, 138) - 11), 7})
			}
			if n >= 3 {
				out, n = append(out, run{17, uint32(n - 3), 3}), 0
			}
		} else {
			out, n = append(out, run{symbol: value}), n-1
			for ; n >= 3; n -= min(n, 6) {
				out = append(out, run{16, uint32(min(n, 6) - 3), 2})
			}
		}
		for ; n > 0; n-- {
			out = append(out, run{symbol: value})
		}
	}
	return out
}

func (d dynamic) orderCount() int {
	n := len(codeOrder)
	for n > 4 && d.lengths[codeOrder[n-1]] == 0 {
		n--
	}
	return n
}

func (d dynamic) headerCost() int {
	sum := 14 + 3*d.orderCount()
	for _, r := range d.runs {
		sum += int(d.lengths[r.symbol]) + r.count
	}
	return sum
}

func (d dynamic) write(w *bitWriter) {
	w.bits(uint32(d.literalCount()-257), 5)
	w.bits(uint32(d.distanceCount()-1), 5)
	w.bits(uint32(d.orderCount()-4), 4)
	for _, s := range codeOrder[:d.orderCount()] {
		w.bits(uint32(d.lengths[s]), 3)
	}
	codes := canonical(d.lengths)
	for _, r := range d.runs {
		w.code(codes[r.symbol])
		w.bits(r.extra, r.count)
	}
}
