package psbt

import (
	"encoding/binary"

	"github.com/btcsuite/btcd/wire/v2"

	"specter/internal/btc/miniscript"
)

// fields lists the input's pairs in the order in which they are written.
func (in *Input) fields(version uint32) []KeyValue {
	return in.order.arrange(in.canonical(version))
}

// canonical lists the pairs as Bitcoin Core orders them.
func (in *Input) canonical(version uint32) []KeyValue {
	out := make([]KeyValue, 0, len(in.order)+4)
	if in.NonWitnessUTXO != nil {
		out = append(out, pair(SerializeTx(in.NonWitnessUTXO), inNonWitnessUTXO))
	}
	if in.WitnessUTXO != nil {
		out = append(out, pair(appendTxOut(nil, in.WitnessUTXO), inWitnessUTXO))
	}
	if in.SighashType != nil {
		out = append(out, pair(uint32Bytes(uint32(*in.SighashType)), inSighashType))
	}
	out = appendPresent(out, inRedeemScript, in.RedeemScript)
	out = appendPresent(out, inWitnessScript, in.WitnessScript)
	out = appendDerivations(out, inDerivation, in.Derivations)
	out = appendPresent(out, inFinalScriptSig, in.FinalScriptSig)
	if in.FinalScriptWitness != nil {
		out = append(out, pair(appendStack(nil, in.FinalScriptWitness), inFinalWitness))
	}
	out = appendPresent(out, inReserveProof, in.ReserveProof)
	for _, p := range in.Preimages {
		out = append(out, pair(p.Value, preimageType(p.Kind), p.Digest))
	}
	if version >= 2 {
		out = in.appendBIP370(out)
	}
	out = in.appendTaproot(out)
	out = in.appendMuSig2(out)
	for _, s := range in.ECDHShares {
		out = append(out, pair(s.Share[:], inECDHShare, s.ScanKey[:]))
	}
	for _, s := range in.DLEQProofs {
		out = append(out, pair(s.Proof[:], inDLEQ, s.ScanKey[:]))
	}
	out = sortFields(append(out, in.Unknown...), len(out))
	return in.insertPartialSigs(out)
}

// insertPartialSigs puts the signatures at their place: they have an order of their own.
func (in *Input) insertPartialSigs(pairs []KeyValue) []KeyValue {
	if len(in.PartialSigs) == 0 {
		return pairs
	}
	at := 0
	for at < len(pairs) && pairs[at].Key[0] < inPartialSig && at < len(pairs)-len(in.Unknown) {
		at++
	}
	sigs := make([]KeyValue, len(in.PartialSigs))
	for i, s := range in.PartialSigs {
		sigs[i] = pair(s.Signature, inPartialSig, s.PubKey)
	}
	sortPartialSigs(sigs)
	out := make([]KeyValue, 0, len(pairs)+len(sigs))
	out = append(out, pairs[:at]...)
	out = append(out, sigs...)
	return append(out, pairs[at:]...)
}

func (in *Input) appendBIP370(out []KeyValue) []KeyValue {
	out = append(out, pair(in.PrevOut.Hash[:], inPrevTxID), pair(uint32Bytes(in.PrevOut.Index), inOutputIndex))
	if in.Sequence != finalSequence || in.order.has(inSequence) {
		out = append(out, pair(uint32Bytes(in.Sequence), inSequence))
	}
	if in.RequiredTime != 0 {
		out = append(out, pair(uint32Bytes(in.RequiredTime), inRequiredTime))
	}
	if in.RequiredHeight != 0 {
		out = append(out, pair(uint32Bytes(in.RequiredHeight), inRequiredHeight))
	}
	return out
}

func (in *Input) appendTaproot(out []KeyValue) []KeyValue {
	out = appendPresent(out, inTapKeySig, in.TapKeySig)
	for _, s := range in.TapScriptSigs {
		out = append(out, pair(s.Signature, inTapScriptSig, s.XOnly[:], s.LeafHash[:]))
	}
	for _, l := range in.TapLeaves {
		v := append(make([]byte, 0, len(l.Script)+1), l.Script...)
		out = append(out, pair(append(v, l.Version), inTapLeaf, l.ControlBlock))
	}
	for _, d := range in.TapDerivations {
		out = append(out, d.field(inTapDerivation))
	}
	out = appendPresent(out, inTapInternalKey, in.TapInternalKey)
	return appendPresent(out, inTapMerkleRoot, in.TapMerkleRoot)
}

func (in *Input) appendMuSig2(out []KeyValue) []KeyValue {
	for _, m := range in.MuSig2Participants {
		out = append(out, m.field(inMuSig2Keys))
	}
	for _, n := range in.MuSig2Nonces {
		out = append(out, pair(n.Nonce[:], inMuSig2Nonce, n.Participant[:], n.Aggregate[:], n.LeafHash))
	}
	for _, s := range in.MuSig2PartialSigs {
		out = append(out, pair(s.Signature[:], inMuSig2Sig, s.Participant[:], s.Aggregate[:], s.LeafHash))
	}
	return out
}

func appendPresent(out []KeyValue, typ byte, value []byte) []KeyValue {
	if value == nil {
		return out
	}
	return append(out, pair(value, typ))
}

func appendDerivations(out []KeyValue, typ byte, ds []Derivation) []KeyValue {
	for _, d := range ds {
		out = append(out, pair(appendOrigin(nil, d.Origin), typ, d.PubKey))
	}
	return out
}

func appendTxOut(b []byte, o *wire.TxOut) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(o.Value))
	return appendVarBytes(b, o.PkScript)
}

func preimageType(k miniscript.HashKind) byte {
	for typ, kind := range preimageKinds {
		if kind == k {
			return typ
		}
	}
	return inSHA256
}
