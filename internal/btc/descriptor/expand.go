package descriptor

import "specter/internal/errs"

// Branch returns the single-path descriptor of branch i: 0 is the first alternative of every
// <a;b;…>, by custom the external branch (BIP389).
func (d *Descriptor) Branch(i int) (*Descriptor, error) {
	n := d.Branches()
	if i < 0 || i >= n {
		return nil, errs.Bad(errs.BadPath, "there is no branch %d; the descriptor has %d", i, n)
	}
	if n == 1 {
		return d, nil
	}
	return d.with(func(k *keyExpr) (*keyExpr, error) { return k.branch(i), nil })
}

// Expand returns the single-path, single-script descriptors that the descriptor stands for:
// branch by branch, and within a branch what a combo() stands for.
func (d *Descriptor) Expand() []*Descriptor {
	var out []*Descriptor
	for i := range d.Branches() {
		b, err := d.Branch(i)
		if err != nil {
			continue // cannot be: i is below Branches
		}
		out = append(out, b.comboParts()...)
	}
	return out
}

// comboParts returns what a combo() stands for, in the order of BIP384: pk, pkh and, for
// compressed keys, wpkh and sh(wpkh). Anything else stands for itself.
func (d *Descriptor) comboParts() []*Descriptor {
	if d.root.kind != kCombo {
		return []*Descriptor{d}
	}
	keys := d.root.keys
	roots := []*expr{{kind: kPK, keys: keys}, {kind: kPKH, keys: keys}}
	if !d.keys[keys[0]].uncompressed() {
		w := &expr{kind: kWPKH, keys: keys}
		roots = append(roots, w, &expr{kind: kSH, sub: w})
	}
	out := make([]*Descriptor, len(roots))
	for i, r := range roots {
		c := *d
		c.root = r
		out[i] = &c
	}
	return out
}
