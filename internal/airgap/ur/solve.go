package ur

import "math/bits"

// fountain gathers fragments of one message. Each part is an equation: the xor of some fragments
// is these bytes. The equations are kept in echelon form, at most one for each fragment, so that
// every set of parts that can give the message gives it, and a part that brings nothing new
// costs no memory.
type fountain struct {
	header
	chooser *chooser
	rows    []*row // rows[i] has i as its lowest fragment
	known   int
}

// row is an equation: a set of fragments, and their xor.
type row struct {
	set  []uint64
	data []byte
}

func newFountain(h partHeader) *fountain {
	return &fountain{header: h.header, chooser: newChooser(h.count, h.checksum), rows: make([]*row, h.count)}
}

// add takes a part and reports whether the message can be made out now.
func (f *fountain) add(seq uint32, fragment []byte) bool {
	r := &row{set: make([]uint64, (f.count+63)/64), data: append([]byte(nil), fragment...)}
	for _, i := range f.chooser.fragments(seq) {
		r.set[i/64] ^= 1 << (i % 64)
	}
	for word := range r.set {
		for r.set[word] != 0 {
			i := word*64 + bits.TrailingZeros64(r.set[word])
			if f.rows[i] == nil {
				f.rows[i] = r
				f.known++
				return f.known == f.count
			}
			r.subtract(f.rows[i])
		}
	}
	return false
}

func (r *row) subtract(o *row) {
	for i, v := range o.set {
		r.set[i] ^= v
	}
	xorInto(r.data, o.data)
}

// message solves the equations from the last fragment to the first and joins the fragments.
func (f *fountain) message() []byte {
	out := make([]byte, 0, f.count*f.fragment)
	for i := f.count - 1; i >= 0; i-- {
		r := f.rows[i]
		r.set[i/64] &^= 1 << (i % 64)
		for word := i / 64; word < len(r.set); word++ {
			for left := r.set[word]; left != 0; left &= left - 1 {
				xorInto(r.data, f.rows[word*64+bits.TrailingZeros64(left)].data)
			}
		}
	}
	for _, r := range f.rows {
		out = append(out, r.data...)
	}
	return out[:f.length]
}

// forget frees the equations once the message is known.
func (f *fountain) forget() { f.rows, f.chooser = nil, nil }
