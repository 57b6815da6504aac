package psbt

import (
	"encoding/binary"

	"specter/internal/errs"
)

// outputOnlyV2 names the output fields that version 0 must not have.
var outputOnlyV2 = map[byte]string{
	outAmount: "PSBT_OUT_AMOUNT", outScript: "PSBT_OUT_SCRIPT",
	outSilentInfo: "PSBT_OUT_SP_V0_INFO", outSilentLabel: "PSBT_OUT_SP_V0_LABEL",
}

// add reads one field into the output.
func (o *Output) add(version uint32, kv KeyValue) error {
	typ := kv.Key[0]
	if name, only := outputOnlyV2[typ]; only && version < 2 {
		return keepOrRefuseV2(&o.Unknown, kv, name)
	}
	var err error
	switch typ {
	case outRedeemScript:
		o.RedeemScript = nonNil(kv.Value)
		return noKeyData(kv, "PSBT_OUT_REDEEM_SCRIPT")
	case outWitnessScript:
		o.WitnessScript = nonNil(kv.Value)
		return noKeyData(kv, "PSBT_OUT_WITNESS_SCRIPT")
	case outDerivation:
		var d Derivation
		d, err = parseDerivation(kv, "PSBT_OUT_BIP32_DERIVATION")
		o.Derivations = append(o.Derivations, d)
	case outAmount, outScript, outSilentInfo, outSilentLabel:
		return o.addV2(kv)
	case outTapInternalKey:
		o.TapInternalKey = kv.Value
		if err := noKeyData(kv, "PSBT_OUT_TAP_INTERNAL_KEY"); err != nil {
			return err
		}
		return checkXOnly(kv.Value, "PSBT_OUT_TAP_INTERNAL_KEY")
	case outTapTree:
		if err := noKeyData(kv, "PSBT_OUT_TAP_TREE"); err != nil {
			return err
		}
		o.TapTree, err = parseTapTree(kv.Value)
	case outTapDerivation:
		var d TapDerivation
		d, err = parseTapDerivation(kv, "PSBT_OUT_TAP_BIP32_DERIVATION")
		o.TapDerivations = append(o.TapDerivations, d)
	case outMuSig2Keys:
		var m MuSig2Participants
		m, err = parseMuSig2Participants(kv, "PSBT_OUT_MUSIG2_PARTICIPANT_PUBKEYS")
		o.MuSig2Participants = append(o.MuSig2Participants, m)
	default:
		o.Unknown = append(o.Unknown, kv)
		err = checkUnknown(kv)
	}
	return err
}

func (o *Output) addV2(kv KeyValue) error {
	name := outputOnlyV2[kv.Key[0]]
	if err := noKeyData(kv, name); err != nil {
		return err
	}
	switch kv.Key[0] {
	case outAmount:
		if len(kv.Value) != 8 {
			return badField(name, "has %d bytes instead of 8", len(kv.Value))
		}
		o.Amount = int64(binary.LittleEndian.Uint64(kv.Value))
	case outScript:
		o.Script = nonNil(kv.Value)
	case outSilentInfo:
		if len(kv.Value) != 66 {
			return badField(name, "has %d bytes instead of 66", len(kv.Value))
		}
		for _, key := range [][]byte{kv.Value[:33], kv.Value[33:]} {
			if err := checkCompressed(key, name); err != nil {
				return err
			}
		}
		o.SilentInfo = kv.Value
	case outSilentLabel:
		if len(kv.Value) != 4 {
			return badField(name, "has %d bytes instead of 4", len(kv.Value))
		}
		n := binary.LittleEndian.Uint32(kv.Value)
		o.SilentLabel = &n
	}
	return nil
}

// checkRead holds the whole output map to its version.
func (o *Output) checkRead(version uint32, index int) error {
	if version < 2 {
		return nil
	}
	if !o.order.has(outAmount) {
		return errs.Bad(errs.Malformed, "output %d of the version 2 PSBT has no amount", index)
	}
	if o.Script == nil && o.SilentInfo == nil {
		return errs.Bad(errs.Malformed, "output %d of the version 2 PSBT has no script", index)
	}
	if o.SilentLabel != nil && o.SilentInfo == nil {
		return errs.Bad(errs.Malformed, "output %d has the label of a silent payment but not the payment's keys", index)
	}
	return nil
}

// fields lists the output's pairs in the order in which they are written.
func (o *Output) fields(version uint32) []KeyValue {
	return o.order.arrange(o.canonical(version))
}

func (o *Output) canonical(version uint32) []KeyValue {
	out := make([]KeyValue, 0, len(o.order)+4)
	out = appendPresent(out, outRedeemScript, o.RedeemScript)
	out = appendPresent(out, outWitnessScript, o.WitnessScript)
	out = appendDerivations(out, outDerivation, o.Derivations)
	if version >= 2 {
		out = append(out, pair(binary.LittleEndian.AppendUint64(nil, uint64(o.Amount)), outAmount))
		out = appendPresent(out, outScript, o.Script)
		out = appendPresent(out, outSilentInfo, o.SilentInfo)
		if o.SilentLabel != nil {
			out = append(out, pair(uint32Bytes(*o.SilentLabel), outSilentLabel))
		}
	}
	out = appendPresent(out, outTapInternalKey, o.TapInternalKey)
	if o.TapTree != nil {
		out = append(out, pair(appendTapTree(nil, o.TapTree), outTapTree))
	}
	for _, d := range o.TapDerivations {
		out = append(out, d.field(outTapDerivation))
	}
	for _, m := range o.MuSig2Participants {
		out = append(out, m.field(outMuSig2Keys))
	}
	return sortFields(append(out, o.Unknown...), len(out))
}

// parseTapTree reads the leaves of a script tree in depth-first order and checks that they
// make one full binary tree (BIP371).
func parseTapTree(b []byte) ([]TapTreeLeaf, error) {
	const name = "PSBT_OUT_TAP_TREE"
	r := &reader{b: b}
	var leaves []TapTreeLeaf
	var open []byte // depths of finished subtrees that wait for their sibling
	for len(r.b) > 0 {
		head, err := r.take(2)
		if err != nil {
			return nil, badField(name, "is cut off")
		}
		script, err := r.varBytes()
		if err != nil {
			return nil, badField(name, "is cut off")
		}
		if head[0] > maxTapDepth {
			return nil, badField(name, "has a leaf at depth %d; 128 is the deepest", head[0])
		}
		if head[1]&1 != 0 {
			return nil, badField(name, "has the odd leaf version %#x", head[1])
		}
		leaves = append(leaves, TapTreeLeaf{head[0], head[1], script})
		depth := head[0]
		if len(open) > 0 && (open[0] == 0 || open[len(open)-1] > depth) {
			return nil, badField(name, "is no binary tree in depth-first order")
		}
		for len(open) > 0 && open[len(open)-1] == depth {
			open = open[:len(open)-1]
			depth--
		}
		open = append(open, depth)
	}
	if len(open) != 1 || open[0] != 0 {
		return nil, badField(name, "is empty or no whole binary tree")
	}
	return leaves, nil
}

func appendTapTree(b []byte, leaves []TapTreeLeaf) []byte {
	for _, l := range leaves {
		b = appendVarBytes(append(b, l.Depth, l.Version), l.Script)
	}
	return b
}
