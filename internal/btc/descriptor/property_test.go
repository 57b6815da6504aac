package descriptor_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"specter/internal/btc/descriptor"
)

// drawer makes random descriptors whose keys are all different.
type drawer struct {
	t    *rapid.T
	next int
	priv bool
}

// key draws a key expression; no two lead to the same key.
func (g *drawer) key(tap bool) string {
	g.next++
	head := rapid.SampledFrom([]string{xpubA, xpubB, xpubC, "[d34db33f/48h/0h/0h/2h]" + xpubA, "[00000001]" + xpubB}).Draw(g.t, "head")
	if g.priv && rapid.Bool().Draw(g.t, "private") {
		head = xprv
	}
	tail := rapid.SampledFrom([]string{"/*", "/<0;1>/*", "/<7;9>/3/*", ""}).Draw(g.t, "tail")
	if head == xprv && rapid.Bool().Draw(g.t, "hardened") {
		tail = "/5h" + tail
	}
	if tap && rapid.IntRange(0, 5).Draw(g.t, "musig") == 0 {
		return fmt.Sprintf("musig(%s/%d,%s/%d)/<0;1>/*", xpubA, g.next, xpubB, g.next)
	}
	return fmt.Sprintf("%s/%d%s", head, g.next+100, tail)
}

func (g *drawer) keys(n int, tap bool) string {
	list := make([]string, n)
	for i := range list {
		list[i] = g.key(tap)
	}
	return strings.Join(list, ",")
}

// script draws what may stand in wsh() or a leaf.
func (g *drawer) script(tap bool) string {
	n := rapid.IntRange(1, 4).Draw(g.t, "n")
	k := rapid.IntRange(1, n).Draw(g.t, "k")
	multi := "multi"
	if tap {
		multi = "multi_a"
	}
	switch rapid.IntRange(0, 5).Draw(g.t, "form") {
	case 0:
		return "pk(" + g.key(tap) + ")"
	case 1:
		return "pkh(" + g.key(tap) + ")"
	case 2:
		return fmt.Sprintf("sorted%s(%d,%s)", multi, k, g.keys(n, tap))
	case 3:
		return fmt.Sprintf("or_d(pk(%s),and_v(v:%s(%d,%s),older(%d)))", g.key(tap), multi, k, g.keys(n, tap), n*1000)
	case 4:
		return fmt.Sprintf("andor(pk(%s),after(%d),and_v(v:pkh(%s),hash160(%s)))", g.key(tap), n, g.key(tap), strings.Repeat("0f", 20))
	}
	return fmt.Sprintf("%s(%d,%s)", multi, k, g.keys(n, tap))
}

func (g *drawer) tree(depth int) string {
	if depth == 0 || rapid.Bool().Draw(g.t, "leaf") {
		return g.script(true)
	}
	return "{" + g.tree(depth-1) + "," + g.tree(depth-1) + "}"
}

func (g *drawer) descriptor() string {
	switch rapid.IntRange(0, 6).Draw(g.t, "top") {
	case 0:
		return "wpkh(" + g.key(false) + ")"
	case 1:
		return "sh(wpkh(" + g.key(false) + "))"
	case 2:
		return "wsh(" + g.script(false) + ")"
	case 3:
		return "sh(wsh(" + g.script(false) + "))"
	case 4:
		return "combo(" + g.key(false) + ")"
	case 5:
		return "tr(" + g.key(true) + ")?gl=50"
	}
	return "tr(" + g.key(true) + "," + g.tree(4) + ")"
}

func TestRandomDescriptorsHoldTogether(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := &drawer{t: rt, priv: rapid.Bool().Draw(rt, "with private keys")}
		text := g.descriptor()
		o := descriptor.Options{AllowPrivate: true}
		d, err := descriptor.Parse(text, o)
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		checkStable(t, d, o)
		if bare(d.StringPrivate()) != text {
			rt.Fatalf("%s was printed as %s", text, d.StringPrivate())
		}
		branches := d.Expand()
		normal, err := d.Normalize()
		if err != nil {
			rt.Fatal(err)
		}
		for i, b := range branches {
			want, err := b.Derive(11)
			if err != nil {
				rt.Fatal(err)
			}
			fixed, err := b.At(11)
			if err != nil {
				rt.Fatal(err)
			}
			for name, other := range map[string]*descriptor.Descriptor{"normalized": normal.Expand()[i], "at 11": fixed} {
				if got, err := other.Derive(11); err != nil || string(got.Script) != string(want.Script) {
					rt.Fatalf("%s: the form %s derives another script (%v)", text, name, err)
				}
			}
		}
	})
}
