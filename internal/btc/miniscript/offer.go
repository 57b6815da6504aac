package miniscript

// offer is the best known way to satisfy or to dissatisfy a node (BIP379's algorithm).
type offer struct {
	ok        bool // it exists and all it takes is at hand
	signed    bool // HASSIG: it holds a signature, so no stranger can make it
	malleable bool // DONTUSE: a stranger could turn it into another valid one
	odd       bool // non-canonical: never part of a non-malleable witness; for tests
	size      int  // bytes of the elements with their length prefixes
	stack     *elements
	locks     locks
}

// one offers a single element of a size without its prefix.
func one(e Element, size int) offer { return offer{ok: true, size: 1 + size, stack: element(e)} }

var (
	nowhere  = offer{}
	empty    = offer{ok: true}
	zero     = one(Element{Kind: ElementZero}, 0)
	truth    = one(Element{Kind: ElementOne}, 1)
	anything = func() offer {
		o := one(Element{Kind: ElementAnything}, 32)
		o.malleable = true
		return o
	}()
)

// under puts the elements of above on top of those of a.
func (a offer) under(above offer) offer {
	if !a.ok || !above.ok {
		return nowhere
	}
	both, ok := a.locks.and(above.locks)
	if !ok {
		return nowhere
	}
	return offer{true, a.signed || above.signed, a.malleable || above.malleable, a.odd || above.odd,
		a.size + above.size, a.stack.over(above.stack), both}
}

// or chooses between two ways. One without a signature must be taken where it is the only such,
// for a stranger could take it as well; where both have none, either is malleable.
func (a offer) or(b offer) offer {
	switch {
	case !a.ok:
		return b
	case !b.ok:
		return a
	case a.signed != b.signed:
		if a.signed {
			return b
		}
		return a
	case !a.signed:
		a.malleable, b.malleable = true, true
	case a.malleable != b.malleable:
		if a.malleable {
			return b
		}
		return a
	}
	if b.size < a.size {
		return b
	}
	return a
}

// overcomplete marks a way that does more than it has to: a stranger could drop a part.
func (a offer) overcomplete() offer {
	a.malleable, a.odd = true, true
	return a
}

func (a offer) oddly() offer {
	a.odd = true
	return a
}

// supply says what is at hand. sign gives the size of a signature.
type supply struct {
	ctx          Context
	sign         func(key string) (size int, ok bool)
	preimage     func(HashLock) bool
	after, older func(n uint32) bool
}

func (s *supply) signature(key string) offer {
	size, ok := s.sign(key)
	if !ok {
		return nowhere
	}
	o := one(Element{Kind: ElementSignature, Key: key}, size)
	o.signed = true
	return o
}

func (s *supply) pubKey(key string) offer {
	return one(Element{Kind: ElementPubKey, Key: key}, int(pubKeySize(s.ctx)))
}

// offers is the best satisfaction and the best dissatisfaction of a node.
type offers struct{ sat, dsat offer }

// offers works out both for a node.
func (s *supply) offers(n *Node) offers {
	switch n.fragment {
	case Just0:
		return offers{nowhere, empty}
	case Just1:
		return offers{empty, nowhere}
	case PkK:
		return offers{s.signature(n.keys[0]), zero}
	case PkH:
		key := s.pubKey(n.keys[0])
		return offers{s.signature(n.keys[0]).under(key), zero.under(key)}
	case Older:
		return offers{timelock(s.older(n.k), locks{older: n.k}), nowhere}
	case After:
		return offers{timelock(s.after(n.k), locks{after: n.k}), nowhere}
	case Sha256, Hash256, Ripemd160, Hash160:
		o := offers{nowhere, anything}
		if s.preimage(n.lock()) {
			o.sat = one(Element{Kind: ElementPreimage, Hash: n.lock()}, 32)
		}
		return o
	case Multi:
		return s.multi(n)
	case MultiA:
		return s.multiA(n)
	case Thresh:
		return s.thresh(n)
	}
	if n.fragment.isWrapper() {
		return wrappedOffers(n.fragment, s.offers(n.subs[0]))
	}
	return s.combined(n)
}

