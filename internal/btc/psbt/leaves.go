package psbt

import (
	"bytes"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// maxLeafKeys bounds leaves times keys of one input: a taproot wallet has some tens, a PSBT
// made to keep us busy could have millions.
const maxLeafKeys = 100_000

// knownLeaf is a leaf script of an input that its coin commits to.
type knownLeaf struct {
	TapLeaf
	hash   [32]byte
	pushes map[string]bool
}

// hasKey reports whether the leaf pushes an x-only key or its hash160.
func (l *knownLeaf) hasKey(xonly []byte) bool {
	return l.pushes[string(xonly)] || l.pushes[string(address.Hash160(xonly))]
}

// leaves lists the leaves of a taproot input that its coin commits to, worked out once. Leaves
// that it does not commit to are counted in strays.
func (s *spending) leaves(i int) (known []*knownLeaf, strays int) {
	if c := s.leafCache[i]; c != nil {
		return c.known, c.strays
	}
	c := &leafCache{}
	in := &s.p.Inputs[i]
	for _, leaf := range in.TapLeaves {
		if !s.isTaproot(i) || !leafCommitted(s.prevs[i].PkScript[2:], leaf) {
			c.strays++
			continue
		}
		c.known = append(c.known, &knownLeaf{TapLeaf: leaf, hash: leaf.Hash(), pushes: pushesOf(leaf.Script)})
	}
	if len(c.known)*(len(in.TapDerivations)+len(in.TapScriptSigs)) > maxLeafKeys {
		c.known, c.strays = nil, len(in.TapLeaves)
	}
	s.leafCache[i] = c
	return c.known, c.strays
}

type leafCache struct {
	known  []*knownLeaf
	strays int
}

// leaf finds a committed leaf by its hash. Code incomplete where the PSBT has none of it, else
// nil for one that the coin does not commit to.
func (s *spending) leaf(i int, hash [32]byte) (*knownLeaf, error) {
	known, strays := s.leaves(i)
	for _, l := range known {
		if l.hash == hash {
			return l, nil
		}
	}
	if strays > 0 {
		for _, l := range s.p.Inputs[i].TapLeaves {
			if l.Hash() == hash {
				return nil, nil
			}
		}
	}
	return nil, errs.Bad(errs.Incomplete, "the leaf script that a signature of input %d signs is missing", i)
}

// leafCommitted reports whether a taproot output key commits to a leaf through its control block.
func leafCommitted(outputKey []byte, leaf TapLeaf) bool {
	cb, err := txscript.ParseControlBlock(leaf.ControlBlock)
	if err != nil || byte(cb.LeafVersion) != leaf.Version {
		return false
	}
	return txscript.VerifyTaprootLeafCommitment(cb, outputKey, leaf.Script) == nil
}

// origins finds key origins by public key without searching a long list again and again.
type origins struct {
	in    *Input
	keys  map[string]int // of Derivations
	xonly map[string]int // of TapDerivations
}

func (in *Input) origins() *origins {
	o := &origins{in: in, keys: make(map[string]int, len(in.Derivations)), xonly: make(map[string]int, len(in.TapDerivations))}
	for i := range in.Derivations {
		o.keys[string(in.Derivations[i].PubKey)] = i
	}
	for i := range in.TapDerivations {
		o.xonly[string(in.TapDerivations[i].XOnly[:])] = i
	}
	return o
}

// of returns the origin of a key of 33 or 65 bytes, or of an x-only key; nil if unknown.
func (o *origins) of(pub []byte) *btc.KeyOrigin {
	if i, ok := o.keys[string(pub)]; ok {
		return &o.in.Derivations[i].Origin
	}
	if i, ok := o.xonly[string(pub)]; ok {
		return &o.in.TapDerivations[i].Origin
	}
	return nil
}

// byHash makes a finder of known keys by their hash160; the hashes are computed at first use.
func byHash(list func() [][]byte) func(hash [20]byte) ([]byte, bool) {
	var table map[string][]byte
	return func(hash [20]byte) ([]byte, bool) {
		if table == nil {
			table = map[string][]byte{}
			for _, pub := range list() {
				table[string(address.Hash160(pub))] = pub
			}
		}
		pub, ok := table[string(hash[:])]
		return pub, ok && bytes.Equal(address.Hash160(pub), hash[:])
	}
}
