package ur

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// xoshiro is the generator xoshiro256**, which both sides of a fountain code run (BCR-2024-001).
type xoshiro [4]uint64

// newXoshiro seeds the generator with the SHA-256 of seed.
func newXoshiro(seed []byte) *xoshiro {
	sum := sha256.Sum256(seed)
	var x xoshiro
	for i := range x {
		x[i] = binary.BigEndian.Uint64(sum[i*8:])
	}
	return &x
}

func (x *xoshiro) next() uint64 {
	result := bits.RotateLeft64(x[1]*5, 7) * 9
	t := x[1] << 17
	x[2] ^= x[0]
	x[3] ^= x[1]
	x[1] ^= x[2]
	x[0] ^= x[3]
	x[2] ^= t
	x[3] = bits.RotateLeft64(x[3], 45)
	return result
}

// float returns a number from 0 to 1. Rounding can make it exactly 1; below guards against that.
func (x *xoshiro) float() float64 { return float64(x.next()) / (1 << 64) }

// below returns an index from 0 to n-1.
func (x *xoshiro) below(n int) int { return min(int(x.float()*float64(n)), n-1) }

// sampler draws degrees by the alias method of Walker and Vose. Every floating-point step is in
// the order of the reference, since both sides must come to the same degree.
type sampler struct {
	probs   []float64
	aliases []int
}

// newDegrees makes the sampler of degrees 1 to n, degree d having the weight 1/d.
func newDegrees(n int) *sampler {
	scaled, sum := make([]float64, n), 0.0
	for i := range scaled {
		scaled[i] = 1 / float64(i+1)
		sum += scaled[i]
	}
	var small, large []int
	for i := n - 1; i >= 0; i-- {
		scaled[i] = float64(scaled[i]*float64(n)) / sum
		if scaled[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	s := &sampler{probs: make([]float64, n), aliases: make([]int, n)}
	for len(small) > 0 && len(large) > 0 {
		a, g := small[len(small)-1], large[len(large)-1]
		small, large = small[:len(small)-1], large[:len(large)-1]
		s.probs[a], s.aliases[a] = scaled[a], g
		scaled[g] += scaled[a] - 1
		if scaled[g] < 1 {
			small = append(small, g)
		} else {
			large = append(large, g)
		}
	}
	for _, i := range append(small, large...) {
		s.probs[i] = 1 // what is left of small is there by rounding only
	}
	return s
}

// degree draws how many fragments a part mixes.
func (s *sampler) degree(x *xoshiro) int {
	i := x.below(len(s.probs))
	if x.float() < s.probs[i] {
		return i + 1
	}
	return s.aliases[i] + 1
}

// chooser knows which fragments each part of a message mixes.
type chooser struct {
	count    int // fragments of the message
	checksum uint32
	degrees  *sampler
	order    []int // scratch
}

func newChooser(count int, checksum uint32) *chooser {
	return &chooser{count: count, checksum: checksum, degrees: newDegrees(count), order: make([]int, count)}
}

// fragments returns the indexes, from 0, that part seq (from 1) mixes. The first count parts
// are the fragments themselves. The result is good until the next call.
func (c *chooser) fragments(seq uint32) []int {
	if uint64(seq) <= uint64(c.count) {
		c.order[0] = int(seq) - 1
		return c.order[:1]
	}
	seed := binary.BigEndian.AppendUint32(nil, seq)
	x := newXoshiro(binary.BigEndian.AppendUint32(seed, c.checksum))
	degree := c.degrees.degree(x)
	for i := range c.order {
		c.order[i] = i
	}
	// A shuffle that keeps the order of what remains, as the reference does it; only as many
	// draws are made as fragments are wanted. The drawn ones are gathered at the end.
	rest := c.order
	drawn := make([]int, 0, degree)
	for range degree {
		i := x.below(len(rest))
		drawn = append(drawn, rest[i])
		copy(rest[i:], rest[i+1:])
		rest = rest[:len(rest)-1]
	}
	return drawn
}
