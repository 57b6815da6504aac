package miniscript

import (
	"slices"
	"strings"

	"specter/internal/errs"
)

// enumerationLimit bounds the ways that Enumerate looks at when the caller sets no limit; a way
// counts once more for every longWay elements, which bounds the memory too.
const (
	enumerationLimit = 5000
	longWay          = 20
)

// Enumeration is every witness that a miniscript has, each list with the smallest first.
type Enumeration struct {
	NonMalleable []Solution // nobody without a key can change these
	Malleable    []Solution // valid, but a stranger could change them, or make them himself
	NeedsUnknown []Solution // valid, but something that they need is not known
}

// Solution is a witness before signatures and preimages are filled in.
type Solution struct {
	Elements     []Element // bottom first, without the script
	LockTime     uint32    // what nLockTime must reach; 0: nothing
	Sequence     uint32    // what nSequence must reach (BIP68); 0: nothing
	NonMalleable bool
	Size         int // bytes of the elements with their length prefixes
}

// ASM prints the elements, bottom first, with a blank between them.
func (s Solution) ASM() string { return asm(s.Elements) }

// Stack prints every element for itself, bottom first.
func (s Solution) Stack() []string {
	out := make([]string, len(s.Elements))
	for i, e := range s.Elements {
		out[i] = e.String()
	}
	return out
}

// Search narrows an enumeration. The zero value looks for everything with everything known.
type Search struct {
	// Known says whether a signature or preimage is known; it gets the element as text:
	// "<sig(key)>" or "<sha256_preimage(H)>". nil: all are known.
	Known func(element string) bool
	// OnlyKnown leaves NeedsUnknown empty and never looks at what needs unknown elements.
	OnlyKnown bool
	// Limit bounds the ways looked at, parts of witnesses included; 0: 5,000.
	Limit int
}

// Available makes a Search.Known of a list, of which every item is "<sig(key)>" or just the key,
// "<sha256_preimage(H)>" or just "sha256(H)"; the angle brackets may be missing.
func Available(list []string) func(element string) bool {
	have := map[string]bool{}
	for _, item := range list {
		item = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(item), "<"), ">")
		have["<"+item+">"] = true
		have["<sig("+item+")>"] = true
		if kind, argument, ok := strings.Cut(item, "("); ok {
			have["<"+kind+"_preimage("+argument+">"] = true
		}
	}
	return func(element string) bool { return have[element] }
}

// Enumerate lists every witness of a sane miniscript, those that do more than they have to
// included. It serves people who want to see what a policy means; Satisfy does not need it.
// Errors: not-sane, too-large where there are more than the limit.
func (n *Node) Enumerate(s Search) (Enumeration, error) {
	if err := n.CheckSane(); err != nil {
		return Enumeration{}, err
	}
	e := enumerator{search: s, left: s.Limit, ctx: n.ctx, bits: map[string]int{}}
	if e.left <= 0 {
		e.left = enumerationLimit
	}
	ways := e.ways(n, true)
	if e.left < 0 {
		return Enumeration{}, errs.Bad(errs.TooLarge, "this miniscript has more ways to be spent than can be listed")
	}
	var out Enumeration
	var known []way
	for _, w := range ways {
		if w.unknown {
			out.NeedsUnknown = append(out.NeedsUnknown, w.solution())
		} else {
			known = append(known, w)
		}
	}
	for i, w := range known {
		s := w.solution()
		if s.NonMalleable = !changeable(i, known); s.NonMalleable {
			out.NonMalleable = append(out.NonMalleable, s)
		} else {
			out.Malleable = append(out.Malleable, s)
		}
	}
	for _, list := range [][]Solution{out.NonMalleable, out.Malleable, out.NeedsUnknown} {
		slices.SortStableFunc(list, func(a, b Solution) int { return a.Size - b.Size })
	}
	return out, nil
}

