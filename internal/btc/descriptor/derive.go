package descriptor

import (
	"slices"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Output is the script of a descriptor at an index, and what is needed to spend it.
type Output struct {
	Script        []byte // scriptPubKey
	RedeemScript  []byte // of P2SH; nil elsewhere
	WitnessScript []byte // of P2WSH, plain or in P2SH; nil elsewhere
	Taproot       *Taproot
	Keys          []DerivedKey // in order of appearance; one that is there twice is listed twice
	MuSig         []MuSig
	Index         uint32
}

// DerivedKey is a public key of an output.
type DerivedKey struct {
	PubKey      []byte        // 33 bytes, compressed; 65 where the descriptor says so
	Origin      btc.KeyOrigin // full path to this key; the key itself where no origin is known
	LeafHashes  [][32]byte    // leaves that the key signs in (taproot)
	Internal    bool          // it is the internal key of the taproot output, or a part of it
	Expression  int           // place in Descriptor.Keys
	Participant bool          // it is one of the keys in a musig()
}

// MuSig is an aggregate key of an output (BIP327, BIP328, BIP373).
type MuSig struct {
	Aggregate    []byte        // the plain aggregate key, 33 bytes, before any derivation
	PubKey       []byte        // the key in the output or leaf, 33 bytes
	Origin       btc.KeyOrigin // of PubKey: the synthetic xpub's fingerprint and the path from it
	Participants [][]byte      // 33 bytes each, in the order of aggregation
	LeafHashes   [][32]byte
	Internal     bool
	Expression   int // place of the first participant in Descriptor.Keys
}

// Address returns the output's address on a network; ok is false when it has none.
func (o *Output) Address(n btc.Network) (addr string, ok bool) { return btc.AddressOf(o.Script, n) }

// Derive computes the output at an index, which is ignored when the descriptor is not ranged.
// It refuses multipath descriptors and combo() (code unsupported: take a Branch or Expand
// first), indexes from 2^31, and hardened steps after public keys (code bad-path).
func (d *Descriptor) Derive(index uint32) (*Output, error) {
	switch {
	case d.Branches() > 1:
		return nil, errs.Bad(errs.Unsupported, "the descriptor has %d branches; choose one", d.Branches())
	case d.root.kind == kCombo:
		return nil, errs.Bad(errs.Unsupported, "combo() stands for several scripts; expand it first")
	}
	return d.derive(d.root, index)
}

// Outputs computes all outputs at an index: one, or what combo() stands for (BIP384).
func (d *Descriptor) Outputs(index uint32) ([]*Output, error) {
	if d.root.kind != kCombo {
		o, err := d.Derive(index)
		return []*Output{o}, err
	}
	var outs []*Output
	for _, s := range d.comboParts() {
		o, err := s.Derive(index)
		if err != nil {
			return nil, err
		}
		outs = append(outs, o)
	}
	return outs, nil
}

func (d *Descriptor) derive(root *expr, index uint32) (*Output, error) {
	if index >= btc.Hardened {
		return nil, errs.Bad(errs.BadPath, "index %d is out of range; the largest is 2147483647", index)
	}
	keys := make([]derived, len(d.keys))
	for i, k := range d.keys {
		var err error
		if keys[i], err = k.at(index); err != nil {
			return nil, err
		}
	}
	o := &Output{Index: index}
	if !d.IsRanged() {
		o.Index = 0
	}
	if err := o.build(root, keys); err != nil {
		return nil, err
	}
	d.listKeys(o, root, keys)
	return o, nil
}

// build fills in the scripts.
func (o *Output) build(e *expr, keys []derived) (err error) {
	switch e.kind {
	case kTR:
		return o.buildTR(e, keys)
	case kRawTR:
		o.Script = btc.WitnessScript(1, keys[e.keys[0]].pub[1:33])
		return nil
	case kWSH:
		o.WitnessScript, err = scriptOf(e.sub, keys, inWSH)
		o.Script = btc.WitnessScript(0, sha256Of(o.WitnessScript))
		return err
	case kSH:
		if e.sub.kind == kWSH {
			if err = o.build(e.sub, keys); err != nil {
				return err
			}
			o.RedeemScript = o.Script
		} else if o.RedeemScript, err = scriptOf(e.sub, keys, inSH); err != nil {
			return err
		}
		o.Script = btc.PayToScriptHash(hash160(o.RedeemScript))
		return nil
	}
	o.Script, err = scriptOf(e, keys, atTop)
	return err
}

func (o *Output) buildTR(e *expr, keys []derived) error {
	var leaves []Leaf
	err := e.tree.walk(0, func(leaf *expr, depth int) error {
		script, err := scriptOf(leaf, keys, inTR)
		leaves = append(leaves, Leaf{Script: script, Version: leafVersion, Depth: depth})
		return err
	})
	if err != nil {
		return err
	}
	o.Taproot, err = NewTaproot([32]byte(keys[e.keys[0]].pub[1:33]), leaves)
	if err != nil {
		return err
	}
	o.Script = btc.WitnessScript(1, slices.Clone(o.Taproot.OutputKey[:]))
	return nil
}

// walk visits the leaves from left to right.
func (t *tree) walk(depth int, visit func(leaf *expr, depth int) error) error {
	if t == nil {
		return nil
	}
	if t.leaf != nil {
		return visit(t.leaf, depth)
	}
	if err := t.left.walk(depth+1, visit); err != nil {
		return err
	}
	return t.right.walk(depth+1, visit)
}

// listKeys fills in Keys and MuSig.
func (d *Descriptor) listKeys(o *Output, root *expr, keys []derived) {
	leavesOf := make([][][32]byte, len(keys))
	internal := -1
	if root.kind == kTR {
		internal = root.keys[0]
		n := 0
		_ = root.tree.walk(0, func(leaf *expr, _ int) error {
			for _, i := range leaf.keys {
				leavesOf[i] = append(leavesOf[i], o.Taproot.Leaves[n].Hash)
			}
			n++
			return nil
		})
	}
	place := 0
	for i, k := range keys {
		k.pub, k.origin = slices.Clone(k.pub), k.ownOrigin() // the cache is not for callers to change
		base := DerivedKey{PubKey: k.pub, Origin: k.origin, LeafHashes: leavesOf[i], Internal: i == internal, Expression: place}
		if k.parts == nil {
			o.Keys = append(o.Keys, base)
			place++
			continue
		}
		m := MuSig{Aggregate: slices.Clone(k.aggregate), PubKey: k.pub, Origin: k.origin, LeafHashes: leavesOf[i], Internal: i == internal, Expression: place}
		var pubs [][]byte
		for _, part := range k.parts {
			dk := base
			dk.PubKey, dk.Origin, dk.Expression, dk.Participant = slices.Clone(part.pub), part.ownOrigin(), place, true
			o.Keys = append(o.Keys, dk)
			pubs = append(pubs, dk.PubKey)
			place++
		}
		m.Participants = KeySort(pubs)
		o.MuSig = append(o.MuSig, m)
	}
}
