package miniscript_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"specter/internal/btc/miniscript"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"pk(A)", "or_d(multi(2,A,B,C),and_v(v:pkh(D),older(52560)))", "thresh(2,pk(A),s:pk(B),sln:after(4))",
		"c:or_i(and_v(v:older(16),pk_h(A)),pk_k(B))", "multi_a(1,A,musig(B,C)/*)", "d:v:1", "andor(0,1,tv:1)",
		"and_v(v:hash160(0000000000000000000000000000000000000000),uj:multi(1,A))",
	} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, leaf bool) {
		ctx := miniscript.WSH
		if leaf {
			ctx = miniscript.Tapscript
		}
		n, err := miniscript.ParseNamed(text, ctx)
		if err != nil {
			return
		}
		printed := n.String()
		again, err := miniscript.ParseNamed(printed, ctx)
		if err != nil {
			t.Fatalf("%q is printed as %q, which does not read: %v", text, printed, err)
		}
		if again.String() != printed || again.Type() != n.Type() || again.ScriptSize() != n.ScriptSize() {
			t.Fatalf("%q is printed as %q and then as %q", text, printed, again)
		}
		if err := checkScript(n, false); err != nil {
			t.Fatal(err)
		}
		_ = n.Inspect()
		if err := miniscript.CheckOffers(n, miniscript.Everything()); err != nil && n.Type().Has(miniscript.NoMix) {
			t.Fatal(err)
		}
		if _, err := n.Plan(miniscript.Everything()); err != nil && n.CheckSane() == nil && n.Satisfiable() {
			t.Fatalf("%q is sane but cannot be spent with everything: %v", text, err)
		}
	})
}

func FuzzFromScript(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		g := newGenerator(r, miniscript.Context(1+i%2))
		script, err := g.sane(3).Script(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(script, i%2 == 1)
	}
	key := append([]byte{2}, make([]byte, 32)...)
	f.Fuzz(func(t *testing.T, script []byte, leaf bool) {
		ctx, pub := miniscript.WSH, key
		if leaf {
			ctx, pub = miniscript.Tapscript, key[1:]
		}
		n, err := miniscript.FromScript(script, ctx, func(h [20]byte) ([]byte, bool) {
			return pub, h == hash160(pub)
		})
		if err != nil {
			return
		}
		back, err := n.Script(nil)
		if err != nil || !bytes.Equal(back, script) {
			t.Fatalf("%x is taken for %s, whose script is %x (%v)", script, n, back, err)
		}
		again, err := miniscript.Parse(n.String(), ctx)
		if err != nil || again.String() != n.String() {
			t.Fatalf("%x is taken for %s, which does not read: %v", script, n, err)
		}
	})
}

// corpus makes miniscripts of the usual size.
func corpus(n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	list := make([]string, n)
	for i := range list {
		list[i] = newGenerator(r, miniscript.WSH).sane(3).String()
	}
	return list
}

func BenchmarkTypeCheck10000(b *testing.B) {
	list := corpus(500)
	for b.Loop() {
		for i := range 10_000 {
			if _, err := miniscript.Parse(list[i%len(list)], miniscript.WSH); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	keys := ""
	for i := range 15 {
		keys += fmt.Sprintf(",key%d", i)
	}
	n, err := miniscript.Parse("or_d(multi(8"+keys+"),and_v(v:pk(D),older(52560)))", miniscript.WSH)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := n.Plan(miniscript.Everything()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeriveScript(b *testing.B) {
	n, err := miniscript.Parse("or_d(multi(2,A,B,C),and_v(v:pk(D),older(52560)))", miniscript.WSH)
	if err != nil {
		b.Fatal(err)
	}
	pub, _ := hex.DecodeString(keyTexts[0])
	for b.Loop() {
		if _, err := n.Script(func(string) ([]byte, error) { return pub, nil }); err != nil {
			b.Fatal(err)
		}
	}
}