// enumerator makes ways; left counts how many more may be made, below zero when it gave up.
type enumerator struct {
	search Search
	ctx    Context
	left   int
	bits   map[string]int
}

// one makes the way of a single element.
func (e *enumerator) one(el Element) way {
	w := way{stack: element(el), size: 1}
	switch el.Kind {
	case ElementOne:
		w.size++
	case ElementPubKey:
		w.size += int(pubKeySize(e.ctx))
	case ElementPreimage:
		w.size += 32
	case ElementAnything:
		w.size += 32
		w.anything = true
	case ElementSignature:
		w.size = int(worstSignature(e.ctx))
		bit, seen := e.bits[el.Key]
		if !seen {
			bit = len(e.bits)
			e.bits[el.Key] = bit
		}
		w.signers = make(keySet, bit/64+1)
		w.signers[bit/64] = 1 << (bit % 64)
	}
	w.unknown = !el.known() && e.search.Known != nil && !e.search.Known(el.String())
	return w
}

// keep adds a way to a list, unless it is not looked for.
func (e *enumerator) keep(list []way, w way) []way {
	if w.unknown && e.search.OnlyKnown {
		return list
	}
	e.left--
	if w.stack != nil {
		e.left -= w.stack.count / longWay
	}
	return append(list, w)
}

func (e *enumerator) single(kinds ...Element) []way {
	w := way{}
	for _, el := range kinds {
		w, _ = w.under(e.one(el))
	}
	return e.keep(nil, w)
}

func (w way) under(above way) (way, bool) {
	both, ok := w.locks.and(above.locks)
	return way{w.stack.over(above.stack), w.size + above.size, both, w.signers.with(above.signers),
		w.anything || above.anything, w.unknown || above.unknown}, ok
}

// join puts every way of above on top of every way of below.
func (e *enumerator) join(below, above []way) []way {
	var out []way
	for _, b := range below {
		for _, a := range above {
			if e.left < 0 {
				return nil
			}
			if w, ok := b.under(a); ok {
				out = e.keep(out, w)
			}
		}
	}
	return out
}

// ways lists the satisfactions of a node (sat) or its dissatisfactions, non-canonical ones
// included. After every step it gives up where the limit is passed.
func (e *enumerator) ways(n *Node, sat bool) []way {
	if e.left < 0 {
		return nil
	}
	switch n.fragment {
	case Just0, Just1:
		if sat == (n.fragment == Just1) {
			return e.single()
		}
	case Older, After:
		l := locks{older: n.k}
		if n.fragment == After {
			l = locks{after: n.k}
		}
		if sat {
			return e.keep(nil, way{locks: l})
		}
	case PkK, PkH:
		return e.keyWays(n, sat)
	case Sha256, Hash256, Ripemd160, Hash160:
		if sat {
			return e.single(Element{Kind: ElementPreimage, Hash: n.lock()})
		}
		return e.single(Element{Kind: ElementAnything})
	case Multi, MultiA:
		return e.multi(n, sat)
	case Thresh:
		return e.thresh(n, sat)
	default:
		if n.fragment.isWrapper() {
			return e.wrapped(n, sat)
		}
		return e.combined(n, sat)
	}
	return nil
}

func (e *enumerator) keyWays(n *Node, sat bool) []way {
	proof := Element{Kind: ElementZero}
	if sat {
		proof = Element{Kind: ElementSignature, Key: n.keys[0]}
	}
	if n.fragment == PkK {
		return e.single(proof)
	}
	return e.single(proof, Element{Kind: ElementPubKey, Key: n.keys[0]})
}

