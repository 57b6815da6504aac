package miniscript

import (
	"specter/internal/errs"
)

// timelock thresholds of consensus: BIP68's type flag, and BIP65's border between heights and
// times.
const (
	sequenceTimeFlag  = 1 << 22
	sequenceMask      = 0xffff
	lockTimeThreshold = 500_000_000
)

const (
	baseTypes  = TypeB | TypeV | TypeK | TypeW
	lockTypes  = RelTime | RelHeight | AbsTime | AbsHeight
	leafLock   = TypeB | ZeroArg | Forced | NonMalleable | Expensive | NoMix
	hashType   = TypeB | OneArg | NonZero | Unit | Dissat | NonMalleable | NoMix
	pkhType    = TypeK | NonZero | Unit | Dissat | Expressive | NonMalleable | Safe | Expensive | NoMix
	multiAType = TypeB | Unit | Dissat | Expressive | NonMalleable | Safe | NoMix
)

// needs lists what each argument of a fragment must be; thresh has its own rule, and 0 stands
// for "B, K or V".
var needs = map[Fragment][]Type{
	WrapA: {TypeB},
	WrapS: {TypeB | OneArg},
	WrapC: {TypeK},
	WrapD: {TypeV | ZeroArg},
	WrapV: {TypeB},
	WrapJ: {TypeB | NonZero},
	WrapN: {TypeB},
	AndV:  {TypeV, 0},
	AndB:  {TypeB, TypeW},
	OrB:   {TypeB | Dissat, TypeW | Dissat},
	OrC:   {TypeB | Dissat | Unit, TypeV},
	OrD:   {TypeB | Dissat | Unit, TypeB},
	OrI:   {0, 0},
	AndOr: {TypeB | Dissat | Unit, 0, 0},
}

// checkArguments refuses arguments whose types do not fit the fragment.
func (n *Node) checkArguments() error {
	for i, s := range n.subs {
		var want Type
		switch {
		case n.fragment == Thresh && i == 0:
			want = TypeB | Dissat | Unit
		case n.fragment == Thresh:
			want = TypeW | Dissat | Unit
		default:
			want = needs[n.fragment][i]
		}
		if want == 0 && s.typ&(TypeB|TypeK|TypeV) != 0 || want != 0 && s.typ.Has(want) {
			continue
		}
		words := "B, K or V"
		if want != 0 {
			words = want.String()
		}
		return errs.Bad(errs.Malformed, "argument %d of %s must be of type %s but is of type %s: these two fragments cannot be put together",
			i+1, n.fragment, words, s.typ)
	}
	if last := len(n.subs); n.fragment == OrI || n.fragment == AndOr {
		a, b := n.subs[last-2], n.subs[last-1]
		if a.typ&b.typ&baseTypes == 0 {
			return errs.Bad(errs.Malformed, "the branches of %s must have the same type, but one is %s and the other %s", n.fragment, a.typ, b.typ)
		}
	}
	return nil
}

// computeType returns the type of a node whose arguments fit (BIP379's tables of correctness
// and malleability).
func (n *Node) computeType() Type {
	switch n.fragment {
	case Just0:
		return TypeB | ZeroArg | Unit | Dissat | Expressive | NonMalleable | Safe | Expensive | NoMix
	case Just1:
		return leafLock | Unit
	case PkK:
		return pkhType | OneArg
	case PkH:
		return pkhType
	case Older:
		return leafLock | RelTime.when(n.k&sequenceTimeFlag != 0) | RelHeight.when(n.k&sequenceTimeFlag == 0)
	case After:
		return leafLock | AbsTime.when(n.k >= lockTimeThreshold) | AbsHeight.when(n.k < lockTimeThreshold)
	case Sha256, Hash256, Ripemd160, Hash160:
		return hashType
	case Multi:
		return multiAType | NonZero
	case MultiA:
		return multiAType
	case Thresh:
		return threshType(n.k, n.subs)
	}
	if n.fragment.isWrapper() {
		return wrapperType(n.fragment, n.ctx, n.subs[0].typ)
	}
	if n.fragment == AndOr {
		return andorType(n.subs[0].typ, n.subs[1].typ, n.subs[2].typ)
	}
	return pairType(n.fragment, n.subs[0].typ, n.subs[1].typ)
}

