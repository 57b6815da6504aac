package bbqr_test

import (
	"math/rand/v2"
	"testing"

	"specter/internal/airgap/bbqr"
)

// halfRandom is data like a PSBT's: about half of it can be deflated.
func halfRandom(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, n)
	for i := range data {
		if i/32%2 == 0 {
			data[i] = byte(r.Uint32())
		}
	}
	return data
}

func BenchmarkSplit50kB(b *testing.B) {
	f := bbqr.File{Type: bbqr.PSBT, Data: halfRandom(50_000)}
	b.SetBytes(50_000)
	for b.Loop() {
		if _, err := bbqr.Split(f, bbqr.Deflate, 1000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJoin50kB(b *testing.B) {
	parts, err := bbqr.Split(bbqr.File{Type: bbqr.PSBT, Data: halfRandom(50_000)}, bbqr.Deflate, 1000)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(50_000)
	for b.Loop() {
		if _, err := bbqr.Join(parts...); err != nil {
			b.Fatal(err)
		}
	}
}
