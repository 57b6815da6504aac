package miniscript

import (
	"encoding/hex"
	"strings"
)

// HashLock is a digest whose preimage a spend must show. Where only a name is known (see
// ParseNamed), Digest is nil.
type HashLock struct {
	Kind   HashKind
	Digest []byte
	Name   string
}

// String prints the lock as a fragment: "sha256(…)" with the digest in hex, or its name.
func (h HashLock) String() string { return h.Kind.String() + "(" + h.argument() + ")" }

func (h HashLock) argument() string {
	if h.Digest != nil {
		return hex.EncodeToString(h.Digest)
	}
	return h.Name
}

// lock returns the hash lock of a hash fragment.
func (n *Node) lock() HashLock {
	kind, _ := n.fragment.hashKind()
	return HashLock{Kind: kind, Digest: n.digest.raw, Name: n.digest.name}
}

// ElementKind says what a witness element is.
type ElementKind uint8

// The kinds of witness elements.
const (
	ElementZero      ElementKind = iota // the empty element
	ElementOne                          // the byte 1
	ElementSignature                    // a signature by Key
	ElementPubKey                       // Key itself
	ElementPreimage                     // the 32-byte preimage of Hash
	ElementAnything                     // any 32 bytes that are not the preimage
)

// Element is an element of a witness before signatures and preimages are filled in.
type Element struct {
	Kind ElementKind
	Key  string
	Hash HashLock
}

// String prints "0", "1", "<sig(key)>", "<key>", "<sha256_preimage(H)>" or, for an element
// that only has to be wrong, "<random_preimage()>".
func (e Element) String() string {
	switch e.Kind {
	case ElementOne:
		return "1"
	case ElementSignature:
		return "<sig(" + e.Key + ")>"
	case ElementPubKey:
		return "<" + e.Key + ">"
	case ElementPreimage:
		return "<" + e.Hash.Kind.String() + "_preimage(" + e.Hash.argument() + ")>"
	case ElementAnything:
		return "<random_preimage()>"
	}
	return "0"
}

// known reports whether the element is there for everybody: no signature and no preimage.
func (e Element) known() bool { return e.Kind != ElementSignature && e.Kind != ElementPreimage }

// elements is a list of witness elements, bottom first, that is joined without copying.
type elements struct {
	below, above *elements
	one          Element
	count        int
}

func element(e Element) *elements { return &elements{one: e, count: 1} }

// over puts the elements of above on top of e.
func (e *elements) over(above *elements) *elements {
	if e == nil {
		return above
	}
	if above == nil {
		return e
	}
	return &elements{below: e, above: above, count: e.count + above.count}
}

// list returns the elements, bottom first.
func (e *elements) list() []Element {
	if e == nil {
		return nil
	}
	out := make([]Element, 0, e.count)
	for todo := []*elements{e}; len(todo) > 0; {
		e := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if e.below == nil {
			out = append(out, e.one)
		} else {
			todo = append(todo, e.above, e.below)
		}
	}
	return out
}

// locks are what a spend asks of nLockTime and nSequence; zero where it asks nothing.
type locks struct{ after, older uint32 }

// and returns the locks that meet both; ok is false where a height and a time are asked for.
func (a locks) and(b locks) (both locks, ok bool) {
	both.after, both.older = max(a.after, b.after), a.older
	if a.after != 0 && b.after != 0 && (a.after < lockTimeThreshold) != (b.after < lockTimeThreshold) {
		return locks{}, false
	}
	if a.older == 0 || b.older == 0 {
		both.older = max(a.older, b.older)
		return both, true
	}
	if (a.older^b.older)&sequenceTimeFlag != 0 {
		return locks{}, false
	}
	if b.older&sequenceMask > a.older&sequenceMask {
		both.older = b.older
	}
	return both, true
}

// allow reports whether a transaction that meets a meets b too.
func (a locks) allow(b locks) bool {
	both, ok := a.and(b)
	return ok && both == a
}

func asm(list []Element) string {
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = e.String()
	}
	return strings.Join(words, " ")
}
