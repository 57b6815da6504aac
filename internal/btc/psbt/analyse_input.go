package psbt

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc"
	"specter/internal/btc/miniscript"
)

// baseInputWeight is that of an input with an empty scriptSig, outside its witness.
const baseInputWeight = 4 * 41

// Lengths with which a signature that is not there yet is counted.
const (
	ecdsaEstimate   = 72
	schnorrEstimate = 64
)

func (s *spending) analyseInput(i int, own Own) InputAnalysis {
	in := &s.p.Inputs[i]
	a := InputAnalysis{PrevOut: in.PrevOut, Sequence: in.Sequence, Coin: s.prevs[i], Sighash: in.SighashType, Status: StatusUnsigned}
	if own != nil && a.Coin != nil {
		if o, ok := own(a.Coin.PkScript); ok {
			a.Owned = &o
		}
	}
	if in.Finalized() {
		a.Status = StatusFinalized
		a.Weight = btc.Weight(baseInputWeight + solution{in.FinalScriptSig, in.FinalScriptWitness}.weight())
		a.countFinal(s, i)
		return a
	}
	m := s.material(i)
	a.count(m)
	l, err := s.lock(i)
	if err != nil {
		a.note(err)
		return a
	}
	if sol, err := s.satisfyWith(i, l, m); err == nil {
		a.Status, a.Weight = StatusComplete, btc.Weight(baseInputWeight+sol.weight())
	}
	a.plan(s.plan(i, l, m))
	return a
}

// count fills in what signatures there are and whose.
func (a *InputAnalysis) count(m *material) {
	seen := map[string]bool{}
	for _, sig := range m.list {
		if sig.Err != nil {
			a.note(sig.Err)
			continue
		}
		a.Status = StatusPartial
		if !seen[string(sig.PubKey)] {
			seen[string(sig.PubKey)] = true
			a.Signatures++
		}
		if sig.Origin != nil && !slices.Contains(a.Signers, sig.Origin.Fingerprint) {
			a.Signers = append(a.Signers, sig.Origin.Fingerprint)
		}
	}
}

// countFinal takes the signatures out of final scripts as far as they are understood.
func (a *InputAnalysis) countFinal(s *spending, i int) {
	in := &s.p.Inputs[i]
	if s.faults[i] != nil {
		return
	}
	if err := s.run(i, in.FinalScriptSig, in.FinalScriptWitness); err != nil {
		a.note(err)
		return
	}
	if found, err := s.dissect(i, in, in.FinalScriptSig, in.FinalScriptWitness); err == nil {
		a.Signatures = found.count()
		a.Required = a.Signatures
	}
}

func (a *InputAnalysis) note(err error) { a.Problems = append(a.Problems, err) }

// plan fills in keys, what is required and missing, and the weight where it is not known yet.
func (a *InputAnalysis) plan(p plan) {
	a.Keys, a.Required = p.keys, p.required
	a.Missing = p.missing
	if a.Status == StatusComplete {
		a.Missing = 0
	}
	if a.Weight == 0 && p.ok {
		a.Weight = btc.Weight(baseInputWeight + p.weight)
	}
}

// plan is how an input can be spent with the least that is still missing.
type plan struct {
	keys              []KeyStatus
	required, missing int
	weight            int // as solution.weight
	ok                bool
}

func (s *spending) plan(i int, l *lock, m *material) plan {
	in := &s.p.Inputs[i]
	switch l.kind {
	case lockPubKey, lockPubKeyHash, lockWitnessKey:
		return planSingle(in, l, m)
	case lockScript, lockWitnessScript:
		if ms, ok := parseMultisig(l.script); ok {
			return planMultisig(in, l, m, ms)
		}
		if l.kind == lockWitnessScript {
			return s.planMiniscript(i, l, m)
		}
	case lockTaproot:
		return s.planTaproot(i, l, m)
	}
	return plan{}
}

