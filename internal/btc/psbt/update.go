package psbt

import (
	"bytes"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
)

// UpdateInput describes the coin of input i (BIP174's updater): the previous transaction (may
// be nil for segwit), the coin (may be nil with prev), and the output of a descriptor that it
// pays to (may be nil for a coin that is not ours). A description that does not fit the input
// is refused with code mismatch, a legacy coin without its transaction with incomplete.
func (p *Packet) UpdateInput(i int, prev *wire.MsgTx, utxo *wire.TxOut, out *descriptor.Output) error {
	if i < 0 || i >= len(p.Inputs) {
		return errs.E(errs.Invalid, "the PSBT has no input %d", i)
	}
	in := p.Inputs[i]
	in.cloneLists()
	in.NonWitnessUTXO = prev
	if err := in.checkNonWitnessUTXO(i); err != nil {
		return err
	}
	if prev != nil {
		told := prev.TxOut[in.PrevOut.Index]
		if utxo != nil && !sameTxOut(utxo, told) {
			return errs.Bad(errs.Mismatch, "the coin of input %d is not what its transaction says", i)
		}
		utxo = told
	}
	if utxo == nil {
		return errs.Bad(errs.Incomplete, "the coin that input %d spends is not known", i)
	}
	in.WitnessUTXO = nil
	if err := in.describe(i, utxo, out); err != nil {
		return err
	}
	p.Inputs[i] = in
	return nil
}

func (in *Input) describe(i int, utxo *wire.TxOut, out *descriptor.Output) error {
	segwit := txscript.IsWitnessProgram(utxo.PkScript)
	if out != nil {
		if !bytes.Equal(out.Script, utxo.PkScript) {
			return errs.Bad(errs.Mismatch, "the coin of input %d does not pay to the given output of the descriptor", i)
		}
		segwit = segwit || txscript.IsWitnessProgram(out.RedeemScript)
		in.fill(out)
	}
	if segwit {
		in.WitnessUTXO = &wire.TxOut{Value: utxo.Value, PkScript: utxo.PkScript}
	} else if in.NonWitnessUTXO == nil {
		return errs.Bad(errs.Incomplete, "input %d is no segwit input, so the whole previous transaction is needed", i)
	}
	return nil
}

func (in *Input) fill(out *descriptor.Output) {
	in.RedeemScript, in.WitnessScript = out.RedeemScript, out.WitnessScript
	if out.Taproot == nil {
		in.Derivations = withDerivations(in.Derivations, out.Keys)
		return
	}
	in.TapInternalKey = bytes.Clone(out.Taproot.InternalKey[:])
	in.TapMerkleRoot = out.Taproot.MerkleRoot
	in.TapLeaves = nil
	for _, l := range out.Taproot.Leaves {
		in.TapLeaves = append(in.TapLeaves, TapLeaf{l.ControlBlock, l.Script, l.Version})
	}
	in.TapLeaves = uniqueLeaves(in.TapLeaves)
	in.TapDerivations = withTapDerivations(in.TapDerivations, out)
	in.MuSig2Participants = participants(out)
}

// uniqueLeaves drops leaves with a control block that is there already, as two equal leaves
// beside each other have: the control block is the field's key.
func uniqueLeaves(leaves []TapLeaf) []TapLeaf {
	seen := map[string]bool{}
	return slices.DeleteFunc(leaves, func(l TapLeaf) bool {
		again := seen[string(l.ControlBlock)]
		seen[string(l.ControlBlock)] = true
		return again
	})
}

