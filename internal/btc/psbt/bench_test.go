package psbt_test

import (
	"testing"

	"specter/internal/btc/psbt"
)

// bigDraft spends n coins of one 2 of 3.
func bigDraft(b testing.TB, n int) (unsigned, first, second *psbt.Packet) {
	b.Helper()
	list := make([]string, n)
	for i := range list {
		list[i] = "wsh(sortedmulti(2,@0,@1,@2))"
	}
	d := newDraft(b, list...)
	return d.Packet, signedBy(b, d.Packet, 0), signedBy(b, d.Packet, 1)
}

func benchmark(b *testing.B, run func(b *testing.B, unsigned, first, second *psbt.Packet)) {
	for _, size := range []struct {
		name string
		n    int
	}{{"125", 125}, {"500", 500}} {
		unsigned, first, second := bigDraft(b, size.n)
		b.Run(size.name, func(b *testing.B) {
			for b.Loop() {
				run(b, unsigned, first, second)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{125, 500} {
		_, first, _ := bigDraft(b, n)
		raw, err := first.Serialize()
		must(b, err)
		b.Run(map[int]string{125: "125", 500: "500"}[n], func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, err := psbt.Parse(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCombine(b *testing.B) {
	benchmark(b, func(b *testing.B, unsigned, first, second *psbt.Packet) {
		_, err := psbt.Combine(unsigned, first, second)
		must(b, err)
	})
}

func BenchmarkMerge(b *testing.B) {
	benchmark(b, func(b *testing.B, _, first, second *psbt.Packet) {
		_, _, err := first.Merge(second)
		must(b, err)
	})
}

func BenchmarkFinalizeAndExtract(b *testing.B) {
	benchmark(b, func(b *testing.B, _, first, second *psbt.Packet) {
		p, err := psbt.Combine(first, second)
		must(b, err)
		must(b, p.Finalize())
		_, err = p.Extract()
		must(b, err)
	})
}

func BenchmarkAnalyse(b *testing.B) {
	benchmark(b, func(b *testing.B, _, first, _ *psbt.Packet) { first.Analyse() })
}