func wrapperType(f Fragment, ctx Context, x Type) Type {
	const effects = Dissat | Expressive | Forced | Safe | NonMalleable
	locks := x & (lockTypes | NoMix)
	switch f {
	case WrapA:
		return locks | TypeW | x&(effects|Unit) | Expensive
	case WrapS:
		return locks | TypeW | x&(effects|Unit|Expensive)
	case WrapC:
		return locks | TypeB | x&(OneArg|NonZero|Dissat|Expressive|Forced|NonMalleable) | Unit | Safe
	case WrapD:
		// MINIMALIF is consensus in tapscript and policy elsewhere, so the 1 that d: leaves on
		// the stack is certain there alone.
		return locks | TypeB | OneArg | NonZero | Dissat | Expensive | x&(NonMalleable|Safe) |
			Expressive.when(x.Has(Forced)) | Unit.when(ctx == Tapscript)
	case WrapV:
		return locks | TypeV | x&(ZeroArg|OneArg|NonZero|NonMalleable|Safe) | Forced | Expensive
	case WrapJ:
		return locks | TypeB | NonZero | Dissat | Expensive | x&(OneArg|Unit|NonMalleable|Safe) |
			Expressive.when(x.Has(Forced))
	}
	// n:
	return locks | TypeB | x&(ZeroArg|OneArg|NonZero|effects) | Unit | Expensive
}

// mixes reports whether two parts of one spend ask for both kinds of one timelock.
func mixes(x, y Type) bool {
	crossed := func(a, b Type) bool { return x.Has(a) && y.Has(b) || x.Has(b) && y.Has(a) }
	return crossed(RelTime, RelHeight) || crossed(AbsTime, AbsHeight)
}

func pairType(f Fragment, x, y Type) Type {
	both, any := x&y, x|y
	t := any&lockTypes | both&(ZeroArg|NonMalleable)
	oneOfTwo := OneArg.when(any.Has(OneArg | ZeroArg)) // o of one, z of the other
	switch f {
	case AndV, AndB:
		t |= oneOfTwo | x&NonZero | (y & NonZero).when(x.Has(ZeroArg)) | any&Safe |
			NoMix.when(both.Has(NoMix) && !mixes(x, y))
		if f == AndV {
			return t | y&(TypeB|TypeK|TypeV|Unit|Expensive) | Forced.when(y.Has(Forced) || x.Has(Safe))
		}
		return t | TypeB | Unit | Expensive | both&Dissat | (both & Expressive).when(both.Has(Safe)) |
			Forced.when(both.Has(Forced) || x.Has(Safe|Forced) || y.Has(Safe|Forced))
	case OrB:
		t |= oneOfTwo | both&(Safe|NoMix) | TypeB | Dissat | Unit | Expressive | Expensive
		return drop(t, NonMalleable, both.Has(Expressive) && any.Has(Safe))
	case OrC, OrD:
		t |= (x & OneArg).when(y.Has(ZeroArg)) | both&(Safe|NoMix) | Expensive
		t = drop(t, NonMalleable, x.Has(Expressive) && any.Has(Safe))
		if f == OrC {
			return t | TypeV | Forced
		}
		return t | TypeB | y&(Unit|Forced|Dissat|Expressive)
	}
	// or_i: an argument is always consumed, so z never holds.
	t = t&^ZeroArg | both&(TypeB|TypeK|TypeV|Unit|Forced|Safe|NoMix) | OneArg.when(both.Has(ZeroArg)) |
		any&Dissat | Expensive
	t |= Expressive.when(x.Has(Expressive) && y.Has(Forced) || y.Has(Expressive) && x.Has(Forced))
	return drop(t, NonMalleable, any.Has(Safe))
}

// drop returns t without a property unless the condition holds.
func drop(t, property Type, keep bool) Type {
	if keep {
		return t
	}
	return t &^ property
}

func andorType(x, y, z Type) Type {
	all := x & y & z
	t := y&z&(TypeB|TypeK|TypeV|Unit) | all&ZeroArg | z&Dissat | Expensive | (x|y|z)&lockTypes |
		OneArg.when(x.Has(ZeroArg) && y.Has(OneArg) && z.Has(OneArg) || x.Has(OneArg) && y.Has(ZeroArg) && z.Has(ZeroArg))
	t |= (z & (Forced | Expressive)).when(x.Has(Safe) || y.Has(Forced))
	t |= z & (x | y) & Safe
	t |= (all & NonMalleable).when(x.Has(Expressive) && (x | y | z).Has(Safe))
	return t | NoMix.when(all.Has(NoMix) && !mixes(x, y))
}

func threshType(k uint32, subs []*Node) Type {
	allE, allM, noMix := true, true, true
	signed, arguments := 0, 0
	var locks Type
	for _, s := range subs {
		t := s.typ
		allE = allE && t.Has(Expressive)
		allM = allM && t.Has(NonMalleable)
		noMix = noMix && t.Has(NoMix) && (k <= 1 || !mixes(locks, t))
		locks |= t & lockTypes
		if t.Has(Safe) {
			signed++
		}
		switch {
		case t.Has(ZeroArg):
		case t.Has(OneArg):
			arguments++
		default:
			arguments += 2
		}
	}
	unsigned := len(subs) - signed
	return TypeB | Dissat | Unit | locks | NoMix.when(noMix) |
		ZeroArg.when(arguments == 0) | OneArg.when(arguments == 1) |
		Expressive.when(allE && unsigned == 0) |
		NonMalleable.when(allE && allM && unsigned <= int(k)) |
		Safe.when(unsigned < int(k))
}
