package descriptor

import (
	"encoding/hex"
	"slices"
	"strconv"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// isNUMS reports whether the key is BIP341's point H, alone or as an extended key.
func (k *keyExpr) isNUMS() bool {
	switch {
	case k.xkey != nil:
		return hex.EncodeToString(k.xkey.PublicKey[1:]) == nums
	case len(k.pub) == 33:
		return hex.EncodeToString(k.pub[1:]) == nums
	}
	return false
}

// Assets say what is at hand to spend.
type Assets struct {
	CanSign  func(k Key) bool                                   // nil: every key signs
	Preimage func(kind miniscript.HashKind, digest []byte) bool // nil: none is known
	After    func(n uint32) bool                                // may the transaction satisfy CLTV n? nil: no
	Older    func(n uint32) bool                                // may the input satisfy CSV n? nil: no
	SigHash  bool                                               // Schnorr signatures carry a sighash byte (65 bytes)
}

// Plan is the cheapest way to spend with given assets.
type Plan struct {
	Weight  btc.Weight // of the whole input, as MaxInputWeight counts
	KeyPath bool       // taproot: by the key alone
	Leaf    int        // taproot: the leaf, in the order of Taproot.Leaves; -1 elsewhere
	Keys    []int      // places in Descriptor.Keys of those that sign
	After   uint32     // locktime needed; 0 for none
	Older   uint32     // relative locktime needed; 0 for none
	Hashes  []miniscript.HashLock
}

// Plan finds the cheapest non-malleable way to spend with the assets. Code not-satisfiable
// where there is none, unsupported for addr(), raw() and combo().
func (d *Descriptor) Plan(a Assets) (Plan, error) {
	p := d.newPlanner(a)
	switch d.root.kind {
	case kTR, kRawTR:
		return p.taproot()
	case kCombo, kAddr, kRaw:
		return Plan{}, errs.Bad(errs.Unsupported, "%s() cannot be planned; take the descriptor of its script", d.Type())
	}
	return p.path(d.inner(), placeOf(d.root), -1)
}

// planner answers which keys sign.
type planner struct {
	d       *Descriptor
	a       Assets
	keys    []Key
	first   []int // first place in keys of every expression
	schnorr int
}

func (d *Descriptor) newPlanner(a Assets) *planner {
	p := &planner{d: d, a: a, keys: d.Keys(), first: make([]int, len(d.keys)), schnorr: schnorrSize}
	if a.SigHash {
		p.schnorr++
	}
	n := 0
	for i, k := range d.keys {
		p.first[i] = n
		n += len(k.leaves())
	}
	return p
}

// signers returns the places of the keys behind an expression, if all of them sign.
func (p *planner) signers(i int) ([]int, bool) {
	var places []int
	for j := range p.d.keys[i].leaves() {
		at := p.first[i] + j
		if p.a.CanSign != nil && !p.a.CanSign(p.keys[at]) {
			return nil, false
		}
		places = append(places, at)
	}
	return places, true
}

var errNoPlan = errs.Bad(errs.NotSatisfiable, "the keys, preimages and times at hand do not suffice to spend")

// taproot tries the key path, then every leaf.
func (p *planner) taproot() (Plan, error) {
	root := p.d.root
	if places, ok := p.signers(root.keys[0]); ok && p.d.HasKeyPath() {
		w := p.d.weigh(root, root, cost{1, 1 + p.schnorr}, -1)
		return Plan{Weight: w, KeyPath: true, Leaf: -1, Keys: places}, nil
	}
	var best *Plan
	n := 0
	_ = root.tree.walk(0, func(leaf *expr, depth int) error {
		if plan, err := p.path(leaf, inTR, depth); err == nil && (best == nil || plan.Weight < best.Weight) {
			plan.Leaf = n
			best = &plan
		}
		n++
		return nil
	})
	if best == nil {
		return Plan{}, errNoPlan
	}
	return *best, nil
}

// path plans one script. depth is that of its leaf, -1 outside taproot.
func (p *planner) path(e *expr, at place, depth int) (Plan, error) {
	plan := Plan{Leaf: -1}
	var c cost
	if e.kind == kMini {
		got, err := e.mini.Plan(p.miniAssets())
		if err != nil {
			return Plan{}, err
		}
		c = cost{got.Elements, got.Size}
		plan.After, plan.Older, plan.Hashes = got.After, got.Older, got.Hashes
		for _, text := range got.Keys {
			places, _ := p.signersOf(text)
			plan.Keys = append(plan.Keys, places...)
		}
	} else {
		need := max(1, e.threshold)
		for _, i := range e.keys {
			if places, ok := p.signers(i); ok && need > 0 {
				plan.Keys = append(plan.Keys, places...)
				need--
			}
		}
		if need > 0 {
			return Plan{}, errNoPlan
		}
		var err error
		if c, err = p.d.maxCost(e, at); err != nil {
			return Plan{}, err
		}
		if at == inTR {
			c.bytes += max(1, e.threshold) * (p.schnorr - schnorrSize)
		}
	}
	slices.Sort(plan.Keys)
	plan.Weight = p.d.weigh(p.d.root, e, c, depth)
	return plan, nil
}

func (p *planner) signersOf(text string) ([]int, bool) {
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i >= len(p.d.keys) {
		return nil, false
	}
	return p.signers(i)
}

func (p *planner) miniAssets() miniscript.Assets {
	return miniscript.Assets{
		CanSign: func(text string) bool {
			_, ok := p.signersOf(text)
			return ok
		},
		HavePreimage: p.a.Preimage, After: p.a.After, Older: p.a.Older, SchnorrSize: p.schnorr,
	}
}
