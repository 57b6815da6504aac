package miniscript

import "slices"

// way is one witness, or a part of one, that satisfies or dissatisfies a node.
type way struct {
	stack    *elements
	size     int
	locks    locks
	signers  keySet
	anything bool // holds 32 bytes that anybody could replace
	unknown  bool
}

func (w way) solution() Solution {
	return Solution{Elements: w.stack.list(), LockTime: w.locks.after, Sequence: w.locks.older, Size: w.size}
}

// changeable reports whether a stranger who sees way i could put another one in its place: one
// that takes no more signatures, and locks that the transaction meets already.
func changeable(i int, all []way) bool {
	w := all[i]
	if w.anything || len(w.signers) == 0 {
		return true
	}
	for j, o := range all {
		if j != i && w.locks.allow(o.locks) && w.signers.holds(o.signers) {
			return true
		}
	}
	return false
}

// keySet is a set of keys as bits.
type keySet []uint64

func (s keySet) with(o keySet) keySet {
	if len(s) < len(o) {
		s, o = o, s
	}
	if len(o) == 0 {
		return s
	}
	both := slices.Clone(s)
	for i, w := range o {
		both[i] |= w
	}
	return both
}

// holds reports whether all of o is in s.
func (s keySet) holds(o keySet) bool {
	for i, w := range o {
		if i >= len(s) && w != 0 || i < len(s) && w&^s[i] != 0 {
			return false
		}
	}
	return true
}