func (e *enumerator) wrapped(n *Node, sat bool) []way {
	x := n.subs[0]
	switch {
	case n.fragment == WrapV && !sat:
		return nil
	case n.fragment == WrapD && sat:
		return e.join(e.ways(x, true), e.single(Element{Kind: ElementOne}))
	case n.fragment == WrapD:
		return e.single(Element{Kind: ElementZero})
	case n.fragment == WrapJ && !sat:
		out := e.single(Element{Kind: ElementZero})
		for _, w := range e.ways(x, false) {
			if list := w.stack.list(); len(list) > 0 && list[len(list)-1].Kind != ElementZero {
				out = e.keep(out, w)
			}
		}
		return out
	}
	return e.ways(x, sat)
}

func (e *enumerator) combined(n *Node, sat bool) []way {
	x := func(sat bool) []way { return e.ways(n.subs[0], sat) }
	y := func(sat bool) []way { return e.ways(n.subs[1], sat) }
	both := func(ySat, xSat bool) []way { return e.join(y(ySat), x(xSat)) }
	switch n.fragment {
	case AndV:
		return both(sat, true)
	case AndB:
		if sat {
			return both(true, true)
		}
		return slices.Concat(both(false, false), both(true, false), both(false, true))
	case OrB:
		if sat {
			return slices.Concat(both(false, true), both(true, false), both(true, true))
		}
		return both(false, false)
	case OrC, OrD:
		if sat {
			return slices.Concat(x(true), both(true, false))
		} else if n.fragment == OrD {
			return both(false, false)
		}
		return nil
	case OrI:
		return slices.Concat(e.join(x(sat), e.single(Element{Kind: ElementOne})), e.join(y(sat), e.single(Element{Kind: ElementZero})))
	}
	// andor
	z := e.ways(n.subs[2], sat)
	return slices.Concat(both(sat, true), e.join(z, x(false)))
}

// multi lists the choices of k keys out of all, or the one dissatisfaction.
func (e *enumerator) multi(n *Node, sat bool) []way {
	empty := Element{Kind: ElementZero}
	if !sat {
		count := int(n.k) + 1
		if n.fragment == MultiA {
			count = len(n.keys)
		}
		return e.single(slices.Repeat([]Element{empty}, count)...)
	}
	var out []way
	chosen := make([]bool, len(n.keys))
	var choose func(from, missing int)
	choose = func(from, missing int) {
		if e.left < 0 {
			return
		}
		if missing == 0 {
			out = append(out, e.single(multiElements(n, chosen)...)...)
			return
		}
		for i := from; i <= len(n.keys)-missing; i++ {
			if e.search.OnlyKnown && e.one(Element{Kind: ElementSignature, Key: n.keys[i]}).unknown {
				continue
			}
			chosen[i] = true
			choose(i+1, missing-1)
			chosen[i] = false
		}
	}
	choose(0, int(n.k))
	return out
}

// multiElements returns the elements of a choice of keys, bottom first.
func multiElements(n *Node, chosen []bool) []Element {
	var out []Element
	for i, key := range n.keys {
		switch {
		case chosen[i]:
			out = append(out, Element{Kind: ElementSignature, Key: key})
		case n.fragment == MultiA:
			out = append(out, Element{Kind: ElementZero})
		}
	}
	if n.fragment == MultiA {
		slices.Reverse(out)
		return out
	}
	return append([]Element{{Kind: ElementZero}}, out...)
}

// thresh lists, for every count of satisfied arguments, the ways of the arguments so far, and
// takes those with k, or all others.
func (e *enumerator) thresh(n *Node, sat bool) []way {
	byCount := [][]way{{{}}}
	for _, s := range n.subs {
		yes, no := e.ways(s, true), e.ways(s, false)
		next := make([][]way, len(byCount)+1)
		for j, ways := range byCount {
			next[j] = append(next[j], e.join(no, ways)...)
			next[j+1] = append(next[j+1], e.join(yes, ways)...)
		}
		if byCount = next; e.left < 0 {
			return nil
		}
	}
	if sat {
		return byCount[n.k]
	}
	var out []way
	for j, ways := range byCount {
		if j != int(n.k) {
			out = append(out, ways...)
		}
	}
	return out
}
