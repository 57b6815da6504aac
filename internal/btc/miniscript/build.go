package miniscript

import (
	"encoding/hex"

	"specter/internal/errs"
)

// Limits on what is read. The script sizes are standardness rules: 3,600 bytes for a witness
// script; in tapscript what leaves room for the largest witness in a standard transaction of
// 400,000 weight units. The others guard memory and stack, far above what anybody can spend:
// an argument of thresh that is no constant takes a stack element, and there are at most 1,000.
const (
	maxScriptWSH       = 3600
	maxScriptTapscript = 329_482
	maxText            = 1 << 20
	maxDepth           = 4000
	maxNodes           = 10_000
	maxThreshArguments = 1000
	maxMultiKeys       = 20
	maxMultiAKeys      = 999
)

// MaxScriptSize returns the most bytes that a script of the context may have.
func (c Context) MaxScriptSize() int {
	if c == Tapscript {
		return maxScriptTapscript
	}
	return maxScriptWSH
}

// digest is the argument of a hash lock: bytes, or a name where no bytes are known yet.
type digest struct {
	raw  []byte
	name string
}

// String returns lower-case hex, or the name.
func (d digest) String() string {
	if d.raw != nil {
		return hex.EncodeToString(d.raw)
	}
	return d.name
}

// maker makes the nodes of one miniscript. It stops early where there are too many, so that
// foreign input does not cost their analysis.
type maker struct {
	ctx  Context
	made int
}

// node makes a node that has only miniscripts as arguments.
func (m *maker) node(f Fragment, subs ...*Node) (*Node, error) {
	return m.build(&Node{fragment: f, subs: subs})
}

func (m *maker) build(n *Node) (*Node, error) {
	if m.made++; m.made > maxNodes {
		return nil, tooManyParts()
	}
	n.ctx = m.ctx
	return build(n)
}

func tooManyParts() error {
	return errs.Bad(errs.TooLarge, "this miniscript is nested too deeply or has too many parts")
}

// build completes a node: it checks the arguments and works out type, length and costs.
func build(n *Node) (*Node, error) {
	n.depth = 1
	for _, s := range n.subs {
		n.depth = max(n.depth, s.depth+1)
	}
	if n.depth > maxDepth {
		return nil, tooManyParts()
	}
	if err := n.checkNumbers(); err != nil {
		return nil, err
	}
	if err := n.checkArguments(); err != nil {
		return nil, err
	}
	n.typ = n.computeType()
	n.length = n.computeLength()
	if limit := n.ctx.MaxScriptSize(); n.length > limit {
		return nil, errs.Bad(errs.TooLarge, "the script of this miniscript would be longer than the %d bytes that nodes relay", limit)
	}
	n.cost = n.computeCost()
	return n, nil
}

// checkNumbers refuses numbers, counts of keys and fragments that the context does not allow.
func (n *Node) checkNumbers() error {
	switch n.fragment {
	case Older, After:
		if n.k < 1 || n.k >= 1<<31 {
			return errs.Bad(errs.Malformed, "the number in %s must be between 1 and 2147483647", n.fragment)
		}
	case Thresh:
		if len(n.subs) > maxThreshArguments {
			return errs.Bad(errs.TooLarge, "thresh has %d arguments; at most %d can be spent", len(n.subs), maxThreshArguments)
		}
		return n.checkThreshold(len(n.subs))
	case Multi:
		if n.ctx != WSH {
			return errs.Bad(errs.BadContext, "multi does not work in taproot: use multi_a there")
		}
		if len(n.keys) > maxMultiKeys {
			return errs.Bad(errs.TooManyKeys, "multi has %d keys; at most %d are allowed", len(n.keys), maxMultiKeys)
		}
		return n.checkThreshold(len(n.keys))
	case MultiA:
		if n.ctx != Tapscript {
			return errs.Bad(errs.BadContext, "multi_a works in taproot alone: use multi here")
		}
		if len(n.keys) > maxMultiAKeys {
			return errs.Bad(errs.TooManyKeys, "multi_a has %d keys; at most %d are allowed", len(n.keys), maxMultiAKeys)
		}
		return n.checkThreshold(len(n.keys))
	}
	return nil
}

func (n *Node) checkThreshold(of int) error {
	if n.k < 1 || int64(n.k) > int64(of) {
		return errs.Bad(errs.Malformed, "the threshold of %s is %d but must be between 1 and the %d that follow", n.fragment, n.k, of)
	}
	return nil
}

// computeLength returns the bytes of the compiled script.
func (n *Node) computeLength() int {
	length := 0
	for _, s := range n.subs {
		length += s.length
	}
	key := 1 + int(pubKeySize(n.ctx))
	switch n.fragment {
	case Just0, Just1:
		return 1
	case PkK:
		return key
	case PkH:
		return 3 + 21
	case Older, After:
		return 1 + numberLength(n.k)
	case Sha256, Hash256:
		return 4 + 2 + 33
	case Ripemd160, Hash160:
		return 4 + 2 + 21
	case Multi:
		return 1 + numberLength(uint32(len(n.keys))) + numberLength(n.k) + key*len(n.keys)
	case MultiA:
		return (key+1)*len(n.keys) + numberLength(n.k) + 1
	case AndV:
		return length
	case WrapV:
		if n.subs[0].typ.Has(Expensive) {
			return length + 1
		}
		return length
	case WrapS, WrapC, WrapN, AndB, OrB:
		return length + 1
	case WrapA, OrC:
		return length + 2
	case WrapJ:
		return length + 4
	case Thresh:
		return length + len(n.subs) + numberLength(n.k)
	}
	return length + 3 // d:, or_d, or_i, andor
}
