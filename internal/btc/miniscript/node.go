package miniscript

import (
	"specter/internal/errs"
)

// Context says where a miniscript stands; the rules differ a little.
type Context uint8

// The contexts.
const (
	WSH       Context = iota + 1 // witness script of P2WSH (BIP141)
	Tapscript                    // leaf script of a taproot output (BIP342)
)

// String returns "wsh" or "tr", the words of the offline commands.
func (c Context) String() string {
	switch c {
	case WSH:
		return "wsh"
	case Tapscript:
		return "tr"
	}
	return "unknown"
}

// ParseContext reads "wsh" (or "p2wsh") and "tr" (or "tapscript"). Code bad-context.
func ParseContext(s string) (Context, error) {
	switch s {
	case "wsh", "p2wsh":
		return WSH, nil
	case "tr", "tapscript":
		return Tapscript, nil
	}
	return 0, errs.Bad(errs.BadContext, "%.20q is not a place for miniscript: say wsh or tr", s)
}

// Fragment is one of the building blocks of BIP379; sugar (pk, t:, and_n…) is not among them.
type Fragment uint8

// The fragments. Those from WrapA to WrapN are the wrappers.
const (
	Just0 Fragment = iota + 1
	Just1
	PkK
	PkH
	Older
	After
	Sha256
	Hash256
	Ripemd160
	Hash160
	WrapA
	WrapS
	WrapC
	WrapD
	WrapV
	WrapJ
	WrapN
	AndV
	AndB
	OrB
	OrC
	OrD
	OrI
	AndOr
	Thresh
	Multi
	MultiA
)

var fragmentNames = [...]string{
	Just0: "0", Just1: "1", PkK: "pk_k", PkH: "pk_h", Older: "older", After: "after",
	Sha256: "sha256", Hash256: "hash256", Ripemd160: "ripemd160", Hash160: "hash160",
	WrapA: "a", WrapS: "s", WrapC: "c", WrapD: "d", WrapV: "v", WrapJ: "j", WrapN: "n",
	AndV: "and_v", AndB: "and_b", OrB: "or_b", OrC: "or_c", OrD: "or_d", OrI: "or_i",
	AndOr: "andor", Thresh: "thresh", Multi: "multi", MultiA: "multi_a",
}

// String returns the fragment's name in miniscript text; a wrapper's is its letter.
func (f Fragment) String() string {
	if int(f) < len(fragmentNames) && f != 0 {
		return fragmentNames[f]
	}
	return "unknown"
}

// isWrapper reports whether the fragment is written as a letter before a colon.
func (f Fragment) isWrapper() bool { return f >= WrapA && f <= WrapN }

// hashKind returns the hash function of a hash lock; ok is false for other fragments.
func (f Fragment) hashKind() (kind HashKind, ok bool) {
	if f < Sha256 || f > Hash160 {
		return 0, false
	}
	return HashKind(f-Sha256) + SHA256, true
}

// HashKind is a hash function that a script can ask a preimage for.
type HashKind uint8

// The hash functions; digests have 32, 32, 20 and 20 bytes. A preimage always has 32.
const (
	SHA256 HashKind = iota + 1
	HASH256
	RIPEMD160
	HASH160
)

// String returns the fragment's name: "sha256", "hash256", "ripemd160", "hash160".
func (k HashKind) String() string {
	if k < SHA256 || k > HASH160 {
		return "unknown"
	}
	return (Sha256 + Fragment(k-SHA256)).String()
}

// Size returns the length of a digest in bytes.
func (k HashKind) Size() int {
	if k == SHA256 || k == HASH256 {
		return 32
	}
	return 20
}

// Node is a miniscript expression. It never changes after it was built.
type Node struct {
	fragment Fragment
	ctx      Context
	subs     []*Node
	keys     []string // of pk_k, pk_h, multi, multi_a
	k        uint32   // threshold of thresh, multi, multi_a; number of older and after
	digest   digest

	typ    Type
	length int // bytes of the compiled script
	depth  int // levels of the tree
	cost   cost
}

// Fragment returns the node's building block.
func (n *Node) Fragment() Fragment { return n.fragment }

// Context returns where the miniscript stands.
func (n *Node) Context() Context { return n.ctx }

// K returns the threshold of thresh, multi and multi_a, and the number in older and after.
func (n *Node) K() uint32 { return n.k }

// Keys returns all keys in order of appearance; a key that is used twice is there twice.
func (n *Node) Keys() []string {
	var keys []string
	n.walk(func(m *Node) { keys = append(keys, m.keys...) })
	return keys
}

// Hashes returns all hash locks in order of appearance.
func (n *Node) Hashes() []HashLock {
	var all []HashLock
	n.walk(func(m *Node) {
		if _, ok := m.fragment.hashKind(); ok {
			all = append(all, m.lock())
		}
	})
	return all
}

// Type returns the node's type and properties.
func (n *Node) Type() Type { return n.typ }

// ScriptSize returns the length of the compiled script in bytes.
func (n *Node) ScriptSize() int { return n.length }

// walk visits the tree, every node before its arguments, from left to right.
func (n *Node) walk(visit func(*Node)) {
	visit(n)
	for _, s := range n.subs {
		s.walk(visit)
	}
}
