package descriptor

import (
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// derived is a key at an index.
type derived struct {
	pub    []byte // 33 bytes, or 65
	origin btc.KeyOrigin
	xkey   *btc.XKey // nil for plain keys

	aggregate []byte    // of a musig(): the plain aggregate key, 33 bytes
	parts     []derived // participants of a musig(), sorted as they were aggregated
}

// at derives the key for an index; keys that are not ranged ignore it.
func (k *keyExpr) at(index uint32) (derived, error) {
	if k.parts != nil {
		return k.muSigAt(index)
	}
	k.once.Do(func() { k.parent, k.failed = k.deriveParent() })
	if k.failed != nil || k.wild == fixed {
		return k.parent, k.failed
	}
	if k.wild == rangedHardened {
		index |= btc.Hardened
	}
	return k.parent.child(index)
}

// deriveParent follows the fixed part of the path. A chain of keys that is private to its end
// is followed by private derivation, so that hardened steps are possible.
func (k *keyExpr) deriveParent() (derived, error) {
	if k.xkey == nil {
		d := derived{pub: k.pub}
		d.origin = originOr(k.origin, k.pub)
		return d, nil
	}
	if k.path.HasHardened() && !k.xkey.IsPrivate() {
		return derived{}, errHardened
	}
	x, err := k.xkey.Derive(k.path)
	if err != nil {
		return derived{}, err
	}
	if k.wild != rangedHardened {
		x = x.Public()
	} else if !x.IsPrivate() {
		return derived{}, errHardened
	}
	origin := originOr(k.origin, k.xkey.PublicKey[:])
	origin.Path = origin.Path.Child(k.path...)
	return derived{pub: slices.Clone(x.PublicKey[:]), origin: origin, xkey: &x}, nil
}

var errHardened = errs.Bad(errs.BadPath, "a hardened step after a public key cannot be derived; it needs the private key")

// originOr returns the written origin, or the key as its own origin.
func originOr(o *btc.KeyOrigin, pub []byte) btc.KeyOrigin {
	if o != nil {
		return *o
	}
	return btc.KeyOrigin{Fingerprint: fingerprintOf(pub)}
}

// child derives one step from an extended key.
func (d derived) child(index uint32) (derived, error) {
	x, err := d.xkey.Child(index)
	if err != nil {
		return derived{}, err
	}
	c := derived{xkey: &x, pub: slices.Clone(x.PublicKey[:])}
	c.origin = btc.KeyOrigin{Fingerprint: d.origin.Fingerprint, Path: d.origin.Path.Child(index)}
	return c, nil
}

// muSigAt aggregates the participants and follows the path after musig() (BIP328, BIP390).
func (k *keyExpr) muSigAt(index uint32) (derived, error) {
	fixedParts := !k.partsRanged()
	if fixedParts {
		k.once.Do(func() { k.parent, k.failed = k.aggregateAt(0) })
		if k.failed != nil {
			return derived{}, k.failed
		}
	}
	agg := k.parent
	if !fixedParts {
		var err error
		if agg, err = k.aggregateAt(index); err != nil {
			return derived{}, err
		}
	}
	if k.wild == fixed {
		return agg, nil
	}
	c, err := agg.child(index)
	c.aggregate, c.parts = agg.aggregate, agg.parts
	return c, err
}

func (k *keyExpr) partsRanged() bool {
	return slices.ContainsFunc(k.parts, (*keyExpr).isRanged)
}

func (k *keyExpr) aggregateAt(index uint32) (derived, error) {
	var d derived
	keys := make([][]byte, len(k.parts))
	for i, p := range k.parts {
		part, err := p.at(index)
		if err != nil {
			return derived{}, err
		}
		d.parts, keys[i] = append(d.parts, part), part.pub
	}
	agg, err := KeyAgg(KeySort(keys))
	if err != nil {
		return derived{}, err
	}
	d.aggregate = agg[:]
	x, err := SyntheticXPub(agg, k.aggregateMain())
	if err != nil {
		return derived{}, err
	}
	origin := btc.KeyOrigin{Fingerprint: x.Fingerprint(), Path: slices.Clone(k.path)}
	if x, err = x.Derive(k.path); err != nil {
		return derived{}, err
	}
	d.pub, d.origin, d.xkey = slices.Clone(x.PublicKey[:]), origin, &x
	return d, nil
}

func (k *keyExpr) aggregateMain() bool {
	main, known := k.isMain()
	return main || !known
}

// ownOrigin copies the origin.
func (d derived) ownOrigin() btc.KeyOrigin {
	return btc.KeyOrigin{Fingerprint: d.origin.Fingerprint, Path: slices.Clone(d.origin.Path)}
}

func fingerprintOf(pub []byte) btc.Fingerprint {
	return btc.Fingerprint(hash160(pub)[:4])
}

// jacobian turns a public key into the form in which points are added.
func jacobian(p *btcec.PublicKey) btcec.JacobianPoint {
	var j btcec.JacobianPoint
	p.AsJacobian(&j)
	return j
}
