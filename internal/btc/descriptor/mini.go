package descriptor

import (
	"encoding/hex"
	"strconv"

	"specter/internal/errs"
)

// checkMiniscripts holds every miniscript to BIP379's rules of sanity. Keys count as the same
// when they are the same public key at index 0 of a branch, however they are written.
func (d *Descriptor) checkMiniscripts() error {
	return d.eachMini(func(e *expr, at place) error {
		if err := d.checkSane(e, func(k *keyExpr) string { return k.branch(0).identity(at) }); err != nil {
			return err
		}
		for b := 1; b < d.Branches(); b++ {
			b := b
			if err := d.checkSane(e, func(k *keyExpr) string { return k.branch(min(b, k.branches()-1)).text(false) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Descriptor) checkSane(e *expr, name func(*keyExpr) string) error {
	node, err := e.mini.MapKeys(func(text string) (string, error) {
		i, err := strconv.Atoi(text)
		if err != nil || i >= len(d.keys) {
			return "", errs.E(errs.Internal, "the miniscript names an unknown key")
		}
		return name(d.keys[i]), nil
	})
	if err != nil {
		return err
	}
	return node.CheckSane()
}

// identity is the public key at index 0 in hex; the text where it cannot be derived.
func (k *keyExpr) identity(at place) string {
	key, err := k.at(0)
	switch {
	case err != nil:
		return k.text(false)
	case at == inTR:
		return hex.EncodeToString(key.pub[1:33])
	}
	return hex.EncodeToString(key.pub)
}

// eachMini visits every miniscript of the descriptor.
func (d *Descriptor) eachMini(visit func(e *expr, at place) error) error {
	e := d.inner()
	if e.kind == kMini {
		return visit(e, inWSH)
	}
	return e.tree.walk(0, func(leaf *expr, _ int) error {
		if leaf.kind != kMini {
			return nil
		}
		return visit(leaf, inTR)
	})
}