func timelock(met bool, l locks) offer {
	if !met {
		return nowhere
	}
	return offer{ok: true, locks: l}
}

func wrappedOffers(f Fragment, x offers) offers {
	switch f {
	case WrapD:
		return offers{x.sat.under(truth), zero}
	case WrapV:
		return offers{x.sat, nowhere}
	case WrapJ:
		// An unsigned dissatisfaction of X with a nonzero top would be a second one of j:X.
		// Whether the top is zero is not tracked; assume the worse.
		dsat := zero
		dsat.malleable = x.dsat.ok && !x.dsat.signed
		return offers{x.sat, dsat}
	}
	return x // a:, s:, c:, n:
}

func (s *supply) combined(n *Node) offers {
	x, y := s.offers(n.subs[0]), s.offers(n.subs[1])
	neither := y.dsat.under(x.dsat)
	switch n.fragment {
	case AndV:
		return offers{y.sat.under(x.sat), y.dsat.under(x.sat).oddly()}
	case AndB:
		return offers{y.sat.under(x.sat), neither.or(y.sat.under(x.dsat).overcomplete()).or(y.dsat.under(x.sat).overcomplete())}
	case OrB:
		return offers{y.dsat.under(x.sat).or(y.sat.under(x.dsat)).or(y.sat.under(x.sat).overcomplete()), neither}
	case OrC:
		return offers{x.sat.or(y.sat.under(x.dsat)), nowhere}
	case OrD:
		return offers{x.sat.or(y.sat.under(x.dsat)), neither}
	case OrI:
		return offers{x.sat.under(truth).or(y.sat.under(zero)), x.dsat.under(truth).or(y.dsat.under(zero))}
	}
	// andor
	z := s.offers(n.subs[2])
	return offers{y.sat.under(x.sat).or(z.sat.under(x.dsat)), z.dsat.under(x.dsat).or(y.dsat.under(x.sat).oddly())}
}

// multi keeps, for every count of signatures, the best way to give them for the keys so far.
func (s *supply) multi(n *Node) offers {
	best := make([]offer, n.k+1)
	best[0] = zero // CHECKMULTISIG takes one element too many
	for _, key := range n.keys {
		sig := s.signature(key)
		for j := n.k; j > 0; j-- {
			best[j] = best[j].or(best[j-1].under(sig))
		}
	}
	dsat := zero
	for range n.k {
		dsat = dsat.under(zero)
	}
	return offers{best[n.k], dsat}
}

// multiA is multi with an element for every key, the first key's on top.
func (s *supply) multiA(n *Node) offers {
	best := make([]offer, n.k+1)
	best[0] = empty
	for i := len(n.keys) - 1; i >= 0; i-- {
		sig := s.signature(n.keys[i])
		for j := n.k; j > 0; j-- {
			best[j] = best[j].under(zero).or(best[j-1].under(sig))
		}
		best[0] = best[0].under(zero)
	}
	return offers{best[n.k], best[0]}
}

// thresh keeps, for every count of satisfied arguments, the best way for the arguments from
// the last on. Every count but k dissatisfies; counts other than 0 do so overcompletely.
func (s *supply) thresh(n *Node) offers {
	best := make([]offer, 1, len(n.subs)+1)
	best[0] = empty
	for i := len(n.subs) - 1; i >= 0; i-- {
		x := s.offers(n.subs[i])
		best = append(best, nowhere)
		for j := len(best) - 1; j > 0; j-- {
			best[j] = best[j].under(x.dsat).or(best[j-1].under(x.sat))
		}
		best[0] = best[0].under(x.dsat)
	}
	dsat := best[0]
	for j := 1; j < len(best); j++ {
		if j != int(n.k) {
			dsat = dsat.or(best[j].overcomplete())
		}
	}
	return offers{best[n.k], dsat}
}
