package psbt

import (
	"encoding/binary"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/btc/miniscript"
	"specter/internal/errs"
)

// preimageKinds are the preimage fields' types and hash functions.
var preimageKinds = map[byte]miniscript.HashKind{
	inRIPEMD160: miniscript.RIPEMD160, inSHA256: miniscript.SHA256,
	inHASH160: miniscript.HASH160, inHASH256: miniscript.HASH256,
}

// inputOnlyV2 names the input fields that version 0 must not have.
var inputOnlyV2 = map[byte]string{
	inPrevTxID: "PSBT_IN_PREVIOUS_TXID", inOutputIndex: "PSBT_IN_OUTPUT_INDEX", inSequence: "PSBT_IN_SEQUENCE",
	inRequiredTime: "PSBT_IN_REQUIRED_TIME_LOCKTIME", inRequiredHeight: "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME",
	inECDHShare: "PSBT_IN_SP_ECDH_SHARE", inDLEQ: "PSBT_IN_SP_DLEQ",
}

// add reads one field into the input.
func (in *Input) add(version uint32, kv KeyValue) error {
	typ := kv.Key[0]
	if name, only := inputOnlyV2[typ]; only && version < 2 {
		return keepOrRefuseV2(&in.Unknown, kv, name)
	}
	switch {
	case typ <= inReserveProof:
		return in.addBIP174(kv)
	case typ <= inHASH256:
		return in.addPreimage(kv)
	case typ <= inRequiredHeight:
		return in.addBIP370(kv)
	case typ <= inTapMerkleRoot:
		return in.addTaproot(kv)
	case typ >= inMuSig2Keys && typ <= inMuSig2Sig:
		return in.addMuSig2(kv)
	case typ == inECDHShare:
		s, err := parseSilentShare(kv, "PSBT_IN_SP_ECDH_SHARE")
		in.ECDHShares = append(in.ECDHShares, s)
		return err
	case typ == inDLEQ:
		s, err := parseSilentProof(kv, "PSBT_IN_SP_DLEQ")
		in.DLEQProofs = append(in.DLEQProofs, s)
		return err
	}
	in.Unknown = append(in.Unknown, kv)
	return checkUnknown(kv)
}

// keepOrRefuseV2 treats a type that only version 2 has, met in version 0: the field itself is
// forbidden, but with key data it is some other, unknown field (BIP174's combiner vector has one).
func keepOrRefuseV2(unknown *[]KeyValue, kv KeyValue, name string) error {
	if len(kv.Key) == 1 || kv.Key[0] >= inECDHShare && len(kv.Key) == 34 {
		return badField(name, "is not allowed in a version 0 PSBT")
	}
	*unknown = append(*unknown, kv)
	return nil
}

func (in *Input) addBIP174(kv KeyValue) error {
	switch kv.Key[0] {
	case inPartialSig:
		if err := checkPubKey(kv.Key[1:], "PSBT_IN_PARTIAL_SIG"); err != nil {
			return err
		}
		if err := checkECDSAEncoding(kv.Value); err != nil {
			return badField("PSBT_IN_PARTIAL_SIG", "holds no well-formed signature: %w", err)
		}
		in.PartialSigs = append(in.PartialSigs, PartialSig{kv.Key[1:], kv.Value})
		return nil
	case inDerivation:
		d, err := parseDerivation(kv, "PSBT_IN_BIP32_DERIVATION")
		in.Derivations = append(in.Derivations, d)
		return err
	}
	if err := noKeyData(kv, inputNames[kv.Key[0]]); err != nil {
		return err
	}
	var err error
	switch kv.Key[0] {
	case inNonWitnessUTXO:
		in.NonWitnessUTXO, err = decodeTx(kv.Value, true)
	case inWitnessUTXO:
		r := &reader{b: kv.Value}
		if in.WitnessUTXO, err = readTxOut(r); err != nil || len(r.b) != 0 {
			return badField("PSBT_IN_WITNESS_UTXO", "is no transaction output")
		}
	case inSighashType:
		if len(kv.Value) != 4 {
			return badField("PSBT_IN_SIGHASH_TYPE", "has %d bytes instead of 4", len(kv.Value))
		}
		t := txscript.SigHashType(binary.LittleEndian.Uint32(kv.Value))
		in.SighashType = &t
	case inRedeemScript:
		in.RedeemScript = nonNil(kv.Value)
	case inWitnessScript:
		in.WitnessScript = nonNil(kv.Value)
	case inFinalScriptSig:
		in.FinalScriptSig = nonNil(kv.Value)
	case inFinalWitness:
		r := &reader{b: kv.Value}
		if in.FinalScriptWitness, err = readStack(r); err != nil || len(r.b) != 0 {
			return badField("PSBT_IN_FINAL_SCRIPTWITNESS", "is no witness")
		}
	case inReserveProof:
		in.ReserveProof = nonNil(kv.Value)
	}
	return err
}

