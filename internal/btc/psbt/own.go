package psbt

import (
	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// maxHints bounds the indexes that OwnBy derives for one packet.
const maxHints = 10_000

// OwnBy returns an Own for a wallet's descriptor, for callers without a table of addresses. The
// derivations of the PSBT serve as hints at which indexes to look; whether a script is the
// wallet's is decided by deriving it. What the PSBT does not hint at is not found.
func (p *Packet) OwnBy(d *descriptor.Descriptor) (Own, error) {
	hints := map[uint32]bool{}
	if !d.IsRanged() {
		hints[0] = true
	} else {
		p.eachOrigin(func(o btc.KeyOrigin) {
			if n := len(o.Path); n > 0 && o.Path[n-1] < btc.Hardened && len(hints) < maxHints {
				hints[o.Path[n-1]] = true
			}
		})
	}
	table := map[string]Ownership{}
	for branch := range d.Branches() {
		single, err := d.Branch(branch)
		if err != nil {
			return nil, err
		}
		for index := range hints {
			out, err := single.Derive(index)
			if err != nil {
				return nil, errs.Bad(errs.CodeOf(err), "the wallet's descriptor cannot be derived: %w", err)
			}
			table[string(out.Script)] = Ownership{Branch: branch, Index: index, Output: out}
		}
	}
	return func(script []byte) (Ownership, bool) {
		o, ok := table[string(script)]
		return o, ok
	}, nil
}

func (p *Packet) eachOrigin(visit func(btc.KeyOrigin)) {
	all := func(ds []Derivation, taps []TapDerivation) {
		for i := range ds {
			visit(ds[i].Origin)
		}
		for i := range taps {
			visit(taps[i].Origin)
		}
	}
	for i := range p.Inputs {
		all(p.Inputs[i].Derivations, p.Inputs[i].TapDerivations)
	}
	for i := range p.Outputs {
		all(p.Outputs[i].Derivations, p.Outputs[i].TapDerivations)
	}
}
