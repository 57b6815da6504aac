package descriptor

import (
	"slices"
	"strings"

	"specter/internal/errs"
)

// Join makes one multipath descriptor of several single-path ones, such as the receiving and
// the change descriptor of an older wallet. They must be the same but for one unhardened or
// hardened step per key. Code mismatch where they are not. Annotations of the first stay.
func Join(ds ...*Descriptor) (*Descriptor, error) {
	if len(ds) == 0 {
		return nil, errs.Bad(errs.Mismatch, "there is no descriptor to join")
	}
	if len(ds) == 1 {
		return ds[0], nil
	}
	shape := ds[0].shape()
	for _, d := range ds {
		if d.Branches() > 1 || d.shape() != shape || len(d.keys) != len(ds[0].keys) {
			return nil, errs.Bad(errs.Mismatch, "the descriptors differ in more than their branches")
		}
	}
	c := *ds[0]
	c.keys = make([]*keyExpr, len(c.keys))
	c.checksumGiven = false
	for i := range c.keys {
		same := make([]*keyExpr, len(ds))
		for j, d := range ds {
			same[j] = d.keys[i]
		}
		var err error
		if c.keys[i], err = joinKeys(same); err != nil {
			return nil, err
		}
	}
	if c.Branches() != len(ds) {
		return nil, errs.Bad(errs.Mismatch, "the descriptors are the same; a change branch must differ")
	}
	return &c, nil
}

// shape prints the descriptor without its keys.
func (d *Descriptor) shape() string {
	var b strings.Builder
	d.print(&b, d.root, func(int) string { return "" })
	return b.String()
}

func joinKeys(keys []*keyExpr) (*keyExpr, error) {
	first := keys[0]
	c := first.clone()
	at := -1
	for _, k := range keys[1:] {
		if k.head(true) != first.head(true) || k.wild != first.wild || len(k.path) != len(first.path) || len(k.parts) != len(first.parts) {
			return nil, errJoin
		}
		for i := range k.path {
			if k.path[i] == first.path[i] || i == at {
				continue
			}
			if at >= 0 {
				return nil, errJoin
			}
			at = i
		}
	}
	for i := range first.parts {
		same := make([]*keyExpr, len(keys))
		for j, k := range keys {
			same[j] = k.parts[i]
		}
		var err error
		if c.parts, err = setPart(c.parts, i, same); err != nil {
			return nil, err
		}
	}
	if at < 0 {
		return c, nil
	}
	if c.branches() > 1 {
		return nil, errJoin
	}
	for _, k := range keys {
		if slices.Contains(c.multi, k.path[at]) {
			return nil, errJoin
		}
		c.multi = append(c.multi, k.path[at])
	}
	c.multiAt = at
	return c, nil
}

var errJoin = errs.Bad(errs.Mismatch, "the keys of the descriptors differ in more than one step")

func setPart(parts []*keyExpr, i int, same []*keyExpr) ([]*keyExpr, error) {
	joined, err := joinKeys(same)
	parts = slices.Clone(parts)
	parts[i] = joined
	return parts, err
}
