package descriptor_test

import (
	"strings"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
)

// fiveKeys is a wallet of 3 of 5 keys as people have it.
func fiveKeys(t testing.TB) string {
	t.Helper()
	var keys []string
	for n := range 5 {
		m, err := btc.NewMaster([]byte(strings.Repeat(string(rune('a'+n)), 16)), true)
		if err != nil {
			t.Fatal(err)
		}
		path := btc.Path{48 | btc.Hardened, btc.Hardened, btc.Hardened, 2 | btc.Hardened}
		x, err := m.Derive(path)
		if err != nil {
			t.Fatal(err)
		}
		o := btc.KeyOrigin{Fingerprint: m.Fingerprint(), Path: path}
		keys = append(keys, "["+o.String()+"]"+x.Public().String()+"/<0;1>/*")
	}
	return descriptor.AddChecksum("wsh(sortedmulti(3," + strings.Join(keys, ",") + "))")
}

func BenchmarkThousandAddressesOf3of5(b *testing.B) {
	d, err := descriptor.Parse(fiveKeys(b), descriptor.Options{})
	if err != nil {
		b.Fatal(err)
	}
	receive, err := d.Branch(0)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for i := range uint32(1000) {
			o, err := receive.Derive(i)
			if err != nil {
				b.Fatal(err)
			}
			if _, ok := o.Address(btc.Mainnet); !ok {
				b.Fatal("no address")
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	s := fiveKeys(b)
	for b.Loop() {
		if _, err := descriptor.Parse(s, descriptor.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// Hostile lengths and depths must be refused at once, not after minutes or gigabytes.
func TestHostileSizesAreRefusedQuickly(t *testing.T) {
	deep := strings.Repeat("{", 150) + "pk(" + xpubA + ")" + strings.Repeat(",pk("+xpubA+")}", 150)
	for name, s := range map[string]string{
		"long":            "pkh(" + strings.Repeat("a", 1_000_000) + ")",
		"deep tree":       "tr(" + xpubB + "," + deep + ")",
		"open brackets":   strings.Repeat("wsh(", 40_000),
		"open braces":     "tr(" + xpubB + "," + strings.Repeat("{", 150_000),
		"nested wrappers": "wsh(" + strings.Repeat("n", 100_000) + ":pk(" + xpubA + "))",
		"nested and_v":    "wsh(" + strings.Repeat("and_v(v:pk("+xpubA+"),", 1000) + "pk(" + xpubB + ")" + strings.Repeat(")", 1000) + ")",
		"alternatives":    "pkh(" + xpubA + "/<" + strings.Repeat("1;", 90_000) + "1>/*)",
		"long path":       "pkh(" + xpubA + strings.Repeat("/0", 90_000) + ")",
		"many keys":       "wsh(multi(1" + strings.Repeat(","+xpubA, 1500) + "))",
		"long threshold":  "wsh(multi(" + strings.Repeat("9", 100_000) + "," + xpubA + "))",
	} {
		start := time.Now()
		if _, err := descriptor.Parse(s, descriptor.Options{}); err == nil {
			t.Errorf("%s was accepted", name)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

// The taproot limits themselves are met: 128 levels, and 999 keys in one leaf.
func TestLargestDescriptorsAreAccepted(t *testing.T) {
	tree := "pk(" + xpubA + "/0)"
	for range 128 {
		tree = "{pk(" + xpubA + "/1)," + tree + "}"
	}
	keys := strings.Repeat(","+xpubA+"/<0;1>/*", 999)
	for name, s := range map[string]string{
		"128 levels": "tr(" + xpubB + "," + tree + ")",
		"999 keys":   "tr(" + xpubB + ",multi_a(500" + keys + "))",
		"20 keys":    "wsh(multi(20" + keys[:20*(len(keys)/999)] + "))",
		"15 keys":    "sh(multi(15" + keys[:15*(len(keys)/999)] + "))",
	} {
		d, err := descriptor.Parse(s, descriptor.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b, err := d.Branch(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Derive(0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