// inputNames are the BIP's names of the input fields without key data.
var inputNames = map[byte]string{
	inNonWitnessUTXO: "PSBT_IN_NON_WITNESS_UTXO", inWitnessUTXO: "PSBT_IN_WITNESS_UTXO",
	inSighashType: "PSBT_IN_SIGHASH_TYPE", inRedeemScript: "PSBT_IN_REDEEM_SCRIPT",
	inWitnessScript: "PSBT_IN_WITNESS_SCRIPT", inFinalScriptSig: "PSBT_IN_FINAL_SCRIPTSIG",
	inFinalWitness: "PSBT_IN_FINAL_SCRIPTWITNESS", inReserveProof: "PSBT_IN_POR_COMMITMENT",
	inTapKeySig: "PSBT_IN_TAP_KEY_SIG", inTapInternalKey: "PSBT_IN_TAP_INTERNAL_KEY",
	inTapMerkleRoot: "PSBT_IN_TAP_MERKLE_ROOT",
}

func (in *Input) addPreimage(kv KeyValue) error {
	kind := preimageKinds[kv.Key[0]]
	if err := sized(kv, "preimage of "+kind.String(), kind.Size(), -1); err != nil {
		return err
	}
	in.Preimages = append(in.Preimages, Preimage{kind, kv.Key[1:], kv.Value})
	return nil
}

func (in *Input) addBIP370(kv KeyValue) error {
	name := inputOnlyV2[kv.Key[0]]
	want := 4
	if kv.Key[0] == inPrevTxID {
		want = 32
	}
	if err := sized(kv, name, 0, want); err != nil {
		return err
	}
	if kv.Key[0] == inPrevTxID {
		in.PrevOut.Hash = chainhash.Hash(kv.Value)
		return nil
	}
	n := binary.LittleEndian.Uint32(kv.Value)
	switch kv.Key[0] {
	case inOutputIndex:
		in.PrevOut.Index = n
	case inSequence:
		in.Sequence = n
	case inRequiredTime:
		if n < lockTimeThreshold {
			return badField(name, "is %d; a time is at least 500000000", n)
		}
		in.RequiredTime = n
	case inRequiredHeight:
		if n == 0 || n >= lockTimeThreshold {
			return badField(name, "is %d; a height is between 1 and 499999999", n)
		}
		in.RequiredHeight = n
	}
	return nil
}

func (in *Input) addTaproot(kv KeyValue) error {
	data := kv.Key[1:]
	switch kv.Key[0] {
	case inTapKeySig:
		in.TapKeySig = kv.Value
		if err := noKeyData(kv, inputNames[kv.Key[0]]); err != nil {
			return err
		}
		return checkSchnorrLength(kv.Value, "PSBT_IN_TAP_KEY_SIG")
	case inTapScriptSig:
		if len(data) != 64 {
			return badField("PSBT_IN_TAP_SCRIPT_SIG", "has %d bytes of key data instead of 64", len(data))
		}
		if err := checkXOnly(data[:32], "PSBT_IN_TAP_SCRIPT_SIG"); err != nil {
			return err
		}
		in.TapScriptSigs = append(in.TapScriptSigs, TapScriptSig{[32]byte(data[:32]), [32]byte(data[32:]), kv.Value})
		return checkSchnorrLength(kv.Value, "PSBT_IN_TAP_SCRIPT_SIG")
	case inTapLeaf:
		return in.addTapLeaf(kv)
	case inTapDerivation:
		d, err := parseTapDerivation(kv, "PSBT_IN_TAP_BIP32_DERIVATION")
		in.TapDerivations = append(in.TapDerivations, d)
		return err
	case inTapInternalKey:
		in.TapInternalKey = kv.Value
		if err := noKeyData(kv, inputNames[kv.Key[0]]); err != nil {
			return err
		}
		return checkXOnly(kv.Value, "PSBT_IN_TAP_INTERNAL_KEY")
	}
	in.TapMerkleRoot = kv.Value
	return sized(kv, "PSBT_IN_TAP_MERKLE_ROOT", 0, 32)
}

