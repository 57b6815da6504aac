package miniscript

import (
	"encoding/hex"

	"specter/internal/errs"
)

// Limits of consensus and standardness on a spend.
const (
	maxOps           = 201  // opcodes and multisig keys of a witness script (consensus)
	maxStackElements = 1000 // on the stack at any moment (consensus)
	maxWitnessItems  = 100  // of a P2WSH input without its script (standardness)
)

// CheckTop checks that the miniscript can be a whole script: its type is B. Its size was
// checked when it was built. Code malformed.
func (n *Node) CheckTop() error {
	if !n.typ.Has(TypeB) {
		return errs.Bad(errs.Malformed, "a whole script must be of type B, but this miniscript is of type %s", n.typ)
	}
	return nil
}

// CheckSane checks that the miniscript is safe to receive money on: CheckTop, and every spend
// needs a signature, nobody can change a spend's witness, no key is used twice, no spend
// mixes heights and times, and no spend breaks a limit of consensus or relay. Key texts are
// compared as they are; who knows that two texts give one key, maps them first (MapKeys).
// Code not-sane. A sane miniscript may still be one that nobody can spend: see Satisfiable.
func (n *Node) CheckSane() error {
	if err := n.CheckTop(); err != nil {
		return err
	}
	if !n.typ.Has(Safe) {
		return notSane("it can be spent without any signature")
	}
	if !n.typ.Has(NonMalleable) {
		return notSane("a stranger could change the witness of some of its spends")
	}
	if !n.typ.Has(NoMix) {
		return notSane("one of its spends asks for a block height and for a time at once, which no transaction can meet")
	}
	if key, ok := n.repeatedKey(); ok {
		return notSane("the key %.120s is used more than once", key)
	}
	return n.checkLimits()
}

func notSane(format string, args ...any) error {
	return errs.Bad(errs.NotSane, "this miniscript is not safe: "+format, args...)
}

// checkLimits checks the worst spend against the limits of the context.
func (n *Node) checkLimits() error {
	if !n.cost.sat.possible {
		return nil
	}
	if n.ctx == Tapscript {
		if peak := n.MaxExecStack(); peak > maxStackElements {
			return notSane("a spend would put %d elements on the stack; at most %d are allowed", peak, maxStackElements)
		}
		return nil
	}
	if ops := n.Ops(); ops > maxOps {
		return notSane("a spend would run %d opcodes; at most %d are allowed", ops, maxOps)
	}
	if items := n.MaxStack(); items > maxWitnessItems {
		return notSane("a spend would need %d witness elements; nodes relay at most %d", items, maxWitnessItems)
	}
	return nil
}

// repeatedKey finds a key that stands in the miniscript twice.
func (n *Node) repeatedKey() (string, bool) {
	seen := map[string]bool{}
	for _, key := range n.Keys() {
		same := key
		if raw, err := hexKey(key, n.ctx); err == nil {
			same = hex.EncodeToString(raw)
		}
		if seen[same] {
			return key, true
		}
		seen[same] = true
	}
	return "", false
}

// HasDuplicateKeys reports whether a key is used more than once.
func (n *Node) HasDuplicateKeys() bool {
	_, dup := n.repeatedKey()
	return dup
}

// Satisfiable reports whether any spend exists at all, given all keys, preimages and time.
func (n *Node) Satisfiable() bool { return n.cost.sat.possible }

// Ops returns the opcodes that the worst spend runs as consensus counts them in a witness
// script: all opcodes above OP_16, and the keys of every CHECKMULTISIG that is run.
func (n *Node) Ops() int { return int(n.cost.ops + n.cost.sat.ops) }

// left is what a satisfied script of this type leaves on the stack.
func (n *Node) left() int {
	if n.typ.Has(TypeV) {
		return 0
	}
	return 1
}

// MaxStack returns the most witness elements of a non-malleable spend, without the script.
func (n *Node) MaxStack() int { return int(n.cost.sat.net) + n.left() }

// MaxExecStack returns the most elements on the stack at any moment of a spend.
func (n *Node) MaxExecStack() int { return int(n.cost.sat.peak) + n.left() }

// MaxSatisfaction bounds the non-malleable witnesses: elements, and bytes with the length
// prefix of every element, without the script (and without the control block of tapscript).
// ECDSA signatures count 72 bytes, Schnorr signatures 65. ok is false where nothing spends.
func (n *Node) MaxSatisfaction() (elements, bytes int, ok bool) {
	if !n.cost.sat.possible {
		return 0, 0, false
	}
	return n.MaxStack(), int(n.cost.sat.size), true
}
