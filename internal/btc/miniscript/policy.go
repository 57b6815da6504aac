package miniscript

import "slices"

// policy is what a miniscript asks for, without how its script asks: a tree of thresholds over
// keys, hash locks and timelocks.
type policy struct {
	kind  policyKind
	key   string
	hash  HashLock
	locks locks
	need  int // of a threshold
	subs  []policy
}

type policyKind uint8

const (
	impossible policyKind = iota
	trivial
	keyPolicy
	hashPolicy
	lockPolicy
	threshold
)

// lift returns the policy of a node, with nested ands and ors laid flat.
func (n *Node) lift() policy {
	switch n.fragment {
	case Just0:
		return policy{kind: impossible}
	case Just1:
		return policy{kind: trivial}
	case PkK, PkH:
		return policy{kind: keyPolicy, key: n.keys[0]}
	case Older:
		return policy{kind: lockPolicy, locks: locks{older: n.k}}
	case After:
		return policy{kind: lockPolicy, locks: locks{after: n.k}}
	case Sha256, Hash256, Ripemd160, Hash160:
		return policy{kind: hashPolicy, hash: n.lock()}
	case Multi, MultiA:
		subs := make([]policy, len(n.keys))
		for i, key := range n.keys {
			subs[i] = policy{kind: keyPolicy, key: key}
		}
		return atLeast(int(n.k), subs)
	}
	subs := make([]policy, len(n.subs))
	for i, s := range n.subs {
		subs[i] = s.lift()
	}
	switch n.fragment {
	case Thresh:
		return atLeast(int(n.k), subs)
	case AndV, AndB:
		return atLeast(2, subs)
	case OrB, OrC, OrD, OrI:
		return atLeast(1, subs)
	case AndOr:
		return atLeast(1, []policy{atLeast(2, subs[:2]), subs[2]})
	}
	return subs[0] // a wrapper
}

// atLeast makes a threshold without constants, and without an and in an and or an or in an or.
func atLeast(need int, subs []policy) policy {
	var kept []policy
	for _, s := range subs {
		switch s.kind {
		case impossible:
		case trivial:
			need--
		default:
			kept = append(kept, s)
		}
	}
	switch {
	case need <= 0:
		return policy{kind: trivial}
	case need > len(kept):
		return policy{kind: impossible}
	case len(kept) == 1:
		return kept[0]
	}
	and, or := need == len(kept), need == 1
	flat := make([]policy, 0, len(kept))
	for _, s := range kept {
		inner := s.kind == threshold
		switch {
		case inner && and && s.need == len(s.subs):
			flat = append(flat, s.subs...)
		case inner && or && s.need == 1:
			flat = append(flat, s.subs...)
		default:
			flat = append(flat, s)
		}
	}
	if and {
		need = len(flat)
	}
	return policy{kind: threshold, need: need, subs: flat}
}

// keysOnly returns the keys of a threshold that has nothing else, and of a single key.
func (p policy) keysOnly() (g Group, ok bool) {
	if p.kind == keyPolicy {
		return Group{Need: 1, Keys: []string{p.key}}, true
	}
	if p.kind != threshold {
		return Group{}, false
	}
	g.Need = p.need
	for _, s := range p.subs {
		if s.kind != keyPolicy {
			return Group{}, false
		}
		g.Keys = append(g.Keys, s.key)
	}
	return g, true
}

// pathFinder expands a policy into paths; steps bounds its work, whatever it finds.
type pathFinder struct {
	limit int
	steps int
}

const pathSteps = 50_000

// paths lists the ways to meet a policy, at most the limit.
func (f *pathFinder) paths(p policy) []Path {
	if g, ok := p.keysOnly(); ok {
		return []Path{{Groups: []Group{g}}}
	}
	switch p.kind {
	case trivial:
		return []Path{{}}
	case hashPolicy:
		return []Path{{Hashes: []HashLock{p.hash}}}
	case lockPolicy:
		return []Path{{After: p.locks.after, Older: p.locks.older}}
	case threshold:
		return f.choices(p)
	}
	return nil
}

// choices lists the ways to meet a threshold: some of its keys as one group, and the rest out
// of its other parts.
func (f *pathFinder) choices(p policy) []Path {
	var keys []string
	var others [][]Path
	for _, s := range p.subs {
		if s.kind == keyPolicy {
			keys = append(keys, s.key)
		} else {
			others = append(others, f.paths(s))
		}
	}
	var out []Path
	for signers := min(p.need, len(keys)); signers >= 0 && len(out) < f.limit; signers-- {
		if missing := p.need - signers; missing <= len(others) {
			start := Path{}
			if signers > 0 {
				start.Groups = []Group{{Need: signers, Keys: keys}}
			}
			out = f.combine(out, start, others, missing)
		}
	}
	return out
}

// combine adds to out every way to complete a path with as many of the others as are missing.
func (f *pathFinder) combine(out []Path, start Path, others [][]Path, missing int) []Path {
	if missing == 0 {
		return append(out, start)
	}
	for i := 0; i+missing <= len(others); i++ {
		for _, p := range others[i] {
			if f.steps--; f.steps < 0 || len(out) >= f.limit {
				return out
			}
			if both, ok := start.and(p); ok {
				out = f.combine(out, both, others[i+1:], missing-1)
			}
		}
	}
	return out
}

// and joins two paths; ok is false where no transaction can meet the locks of both.
func (p Path) and(q Path) (both Path, ok bool) {
	l, ok := locks{p.After, p.Older}.and(locks{q.After, q.Older})
	both = Path{Hashes: slices.Concat(p.Hashes, q.Hashes), After: l.after, Older: l.older}
	both.Groups = joinGroups(p.Groups, q.Groups)
	return both, ok
}

// joinGroups puts groups of which all must sign together into the first of them.
func joinGroups(a, b []Group) []Group {
	out := slices.Clone(a)
	for _, g := range b {
		all := slices.IndexFunc(out, func(o Group) bool { return o.Need == len(o.Keys) })
		if g.Need == len(g.Keys) && all >= 0 {
			o := out[all]
			out[all] = Group{Need: o.Need + g.Need, Keys: slices.Concat(o.Keys, g.Keys)}
			continue
		}
		out = append(out, g)
	}
	return out
}