func (in *Input) addTapLeaf(kv KeyValue) error {
	control := kv.Key[1:]
	if len(control) < 33 || (len(control)-33)%32 != 0 || (len(control)-33)/32 > maxTapDepth {
		return badField("PSBT_IN_TAP_LEAF_SCRIPT", "has a control block of %d bytes", len(control))
	}
	if len(kv.Value) == 0 {
		return badField("PSBT_IN_TAP_LEAF_SCRIPT", "lacks the leaf version")
	}
	last := len(kv.Value) - 1
	in.TapLeaves = append(in.TapLeaves, TapLeaf{control, kv.Value[:last:last], kv.Value[last]})
	return nil
}

func (in *Input) addMuSig2(kv KeyValue) error {
	if kv.Key[0] == inMuSig2Keys {
		m, err := parseMuSig2Participants(kv, "PSBT_IN_MUSIG2_PARTICIPANT_PUBKEYS")
		in.MuSig2Participants = append(in.MuSig2Participants, m)
		return err
	}
	name, size := "PSBT_IN_MUSIG2_PUB_NONCE", 66
	if kv.Key[0] == inMuSig2Sig {
		name, size = "PSBT_IN_MUSIG2_PARTIAL_SIG", 32
	}
	data := kv.Key[1:]
	if len(data) != 66 && len(data) != 98 {
		return badField(name, "has %d bytes of key data instead of 66 or 98", len(data))
	}
	if err := sized(kv, name, -1, size); err != nil {
		return err
	}
	for _, key := range [][]byte{data[:33], data[33:66]} {
		if err := checkCompressed(key, name); err != nil {
			return err
		}
	}
	var leaf []byte
	if len(data) == 98 {
		leaf = data[66:]
	}
	if size == 66 {
		in.MuSig2Nonces = append(in.MuSig2Nonces, MuSig2Nonce{[33]byte(data[:33]), [33]byte(data[33:66]), leaf, [66]byte(kv.Value)})
	} else {
		in.MuSig2PartialSigs = append(in.MuSig2PartialSigs, MuSig2PartialSig{[33]byte(data[:33]), [33]byte(data[33:66]), leaf, [32]byte(kv.Value)})
	}
	return nil
}

// checkRead holds the whole input map to its version: what must be there, and that a previous
// transaction is the one that the input spends.
func (in *Input) checkRead(version uint32, index int) error {
	if version >= 2 && !(in.order.has(inPrevTxID) && in.order.has(inOutputIndex)) {
		return errs.Bad(errs.Malformed, "input %d of the version 2 PSBT does not say which output it spends", index)
	}
	return in.checkNonWitnessUTXO(index)
}

func (in *Input) checkNonWitnessUTXO(index int) error {
	if in.NonWitnessUTXO == nil {
		return nil
	}
	if in.NonWitnessUTXO.TxHash() != in.PrevOut.Hash {
		return errs.Bad(errs.Mismatch, "the previous transaction of input %d is not the one that it spends", index)
	}
	if uint64(in.PrevOut.Index) >= uint64(len(in.NonWitnessUTXO.TxOut)) {
		return errs.Bad(errs.Mismatch, "the previous transaction of input %d has no output %d", index, in.PrevOut.Index)
	}
	return nil
}
