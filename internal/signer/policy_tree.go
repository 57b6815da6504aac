package signer

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"

	"specter/internal/btc/descriptor"
	"specter/internal/btc/psbt"
)

// maxTreeLeaves bounds how many leaves a tree may have when it is put together from the control
// blocks of a PSBT: equal subtrees of a hostile one would unfold without end.
const maxTreeLeaves = 128

// sprout is a taproot tree as the control blocks of its leaves tell it.
type sprout struct {
	r      *reader
	script []byte
	inner  []byte
	known  descriptor.Known
	leaf   map[[32]byte]psbt.TapLeaf
	kids   map[[32]byte][2][32]byte
	at     place
	count  int
	head   string // the internal key's expression
}

// tree reads a taproot output with scripts from the leaves that an input describes.
func (r *reader) tree(script []byte, in *psbt.Input) (reading, error) {
	s := &sprout{r: r, script: script, inner: in.TapInternalKey, leaf: map[[32]byte]psbt.TapLeaf{}, kids: map[[32]byte][2][32]byte{}}
	if len(s.inner) != 32 {
		return reading{}, E(CodeBadTransaction, "the PSBT does not tell the internal key of a taproot coin")
	}
	s.known = knownOf(in.Derivations, in.TapDerivations, in.TapInternalKey)
	var root [32]byte
	for i, l := range in.TapLeaves {
		top, err := s.learn(l)
		if err != nil {
			return reading{}, err
		}
		if i > 0 && top != root {
			return reading{}, E(CodeBadTransaction, "the scripts of a taproot coin do not belong to one tree")
		}
		root = top
	}
	if len(in.TapLeaves) == 1 && s.leafIs(root) {
		return s.lonely(in.TapLeaves[0])
	}
	text, err := s.unfold(root)
	if err != nil {
		return reading{}, err
	}
	return reading{script: script, at: s.at.spot, form: pieces{"tr(" + s.head + "," + text + ")"}}, nil
}

// learn takes a leaf with its way to the root and returns the root.
func (s *sprout) learn(l psbt.TapLeaf) ([32]byte, error) {
	if n := len(l.ControlBlock); n < 33 || (n-33)%32 != 0 || (n-33)/32 > maxTreeLeaves {
		return [32]byte{}, E(CodeBadTransaction, "a control block of a taproot script has %d bytes", n)
	}
	if !bytes.Equal(l.ControlBlock[1:33], s.inner) {
		return [32]byte{}, E(CodeBadTransaction, "a control block of a taproot script names another internal key")
	}
	at := l.Hash()
	s.leaf[at] = l
	for way := l.ControlBlock[33:]; len(way) > 0; way = way[32:] {
		sibling := [32]byte(way[:32])
		above := branchHash(at, sibling)
		s.kids[above] = [2][32]byte{at, sibling}
		at = above
	}
	return at, nil
}

func branchHash(a, b [32]byte) [32]byte {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return *chainhash.TaggedHash(chainhash.TagTapBranch, a[:], b[:])
}

func (s *sprout) leafIs(h [32]byte) bool { _, is := s.leaf[h]; return is }

// lonely reads an output whose only leaf is known: a multisig in it may be a sorted one.
func (s *sprout) lonely(l psbt.TapLeaf) (reading, error) {
	s.known.Scripts = append(s.known.Scripts, l.Script)
	return s.r.script(s.script, s.known)
}

// unfold writes the tree below a node, the smaller text first: the order of a branch's sides
// does not change the output, and so all addresses of a wallet give one text.
func (s *sprout) unfold(h [32]byte) (string, error) {
	if l, is := s.leaf[h]; is {
		if s.count++; s.count > maxTreeLeaves {
			return "", E(CodeBadTransaction, "a taproot tree of more than %d scripts cannot be read", maxTreeLeaves)
		}
		return s.fragment(l)
	}
	kids, known := s.kids[h]
	if !known {
		return "", E(CodeBadTransaction, "the PSBT does not tell all scripts of a taproot coin")
	}
	a, err := s.unfold(kids[0])
	if err != nil {
		return "", err
	}
	b, err := s.unfold(kids[1])
	if err != nil {
		return "", err
	}
	if b < a {
		a, b = b, a
	}
	return "{" + a + "," + b + "}", nil
}

// fragment reads one leaf as if it were the only one of its output.
func (s *sprout) fragment(l psbt.TapLeaf) (string, error) {
	t, err := descriptor.NewTaproot([32]byte(s.inner), []descriptor.Leaf{{Script: l.Script, Version: l.Version}})
	if err != nil {
		return "", E(CodeBadTransaction, "a script of a taproot coin cannot be read: %w", err)
	}
	known := s.known
	known.Scripts = [][]byte{l.Script}
	d, err := descriptor.Infer(append([]byte{0x51, 0x20}, t.OutputKey[:]...), known)
	if err != nil || d.Type() != "tr" || len(d.Keys()) < 1 {
		return "", E(CodeBadTransaction, "a script of a taproot coin is of a form that is not known here")
	}
	form, err := cut(d)
	if err != nil {
		return "", err
	}
	var keys []string
	for _, k := range d.Keys() {
		text, err := s.r.expression(k, &s.at, false)
		if err != nil {
			return "", err
		}
		keys = append(keys, text)
	}
	s.head = keys[0]
	text, ok := strings.CutPrefix(form.with(keys), fmt.Sprintf("tr(%s,", s.head))
	if !ok {
		return "", E(CodeBadTransaction, "a script of a taproot coin is of a form that is not known here")
	}
	return strings.TrimSuffix(text, ")"), nil
}
