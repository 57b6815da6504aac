package descriptor

import (
	"slices"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Public returns the descriptor without its private keys. Where hardened steps follow them it
// can no longer be derived; Normalize keeps that possible.
func (d *Descriptor) Public() *Descriptor {
	c, _ := d.with(func(k *keyExpr) (*keyExpr, error) { return k.public(), nil })
	return c
}

func (k *keyExpr) public() *keyExpr {
	if !k.isPrivate() {
		return k
	}
	c := k.clone()
	c.wif = nil
	if k.xkey != nil {
		x := k.xkey.Public()
		c.xkey = &x
	}
	c.parts = slices.Clone(k.parts)
	for i, p := range c.parts {
		c.parts[i] = p.public()
	}
	return c
}

// Normalize returns the descriptor with its private keys replaced by public ones from which
// the same scripts derive: every extended key stands behind its last hardened step, with the
// steps before in its origin, as Bitcoin Core's listdescriptors has it. Keys with a hardened
// wildcard stay where they are. A hardened step after a public key is refused with code
// bad-path, and so are hardened alternatives in <a;b>: expand such a descriptor first.
func (d *Descriptor) Normalize() (*Descriptor, error) { return d.with((*keyExpr).normalize) }

func (k *keyExpr) normalize() (*keyExpr, error) {
	c := k.clone()
	if k.parts != nil {
		c.parts = make([]*keyExpr, len(k.parts))
		for i, p := range k.parts {
			var err error
			if c.parts[i], err = p.normalize(); err != nil {
				return nil, err
			}
		}
		return c, nil
	}
	if hasHardened(k.multi) {
		return nil, errs.Bad(errs.BadPath, "a hardened step in <a;b> cannot be normalized; expand the descriptor first")
	}
	n := hardenedSteps(k.path)
	if k.xkey == nil || n == 0 || k.wild == rangedHardened {
		return c.public(), nil
	}
	if k.multi != nil && n > k.multiAt {
		return nil, errs.Bad(errs.BadPath, "a hardened step follows <a;b>; expand the descriptor first")
	}
	if !k.xkey.IsPrivate() {
		return nil, errHardened
	}
	x, err := k.xkey.Derive(k.path[:n])
	if err != nil {
		return nil, err
	}
	x = x.Public()
	origin := originOr(k.origin, k.xkey.PublicKey[:])
	origin.Path = origin.Path.Child(k.path[:n]...)
	c.xkey, c.origin, c.path, c.multiAt = &x, &origin, k.path[n:], k.multiAt-n
	return c, nil
}

// hardenedSteps counts the steps up to the last hardened one.
func hardenedSteps(p btc.Path) int {
	for i := len(p); i > 0; i-- {
		if p[i-1]&btc.Hardened != 0 {
			return i
		}
	}
	return 0
}

// At returns the descriptor with the wildcard of every key replaced by an index: what stands
// behind one address. The descriptor must be of a single path.
func (d *Descriptor) At(index uint32) (*Descriptor, error) {
	if d.Branches() > 1 {
		return nil, errs.Bad(errs.Unsupported, "the descriptor has %d branches; choose one", d.Branches())
	}
	if index >= btc.Hardened {
		return nil, errs.Bad(errs.BadPath, "index %d is out of range; the largest is 2147483647", index)
	}
	return d.with(func(k *keyExpr) (*keyExpr, error) { return k.fix(index), nil })
}

func (k *keyExpr) fix(index uint32) *keyExpr {
	if !k.isRanged() {
		return k
	}
	c := k.clone()
	switch k.wild {
	case ranged:
		c.path = k.path.Child(index)
	case rangedHardened:
		c.path = k.path.Child(index | btc.Hardened)
	}
	c.wild = fixed
	c.parts = slices.Clone(k.parts)
	for i, p := range c.parts {
		c.parts[i] = p.fix(index)
	}
	return c
}