// UpdateOutput describes output i as an output of a descriptor, so that a signer can tell that
// it is ours. Another script than the output's is refused with code mismatch.
func (p *Packet) UpdateOutput(i int, out *descriptor.Output) error {
	if i < 0 || i >= len(p.Outputs) {
		return errs.E(errs.Invalid, "the PSBT has no output %d", i)
	}
	o := &p.Outputs[i]
	if !bytes.Equal(o.Script, out.Script) {
		return errs.Bad(errs.Mismatch, "output %d does not pay to the given output of the descriptor", i)
	}
	o.RedeemScript, o.WitnessScript = out.RedeemScript, out.WitnessScript
	if out.Taproot == nil {
		o.Derivations = withDerivations(slices.Clone(o.Derivations), out.Keys)
		return nil
	}
	o.TapInternalKey = bytes.Clone(out.Taproot.InternalKey[:])
	o.TapTree = nil
	for _, l := range out.Taproot.Leaves {
		o.TapTree = append(o.TapTree, TapTreeLeaf{byte(l.Depth), l.Version, l.Script})
	}
	o.TapDerivations = withTapDerivations(slices.Clone(o.TapDerivations), out)
	o.MuSig2Participants = participants(out)
	return nil
}

// SetSighash asks for signatures of a type on input i; DEFAULT removes the wish.
func (p *Packet) SetSighash(i int, t txscript.SigHashType) {
	p.Inputs[i].SighashType = nil
	if t != txscript.SigHashDefault {
		p.Inputs[i].SighashType = &t
	}
}

// AddXPub tells signers an extended public key of the wallet (PSBT_GLOBAL_XPUB). Its depth
// must be the length of the origin's path.
func (p *Packet) AddXPub(k btc.XKey, origin btc.KeyOrigin) error {
	if int(k.Depth) != len(origin.Path) {
		return errs.Bad(errs.BadPath, "the key has depth %d, but its path %s has %d steps", k.Depth, origin, len(origin.Path))
	}
	x := XPub{Origin: origin}
	copy(x.Raw[:], k.Public().Serialize())
	for i := range p.XPubs {
		if p.XPubs[i].Raw == x.Raw {
			p.XPubs[i] = x
			return nil
		}
	}
	p.XPubs = append(p.XPubs, x)
	return nil
}

// withDerivations adds the keys of an output; what the list says of the same key is replaced.
func withDerivations(list []Derivation, keys []descriptor.DerivedKey) []Derivation {
	for _, k := range keys {
		d := Derivation{k.PubKey, k.Origin}
		at := slices.IndexFunc(list, func(o Derivation) bool { return bytes.Equal(o.PubKey, k.PubKey) })
		if at < 0 {
			list = append(list, d)
		} else {
			list[at] = d
		}
	}
	return list
}

// withTapDerivations is withDerivations for x-only keys: the leaf hashes of a key that is in
// several places are put together.
func withTapDerivations(list []TapDerivation, out *descriptor.Output) []TapDerivation {
	fresh := map[[32]byte]bool{}
	add := func(pub []byte, origin btc.KeyOrigin, leaves [][32]byte) {
		x := [32]byte(pub[len(pub)-32:])
		at := slices.IndexFunc(list, func(o TapDerivation) bool { return o.XOnly == x })
		if at < 0 {
			at = len(list)
			list = append(list, TapDerivation{XOnly: x})
		}
		hashes := leaves
		if fresh[x] {
			hashes = append(slices.Clone(list[at].LeafHashes), leaves...)
		}
		fresh[x] = true
		list[at] = TapDerivation{x, sortedHashes(hashes), origin}
	}
	for _, k := range out.Keys {
		add(k.PubKey, k.Origin, k.LeafHashes)
	}
	for _, m := range out.MuSig {
		if len(m.Origin.Path) > 0 { // derived from the aggregate key (BIP328)
			add(m.PubKey, m.Origin, m.LeafHashes)
		}
	}
	return list
}

func sortedHashes(list [][32]byte) [][32]byte {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(list)
}

// participants lists the aggregate keys of an output (BIP373), each once.
func participants(out *descriptor.Output) []MuSig2Participants {
	var list []MuSig2Participants
	for _, m := range out.MuSig {
		agg := [33]byte(m.Aggregate)
		if slices.ContainsFunc(list, func(p MuSig2Participants) bool { return p.Aggregate == agg }) {
			continue
		}
		p := MuSig2Participants{Aggregate: agg}
		for _, key := range m.Participants {
			p.Keys = append(p.Keys, [33]byte(key))
		}
		list = append(list, p)
	}
	return list
}
