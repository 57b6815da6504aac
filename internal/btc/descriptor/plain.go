package descriptor

import (
	"specter/internal/btc"
	"specter/internal/errs"
)

// Plain returns the descriptor of one address with plain public keys in the place of extended
// ones, as Bitcoin Core's getaddressinfo shows it: it tells nothing of other addresses. Each key
// keeps its origin, now with the whole path. The participants of musig() stay extended, since
// they are joined before they are derived. The descriptor must be of a single path.
func (d *Descriptor) Plain(index uint32) (*Descriptor, error) {
	if d.Branches() > 1 {
		return nil, errs.Bad(errs.Unsupported, "the descriptor has %d branches; choose one", d.Branches())
	}
	if index >= btc.Hardened {
		return nil, errs.Bad(errs.BadPath, "index %d is out of range; the largest is 2147483647", index)
	}
	short := d.root.kind == kTR || d.root.kind == kRawTR
	return d.with(func(k *keyExpr) (*keyExpr, error) {
		if k.xkey == nil {
			return k.fix(index).public(), nil
		}
		key, err := k.at(index)
		if err != nil {
			return nil, err
		}
		origin := originOr(k.origin, k.xkey.PublicKey[:])
		origin.Path = origin.Path.Child(k.fix(index).path...)
		return &keyExpr{origin: &origin, pub: key.pub, xOnly: short}, nil
	})
}