func planSingle(in *Input, l *lock, m *material) plan {
	var pub []byte
	if l.kind == lockPubKey {
		pub = l.script[1 : len(l.script)-1]
	} else {
		for _, k := range in.knownKeys(miniscript.WSH) {
			if bytes.Equal(address.Hash160(k), l.script[3:23]) {
				pub = k
			}
		}
	}
	signed := pub != nil && m.sigs[string(pub)] != nil
	p := plan{required: 1, missing: 1, ok: true}
	if signed {
		p.missing = 0
	}
	if pub != nil {
		p.keys = []KeyStatus{{PubKey: pub, Origin: in.originOf(pub), Signed: signed}}
	}
	stack := [][]byte{make([]byte, ecdsaEstimate)}
	if l.kind != lockPubKey {
		stack = append(stack, make([]byte, max(33, len(pub))))
	}
	p.weight = l.wrap(stack).weight()
	return p
}

func planMultisig(in *Input, l *lock, m *material, ms multisig) plan {
	p := plan{required: ms.need, missing: ms.need, ok: true}
	stack := [][]byte{{}}
	for _, key := range ms.keys {
		signed := m.sigs[string(key)] != nil
		if signed && p.missing > 0 {
			p.missing--
		}
		p.keys = append(p.keys, KeyStatus{PubKey: key, Origin: in.originOf(key), Signed: signed})
	}
	for range ms.need {
		stack = append(stack, make([]byte, ecdsaEstimate))
	}
	p.weight = l.wrap(stack).weight()
	return p
}

func (s *spending) planMiniscript(i int, l *lock, m *material) plan {
	in := &s.p.Inputs[i]
	node, err := s.node(i, l.script, miniscript.WSH)
	if err != nil {
		return plan{}
	}
	p := s.planNode(i, node, m, func(key string) bool { return m.sigs[unhex(key)] != nil })
	for _, key := range distinct(node.Keys()) {
		pub := []byte(unhex(key))
		p.keys = append(p.keys, KeyStatus{PubKey: pub, Origin: in.originOf(pub), Signed: m.sigs[string(pub)] != nil})
	}
	if p.ok {
		p.weight += compactSizeLen(len(l.script)) + len(l.script)
		p.weight += l.wrap(nil).weight() - solution{witness: l.wrap(nil).witness}.weight()
	}
	return p
}

// planNode finds the way to spend a miniscript that lacks the fewest signatures. Preimages
// that are missing count as obtainable where there is no way without them. The weight is that
// of the witness count and the elements.
func (s *spending) planNode(i int, node *miniscript.Node, m *material, signed func(string) bool) plan {
	assets := miniscript.Assets{
		HavePreimage: func(k miniscript.HashKind, d []byte) bool { _, ok := m.preimage(k, d); return ok },
		After:        func(n uint32) bool { return s.after(i, n) },
		Older:        func(n uint32) bool { return s.older(i, n) },
	}
	found, err := fewestMissing(node, assets, signed)
	if err != nil {
		assets.HavePreimage = func(miniscript.HashKind, []byte) bool { return true }
		found, err = fewestMissing(node, assets, signed)
	}
	if err != nil {
		return plan{}
	}
	p := plan{required: len(found.Keys), ok: true}
	for _, key := range found.Keys {
		if !signed(key) {
			p.missing++
		}
	}
	p.weight = compactSizeLen(found.Elements+2) + found.Size
	return p
}

// fewestMissing tries what is signed, then that with one and with two more keys, then all.
func fewestMissing(node *miniscript.Node, a miniscript.Assets, signed func(string) bool) (miniscript.Plan, error) {
	try := func(more ...string) (miniscript.Plan, error) {
		a.CanSign = func(key string) bool { return signed(key) || slices.Contains(more, key) }
		return node.Plan(a)
	}
	open := slices.DeleteFunc(distinct(node.Keys()), signed)
	if p, err := try(); err == nil {
		return p, nil
	}
	if len(open) <= 8 { // few enough to try every pair
		if p, ok := cheapest(open, func(k string) (miniscript.Plan, error) { return try(k) }); ok {
			return p, nil
		}
		for n, first := range open {
			if p, ok := cheapest(open[n+1:], func(k string) (miniscript.Plan, error) { return try(first, k) }); ok {
				return p, nil
			}
		}
	}
	return try(open...)
}

