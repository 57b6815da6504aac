package miniscript

import "fmt"

// CheckOffers holds what the satisfier finds for every node of a tree, given assets, against
// what the node's type promises. The two know nothing of each other.
func CheckOffers(n *Node, a Assets) error {
	s := supply{ctx: n.ctx, after: orNever(a.After), older: orNever(a.Older)}
	s.sign = func(key string) (int, bool) { return a.signatureSize(n.ctx), a.CanSign != nil && a.CanSign(key) }
	s.preimage = func(h HashLock) bool { return a.HavePreimage != nil && a.HavePreimage(h.Kind, h.Digest) }
	var first error
	n.walk(func(m *Node) {
		if broken := brokenPromise(m.typ, s.offers(m)); broken != "" && first == nil {
			first = fmt.Errorf("%s of type %s: %s", m, m.typ, broken)
		}
	})
	return first
}

func brokenPromise(t Type, o offers) string {
	count := func(o offer) int { return len(o.stack.list()) }
	for _, x := range []offer{o.sat, o.dsat} {
		switch {
		case !x.ok:
		case t.Has(ZeroArg) && count(x) != 0:
			return "z, but takes an element"
		case t.Has(OneArg) && count(x) != 1:
			return "o, but takes not one element"
		case t.Has(NonZero) && count(x) == 0:
			return "n, but takes no element"
		}
	}
	if o.sat.ok && o.sat.odd && !o.sat.malleable || o.dsat.ok && t.Has(Dissat) && o.dsat.odd && !o.dsat.malleable {
		return "a non-canonical way is taken for non-malleable"
	}
	if list := o.sat.stack.list(); o.sat.ok && t.Has(NonZero) && list[len(list)-1].Kind == ElementZero {
		return "n, but is satisfied with a zero on top"
	}
	switch {
	case t.Has(Dissat) && (!o.dsat.ok || o.dsat.signed):
		return "d, but anybody's dissatisfaction is missing"
	case t.Has(Forced) && o.dsat.ok && !o.dsat.signed:
		return "f, but is dissatisfied without a signature"
	case t.Has(Safe) && o.sat.ok && !o.sat.signed:
		return "s, but is satisfied without a signature"
	case t.Has(Expressive|NonMalleable) && (!o.dsat.ok || o.dsat.malleable):
		return "e, but the dissatisfaction is malleable"
	case t.Has(NonMalleable) && o.sat.ok && o.sat.malleable:
		return "m, but the satisfaction is malleable"
	}
	return ""
}

// StaticOps returns the opcodes that the cost analysis counts in any case.
func StaticOps(n *Node) int { return int(n.cost.ops) }
