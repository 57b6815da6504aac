package airgap

import (
	"slices"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/errs"
)

// Variant says what of a PSBT a device gets: small screens and small memories want less.
type Variant struct {
	// KeepPrevious keeps the whole previous transactions of segwit inputs, which some devices
	// check amounts with. Inputs without a witness UTXO keep theirs always.
	KeepPrevious bool
	// KeepXPubs keeps the cosigners' xpubs.
	KeepXPubs bool
	// Slim keeps one derivation an input and output, drops the scripts of outputs and the
	// signatures of others: what Specter-DIY needs, and no more.
	Slim bool
}

// Cut returns a PSBT as a variant wants it. own are the fingerprints of the device's keys: where
// one derivation is kept, it is one of these if there is any. The transaction stays the same, and
// what comes back signed merges with the whole PSBT.
func Cut(raw []byte, v Variant, own []btc.Fingerprint) ([]byte, error) {
	p, err := psbt.Parse(raw)
	if err != nil {
		return nil, err
	}
	before, err := p.TxID()
	if err != nil {
		return nil, err
	}
	if !v.KeepXPubs || v.Slim {
		p.XPubs = nil
	}
	for i := range p.Inputs {
		in := &p.Inputs[i]
		if !v.KeepPrevious && in.WitnessUTXO != nil {
			in.NonWitnessUTXO = nil
		}
		if v.Slim {
			in.PartialSigs, in.TapScriptSigs = nil, nil
			in.Derivations = oneOwn(in.Derivations, own, func(d psbt.Derivation) btc.Fingerprint { return d.Origin.Fingerprint })
			in.TapDerivations = oneOwn(in.TapDerivations, own, func(d psbt.TapDerivation) btc.Fingerprint { return d.Origin.Fingerprint })
		}
	}
	for i := range p.Outputs {
		if !v.Slim {
			break
		}
		out := &p.Outputs[i]
		out.RedeemScript, out.WitnessScript, out.TapTree = nil, nil, nil
		out.Derivations = oneOwn(out.Derivations, own, func(d psbt.Derivation) btc.Fingerprint { return d.Origin.Fingerprint })
		out.TapDerivations = oneOwn(out.TapDerivations, own, func(d psbt.TapDerivation) btc.Fingerprint { return d.Origin.Fingerprint })
	}
	cut, err := p.Serialize()
	if err != nil {
		return nil, err
	}
	if after, err := p.TxID(); err != nil || after != before {
		return nil, errs.E(errs.Internal, "cutting the PSBT changed its transaction")
	}
	return cut, nil
}

// oneOwn keeps the first derivation of the device's own keys, or else the first.
func oneOwn[D any](list []D, own []btc.Fingerprint, of func(D) btc.Fingerprint) []D {
	if len(list) < 2 {
		return list
	}
	at := slices.IndexFunc(list, func(d D) bool { return slices.Contains(own, of(d)) })
	return list[max(at, 0) : max(at, 0)+1]
}
