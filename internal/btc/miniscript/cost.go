package miniscript

// trace bounds all executions of a piece of script that end the same way (satisfied, or
// dissatisfied, without tricks that a non-malleable witness never needs).
type trace struct {
	possible bool
	ops      int32 // keys of executed CHECKMULTISIGs: they count against the limit as opcodes do
	net      int32 // elements on the stack before, more than after
	peak     int32 // elements on the stack at the worst moment, more than after
	size     int32 // bytes of the witness elements with their length prefixes
}

// cost bounds a node's script: opcodes that always count, and the two ways it can end.
type cost struct {
	ops       int32
	sat, dsat trace
}

// Effects of single opcodes, as {elements consumed net, worst moment} after the opcode.
var (
	nothing  = trace{possible: true}
	pushes   = trace{possible: true, net: -1}         // a push, DUP, SIZE
	consumes = trace{possible: true, net: 1, peak: 1} // IF, a binary operator, CHECKSIG, VERIFY
	checks2  = trace{possible: true, net: 2, peak: 2} // EQUALVERIFY
	never    = trace{}
)

// input is the effect of elements that the witness holds for a fragment.
func input(bytes int32) trace { return trace{possible: true, size: bytes} }

// plus bounds running a and then b.
func (a trace) plus(b trace) trace {
	if !a.possible || !b.possible {
		return never
	}
	return trace{true, a.ops + b.ops, a.net + b.net, max(b.peak, b.net+a.peak), a.size + b.size}
}

// then bounds running a and after it every one of more.
func (a trace) then(more ...trace) trace {
	for _, b := range more {
		a = a.plus(b)
	}
	return a
}

// or bounds both a and b.
func (a trace) or(b trace) trace {
	switch {
	case !a.possible:
		return b
	case !b.possible:
		return a
	}
	return trace{true, max(a.ops, b.ops), max(a.net, b.net), max(a.peak, b.peak), max(a.size, b.size)}
}

// Sizes of witness elements with their length prefix, at worst: a DER signature of 72 bytes
// with its sighash byte, a BIP340 signature of 65 bytes with one.
func worstSignature(ctx Context) int32 {
	if ctx == Tapscript {
		return 1 + 65
	}
	return 1 + 72
}

func pubKeySize(ctx Context) int32 {
	if ctx == Tapscript {
		return 32
	}
	return 33
}

// computeCost bounds a node from the bounds of its arguments.
func (n *Node) computeCost() cost {
	sig, key := worstSignature(n.ctx), 1+pubKeySize(n.ctx)
	keys := int32(len(n.keys))
	switch n.fragment {
	case Just0:
		return cost{dsat: pushes}
	case Just1:
		return cost{sat: pushes}
	case PkK:
		return cost{sat: pushes.then(input(sig)), dsat: pushes.then(input(1))}
	case PkH:
		run := pushes.then(pushes, checks2)
		return cost{ops: 3, sat: run.then(input(sig + key)), dsat: run.then(input(1 + key))}
	case Older, After:
		return cost{ops: 1, sat: pushes}
	case Sha256, Hash256, Ripemd160, Hash160:
		return cost{ops: 4, sat: pushes.then(pushes, checks2, pushes, consumes, input(33))}
	case Multi:
		k := int32(n.k)
		run := trace{possible: true, ops: keys, net: k, peak: k + keys + 2}
		return cost{ops: 1, sat: run.then(input(k*sig + 1)), dsat: run.then(input(k + 1))}
	case MultiA:
		k := int32(n.k)
		run := trace{possible: true, net: keys - 1, peak: keys}
		return cost{ops: keys + 1, sat: run.then(input(k*sig + keys - k)), dsat: run.then(input(keys))}
	case Thresh:
		return threshCost(n.k, n.subs)
	}
	if n.fragment.isWrapper() {
		return wrapperCost(n.fragment, n.subs[0])
	}
	return combinedCost(n.fragment, n.subs)
}

func wrapperCost(f Fragment, sub *Node) cost {
	x := sub.cost
	switch f {
	case WrapA:
		return cost{x.ops + 2, x.sat, x.dsat}
	case WrapC:
		return cost{x.ops + 1, x.sat.then(consumes), x.dsat.then(consumes)}
	case WrapD:
		test := pushes.then(consumes)
		return cost{x.ops + 3, test.then(x.sat, input(2)), test.then(input(1))}
	case WrapV:
		if sub.typ.Has(Expensive) {
			x.ops++
		}
		return cost{x.ops, x.sat.then(consumes), never}
	case WrapJ:
		test := pushes.then(consumes)
		return cost{x.ops + 4, test.then(x.sat), test.then(input(1))}
	}
	// s: and n:
	return cost{x.ops + 1, x.sat, x.dsat}
}

func combinedCost(f Fragment, subs []*Node) cost {
	x, y := subs[0].cost, subs[1].cost
	ops := x.ops + y.ops
	neither := x.dsat.then(y.dsat, consumes)
	switch f {
	case AndV:
		return cost{ops, x.sat.then(y.sat), never}
	case AndB:
		return cost{ops + 1, x.sat.then(y.sat, consumes), neither}
	case OrB:
		return cost{ops + 1, x.sat.then(y.dsat).or(x.dsat.then(y.sat)).then(consumes), neither}
	case OrC:
		return cost{ops + 2, x.sat.then(consumes).or(x.dsat.then(consumes, y.sat)), never}
	case OrD:
		// IFDUP doubles the 1 of a satisfied X, and leaves a 0 alone.
		return cost{ops + 3, x.sat.then(pushes, consumes).or(x.dsat.then(consumes, y.sat)), x.dsat.then(consumes, y.dsat)}
	case OrI:
		either := func(a, b trace) trace { return consumes.then(a.then(input(2)).or(b.then(input(1)))) }
		return cost{ops + 3, either(x.sat, y.sat), either(x.dsat, y.dsat)}
	}
	// andor
	z := subs[2].cost
	return cost{ops + z.ops + 3, x.sat.then(consumes, y.sat).or(x.dsat.then(consumes, z.sat)), x.dsat.then(consumes, z.dsat)}
}

// threshCost bounds a thresh: reached[j] bounds the executions with j arguments satisfied.
func threshCost(k uint32, subs []*Node) cost {
	var ops int32
	reached := make([]trace, k+1)
	reached[0] = nothing
	for i, s := range subs {
		ops += s.cost.ops + 1
		sat, dsat := s.cost.sat, s.cost.dsat
		if i > 0 {
			sat, dsat = sat.plus(consumes), dsat.plus(consumes) // ADD
		}
		for j := min(i+1, int(k)); j > 0; j-- {
			reached[j] = reached[j].plus(dsat).or(reached[j-1].plus(sat))
		}
		reached[0] = reached[0].plus(dsat)
	}
	compare := pushes.then(consumes)
	return cost{ops, reached[k].then(compare), reached[0].then(compare)}
}