func cheapest(keys []string, try func(string) (miniscript.Plan, error)) (best miniscript.Plan, ok bool) {
	for _, k := range keys {
		if p, err := try(k); err == nil && (!ok || p.Size < best.Size) {
			best, ok = p, true
		}
	}
	return best, ok
}

func distinct(keys []string) []string {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// planTaproot takes the key path if somebody is known to have its key, or the leaf that lacks
// the fewest signatures.
func (s *spending) planTaproot(i int, l *lock, m *material) plan {
	in := &s.p.Inputs[i]
	var best plan
	keys := s.tapKeys(i, l, m)
	extra := 0
	if in.SighashType != nil && *in.SighashType != txscript.SigHashDefault {
		extra = 1
	}
	known, _ := s.leaves(i)
	for _, leaf := range known {
		node, err := s.node(i, leaf.Script, miniscript.Tapscript)
		if err != nil {
			continue
		}
		sigs := m.leafSigs[leaf.hash]
		p := s.planNode(i, node, m, func(key string) bool { return sigs[unhex(key)] != nil })
		p.weight += extra*p.required + compactSizeLen(len(leaf.Script)) + len(leaf.Script) +
			compactSizeLen(len(leaf.ControlBlock)) + len(leaf.ControlBlock)
		if p.ok && (!best.ok || p.missing < best.missing || p.missing == best.missing && p.weight < best.weight) {
			best = p
		}
	}
	keyPath := in.TapInternalKey == nil && len(in.TapLeaves) == 0 ||
		in.TapInternalKey != nil && in.tapOriginOf([32]byte(in.TapInternalKey)) != nil && hex.EncodeToString(in.TapInternalKey) != numsPoint
	if m.keySig != nil || len(in.TapLeaves) == 0 || keyPath && (!best.ok || best.missing > 0) && best.missing >= best.required {
		best = plan{required: 1, missing: 1, ok: true, weight: 1 + 1 + schnorrEstimate + extra}
		if m.keySig != nil {
			best.missing = 0
		}
	}
	best.keys = keys
	return best
}

// numsPoint is BIP341's point H, whose private key nobody knows.
const numsPoint = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

// tapKeys lists the internal key and the keys of every leaf.
func (s *spending) tapKeys(i int, l *lock, m *material) []KeyStatus {
	in := &s.p.Inputs[i]
	var out []KeyStatus
	if k := in.TapInternalKey; k != nil && in.tapInternalFits(l.outputKey()) && hex.EncodeToString(k) != numsPoint {
		out = append(out, KeyStatus{PubKey: k, Origin: in.tapOriginOf([32]byte(k)), Signed: m.keySig != nil, Internal: true})
	}
	known, _ := s.leaves(i)
	for _, leaf := range known {
		for n := range in.TapDerivations {
			d := &in.TapDerivations[n]
			if leaf.hasKey(d.XOnly[:]) {
				signed := m.leafSigs[leaf.hash][string(d.XOnly[:])] != nil
				out = append(out, KeyStatus{PubKey: d.XOnly[:], Origin: &d.Origin, Signed: signed, LeafHash: leaf.hash[:]})
			}
		}
	}
	return out
}

// hasWitness reports whether input i has or will have a witness.
func (s *spending) hasWitness(i int) bool {
	in := &s.p.Inputs[i]
	if in.Finalized() {
		return len(in.FinalScriptWitness) > 0
	}
	l, err := s.lock(i)
	return err == nil && l.segwit()
}
