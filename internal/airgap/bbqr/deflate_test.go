package bbqr

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"specter/internal/vectors"
)

// tracer inflates raw deflate data bit by bit, as slowly as RFC 1951 is written, and notes how
// far back its matches reach and which kinds of block there are. It is the proof that a reader
// with a small window can follow.
type tracer struct {
	in       []byte
	pos      int
	out      []byte
	farthest int
	blocks   [3]int
}

var errTrace = errors.New("not deflate")

func (t *tracer) bit() int {
	if t.pos/8 >= len(t.in) {
		panic(errTrace)
	}
	b := t.in[t.pos/8] >> (t.pos % 8) & 1
	t.pos++
	return int(b)
}

func (t *tracer) bits(n int) int {
	v := 0
	for i := range n {
		v |= t.bit() << i
	}
	return v
}

// symbol reads one code bit by bit; over- and undersubscribed codes fail.
func (t *tracer) symbol(lengths []int) int {
	code, first := 0, 0
	for l := 1; l < 16; l++ {
		code |= t.bit()
		count := 0
		for s, sl := range lengths {
			if sl != l {
				continue
			}
			if first+count == code {
				return s
			}
			count++
		}
		first = (first + count) << 1
		code <<= 1
	}
	panic(errTrace)
}

// complete fails on code lengths that a strict reader refuses.
func complete(lengths []int, oneIsFine bool) {
	sum, used := 0, 0
	for _, l := range lengths {
		if l > 0 {
			sum += 1 << (15 - l)
			used++
		}
	}
	if sum != 1<<15 && (!oneIsFine || used > 1) {
		panic(errTrace)
	}
}

func (t *tracer) dynamic() (literals, distances []int) {
	nl, nd, nc := t.bits(5)+257, t.bits(5)+1, t.bits(4)+4
	codes := make([]int, 19)
	for _, s := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:nc] {
		codes[s] = t.bits(3)
	}
	complete(codes, false)
	var all []int
	for len(all) < nl+nd {
		switch s := t.symbol(codes); s {
		case 16:
			for range t.bits(2) + 3 {
				all = append(all, all[len(all)-1])
			}
		case 17:
			all = append(all, make([]int, t.bits(3)+3)...)
		case 18:
			all = append(all, make([]int, t.bits(7)+11)...)
		default:
			all = append(all, s)
		}
	}
	if len(all) != nl+nd || nl > 286 || nd > 30 {
		panic(errTrace)
	}
	complete(all[:nl], false)
	complete(all[nl:], true)
	return all[:nl], all[nl:]
}

func (t *tracer) matches(literals, distances []int) {
	lengthBase := []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits := []int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase := []int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	for {
		s := t.symbol(literals)
		switch {
		case s < 256:
			t.out = append(t.out, byte(s))
			continue
		case s == 256:
			return
		}
		length := lengthBase[s-257] + t.bits(lengthBits[s-257])
		d := t.symbol(distances)
		distance := distBase[d] + t.bits(max(0, d/2-1))
		t.farthest = max(t.farthest, distance)
		for range length {
			t.out = append(t.out, t.out[len(t.out)-distance])
		}
	}
}

func (t *tracer) run() {
	for last := 0; last == 0; {
		last = t.bit()
		kind := t.bits(2)
		t.blocks[kind]++
		switch kind {
		case 0:
			t.pos = (t.pos + 7) / 8 * 8
			n, inverse := t.bits(16), t.bits(16)
			if n^inverse != 0xffff {
				panic(errTrace)
			}
			t.out = append(t.out, t.in[t.pos/8:t.pos/8+n]...)
			t.pos += n * 8
		case 1:
			literals, distances := make([]int, 288), make([]int, 30)
			for s, l := range fixedLengths() {
				literals[s] = int(l)
			}
			for s := range distances {
				distances[s] = 5
			}
			t.matches(literals, distances)
		case 2:
			t.matches(t.dynamic())
		}
	}
	if (t.pos+7)/8 != len(t.in) {
		panic(errTrace)
	}
}

func samples(t testing.TB) map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	few := make([]byte, 60_000)
	for i := range few {
		few[i] = "abcd"[r.IntN(4)]
	}
	far := append(append(bytes.Clone(noise[:1024]), noise[:1024]...), noise[:300]...) // matches at exactly 1024
	tooFar := append(bytes.Clone(noise[:1025]), noise[:1025]...)
	out := map[string][]byte{
		"one byte": {7}, "two bytes": {7, 7}, "zeros": make([]byte, 100_000), "noise": noise,
		"four letters": few, "repeats at 1024": far, "repeats at 1025": tooFar,
		"words":  []byte(strings.Repeat("the quick brown fox jumps over the lazy dog; ", 500)),
		"mixed":  slicesConcat(noise[:40_000], make([]byte, 40_000), few),
		"skewed": skewed(),
	}
	return out
}

// skewed has frequencies like Fibonacci numbers, whose best code would be longer than 15 bits.
func skewed() []byte {
	var out []byte
	a, b := 1, 1
	for s := range 22 {
		for range a {
			out = append(out, byte(s), byte(200+len(out)%7))
		}
		a, b = b, a+b
	}
	r := rand.New(rand.NewPCG(5, 6))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func slicesConcat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func checkDeflate(t testing.TB, data []byte) *tracer {
	t.Helper()
	packed := deflate(data)
	tr := &tracer{in: packed}
	tr.run()
	if !bytes.Equal(tr.out, data) {
		t.Fatal("inflating gives other data")
	}
	if tr.farthest > 1024 {
		t.Fatalf("a match reaches %d bytes back", tr.farthest)
	}
	std, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil || !bytes.Equal(std, data) {
		t.Fatalf("the standard library reads other data: %v", err)
	}
	return tr
}

func TestDeflateKeepsTheWindowOf1024(t *testing.T) {
	var kinds [3]int
	farthest := 0
	for name, data := range samples(t) {
		t.Run(name, func(t *testing.T) {
			tr := checkDeflate(t, data)
			for i, n := range tr.blocks {
				kinds[i] += n
			}
			farthest = max(farthest, tr.farthest)
			t.Logf("%d bytes into %d, farthest match %d, blocks %v", len(data), len(tr.in), tr.farthest, tr.blocks)
		})
	}
	if farthest != 1024 {
		t.Errorf("the farthest match is at %d: the window is not used in full", farthest)
	}
	for i, n := range kinds {
		if n == 0 {
			t.Errorf("no block of kind %d was written, so it is not tested", i)
		}
	}
}

// The compression must be near that of the standard library (which has a larger window).
func TestDeflateCompressesPSBTs(t *testing.T) {
	for _, c := range vectors.Cases(t, "bbqr/files.json") {
		var v struct{ Base64 []byte }
		c.Decode(&v)
		var std bytes.Buffer
		w, _ := flate.NewWriter(&std, flate.BestCompression)
		_, _ = w.Write(v.Base64)
		_ = w.Close()
		tr := checkDeflate(t, v.Base64)
		if got := len(tr.in); got > std.Len()*108/100+8 {
			t.Errorf("%s: %d bytes, the standard library writes %d", c.ID, got, std.Len())
		}
	}
}

func FuzzDeflate(f *testing.F) {
	f.Add([]byte("hello hello hello hello"))
	f.Add(make([]byte, 3000))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 0 {
			checkDeflate(t, data)
		}
	})
}
